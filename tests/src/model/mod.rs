//! The obvious implementation of a house, and a comparison with the real one.
//!
//! [`House`] is written from the design: maps and vectors, no cleverness. Operations ([`Op`]) are
//! done to it and to real hubs ([`Subject`]); after each, both give an [`Account`] of what the
//! application heard, what peers were sent, what became of sockets, each with its moment, and of
//! the counters. [`agree`] compares them.
//!
//! The world is simple so that a prediction is exact. A socket takes everything at once, unless it
//! is stalled and takes nothing; a read is whole; parcels between shards arrive at once, or all
//! that wait between two shards together. What is not met in it: credit, the rate of frames, the
//! budget of the frame table, the memory of unfinished messages, and a house that slept.

mod account;
mod act;
mod closing;
mod connection;
mod deadline;
mod difference;
mod drain;
mod draw;
mod house;
mod op;
mod opening;
mod outbox;
mod probe;
mod reading;
mod setup;
mod socket;
mod speech;
mod story;
mod subject;
mod topic;

pub use account::{Account, Answer, Place, Seen};
pub use difference::{Difference, agree, compare};
pub use draw::run;
pub use house::House;
pub use op::{
    Arrival, Ask, Audience, Breach, Decision, Ending, Late, Name, Nth, Op, Size, Speech, Until,
};
pub use setup::{Bounds, Parcels, Setup};
pub use story::story;
pub use subject::Subject;

/// An operation, and what it comes to at its moment.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    /// What is done; shards are within the house.
    pub op: Op,
    /// Which of the operations it is.
    pub number: usize,
    /// To which connection, by the order of acceptance.
    pub target: Option<usize>,
    /// Until when the hubs are ticked, and the time afterwards.
    pub until: (u64, u64),
}

impl Deed {
    /// Whether what has become due waits for the next operation.
    pub fn is_unticked(&self) -> bool {
        matches!(self.op, Op::Passes(Until::Unticked(_)))
    }
}
