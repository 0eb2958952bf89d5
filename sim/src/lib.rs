//! A house of Fanlight hubs in a virtual world: for our tests, and for the tests of your service.
//!
//! A [`World`] holds as many hubs as you like with your `Service` on each, virtual peers that speak
//! real RFC 6455, a network between them, and one clock. It does no IO and nothing in it waits: an
//! hour of heartbeats takes milliseconds. Everything is decided by one seed, so what was seen once
//! can be seen again.
//!
//! # A bug, the seed that shows it, the fix
//!
//! A chat knows who sits where. Somebody's train enters a tunnel and leaves it again: the second
//! connection is there before the first is known to be dead. When that one ends, the name is
//! forgotten, though its owner is back. Only a world in which peers vanish, and heartbeats find
//! them later, shows that; here at the first seed that brings the two close enough together.
//!
//! ```
//! use std::{collections::HashMap, time::Duration};
//! use fanlight_sim::{
//!     World,
//!     fanlight_core::{CloseReason, ConnId, Context, Message, Service, ShardId},
//! };
//!
//! #[derive(Default)]
//! struct Chat { is_fixed: bool, names: HashMap<ConnId, String>, seats: HashMap<String, ConnId> }
//!
//! impl Service for Chat {
//!     fn on_message(&mut self, _: &mut Context<'_>, from: ConnId, name: Message) {
//!         let name = name.as_text().unwrap_or_default().to_owned();
//!         self.names.insert(from, name.clone());
//!         self.seats.insert(name, from);
//!     }
//!     fn on_close(&mut self, _: &mut Context<'_>, conn: ConnId, _: &CloseReason) {
//!         let Some(name) = self.names.remove(&conn) else { return };
//!         if !self.is_fixed || self.seats[&name] == conn {
//!             self.seats.remove(&name);
//!         }
//!     }
//! }
//!
//! fn anna_can_be_found(seed: u64, is_fixed: bool) -> bool {
//!     let mut world = World::new(seed, |_| Chat { is_fixed, ..Chat::default() });
//!     let first = world.open("/chat");
//!     world.peer(first).send("anna").vanish();
//!     let tunnel = Duration::from_secs(world.random() % 3_600);
//!     world.advance(tunnel);
//!     let second = world.open("/chat");
//!     world.peer(second).send("anna");
//!     world.advance(Duration::from_secs(120));
//!     world.assert_lawful();
//!     world.service(ShardId(0)).seats.get("anna") == Some(&second)
//! }
//!
//! assert_eq!((0..1000).find(|seed| !anna_can_be_found(*seed, false)), Some(7));
//! assert!((0..1000).all(|seed| anna_can_be_found(seed, true)));
//! ```
//!
//! `open` is for a peer that is let in. One that should not be comes with [`World::arrive`], and
//! `world.peer(conn).expect_refused("/chat", 401)` says how it must end.
//!
//! The types of `fanlight-core` are in [`fanlight_core`] here, and are those that `fanlight-tokio`
//! has too: a package that uses that needs only this one besides, under `[dev-dependencies]`.
//!
//! # Many seeds, an invariant of your own
//!
//! A [`Setup`] says what a world is made of, [`Nature::swarm`] how kind it is, and a [`Crowd`] who
//! lives in it, with the manners that [`Manners::swarm`] draws. All three may have one seed: what is
//! drawn from it for one says nothing of what is drawn for another.
//!
//! ```
//! use std::{collections::BTreeSet, time::Duration};
//! use fanlight_sim::{
//!     Crowd, Manners, Nature, Setup, World,
//!     fanlight_core::{CloseReason, ConnId, Context, Message, Service},
//! };
//!
//! #[derive(Default)]
//! struct Lobby { here: BTreeSet<ConnId> }
//!
//! impl Service for Lobby {
//!     fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
//!         self.here.insert(conn);
//!         cx.subscribe(conn, "lobby");
//!     }
//!     fn on_message(&mut self, cx: &mut Context<'_>, _: ConnId, message: Message) {
//!         cx.publish("lobby", message);
//!     }
//!     fn on_close(&mut self, _: &mut Context<'_>, conn: ConnId, _: &CloseReason) {
//!         self.here.remove(&conn);
//!     }
//! }
//!
//! for seed in 0..200 {
//!     let setup = Setup { shards: 2, nature: Nature::swarm(seed), ..Setup::new(seed) };
//!     let mut world = World::with_setup(setup, |_| Lobby::default());
//!     let mut crowd = Crowd::new(6, "/lobby", |rng, _| format!("number {}", rng.u8(..)));
//!     crowd.manners = Manners::swarm(seed);
//!     // At any moment: whoever is said to be here has not gone.
//!     world.run_checked(&mut crowd, Duration::from_millis(500), |world| {
//!         let mut here = world.shards().flat_map(|shard| &world.service(shard).here);
//!         match here.find(|conn| !world.live().contains(conn)) {
//!             Some(conn) => Err(format!("{conn} is gone and said to be here")),
//!             None => Ok(()),
//!         }
//!     });
//!     // In the end: whoever is still connected is said to be here.
//!     world.settle();
//!     let lobby = |conn: &ConnId| world.service(conn.shard());
//!     assert!(world.live().iter().all(|conn| lobby(conn).here.contains(conn)));
//!     world.assert_lawful();
//! }
//! ```
//!
//! # What it offers
//!
//! - **Peers by script**: [`World::peer`] gives a [`ScriptedPeer`] that opens, sends, expects,
//!   stalls, vanishes, resets, breaks the rules. What it expects it waits for, in the world's time.
//! - **Peers by workload**: [`World::run`] lets a [`Crowd`] of them live, with [`Manners`] good or
//!   drawn from a seed.
//! - **Trouble**: a [`Nature`] cuts bytes anywhere, delays them, limits their number a second, fills
//!   windows, delays parcels between shards, lets ticks come late; [`Nature::swarm`] draws one from
//!   a seed. [`World::sleep`] lets the clock jump.
//! - **Laws**: while a world runs it checks for every service what `fanlight-core` promises: each
//!   life in order and once, whole frames, bounds, deadlines, credit, round trips, and with the whole
//!   pool recomputed now and then ([`World::inspect_every`]). [`World::assert_lawful`] says so.
//! - **Invariants of your own**: [`World::run_checked`] checks one after each step of a crowd, and
//!   [`World::broke`] takes whatever else you find, to be told with the laws.
//! - **Liveness**: [`World::calm`] stops the trouble; then what should happen has to.
//!   [`World::settle`] lets every deadline pass too.
//! - **The same again**: two runs with one seed have one [`World::digest`], in debug and release.
//!   A world dropped by a panic, a service's or your own, tells its seed.
//!
//! A seed is good for one version of your service, its config and this crate: any of them may draw
//! or do something more, and all that follows is another run. What a seed has found is worth a
//! scripted test; the seed alone finds it only until the next change. A service that asks the
//! system's clock or entropy, or walks through a `HashMap`, makes another run each time by itself.
//!
//! Hubs are told the time by the world and count what they are told by sockets, shards, the clock and
//! the test as events. A service's panic is a panic of the test.

mod bounds;
mod broken;
mod clock;
mod commands;
mod crowd;
mod deadlines;
mod flow;
pub mod frame;
mod intake;
mod link;
mod luck;
mod mail;
mod nature;
mod peer;
mod queue;
mod record;
mod rudeness;
mod scripted;
mod seen;
mod socket;
mod watch;

// What a world offers, in the order in which its documentation tells it.
mod world;

mod run;

mod look;

mod peers;

mod inspect;

mod hand;

pub use fanlight_core;

pub use broken::Broken;
pub use crowd::{Crowd, Manners, Path};
pub use inspect::lifeless_max;
pub use nature::Nature;
pub use peer::Peer;
pub use record::{Line, Record};
pub use rudeness::Rudeness;
pub use scripted::ScriptedPeer;
pub use socket::Socket;
pub use world::{Setup, World};
