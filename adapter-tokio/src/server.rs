//! A server from its address to its last connection.

use std::{
    future,
    io::{self, ErrorKind},
    net::SocketAddr,
    num::NonZeroU8,
    path::Path,
    sync::OnceLock,
    thread,
};

use fanlight_core::{Config, Drain, Service};
use fanlight_driver::{Handle, House, Recording};
use futures_lite::future::or;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host},
    task::{self, JoinSet},
    time::Instant,
};
use tracing::{field, info, warn};

use crate::{accept::accept, compat::Compat, runtime::TokioRuntime, signal::StopSignals};

/// How many peers the kernel keeps waiting for us, if the system allows as many.
const BACKLOG: u32 = 4096;

/// A WebSocket server on one TCP address.
///
/// ```no_run
/// use fanlight_tokio::{ConnId, Context, Message, Server, Service};
///
/// struct Echo;
///
/// impl Service for Echo {
///     fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
///         cx.send(conn, message);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// Server::bind("127.0.0.1:9000").await?.run(|| Echo).await
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    config: Config,
    shards: NonZeroU8,
    send_buffer_bytes: Option<usize>,
    drain_on_signal: Option<Drain>,
    house: OnceLock<House<Compat<TcpStream>>>,
}

impl Server {
    /// The default of [`send_buffer_bytes`](Self::send_buffer_bytes).
    // Echoing messages of 1 MB over loopback on Linux, 32 KiB was a cliff in every run (2 MB/s on
    // one connection, where others had hundreds); between 48 KiB and no bound at all no difference
    // stood out of the noise. Loopback's segments are unusually long, so elsewhere the cliff may lie
    // lower.
    pub const SEND_BUFFER_BYTES_DEFAULT: usize = 64 * 1024;

    /// Binds an address and listens: peers can connect from now on, and are let in by
    /// [`run`](Self::run). Of several addresses the first that can be had is taken.
    ///
    /// # Errors
    ///
    /// The operating system's, if none can be had: [`ErrorKind::AddrInUse`] for one that another
    /// program has.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has its IO enabled.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let mut failed = io::Error::new(ErrorKind::InvalidInput, "the name has no address");
        for address in lookup_host(address).await? {
            match listen(address) {
                Ok(listener) => return Ok(Self::on(listener)),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn on(listener: TcpListener) -> Self {
        Self {
            listener,
            config: Config::default(),
            shards: shards_of_machine(),
            send_buffer_bytes: Some(Self::SEND_BUFFER_BYTES_DEFAULT),
            drain_on_signal: None,
            house: OnceLock::new(),
        }
    }

    /// Sets the bounds and timeouts of every shard. By default those of [`Config::default`].
    ///
    /// # Panics
    ///
    /// If a handle was taken before: it is bound by the config.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.assert_unopened();
        self.config = config;
        self
    }

    /// Sets how many shards there are, each a task that keeps at most one core busy. By default, and
    /// for 0, one for each core that the process may use, at most 255.
    ///
    /// # Panics
    ///
    /// If a handle was taken before: it knows the shards.
    #[must_use]
    pub fn shards(mut self, shards: u8) -> Self {
        self.assert_unopened();
        self.shards = NonZeroU8::new(shards).unwrap_or_else(shards_of_machine);
        self
    }

    /// Sets the kernel's send buffer (`SO_SNDBUF`) of each socket; `None` leaves it to the kernel.
    ///
    /// By default 64 KiB, which Linux doubles to have room for its own records. Left to itself the
    /// kernel takes several megabytes for each peer that reads slowly, where `outbox_bytes_max` and
    /// `stall_timeout` do not see them. A peer is sent at most one buffer in a round trip.
    #[must_use]
    pub fn send_buffer_bytes(mut self, bytes: Option<usize>) -> Self {
        self.send_buffer_bytes = bytes;
        self
    }

    /// Drains the server when the process is told to end, by SIGINT (Ctrl-C) or SIGTERM. A second
    /// signal stops it at once. By default signals are not listened for.
    #[must_use]
    pub fn drain_on_signal(mut self, drain: Drain) -> Self {
        self.drain_on_signal = Some(drain);
        self
    }

    /// Has every shard keep a [journal](fanlight_core::journal) of all that it is told, in a file of
    /// its own. By default none is kept.
    ///
    /// To be called behind [`config`](Self::config) and [`shards`](Self::shards): it opens the house,
    /// as [`handle`](Self::handle) does.
    ///
    /// # Errors
    ///
    /// The operating system's, if the files cannot be made.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn journal(mut self, recording: &Recording) -> io::Result<Self> {
        self.house();
        self.house.get_mut().expect("it was opened in the line above").record(recording)?;
        Ok(self)
    }

