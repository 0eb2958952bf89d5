//! What a run of a hub comes to, in 128 bits.

use std::{fmt, hash::Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

use super::encoding::{Encode, Sink};
use crate::{
    command::{Closed, Command},
    hub::Refused,
    id::ConnId,
    reason::CloseReason,
    wire::Request,
};

/// Takes in what a hub wants done and what its sockets took, in order: two runs are alike if their
/// digests are equal.
///
/// It is the same on every platform, in debug and in release builds, and costs about as much as
/// hashing the bytes. Nobody who can choose what is hashed is kept from making two runs look alike:
/// it finds mistakes, not forgeries.
///
/// ```
/// use fanlight_core::{Command, Digest};
///
/// let mut digest = Digest::new();
/// let empty = digest.finish();
/// digest.command(&Command::Drained);
/// assert_ne!(digest.finish(), empty);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Digest(SipHasher13);

/// What a [`Digest`] has come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

// What follows in the digest, beside commands, whose tags are below.
const WRITE: u8 = 64;
const BYTES: u8 = 65;
const ACCEPTED: u8 = 66;
const DRAWN: u8 = 67;

impl Digest {
    /// A digest of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hub wants this done.
    pub fn command(&mut self, command: &Command) {
        let sink = &mut self.0;
        match command {
            Command::Pause(conn) => put(sink, 0, conn),
            Command::Resume(conn) => put(sink, 1, conn),
            Command::Shutdown(conn) => put(sink, 2, conn),
            Command::Disconnect(conn) => put(sink, 3, conn),
            Command::Requested(conn, request) => {
                put(sink, 4, conn);
                request.encode(sink);
            }
            Command::Opened(conn) => put(sink, 5, conn),
            Command::Deliver(conn, message) => {
                put(sink, 6, conn);
                message.encode(sink);
            }
            Command::Subscribed(conn, topic, seq) => {
                put(sink, 7, conn);
                topic.encode(sink);
                seq.encode(sink);
            }
            Command::SubscriptionRefused(conn, topic) => {
                put(sink, 8, conn);
                topic.encode(sink);
            }
            Command::Closed(Closed { conn, reason, was_known }) => {
                put(sink, 9, conn);
                reason.encode(sink);
                was_known.encode(sink);
            }
            Command::Timer(timer) => put(sink, 10, timer),
            Command::Drained => sink.put_byte(11),
            Command::Forward(shard, parcel) => {
                put(sink, 12, shard);
                parcel.encode(sink);
            }
        }
    }

    /// The hub has something for this connection's socket: an entry of
    /// [`Commands::writes`](crate::Commands::writes).
    pub fn write(&mut self, conn: ConnId) {
        put(&mut self.0, WRITE, &conn);
    }

    /// The connection's socket took these bytes.
    pub fn bytes(&mut self, conn: ConnId, bytes: &[u8]) {
        put(&mut self.0, BYTES, &conn);
        bytes.encode(&mut self.0);
    }

    /// The hub answered an arrival.
    pub(crate) fn accepted(&mut self, answer: Result<ConnId, Refused>) {
        match answer {
            Ok(conn) => put(&mut self.0, ACCEPTED, &Some(conn)),
            Err(refused) => {
                put(&mut self.0, ACCEPTED, &None::<ConnId>);
                self.0.put_byte(match refused {
                    Refused::Full => 0,
                    Refused::Upgrading => 1,
                    Refused::Address => 2,
                    Refused::Draining => 3,
                });
            }
        }
    }

    /// The service was given this number.
    pub(crate) fn drawn(&mut self, number: u64) {
        put(&mut self.0, DRAWN, &number);
    }

    /// What it has come to so far; more may follow.
    pub fn finish(&self) -> Fingerprint {
        Fingerprint(self.0.finish128().as_u128())
    }
}

impl Fingerprint {
    pub(crate) const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// As a number.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Sink for SipHasher13 {
    fn put(&mut self, bytes: &[u8]) {
        self.write(bytes);
    }
}

fn put(sink: &mut SipHasher13, tag: u8, value: &impl Encode) {
    sink.put_byte(tag);
    value.encode(sink);
}

impl Encode for Request {
    fn encode(&self, sink: &mut impl Sink) {
        self.is_upgrade().encode(sink);
        self.host().encode(sink);
        self.path().encode(sink);
        self.query().is_some().encode(sink);
        self.query().unwrap_or_default().encode(sink);
        self.headers().len().encode(sink);
        // In the order in which they came: it is that of a list, not of a hash.
        for (name, value) in self.headers() {
            name.as_str().encode(sink);
            value.as_bytes().encode(sink);
        }
        self.peer.encode(sink);
    }
}

impl Encode for CloseReason {
    fn encode(&self, sink: &mut impl Sink) {
        self.name().encode(sink);
        match self {
            Self::PeerClosed(frame) => frame.encode(sink),
            // Ends are rare enough to be written out.
            Self::BadRequest(fault) => fault.to_string().as_str().encode(sink),
            Self::Fault(fault) => fault.to_string().as_str().encode(sink),
            Self::Refused(status) => status.encode(sink),
            Self::ServiceClosed(code) | Self::Drained(code) => code.encode(sink),
            Self::PeerGone
            | Self::UpgradeTimeout
            | Self::MessageTimeout
            | Self::HeartbeatTimeout
            | Self::Stalled
            | Self::OutboxFull
            | Self::AssemblyFull
            | Self::DecisionTimeout
            | Self::ServicePanicked => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

    use super::*;
    use crate::{
        event::Timer,
        hub::{Content, Credit, Parcel},
        id::ShardId,
        topic::{Seq, Topic},
        wire::{Fault, Message, RequestFault},
    };

    fn conn(number: u64) -> ConnId {
        ConnId::from_u64(number).unwrap()
    }

    fn of(feed: impl Fn(&mut Digest)) -> u128 {
        let mut digest = Digest::new();
        feed(&mut digest);
        digest.finish().as_u128()
    }

    fn closed(reason: CloseReason) -> Command {
        Command::Closed(Closed { conn: conn(1), reason, was_known: true })
    }

    /// All of them different.
    fn commands() -> Vec<Command> {
        let one = conn(1);
        let frame = |reason: &str| {
            Some(Box::new(CloseFrame { code: CloseCode::Normal, reason: reason.into() }))
        };
        vec![
            Command::Pause(one),
            Command::Pause(conn(2)),
            Command::Resume(one),
            Command::Shutdown(one),
            Command::Disconnect(one),
            Command::Opened(one),
            Command::Deliver(one, Message::text("x")),
            Command::Deliver(one, Message::binary(b"x")),
            Command::Deliver(one, Message::text("")),
            Command::Subscribed(one, Topic::new("x"), Seq(1)),
            Command::Subscribed(one, Topic::new("x"), Seq(2)),
            Command::Subscribed(one, Topic::user("x"), Seq(1)),
            Command::SubscriptionRefused(one, Topic::new("x")),
            closed(CloseReason::PeerGone),
            closed(CloseReason::Stalled),
            closed(CloseReason::PeerClosed(None)),
            closed(CloseReason::PeerClosed(frame("x"))),
            closed(CloseReason::PeerClosed(frame("y"))),
            closed(CloseReason::Refused(403)),
            closed(CloseReason::Refused(404)),
            closed(CloseReason::Fault(Fault::ReservedOpcode(3))),
            closed(CloseReason::Fault(Fault::ReservedOpcode(4))),
            closed(CloseReason::BadRequest(RequestFault::HostMissing)),
            closed(CloseReason::ServiceClosed(CloseCode::Away)),
            closed(CloseReason::Drained(CloseCode::Away)),
            Command::Closed(Closed { conn: one, reason: CloseReason::PeerGone, was_known: false }),
            Command::Timer(Timer::Shard),
            Command::Timer(Timer::Connection(one)),
            Command::Drained,
            Command::Forward(ShardId(1), Parcel(Content::Join("x".into()))),
            Command::Forward(ShardId(2), Parcel(Content::Join("x".into()))),
            Command::Forward(ShardId(1), Parcel(Content::Leave("x".into()))),
            Command::Forward(
                ShardId(1),
                Parcel(Content::Credit(Credit { publish: 1, deliver: 0 })),
            ),
        ]
    }

    #[test]
    fn each_thing_is_told_from_every_other() {
        let mut seen: BTreeSet<u128> =
            commands().iter().map(|command| of(|digest| digest.command(command))).collect();
        assert_eq!(seen.len(), commands().len());
        for other in [
            of(|digest| digest.write(conn(1))),
            of(|digest| digest.bytes(conn(1), b"")),
            of(|digest| digest.bytes(conn(1), b"x")),
            of(|digest| digest.bytes(conn(2), b"x")),
            of(|digest| digest.accepted(Ok(conn(1)))),
            of(|digest| digest.accepted(Err(Refused::Full))),
            of(|digest| digest.accepted(Err(Refused::Draining))),
            of(|digest| digest.drawn(1)),
            of(|_| {}),
        ] {
            assert!(seen.insert(other));
        }
    }

    #[test]
    fn the_order_counts() {
        let (first, second) = (Command::Opened(conn(1)), Command::Opened(conn(2)));
        let forwards = of(|digest| {
            digest.command(&first);
            digest.command(&second);
        });
        let backwards = of(|digest| {
            digest.command(&second);
            digest.command(&first);
        });
        assert_ne!(forwards, backwards);
    }

    /// Whoever changes this changes the format of journals.
    #[test]
    fn it_is_the_same_everywhere() {
        let mut digest = Digest::new();
        for command in &commands() {
            digest.command(command);
        }
        digest.write(conn(7));
        digest.bytes(conn(7), b"bytes");
        assert_eq!(digest.finish().to_string(), "98eec735a1f58f6398fc489fbf8f873f");
    }
}
