//! What a server needs of an async runtime.

use std::{
    io,
    net::{self, SocketAddr},
    time::Duration,
};

use crate::runtime::Runtime;
use crate::transport::Stream;

/// What socket options are set on: a descriptor, or what Windows has for it.
#[cfg(unix)]
pub use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
pub use std::os::windows::io::AsSocket;

/// An async runtime as a [`Server`](super::Server) uses it: sockets, clock, tasks and signals.
///
/// It decides nothing. It is a type without values; each function stands for one thing that the
/// runtime can do, and is called within it.
pub trait Adapter: 'static {
    /// A moment from which all shards of a house count time.
    type Epoch: Copy + Send;
    /// The clock and the timer of one shard.
    type Runtime: Runtime + Send + 'static;
    /// A TCP socket that listens.
    type TcpListener: Send + Sync;
    /// A TCP socket of one peer. Closing it shuts our half down.
    type Tcp: Stream + AsSocket;
    /// A Unix socket that listens.
    #[cfg(unix)]
    type UnixListener: Send + Sync;
    /// A Unix socket of one peer. Closing it shuts our half down.
    #[cfg(unix)]
    type Unix: Stream + AsSocket;
    /// Hears SIGINT (Ctrl-C) and SIGTERM; where there are no such signals, Ctrl-C.
    type StopSignals: Send;

    /// The present moment of the clock that runtimes have.
    fn epoch() -> Self::Epoch;

    /// A clock that counts from `epoch`, and a timer.
    fn runtime(epoch: Self::Epoch) -> Self::Runtime;

    /// Waits.
    fn sleep(time: Duration) -> impl Future<Output = ()> + Send;

    /// The addresses of `host`, a name and a port.
    fn resolve(host: &str) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;

    /// Takes a listener over that does not block.
    fn tcp_listener(listener: net::TcpListener) -> io::Result<Self::TcpListener>;

    /// The next peer. Dropping the future loses none.
    fn accept_tcp(
        listener: &Self::TcpListener,
    ) -> impl Future<Output = io::Result<(Self::Tcp, SocketAddr)>> + Send;

    /// Takes a listener over that does not block.
    #[cfg(unix)]
    fn unix_listener(listener: std::os::unix::net::UnixListener) -> io::Result<Self::UnixListener>;

    /// The next peer. Dropping the future loses none.
    #[cfg(unix)]
    fn accept_unix(
        listener: &Self::UnixListener,
    ) -> impl Future<Output = io::Result<Self::Unix>> + Send;

    /// Runs each of `shards` where it keeps at most one core busy, until all have ended.
    ///
    /// They begin when the future is first polled. Dropping it need not end them.
    fn run_all(
        shards: Vec<impl Future<Output = ()> + Send + 'static>,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// From now on the signals are heard, and no longer end the process by themselves.
    fn stop_signals() -> io::Result<Self::StopSignals>;

    /// Waits for the next of them; for ever if the system has no way to hear it.
    fn next_signal(signals: &mut Self::StopSignals) -> impl Future<Output = ()> + Send;
}

/// An adapter whose TCP sockets can be encrypted by rustls.
#[cfg(feature = "tls")]
pub trait TlsAdapter: Adapter {
    /// The server's part of a TLS handshake, and the encrypted stream that comes of it.
    fn handshake(
        config: std::sync::Arc<rustls::ServerConfig>,
        tcp: Self::Tcp,
    ) -> impl Future<Output = io::Result<impl Stream>> + Send + 'static;
}
