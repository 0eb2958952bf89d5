//! A house of Fanlight hubs in a virtual world.
mod broken;
mod clock;
mod flow;
pub mod frame;
mod inspect;
mod link;
mod look;
mod mail;
mod nature;
mod peer;
mod queue;
mod record;
mod scripted;
mod socket;
mod stale;
mod watch;
mod world;

pub use broken::Broken;
pub use inspect::lifeless_max;
pub use nature::Nature;
pub use peer::{Peer, Rudeness};
pub use record::{Line, Record};
pub use scripted::ScriptedPeer;
pub use socket::Socket;
pub use world::{Setup, World};
