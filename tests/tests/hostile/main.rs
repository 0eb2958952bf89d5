//! A real server against peers that misbehave in named ways, over plain sockets.
//!
//! Names of cases begin with the row of the security checklist that they belong to: A is before the
//! upgrade, B frames and messages, C permessage-deflate, D queues, time and life. After each case
//! the server must hold nothing any more, and must not have had more memory than the case may cost.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod closes;
mod deadlines;
mod deflate;
mod descriptors;
mod endings;
mod floods;
mod frames;
mod heads;
mod limits;
mod log;
mod memory;
mod origins;
mod peer;
mod queues;
mod request;
mod requests;
mod room;
mod row;
mod soak;
mod texts;
