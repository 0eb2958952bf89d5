//! A driver turn by turn, on sockets in memory and a clock that the test moves.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod attaching;
mod connections;
mod deciding;
mod ends;
mod endurance;
mod handle;
mod pipe;
mod reading;
mod stage;
mod writing;
