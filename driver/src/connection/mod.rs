//! One task for each connection, for those who prefer that to a [`Service`](fanlight_core::Service).

mod attend;
mod exchange;
mod halves;
mod incoming;
mod service;
mod settings;

pub(crate) use exchange::Exchange;
pub use exchange::SendError;
pub use halves::{Connection, ReadHalf, WriteHalf};
pub use incoming::Incoming;
pub use service::Connections;
pub use settings::ConnectionSettings;
