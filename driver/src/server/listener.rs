//! Where a server listens.

use std::{
    fmt, future, io,
    net::{SocketAddr, TcpListener},
};

use fanlight_core::PeerAddr;
use socket2::{Domain, Socket, Type};

use super::{Adapter, setup::Setup};
use crate::transport::Transport;

/// How many peers the kernel keeps waiting for us, if the system allows as many.
pub(super) const BACKLOG: i32 = 4096;

/// A socket that listens, or none.
pub(super) enum Listener<A: Adapter> {
    Tcp(A::TcpListener, SocketAddr),
    #[cfg(unix)]
    Unix(A::UnixListener, super::unix::SocketFile),
    /// Whoever comes is attached.
    Nowhere,
}

impl<A: Adapter> Listener<A> {
    /// Listens on the first of several addresses that can be had.
    pub(super) async fn tcp(address: &str) -> io::Result<Self> {
        let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        let addresses = match address.parse() {
            Ok(address) => vec![address],
            Err(_) => A::resolve(address).await?,
        };
        for address in addresses {
            match listen(address) {
                Ok(listener) => {
                    let address = listener.local_addr()?;
                    return Ok(Self::Tcp(A::tcp_listener(listener)?, address));
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// The next peer, set up. Dropping the future loses none.
    pub(super) async fn accept(
        &self,
        setup: &mut Setup<A>,
    ) -> io::Result<(Transport<A::Tcp>, PeerAddr)> {
        match self {
            Self::Tcp(listener, _) => {
                let (tcp, peer) = A::accept_tcp(listener).await?;
                let peer = PeerAddr::from(peer);
                Ok((setup.tcp(tcp, peer), peer))
            }
            #[cfg(unix)]
            Self::Unix(listener, _) => {
                let unix = A::accept_unix(listener).await?;
                Ok((setup.unix(unix), PeerAddr::Unnamed))
            }
            Self::Nowhere => future::pending().await,
        }
    }
}

/// The address or the path.
impl<A: Adapter> fmt::Display for Listener<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(_, address) => write!(f, "{address}"),
            #[cfg(unix)]
            Self::Unix(_, file) => write!(f, "{}", file.path().display()),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // On Unix: so that a restart need not wait for connections of the last run to be forgotten.
    // Elsewhere it would let another program take the address over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
