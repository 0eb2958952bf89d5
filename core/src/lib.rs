//! The pure heart of Fanlight: very many WebSocket connections, and one thing said to many of them.
//!
//! There is no IO in this crate, no clock, no entropy, no thread and no future. Events go in with
//! the time at which they happened, commands come out, and the same inputs always give the same
//! commands. Adapters move the bytes; see `fanlight-tokio` for one that is ready to use.
//!
//! ```text
//!  sockets --- Received, Sent, Ended --->  +-------+  --- Pause, Resume, Shutdown, Disconnect ---> sockets
//!  service --- Admit, Send, Publish .. ->  |  Hub  |  --- Requested, Opened, Deliver, Closed .. -> service
//!  shards ---- Parcel ----------------->   |       |  --- Forward ----------------------------->   shards
//!  clock ----- Tick ------------------->   +-------+  --- next_deadline ----------------------->   timer
//!                                              |
//!                                              +------ writes, unsent: bytes for the sockets
//! ```
//!
//! [`Hub`] is one shard: its connections and what they subscribe to. [`wire::Wire`] is one
//! connection's RFC 6455, useful alone and in either role. *The wire obeys the RFC; the hub obeys
//! the config.* An application is a [`Service`].
//!
//! # The laws
//!
//! 1. **Same inputs, same commands.** Two hubs given the same config, seat and list of inputs emit
//!    equal commands and equal bytes.
//! 2. **Once accepted, once closed.** Every accepted connection gets exactly one [`Closed`] and one
//!    [`Command::Disconnect`], and nothing after them. When all have gone, nothing of them is left.
//! 3. **Order.** What is queued for one connection leaves in the order in which it was queued,
//!    within its lane. All members of a topic see its messages in one order, on whichever shard
//!    they live; a member may see fewer, never another order. One publisher's messages to one topic
//!    keep their order. Between topics, and between a publish and a direct send, there is none.
//! 4. **Whole frames.** The bytes written to a connection are a valid RFC 6455 stream however
//!    writes were cut, and nothing follows a Close.
//! 5. **Bounded.** No peer can make a queue, a buffer, a table or the work of a turn grow past its
//!    configured bound.
//! 6. **Alive or gone.** No connection stays in a state past that state's deadline. After a tick no
//!    deadline that has passed is left.
//! 7. **Stale is harmless.** An event for a connection that is gone changes a counter and nothing
//!    else. Time never runs backwards: an earlier `now` is taken as the last one.
//! 8. **Isolation.** A slow, hostile or dead peer changes nothing that another peer can observe,
//!    apart from CPU time and the shared bounds of the config.
//! 9. **Drain ends.** After [`Event::Drain`] everybody is told, paced over the window asked for,
//!    and [`Command::Drained`] comes no later than the deadline, whatever peers do.

mod command;
mod config;
mod event;
mod hub;
mod id;
pub mod journal;
mod planted;
mod reason;
mod service;
mod stats;
mod time;
mod topic;
pub mod wire;

pub use command::{Closed, Command, Commands};
pub use config::{Config, ConfigError, Setting, Settings, Unit, Value};
pub use event::{Arrival, Drain, End, Event, PeerAddr, Publish, Timer};
pub use http;
pub use hub::{Hub, Membership, Parcel, Phase, PingOutstanding, Portrait, Refused, Waiting};
pub use id::{CONNECTIONS_PER_HUB, ConnId, ConnIdError, Seat, ShardId};
pub use journal::{Digest, Fingerprint};
#[cfg(feature = "planted")]
pub use planted::{Planted, plant};
pub use reason::{CloseReason, EndedBy};
pub use service::{Context, Service, serve};
pub use stats::Stats;
pub use time::Instant;
pub use topic::{Audience, Seq, Topic};
pub use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
pub use wire::{Admission, Message, Negotiated, Refusal, Request, Subprotocol};
