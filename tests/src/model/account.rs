//! What a house was seen to do during one operation.

use std::collections::BTreeMap;

use fanlight_core::CloseReason;

use super::Name;

/// Where something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The application, about the connection that was accepted as the nth.
    Application(usize),
    /// The connection's peer.
    Peer(usize),
    /// The connection's socket.
    Socket(usize),
    /// The application, about a shard.
    Shard(u8),
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The application was asked for a decision about this path.
    Requested(String),
    /// It was told that the connection is open.
    Opened,
    /// It was given a message.
    Delivered(String),
    /// It was told of a membership, and where it stands.
    Subscribed(Name, u64),
    /// It was told of a membership that was declined.
    Declined(Name),
    /// It was told of an end.
    Closed(CloseReason),
    /// An end that is not told to the application, which never heard of the connection.
    Unheard(CloseReason),
    /// A timer expired.
    Timer,
    /// A drain ended.
    Drained,
    /// The peer was sent an HTTP answer with this status.
    Status(u16),
    /// It was sent a message.
    Message(String),
    /// It was sent a ping.
    Ping,
    /// It was sent a pong with this payload.
    Pong(String),
    /// It was sent a Close with this code, 1005 if it had none.
    Close(u16),
    /// It was sent what breaks the RFC.
    Broken(String),
    /// The socket was told to shut our half down.
    Shutdown,
    /// The socket was dropped.
    Dropped,
}

/// What was answered to the one who did the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The connection was accepted.
    Accepted,
    /// The connection was refused, for one of these reasons.
    Refused(Vec<fanlight_core::Refused>),
    /// The message was taken, or was not.
    Taken(bool),
}

/// Everything seen during one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What was seen, each with its moment in nanoseconds, in the order in which it was seen there.
    pub seen: BTreeMap<Place, Vec<(u64, Seen)>>,
    /// The answer.
    pub answer: Option<Answer>,
    /// The counters and gauges of the whole house afterwards, by name.
    pub gauges: BTreeMap<&'static str, u64>,
}

impl Account {
    /// Adds what was seen.
    pub fn add(&mut self, at: u64, place: Place, seen: Seen) {
        self.seen.entry(place).or_default().push((at, seen));
    }
}
