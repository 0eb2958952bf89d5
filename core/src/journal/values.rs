//! The encoding of the values that events and commands are made of.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use http::StatusCode;
use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::encoding::{Decode, Encode, Malformed, Sink, Source, encoding};
use crate::{
    event::{Arrival, Drain, End, PeerAddr, Publish, Timer},
    hub::{Asked, Content, Credit, Parcel},
    id::{ConnId, ShardId},
    time::Instant,
    topic::{Audience, Seq, Topic},
    wire::{Admission, Deflate, Message, Negotiated, Refusal, Subprotocol},
};

encoding! { enum Arrival { 0 => Fresh(peer); 1 => Upgraded(peer, negotiated, read); } }
encoding! { enum End { 0 => Eof; 1 => Failed; } }
encoding! { enum Timer { 0 => Shard; 1 => Connection(conn); } }
encoding! { enum Audience { 0 => Everyone; 1 => Topic(topic); } }
encoding! { struct Publish { audience, message, except } }
encoding! { struct Drain { over, timeout, farewell } }
encoding! { struct Admission { subprotocol, user, never_deflate } }
encoding! { struct Negotiated { admission, deflate } }
encoding! { struct Credit { publish, deliver } }
encoding! { enum Content {
    0 => Publish { audience, message, except };
    1 => Deliver { audience, seq, message, except };
    2 => Join(topic);
    3 => Joined(topic, seq);
    4 => Leave(topic);
    5 => Credit(credit);
    6 => Asked(conn, asked);
} }
encoding! { enum Asked {
    0 => Admit(admission);
    1 => Refuse(refusal);
    2 => Subscribe(topic);
    3 => Unsubscribe(topic);
    4 => Send(message);
    5 => Close(frame);
    6 => Kick(frame);
    7 => SetTimer(at);
    8 => Pause;
    9 => Resume;
} }

impl Encode for Parcel {
    fn encode(&self, sink: &mut impl Sink) {
        self.0.encode(sink);
    }
}

impl Decode<'_> for Parcel {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        Content::decode(source).map(Self)
    }
}

/// Always 8 bytes: a connection is never a small number.
impl Encode for ConnId {
    fn encode(&self, sink: &mut impl Sink) {
        sink.put(&self.as_u64().to_le_bytes());
    }
}

impl Decode<'_> for ConnId {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        source.array().ok().and_then(|id| Self::from_u64(u64::from_le_bytes(id))).ok_or(Malformed)
    }
}

impl Encode for ShardId {
    fn encode(&self, sink: &mut impl Sink) {
        sink.put_byte(self.0);
    }
}

impl Decode<'_> for ShardId {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        source.byte().map(Self)
    }
}

impl Encode for Seq {
    fn encode(&self, sink: &mut impl Sink) {
        self.0.encode(sink);
    }
}

impl Decode<'_> for Seq {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        Decode::decode(source).map(Self)
    }
}

impl Encode for Instant {
    fn encode(&self, sink: &mut impl Sink) {
        self.as_nanos().encode(sink);
    }
}

impl Decode<'_> for Instant {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        Decode::decode(source).map(Self::from_nanos)
    }
}

impl Encode for Topic {
    fn encode(&self, sink: &mut impl Sink) {
        self.is_user().encode(sink);
        self.name().encode(sink);
    }
}

impl Decode<'_> for Topic {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        let is_user = bool::decode(source)?;
        let name = <&str>::decode(source)?;
        Ok(if is_user { Self::user(name) } else { Self::new(name) })
    }
}

impl Encode for Message {
    fn encode(&self, sink: &mut impl Sink) {
        self.is_text().encode(sink);
        self.payload().encode(sink);
    }
}

impl Decode<'_> for Message {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        Ok(if bool::decode(source)? {
            Self::text(<&str>::decode(source)?)
        } else {
            Self::binary(<&mut [u8]>::decode(source)?)
        })
    }
}

impl Encode for CloseCode {
    fn encode(&self, sink: &mut impl Sink) {
        u16::from(*self).encode(sink);
    }
}

impl Decode<'_> for CloseCode {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        u16::decode(source).map(Self::from)
    }
}

impl Encode for CloseFrame {
    fn encode(&self, sink: &mut impl Sink) {
        self.code.encode(sink);
        self.reason.as_str().encode(sink);
    }
}

impl Decode<'_> for CloseFrame {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        let code = Decode::decode(source)?;
        Ok(Self { code, reason: <&str>::decode(source)?.into() })
    }
}

impl Encode for Subprotocol {
    fn encode(&self, sink: &mut impl Sink) {
        self.as_str().encode(sink);
    }
}

/// A client offered it when it was recorded.
impl Decode<'_> for Subprotocol {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        Self::recorded(<&str>::decode(source)?).ok_or(Malformed)
    }
}

impl Encode for Deflate {
    fn encode(&self, sink: &mut impl Sink) {
        sink.put_byte(self.window_bits());
    }
}

/// A client offered it when it was recorded.
impl Decode<'_> for Deflate {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        source.byte().ok().and_then(Self::recorded).ok_or(Malformed)
    }
}

/// More header lines than any answer has, and fewer than a map can take.
const HEADERS_MAX: usize = 16 * 1024;

impl Encode for Refusal {
    fn encode(&self, sink: &mut impl Sink) {
        self.status().encode(sink);
        self.headers.len().encode(sink);
        for (name, value) in &self.headers {
            name.as_str().encode(sink);
            value.as_bytes().encode(sink);
        }
        self.body.encode(sink);
    }
}

impl Decode<'_> for Refusal {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        let mut refusal = Self::new(Decode::decode(source)?).map_err(|_| Malformed)?;
        let headers = usize::decode(source)?;
        if headers > HEADERS_MAX {
            return Err(Malformed);
        }
        for _ in 0..headers {
            let name = <&str>::decode(source)?;
            refusal = refusal.header(name, <&str>::decode(source)?).map_err(|_| Malformed)?;
        }
        refusal.body = Decode::decode(source)?;
        let has_none =
            [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED]
                .contains(&refusal.status);
        if has_none && !refusal.body.is_empty() { Err(Malformed) } else { Ok(refusal) }
    }
}

impl Encode for PeerAddr {
    fn encode(&self, sink: &mut impl Sink) {
        match self {
            Self::Unnamed => sink.put_byte(0),
            Self::Inet(SocketAddr::V4(address)) => {
                sink.put_byte(4);
                sink.put(&address.ip().octets());
                address.port().encode(sink);
            }
            Self::Inet(SocketAddr::V6(address)) => {
                sink.put_byte(6);
                sink.put(&address.ip().octets());
                address.port().encode(sink);
                address.flowinfo().encode(sink);
                address.scope_id().encode(sink);
            }
        }
    }
}

impl Decode<'_> for PeerAddr {
    fn decode(source: &mut Source<'_>) -> Result<Self, Malformed> {
        Ok(Self::Inet(match source.byte()? {
            0 => return Ok(Self::Unnamed),
            4 => {
                let ip = Ipv4Addr::from(source.array::<4>()?);
                SocketAddrV4::new(ip, Decode::decode(source)?).into()
            }
            6 => {
                let ip = Ipv6Addr::from(source.array::<16>()?);
                let port = Decode::decode(source)?;
                let flowinfo = Decode::decode(source)?;
                SocketAddrV6::new(ip, port, flowinfo, Decode::decode(source)?).into()
            }
            _ => return Err(Malformed),
        }))
    }
}
