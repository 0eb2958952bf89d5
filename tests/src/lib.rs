//! The laws of Fanlight as properties.
//!
//! A [`World`](fanlight_sim::World) is a house of hubs with a virtual clock, virtual sockets and
//! parcels that take their time, all decided by one seed: it does no IO, never waits, and the same
//! seed and calls always give the same run. A [`Scenario`] is a list of [`Op`]s played in such a
//! world, drawn and shrunk by proptest. The [`laws`] judge what the world recorded.

mod act;
mod agreed;
pub mod build;
#[cfg(target_os = "linux")]
pub mod crowd;
mod ending;
pub mod fuzz;
pub mod laws;
pub mod model;
mod op;
mod scenario;
mod script;
mod stage;
mod stale;
pub mod swarm;
#[cfg(target_os = "linux")]
pub mod victim;

pub use agreed::agreed;
pub use op::{
    Ending, ForWhom, Greeting, Nth, Op, Speech, Stale, TOPICS, USERS, WITNESSED, scenario,
};
pub use scenario::{Bounds, Scenario};
pub use script::{Heard, Said, Script};
pub use stage::Stage;
