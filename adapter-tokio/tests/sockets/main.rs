//! The server on real sockets, spoken to by a client that is not ours.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod endings;
mod fanout;
mod faults;
mod handle;
mod house;
mod talk;
