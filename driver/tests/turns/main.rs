//! A driver turn by turn, on sockets in memory and a clock that the test moves.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ends;
mod endurance;
mod pipe;
mod reading;
mod stage;
mod writing;
