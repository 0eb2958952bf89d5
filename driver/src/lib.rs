//! Drives Fanlight's hubs: one future a shard, which owns its hub and its sockets, on any async
//! runtime or on none.
//!
//! An application does not use this crate by itself but an adapter, such as `fanlight-tokio`, which
//! is an async runtime's sockets, clock, tasks and signals: what [`Adapter`] asks for. All that is
//! made of them is here, the [`Server`] above all. It does four things, as any program can:
//!
//! 1. it opens a [`House`] and splits it into its shards,
//! 2. it gives each [`Shard`] a [`Service`](fanlight_core::Service) and a [`Runtime`] and lets
//!    [`Driver::run`] run as a task,
//! 3. it hands sockets over through the [`Door`],
//! 4. it gives the [`Handle`] to whoever wants to say something from outside.
//!
//! Whoever prefers one task for each connection to a service takes [`Incoming`], on any runtime.
//!
//! In each turn, within a budget, a driver takes what is in its mailbox, reads the sockets that
//! woke, runs the service on what came out, writes each connection once, lets deadlines expire, and
//! sleeps if nothing is left to do.

mod ask;
mod connection;
mod door;
mod driver;
mod ending;
mod error;
mod fate;
mod grant;
mod handle;
mod house;
mod journal;
mod mailbox;
mod ready;
mod round;
mod runtime;
mod serve;
mod server;
mod socket;
mod transport;
mod turn;
mod write;

pub use ask::{Answer, Answering, Ask, Question};
pub use connection::{
    Connection, ConnectionSettings, Connections, Incoming, ReadHalf, SendError, WriteHalf,
};
pub use door::Door;
pub use driver::Driver;
pub use ending::Ending;
pub use error::{DoorError, HandleError, Stopped};
pub use handle::Handle;
pub use house::{House, Shard};
pub use journal::Recording;
pub use runtime::Runtime;
pub use server::{Adapter, AsSocket, SEND_BUFFER_BYTES_DEFAULT, Server, WhenFull};
#[cfg(feature = "tls")]
pub use server::{Tls, TlsAdapter, TlsError};
pub use transport::{Stream, Transport};
