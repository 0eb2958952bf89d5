//! A server from its address to its last connection, on any async runtime.

mod accept;
mod adapter;
#[cfg(feature = "tls")]
mod handshake;
mod listener;
mod run;
mod setup;
#[cfg(feature = "tls")]
mod tls;
mod trouble;
#[cfg(unix)]
mod unix;

use std::{
    fmt,
    io::{self, ErrorKind},
    net::SocketAddr,
    num::NonZeroU8,
    path::Path,
    sync::OnceLock,
    thread,
};

use fanlight_core::{Config, Drain};

pub use self::adapter::{Adapter, AsSocket};
#[cfg(feature = "tls")]
pub use self::{
    adapter::TlsAdapter,
    tls::{Tls, TlsError},
};
use self::{listener::Listener, setup::Setup};
use crate::{handle::Handle, house::House, journal::Recording};

/// The default of [`Server::send_buffer_bytes`].
// Echoing messages of 1 MB over loopback on Linux, 32 KiB was a cliff in every run (2 MB/s on one
// connection, where others had hundreds); between 48 KiB and no bound at all no difference stood out
// of the noise. Loopback's segments are unusually long, so elsewhere the cliff may lie lower.
pub const SEND_BUFFER_BYTES_DEFAULT: usize = 64 * 1024;

/// What a server does with peers while its shards have all the connections that they may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// They are answered with 503 and `Retry-After`, and let go; those who want an encrypted
    /// connection without a word, since nothing is computed for them.
    #[default]
    Refuse,
    /// They wait in the kernel's queue until somebody leaves. The kernel keeps up to 4096, if the
    /// system allows as many, and nobody tells them how long it will take.
    Wait,
}

/// A WebSocket server at one address, on the runtime that `A` stands for.
///
/// An application does not name this type but its adapter's, such as `fanlight_tokio::Server`.
pub struct Server<A: Adapter> {
    listener: Listener<A>,
    setup: Setup<A>,
    config: Config,
    shards: NonZeroU8,
    when_full: WhenFull,
    drain_on_signal: Option<Drain>,
    house: OnceLock<House<A::Tcp>>,
}

impl<A: Adapter> Server<A> {
    /// Binds a TCP address and listens: peers can connect from now on, and are let in by
    /// [`run`](Self::run). `address` is a [`SocketAddr`], or a text with a host and a port; of
    /// several addresses of a host the first that can be had is taken.
    ///
    /// # Errors
    ///
    /// The operating system's, if none can be had: [`ErrorKind::AddrInUse`] for one that another
    /// program has.
    ///
    /// # Panics
    ///
    /// Outside its runtime, if that one is tokio; it must have its IO enabled.
    pub async fn bind(address: impl ToString) -> io::Result<Self> {
        Listener::tcp(&address.to_string()).await.map(Self::on)
    }

    /// Makes a Unix socket at `path` and listens on it. Its file is removed when the server ends.
    ///
    /// A socket that is there already is replaced if nobody listens on it. Who may connect is up to
    /// the permissions of the directory, and to the umask. Peers have no address, so
    /// `connections_per_address_max` does not count them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AddrInUse`] if another program listens there, [`ErrorKind::AlreadyExists`] if
    /// the file is not a socket, and the operating system's.
    ///
    /// # Panics
    ///
    /// As [`bind`](Self::bind).
    #[cfg(unix)]
    pub async fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let (listener, file) = unix::SocketFile::listen(path.as_ref())?;
        Ok(Self::on(Listener::Unix(A::unix_listener(listener)?, file)))
    }

    /// A server that listens nowhere: whoever it serves is [attached](Handle::attach), by a web
    /// framework or another server that has let them in.
    pub fn unbound() -> Self {
        Self::on(Listener::Nowhere)
    }

    fn on(listener: Listener<A>) -> Self {
        Self {
            listener,
            setup: Setup { send_buffer_bytes: Some(SEND_BUFFER_BYTES_DEFAULT), wrap: None },
            config: Config::default(),
            shards: shards_of_machine(),
            when_full: WhenFull::default(),
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

    /// Sets how many shards there are, each of which keeps at most one core busy. By default, and
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
        self.setup.send_buffer_bytes = bytes;
        self
    }

    /// Encrypts every connection. By default none is.
    ///
    /// A handshake is a part of the upgrade: it has to be done within `upgrade_timeout`, and no more
    /// than `upgrading_max` are under way on a shard. A Unix socket is not encrypted.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, mut tls: Tls) -> Self
    where
        A: TlsAdapter,
    {
        self.setup.wrap = Some(Box::new(move |tcp| {
            crate::transport::Transport::boxed(handshake::Encrypted::new(A::handshake(
                tls.config(),
                tcp,
            )))
        }));
        self
    }

    /// Sets what becomes of peers for whom there is no room: whether they are refused, or wait. By
    /// default they are [refused](WhenFull::Refuse).
    ///
    /// There is room for `connections_max` on each shard.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
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
    /// [`ErrorKind::Unsupported`] if it listens on a Unix socket, which has a path instead, or
    /// nowhere.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.listener {
            Listener::Tcp(_, address) => Ok(*address),
            #[cfg(unix)]
            Listener::Unix(..) => {
                Err(io::Error::new(ErrorKind::Unsupported, "a Unix socket has no address"))
            }
            Listener::Nowhere => {
                Err(io::Error::new(ErrorKind::Unsupported, "the server listens nowhere"))
            }
        }
    }

    /// A handle, with which any thread can publish, send, close and drain, from now on.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn handle(&self) -> Handle {
        self.house().handle()
    }

    fn house(&self) -> &House<A::Tcp> {
        self.house.get_or_init(|| {
            let seed = getrandom::u64().expect("the operating system gives entropy");
            House::new(self.config.clone(), self.shards, seed)
        })
    }

    fn assert_unopened(&self) {
        assert!(self.house.get().is_none(), "a server is set up before its first handle is taken");
    }
}

fn shards_of_machine() -> NonZeroU8 {
    thread::available_parallelism()
        .map_or(NonZeroU8::MIN, |cores| NonZeroU8::try_from(cores).unwrap_or(NonZeroU8::MAX))
}

impl<A: Adapter> fmt::Debug for Server<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listener", &format_args!("{}", self.listener))
            .field("shards", &self.shards)
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}