    /// Where the journals go, in the order of their shards; nowhere if none is kept.
    pub fn journals(&self) -> impl Iterator<Item = &Path> {
        self.house.get().into_iter().flat_map(House::journals)
    }

    /// The address that is listened on, with the port that the system chose if 0 was asked for.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// A handle, with which any thread can publish, send, close and drain, from now on.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn handle(&self) -> Handle {
        self.house().handle()
    }

    /// Serves until the server has drained. `service` is called once for each shard.
    ///
    /// The shards are tasks of the runtime that this is polled on. Dropping the future ends them at
    /// once.
    ///
    /// # Errors
    ///
    /// If signals could not be listened for; or if the server ended in another way than by a drain,
    /// with a [`Stopped`](fanlight_driver::Stopped) inside. No trouble with a peer, a socket or the
    /// listener ends the server.
    ///
    /// # Panics
    ///
    /// If the operating system has no entropy to give.
    pub async fn run<S>(self, service: impl FnMut() -> S) -> io::Result<()>
    where
        S: Service + Send + 'static,
    {
        self.house();
        let house = self.house.into_inner().expect("it was opened in the line above");
        let signals = match self.drain_on_signal {
            Some(drain) => Some((StopSignals::listen()?, drain)),
            None => None,
        };
        let (handle, door) = (house.handle(), house.door());
        let mut tasks = spawn(house, service);
        let address = self.listener.local_addr().ok().map(field::display);
        info!(address, shards = handle.shards(), "serving");

        let accepting = async {
            or(accept(self.listener, door, self.send_buffer_bytes), handle.closed()).await;
            future::pending().await
        };
        let signalled = async {
            if let Some((mut signals, drain)) = signals {
                signals.next().await;
                info!("draining, as a signal asks");
                drop(handle.drain(drain));
                signals.next().await;
                warn!("stopping, as a second signal asks");
                handle.stop();
            }
            future::pending().await
        };
        // A task that fails is told of by the others' end, which is the house's.
        let ended = async { while tasks.join_next().await.is_some() {} };
        or(ended, or(accepting, signalled)).await;
        handle.ended().await.map_err(io::Error::other)
    }

    fn house(&self) -> &House<Compat<TcpStream>> {
        self.house.get_or_init(|| {
            let seed = getrandom::u64().expect("the operating system gives entropy");
            House::new(self.config.clone(), self.shards, seed)
        })
    }

    fn assert_unopened(&self) {
        assert!(self.house.get().is_none(), "a handle was taken before the server was set up");
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // On Unix: so that a restart need not wait for connections of the last run to be forgotten.
    // Elsewhere it would let another program take the address over.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn shards_of_machine() -> NonZeroU8 {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    NonZeroU8::new(u8::try_from(cores).unwrap_or(u8::MAX)).unwrap_or(NonZeroU8::MIN)
}

fn spawn<S>(house: House<Compat<TcpStream>>, mut service: impl FnMut() -> S) -> JoinSet<()>
where
    S: Service + Send + 'static,
{
    let epoch = Instant::now();
    let mut tasks = JoinSet::new();
    for shard in house.into_shards() {
        let driver = shard.driver(service(), TokioRuntime::new(epoch));
        // A shard has a budget of its own, and gives way by it.
        tasks.spawn(task::unconstrained(async {
            // The house keeps its end, and `run` asks for it.
            let _ = driver.run().await;
        }));
    }
    tasks
}
