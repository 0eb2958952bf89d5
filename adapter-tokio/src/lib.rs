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
//! Everything of [`fanlight_core`] is here too, so that an application depends on one crate. For
//! sockets of another type than TCP, such as TLS, open a [`House`] and drive its shards with a
//! [`TokioRuntime`] each.

mod accept;
mod compat;
mod runtime;
mod server;
mod signal;

pub use compat::Compat;
pub use fanlight_core::*;
pub use fanlight_driver::{
    Door, DoorError, Driver, Handle, HandleError, House, Recording, Shard, Stopped,
};
pub use runtime::TokioRuntime;
pub use server::Server;
