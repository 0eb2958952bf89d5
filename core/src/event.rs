//! What is given to a hub.

use std::{fmt, net::SocketAddr, time::Duration};

use tungstenite::protocol::CloseFrame;

use crate::{
    hub::Parcel,
    id::{ConnId, ShardId},
    time::Instant,
    topic::{Audience, Topic},
    wire::{Admission, Message, Negotiated, Refusal},
};

/// Something that happened, given to [`Hub::handle`](crate::Hub::handle).
///
/// Past tense when the world reports it, imperative when the application asks. An application
/// event may name a connection of any shard of the house; a socket's events are given to the hub
/// that accepted it. An event for a connection that is gone is counted and otherwise ignored.
#[derive(Debug)]
pub enum Event<'a> {
    /// The socket gave these bytes. They are unmasked in place.
    Received(ConnId, &'a mut [u8]),
    /// The socket took this many of the bytes that [`Hub::unsent`](crate::Hub::unsent) showed.
    /// Reported before any other event of that connection.
    Sent(ConnId, usize),
    /// The socket will give no more.
    Ended(ConnId, End),
    /// The application's code panicked while it handled something of this connection, or of none.
    Panicked(Option<ConnId>),

    /// Answer the connection's request: let it open.
    Admit(ConnId, Admission),
    /// Answer the connection's request with this, and end it.
    Refuse(ConnId, Refusal),
    /// Make the connection a member of the topic.
    Subscribe(ConnId, Topic),
    /// End the connection's membership of the topic.
    Unsubscribe(ConnId, Topic),
    /// Queue a message for one connection.
    Send(ConnId, Message),
    /// Queue a message for every member of an audience.
    Publish(Publish),
    /// What this connection sent caused more than the house can carry now: if so, read it again
    /// only when there is credit.
    AwaitCredit(ConnId),
    /// Close after everything that is queued has been sent.
    Close(ConnId, CloseFrame),
    /// Close now: drop what is queued, also if the connection is closing already and its Close waits
    /// behind other things.
    Kick(ConnId, CloseFrame),
    /// Read the connection no more until [`Event::Resume`]: the application has enough of it for now.
    Pause(ConnId),
    /// Read the connection again. The time of a message that has begun begins anew.
    Resume(ConnId),
    /// Set, move or (with `None`) stop one of the application's timers.
    SetTimer(Timer, Option<Instant>),
    /// Accept nobody any more and end everyone, paced.
    Drain(Drain),

    /// Another shard sent this.
    Parcel(ShardId, Parcel),

    /// The clock has reached, or may have reached, [`Hub::next_deadline`](crate::Hub::next_deadline).
    Tick,
}

/// How a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer has shut down its half: end of stream.
    Eof,
    /// The transport failed: a reset, a broken pipe, a failed handshake below us.
    Failed,
}

/// A message for an audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Whom it is for.
    pub audience: Audience,
    /// What is said.
    pub message: Message,
    /// A connection that is left out.
    pub except: Option<ConnId>,
}

impl Publish {
    /// `message` for all of `audience`.
    pub fn new(audience: impl Into<Audience>, message: Message) -> Self {
        Self { audience: audience.into(), message, except: None }
    }
}

/// One of the application's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The one of this shard.
    Shard,
    /// The one of a connection; it ends with the connection.
    Connection(ConnId),
}

/// How to end a hub gracefully.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Open connections are told to go one after the other, evenly over this time.
    pub over: Duration,
    /// This long after the request whoever is left is disconnected; taken as `over` if shorter.
    pub timeout: Duration,
    /// What they are told.
    pub farewell: CloseFrame,
}

/// A connection's beginning.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A new socket: an upgrade request is expected.
    Fresh(PeerAddr),
    /// Somebody else has read the request and sent the 101 (RFC 6455, section 4.2.2). The bytes
    /// are what was read behind the request head.
    Upgraded(PeerAddr, Negotiated, Vec<u8>),
}

impl Arrival {
    /// Where the peer is.
    pub fn peer(&self) -> PeerAddr {
        match self {
            Self::Fresh(peer) | Self::Upgraded(peer, ..) => *peer,
        }
    }
}

/// Where a peer is, as far as the transport knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddr {
    /// An internet address and port.
    Inet(SocketAddr),
    /// A transport without addresses: a Unix socket, a pipe, a test.
    Unnamed,
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unnamed => f.write_str("unnamed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_printed_where_it_is() {
        let address: SocketAddr = "[::1]:80".parse().unwrap();
        assert_eq!(PeerAddr::from(address).to_string(), "[::1]:80");
        assert_eq!(PeerAddr::Unnamed.to_string(), "unnamed");
    }
}
