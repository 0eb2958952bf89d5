//! TLS on smol's sockets.

use std::{io, net::TcpStream, sync::Arc};

use fanlight_driver::{Stream, TlsAdapter};
use futures_rustls::{TlsAcceptor, rustls::ServerConfig};

use crate::{adapter::Smol, socket::Socket};

impl TlsAdapter for Smol {
    async fn handshake(
        config: Arc<ServerConfig>,
        tcp: Socket<TcpStream>,
    ) -> io::Result<impl Stream> {
        TlsAcceptor::from(config).accept(tcp).await
    }
}
