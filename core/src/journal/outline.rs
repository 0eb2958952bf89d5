//! What may be told of an input when nobody may read what was said.

use std::{fmt, hash::Hasher};

use siphasher::sip::SipHasher13;

use super::{
    encoding::{Decode, Encode, Malformed, Sink, Source},
    input::Input,
};
use crate::{
    event::{Arrival, Event, PeerAddr, Publish, Timer},
    hub::{Asked, Content, Parcel},
    id::ConnId,
    topic::{Audience, Topic},
    wire::{Admission, Message, Refusal},
};

macro_rules! kinds {
    ($($tag:literal $kind:ident $name:literal,)+) => {
        /// What kind of input something is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is an event, or what its name says")]
        pub enum InputKind { $($kind = $tag,)+ }

        impl InputKind {
            /// All kinds, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// A short name of letters and underscores.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            fn of_tag(tag: u8) -> Result<Self, Malformed> {
                match tag { $($tag => Ok(Self::$kind),)+ _ => Err(Malformed) }
            }
        }
    };
}

kinds! {
    0 Accept "accept",
    1 Drawn "drawn",
    2 Received "received",
    3 Sent "sent",
    4 Ended "ended",
    5 Panicked "panicked",
    6 Admit "admit",
    7 Refuse "refuse",
    8 Subscribe "subscribe",
    9 Unsubscribe "unsubscribe",
    10 Send "send",
    11 Publish "publish",
    12 AwaitCredit "await_credit",
    13 Close "close",
    14 Kick "kick",
    15 SetTimer "set_timer",
    16 Drain "drain",
    17 Parcel "parcel",
    18 Tick "tick",
    19 Pause "pause",
    20 Resume "resume",
}

/// One input without anything that was said: its kind, its connection, how many bytes it had, and
/// a hash of the name or address in it.
///
/// The hash is keyed by the house's seed, which is not in a journal without payloads: equal names
/// are seen to be equal, within one run of a house, and nothing else is seen of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// What kind of input it is.
    pub kind: InputKind,
    /// The connection that it is about, if it is about one.
    pub conn: Option<ConnId>,
    /// Bytes of payload and text that it carries; for [`InputKind::Sent`], that the socket took.
    pub bytes: u64,
    /// A keyed hash of the topic, the user or the peer's address that it names.
    pub name: Option<u64>,
}

impl Outline {
    /// What is told of `input`, with names hashed under `key`.
    pub fn of(input: &Input<'_>, key: u64) -> Self {
        match input {
            Input::Accept(arrival) => Self::of_arrival(arrival, key),
            Input::Drawn => Self::bare(InputKind::Drawn),
            Input::Event(event) => Self::of_event(event, key),
        }
    }

    pub(super) fn bare(kind: InputKind) -> Self {
        Self { kind, conn: None, bytes: 0, name: None }
    }

    pub(super) fn of_arrival(arrival: &Arrival, key: u64) -> Self {
        let (peer, admission, read) = match arrival {
            Arrival::Fresh(peer) => (peer, None, 0),
            Arrival::Upgraded(peer, negotiated, read) => {
                (peer, Some(&negotiated.admission), read.len())
            }
        };
        let name = match peer {
            PeerAddr::Inet(address) => Some(hash(key, 2, address.ip().to_string().as_bytes())),
            PeerAddr::Unnamed => None,
        };
        let bytes = (read + admission.map_or(0, said_by)) as u64;
        Self { name, bytes, ..Self::bare(InputKind::Accept) }
    }

    pub(super) fn of_event(event: &Event<'_>, key: u64) -> Self {
        let about = |kind, conn: &ConnId, bytes: usize| Self {
            kind,
            conn: Some(*conn),
            bytes: bytes as u64,
            name: None,
        };
        let named = |kind, conn: &ConnId, topic: &Topic| Self {
            name: Some(hash_of(key, topic)),
            ..about(kind, conn, topic.name().len())
        };
        match event {
            Event::Received(conn, bytes) => about(InputKind::Received, conn, bytes.len()),
            Event::Sent(conn, count) => about(InputKind::Sent, conn, *count),
            Event::Ended(conn, _) => about(InputKind::Ended, conn, 0),
            Event::Panicked(conn) => Self { conn: *conn, ..Self::bare(InputKind::Panicked) },
            Event::Admit(conn, admission) => Self {
                name: admission.user.as_ref().map(|user| hash_of(key, user)),
                ..about(InputKind::Admit, conn, said_by(admission))
            },
            Event::Refuse(conn, refusal) => about(InputKind::Refuse, conn, said_in(refusal)),
            Event::Subscribe(conn, topic) => named(InputKind::Subscribe, conn, topic),
            Event::Unsubscribe(conn, topic) => named(InputKind::Unsubscribe, conn, topic),
            Event::Send(conn, message) => about(InputKind::Send, conn, said(message)),
            Event::Publish(Publish { audience, message, except: _ }) => {
                Self::of_audience(InputKind::Publish, audience, message, key)
            }
            Event::AwaitCredit(conn) => about(InputKind::AwaitCredit, conn, 0),
            Event::Close(conn, frame) => about(InputKind::Close, conn, frame.reason.len()),
            Event::Kick(conn, frame) => about(InputKind::Kick, conn, frame.reason.len()),
            Event::Pause(conn) => about(InputKind::Pause, conn, 0),
            Event::Resume(conn) => about(InputKind::Resume, conn, 0),
            Event::SetTimer(timer, _) => match timer {
                Timer::Shard => Self::bare(InputKind::SetTimer),
                Timer::Connection(conn) => about(InputKind::SetTimer, conn, 0),
            },
            Event::Drain(drain) => {
                Self { bytes: drain.farewell.reason.len() as u64, ..Self::bare(InputKind::Drain) }
            }
            Event::Parcel(_, parcel) => Self::of_parcel(parcel, key),
            Event::Tick => Self::bare(InputKind::Tick),
        }
    }

