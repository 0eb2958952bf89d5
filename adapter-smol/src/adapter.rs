//! What a server takes of smol.

#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use async_io::{Async, Timer};
use fanlight_driver::Adapter;

use crate::{runtime::SmolRuntime, signal::StopSignals, socket::Socket};

/// Smol, as a [`Server`](crate::Server) uses it. Each shard has a thread of its own.
#[derive(Debug)]
pub enum Smol {}

impl Adapter for Smol {
    type Epoch = Instant;
    type Runtime = SmolRuntime;
    type TcpListener = Async<TcpListener>;
    type Tcp = Socket<TcpStream>;
    #[cfg(unix)]
    type UnixListener = Async<UnixListener>;
    #[cfg(unix)]
    type Unix = Socket<UnixStream>;
    type StopSignals = StopSignals;

    fn epoch() -> Instant {
        Instant::now()
    }

    fn runtime(epoch: Instant) -> SmolRuntime {
        SmolRuntime::new(epoch)
    }

    async fn sleep(time: Duration) {
        Timer::after(time).await;
    }

    async fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
        async_net::resolve(host).await
    }

    fn tcp_listener(listener: TcpListener) -> io::Result<Async<TcpListener>> {
        Async::new_nonblocking(listener)
    }

    async fn accept_tcp(listener: &Async<TcpListener>) -> io::Result<(Self::Tcp, SocketAddr)> {
        let (stream, peer) = listener.accept().await?;
        Ok((Socket::new(stream), peer))
    }

    #[cfg(unix)]
    fn unix_listener(listener: UnixListener) -> io::Result<Async<UnixListener>> {
        Async::new_nonblocking(listener)
    }

    #[cfg(unix)]
    async fn accept_unix(listener: &Async<UnixListener>) -> io::Result<Self::Unix> {
        let (stream, _) = listener.accept().await?;
        Ok(Socket::new(stream))
    }

    async fn run_all(shards: Vec<impl Future<Output = ()> + Send + 'static>) -> io::Result<()> {
        let threads = shards.into_iter().enumerate().map(|(number, shard)| {
            // This looks after the reactor in each turn of the shard. An executor in between would
            // do so only now and then, and no other task of the program waits for a shard.
            let run = || async_io::block_on(shard);
            thread::Builder::new().name(format!("shard-{number}")).spawn(run)
        });
        let threads: Vec<_> = threads.collect::<io::Result<_>>()?;
        blocking::unblock(|| {
            for thread in threads {
                // The house knows of a shard that failed.
                let _ = thread.join();
            }
        })
        .await;
        Ok(())
    }

    fn stop_signals() -> io::Result<StopSignals> {
        StopSignals::listen()
    }

    async fn next_signal(signals: &mut StopSignals) {
        signals.next().await;
    }
}
