//! What a server takes of tokio.

use std::{io, net::SocketAddr, time::Duration};

use fanlight_driver::Adapter;
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    task::{self, JoinSet},
    time,
};

use crate::{runtime::TokioRuntime, signal::StopSignals, socket::Compat};

/// Tokio, as a [`Server`](crate::Server) uses it. The shards are tasks of the runtime that the
/// server is polled on.
#[derive(Debug)]
pub enum Tokio {}

impl Adapter for Tokio {
    type Epoch = time::Instant;
    type Runtime = TokioRuntime;
    type TcpListener = TcpListener;
    type Tcp = Compat<TcpStream>;
    #[cfg(unix)]
    type UnixListener = UnixListener;
    #[cfg(unix)]
    type Unix = Compat<UnixStream>;
    type StopSignals = StopSignals;

    fn epoch() -> time::Instant {
        time::Instant::now()
    }

    fn runtime(epoch: time::Instant) -> TokioRuntime {
        TokioRuntime::new(epoch)
    }

    async fn sleep(time: Duration) {
        time::sleep(time).await;
    }

    async fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host(host).await?.collect())
    }

    fn tcp_listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }

    async fn accept_tcp(listener: &TcpListener) -> io::Result<(Self::Tcp, SocketAddr)> {
        let (stream, peer) = listener.accept().await?;
        Ok((Compat::new(stream), peer))
    }

    #[cfg(unix)]
    fn unix_listener(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::from_std(listener)
    }

    #[cfg(unix)]
    async fn accept_unix(listener: &UnixListener) -> io::Result<Self::Unix> {
        let (stream, _) = listener.accept().await?;
        Ok(Compat::new(stream))
    }

    async fn run_all(shards: Vec<impl Future<Output = ()> + Send + 'static>) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for shard in shards {
            // A shard has a budget of its own, and gives way by it.
            tasks.spawn(task::unconstrained(shard));
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }

    fn stop_signals() -> io::Result<StopSignals> {
        StopSignals::listen()
    }

    async fn next_signal(signals: &mut StopSignals) {
        signals.next().await;
    }
}
