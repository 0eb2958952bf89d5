//! What is done to a socket between the listener and the door.

use std::{fmt, io};

use fanlight_core::PeerAddr;
use socket2::SockRef;
use tracing::debug;

use super::{Adapter, adapter::AsSocket};
use crate::transport::Transport;

/// How the sockets of one server are set up.
pub(super) struct Setup<A: Adapter> {
    pub(super) send_buffer_bytes: Option<usize>,
    /// What a TCP socket is wrapped in, if anything.
    pub(super) wrap: Option<Wrap<A>>,
}

/// Makes a transport of a TCP socket.
pub(super) type Wrap<A> =
    Box<dyn FnMut(<A as Adapter>::Tcp) -> Transport<<A as Adapter>::Tcp> + Send>;

impl<A: Adapter> Setup<A> {
    pub(super) fn tcp(&mut self, tcp: A::Tcp, peer: PeerAddr) -> Transport<A::Tcp> {
        let socket = SockRef::from(&tcp);
        tell_failure(peer, socket.set_tcp_nodelay(true).and_then(|()| self.size(&tcp)));
        match &mut self.wrap {
            Some(wrap) => wrap(tcp),
            None => Transport::Own(tcp),
        }
    }

    #[cfg(unix)]
    pub(super) fn unix(&self, unix: A::Unix) -> Transport<A::Tcp> {
        tell_failure(PeerAddr::Unnamed, self.size(&unix));
        Transport::boxed(unix)
    }

    fn size(&self, socket: &impl AsSocket) -> io::Result<()> {
        match self.send_buffer_bytes {
            Some(bytes) => SockRef::from(socket).set_send_buffer_size(bytes),
            None => Ok(()),
        }
    }
}

fn tell_failure(peer: PeerAddr, done: io::Result<()>) {
    if let Err(error) = done {
        // It is gone already, or soon will be; its shard is to find out how.
        debug!(%peer, %error, "a socket could not be set up");
    }
}

impl<A: Adapter> fmt::Debug for Setup<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("send_buffer_bytes", &self.send_buffer_bytes)
            .field("is_wrapped", &self.wrap.is_some())
            .finish()
    }
}
