//! The laws of Fanlight as properties.
//!
//! A [`World`] is a house of hubs with a virtual clock, virtual sockets and parcels that take their
//! time, all decided by one seed: it does no IO, never waits, and the same seed and calls always
//! give the same run. A [`Scenario`] is a list of [`Op`]s played in such a world, drawn and shrunk
//! by proptest. The [`laws`] judge what the world recorded.

mod act;
mod clock;
mod ending;
pub mod frame;
pub mod laws;
mod mail;
mod network;
mod op;
mod peer;
mod record;
mod scenario;
mod script;
mod socket;
mod stage;
mod stale;
#[cfg(target_os = "linux")]
pub mod victim;
mod world;

pub use clock::lifeless_max;
pub use network::Nature;
pub use op::{
    Ending, ForWhom, Greeting, Nth, Op, Speech, Stale, TOPICS, USERS, WITNESSED, scenario,
};
pub use peer::{Peer, Rudeness};
pub use record::{Line, Record};
pub use scenario::{Bounds, Scenario};
pub use script::{Heard, Said, Script};
pub use socket::Socket;
pub use stage::Stage;
pub use world::World;
