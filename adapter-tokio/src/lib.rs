//! Fanlight on tokio: a server that holds very many WebSocket connections, and says one thing to
//! many of them.
//!
//! A [`Service`] says what is done when something happens; a [`Server`] does the rest. The whole of
//! a chat:
//!
//! ```no_run
//! use fanlight_tokio::{ConnId, Context, Message, Server, Service};
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
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     Server::bind("127.0.0.1:9000").await?.run(|| Chat).await
//! }
//! ```
//!
//! There is one instance of the service for each shard, and one shard for each core. Whoever wants
//! to say something from outside takes a [`Handle`].
//!
//! The shards are tasks of the runtime that [`Server::run`] is polled on.
//!
//! Everything of [`fanlight_core`] is here too, so that an application depends on one crate. For
//! sockets of a kind of your own, open a [`House`] and drive its shards with a [`TokioRuntime`]
//! each.
//!
//! # Ways in
//!
//! [`Server::bind`] listens on TCP, [`Server::bind_unix`] on a Unix socket, and with the feature `tls`
//! `Server::tls` encrypts. [`Server::unbound`] listens nowhere: what a web framework has upgraded, or
//! any other stream, is let in by [`Handle::attach`]. [`Incoming`] gives each connection to a task of
//! its own, for whoever prefers that to a service. The `examples/` of both adapters are whole
//! programs.

mod adapter;
mod runtime;
mod signal;
mod socket;
#[cfg(feature = "tls")]
mod tls;

pub use adapter::Tokio;
pub use fanlight_core::*;
pub use fanlight_driver::{
    Answer, Answering, Ask, Connection, ConnectionSettings, Connections, Door, DoorError, Driver,
    Ending, Handle, HandleError, House, Incoming, Question, ReadHalf, Recording,
    SEND_BUFFER_BYTES_DEFAULT, SendError, Shard, Stopped, Stream, Transport, WhenFull, WriteHalf,
};
#[cfg(feature = "tls")]
pub use fanlight_driver::{Tls, TlsError};
pub use runtime::TokioRuntime;
pub use signal::StopSignals;
pub use socket::Compat;

/// A WebSocket server on tokio.
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
pub type Server = fanlight_driver::Server<Tokio>;
