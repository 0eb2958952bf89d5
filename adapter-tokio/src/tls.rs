//! TLS on tokio's sockets.

use std::{io, sync::Arc};

use fanlight_driver::{Stream, TlsAdapter};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use crate::{adapter::Tokio, socket::Compat};

impl TlsAdapter for Tokio {
    async fn handshake(
        config: Arc<ServerConfig>,
        tcp: Compat<TcpStream>,
    ) -> io::Result<impl Stream> {
        TlsAcceptor::from(config).accept(tcp.into_inner()).await.map(Compat::new)
    }
}
