//! Fanlight on smol: a server that holds very many WebSocket connections, and says one thing to
//! many of them.
//!
//! A [`Service`] says what is done when something happens; a [`Server`] does the rest. The whole of
//! a chat:
//!
//! ```no_run
//! use fanlight_smol::{ConnId, Context, Message, Server, Service};
//!
//! struct Chat;
//!
//! impl Service for Chat {
//!     fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
//!         cx.subscribe(conn, "lobby");
//!     }
//!     fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
//!         cx.publish("lobby", message);
//!     }
//! }
//!
//! fn main() -> std::io::Result<()> {
//!     smol::block_on(async { Server::bind("127.0.0.1:9000").await?.run(|| Chat).await })
//! }
//! ```
//!
//! There is one instance of the service for each shard, and one shard for each core. Whoever wants
//! to say something from outside takes a [`Handle`].
//!
//! Each shard has a thread of its own, on which `async-io` watches its sockets, so that no other task
//! of the program waits for a shard. What accepts is polled by whoever polls [`Server::run`].
//!
//! Everything of [`fanlight_core`] is here too, so that an application depends on one crate. For
//! sockets of a kind of your own, open a [`House`] and drive its shards with a [`SmolRuntime`]
//! each.
//!
//! # Ways in
//!
//! [`Server::bind`] listens on TCP, [`Server::bind_unix`] on a Unix socket, and with the feature `tls`
//! `Server::tls` encrypts. [`Server::unbound`] listens nowhere: what a web framework has upgraded, or
//! any other stream, is let in by [`Handle::attach`]. [`Incoming`] gives each connection to a task of
//! its own, for whoever prefers that to a service. The `examples/` of both adapters are whole
//! programs.
//!
//! # async-std
//!
//! All of this runs unchanged inside an async-std program: `async_std::task::block_on` and `spawn`
//! take the place of smol's, and nothing else differs. *Unchanged* means that no feature is to be
//! chosen, no second reactor is started and no stream is wrapped: async-std stands on the same
//! `async-io` since its version 1.13, so a future of this crate wakes as well under its executor as
//! under smol's, and streams of both speak `futures-io`. The tests run every behaviour under both.
//!
//! async-std is discontinued, and its authors name smol as what to use instead. This crate serves
//! the programs that still run on it, and they can move to smol one task at a time.

mod adapter;
mod runtime;
mod signal;
mod socket;
#[cfg(feature = "tls")]
mod tls;

pub use adapter::Smol;
pub use fanlight_core::*;
pub use fanlight_driver::{
    Answer, Answering, Ask, Connection, ConnectionSettings, Connections, Door, DoorError, Driver,
    Ending, Handle, HandleError, House, Incoming, Question, ReadHalf, Recording,
    SEND_BUFFER_BYTES_DEFAULT, SendError, Shard, Stopped, Stream, Transport, WhenFull, WriteHalf,
};
#[cfg(feature = "tls")]
pub use fanlight_driver::{Tls, TlsError};
pub use runtime::SmolRuntime;
pub use signal::StopSignals;
pub use socket::Socket;

/// A WebSocket server on smol, or on async-std.
///
/// ```no_run
/// use fanlight_smol::{ConnId, Context, Message, Server, Service};
///
/// struct Echo;
///
/// impl Service for Echo {
///     fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
///         cx.send(conn, message);
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// smol::block_on(async { Server::bind("127.0.0.1:9000").await?.run(|| Echo).await })
/// # }
/// ```
pub type Server = fanlight_driver::Server<Smol>;