    fn of_audience(kind: InputKind, audience: &Audience, message: &Message, key: u64) -> Self {
        let bytes = (audience.name_bytes() + said(message)) as u64;
        let name = audience.topic().map(|topic| hash_of(key, topic));
        Self { kind, conn: None, bytes, name }
    }

    fn of_parcel(Parcel(content): &Parcel, key: u64) -> Self {
        let parcel = Self::bare(InputKind::Parcel);
        let named = |topic: &Topic| Self {
            bytes: topic.name().len() as u64,
            name: Some(hash_of(key, topic)),
            ..parcel
        };
        match content {
            Content::Publish { audience, message, except: _ }
            | Content::Deliver { audience, message, seq: _, except: _ } => {
                Self::of_audience(InputKind::Parcel, audience, message, key)
            }
            Content::Join(topic) | Content::Joined(topic, _) | Content::Leave(topic) => {
                named(topic)
            }
            Content::Credit(_) => parcel,
            Content::Asked(conn, asked) => {
                let about = match &**asked {
                    Asked::Subscribe(topic) | Asked::Unsubscribe(topic) => named(topic),
                    Asked::Admit(admission) => Self { bytes: said_by(admission) as u64, ..parcel },
                    Asked::Refuse(refusal) => Self { bytes: said_in(refusal) as u64, ..parcel },
                    Asked::Send(message) => Self { bytes: said(message) as u64, ..parcel },
                    Asked::Close(frame) | Asked::Kick(frame) => {
                        Self { bytes: frame.reason.len() as u64, ..parcel }
                    }
                    Asked::SetTimer(_) | Asked::Pause | Asked::Resume => parcel,
                };
                Self { conn: Some(*conn), ..about }
            }
        }
    }
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if let Some(conn) = self.conn {
            write!(f, " {conn}")?;
        }
        if self.bytes > 0 {
            write!(f, ", {} bytes", self.bytes)?;
        }
        match self.name {
            Some(name) => write!(f, ", name {name:016x}"),
            None => Ok(()),
        }
    }
}

impl Encode for Outline {
    fn encode(&self, sink: &mut impl Sink) {
        let Self { kind, conn, bytes, name } = self;
        sink.put_byte(*kind as u8);
        conn.encode(sink);
        bytes.encode(sink);
        name.encode(sink);
    }
}

impl Decode<'_> for Outline {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            kind: InputKind::of_tag(source.byte()?)?,
            conn: Decode::decode(source)?,
            bytes: Decode::decode(source)?,
            name: Decode::decode(source)?,
        })
    }
}

fn said(message: &Message) -> usize {
    message.payload().len()
}

fn said_by(admission: &Admission) -> usize {
    admission.subprotocol.as_ref().map_or(0, |spoken| spoken.as_str().len())
        + admission.user.as_ref().map_or(0, |user| user.name().len())
}

fn said_in(refusal: &Refusal) -> usize {
    refusal.body.len()
}

fn hash_of(key: u64, topic: &Topic) -> u64 {
    hash(key, u8::from(topic.is_user()), topic.name().as_bytes())
}

/// Sets this hash apart from the others that the seed keys.
const OUTLINE_KEY: u64 = 0x6f75_746c_696e_6500;

fn hash(key: u64, kind: u8, name: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(key, OUTLINE_KEY);
    hasher.write(&[kind]);
    hasher.write(name);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_are_seen_to_be_equal_and_nothing_else() {
        let conn = ConnId::from_u64(1).unwrap();
        let of = |topic: Topic, key| Outline::of_event(&Event::Subscribe(conn, topic), key);
        let name = |topic, key| of(topic, key).name.unwrap();
        assert_eq!(name("a".into(), 1), name("a".into(), 1));
        assert_ne!(name("a".into(), 1), name("b".into(), 1));
        assert_ne!(name("a".into(), 1), name("a".into(), 2));
        assert_ne!(name("a".into(), 1), name(Topic::user("a"), 1));
        let published = Outline::of_event(&Event::Publish(Publish::new("a", "hello".into())), 1);
        assert_eq!(published.name, Some(name("a".into(), 1)));
        assert_eq!((published.kind, published.bytes), (InputKind::Publish, 6));
    }

    #[test]
    fn every_kind_is_found_by_its_tag() {
        for (tag, kind) in InputKind::ALL.iter().enumerate() {
            assert_eq!(InputKind::of_tag(tag as u8), Ok(*kind));
        }
        assert_eq!(InputKind::of_tag(InputKind::ALL.len() as u8), Err(Malformed));
    }
}
