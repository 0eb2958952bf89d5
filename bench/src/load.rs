//! What is said in a comparison.

use std::fmt;

use fastrand::Rng;
use flate2::{Compress, Compression, FlushCompress};

/// What a compressed message leaves out at its end: RFC 7692, section 7.2.1.
pub const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Payloads from a greeting to a document, in bytes.
pub const SIZES: [usize; 6] = [16, 128, 1 << 10, 16 << 10, 64 << 10, 1 << 20];

/// What a payload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of all values.
    Binary,
    /// Text, all of it ASCII.
    Ascii,
    /// Text of which every fourth character takes two to four bytes.
    Text,
    /// Text as an application sends it, which gets shorter when it is compressed.
    Json,
}

impl Kind {
    /// What is sent as it is.
    pub const PLAIN: [Self; 3] = [Self::Binary, Self::Ascii, Self::Text];

    /// Whether it is sent as text.
    pub fn is_text(self) -> bool {
        self != Self::Binary
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            Self::Ascii => "ascii",
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// How the bytes of a peer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A read brings one message, or a part of one that is longer.
    Alone,
    /// A read brings as many bytes as there is room for.
    Stream,
}

impl Arrival {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Alone, Self::Stream];
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alone => "alone",
            Self::Stream => "stream",
        })
    }
}

/// Messages of one kind and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// What they are made of.
    pub kind: Kind,
    /// How long the payload of each is.
    pub payload_bytes: usize,
}

impl Load {
    /// All that is compared where nothing is compressed.
    pub fn plain() -> impl Iterator<Item = Self> {
        Kind::PLAIN.into_iter().flat_map(|kind| {
            SIZES.into_iter().map(move |payload_bytes| Self { kind, payload_bytes })
        })
    }

    /// All that is compared where messages come compressed.
    pub fn deflated() -> impl Iterator<Item = Self> {
        SIZES.into_iter().map(|payload_bytes| Self { kind: Kind::Json, payload_bytes })
    }

    /// How many messages make a sample that can be timed: half a megabyte of them, or 4,096, and at
    /// least eight.
    pub fn messages(&self) -> usize {
        ((512 << 10) / self.payload_bytes).clamp(8, 4096)
    }

    /// One payload.
    pub fn payload(&self) -> Vec<u8> {
        let mut rng = Rng::with_seed(self.payload_bytes as u64);
        match self.kind {
            Kind::Binary => (0..self.payload_bytes).map(|_| rng.u8(..)).collect(),
            Kind::Ascii => (0..self.payload_bytes).map(|_| rng.u8(b' '..=b'~')).collect(),
            Kind::Text => {
                let mut text = String::with_capacity(self.payload_bytes);
                while text.len() < self.payload_bytes {
                    let next = match rng.u8(..16) {
                        0 => '\u{1f98b}',
                        1 => '\u{20ac}',
                        2 | 3 => '\u{e9}',
                        _ => char::from(rng.u8(b'a'..=b'z')),
                    };
                    let room = self.payload_bytes - text.len();
                    text.push(if next.len_utf8() <= room { next } else { '.' });
                }
                text.into_bytes()
            }
            Kind::Json => {
                let mut text = String::with_capacity(self.payload_bytes + 128);
                while text.len() < self.payload_bytes {
                    let name: String = (0..8).map(|_| rng.lowercase()).collect();
                    let (id, at, level) = (rng.u32(..), rng.u64(..1 << 41), rng.i16(..));
                    text += &format!(
                        r#"{{"id":{id},"name":"{name}","at":{at},"level":{level},"online":{}}},"#,
                        rng.bool()
                    );
                }
                text.truncate(self.payload_bytes);
                text.into_bytes()
            }
        }
    }

    /// What a client sends, and where each message ends: enough to be said over and over.
    pub fn frames(&self) -> (Vec<u8>, Vec<usize>) {
        framed(if self.kind.is_text() { 0x81 } else { 0x82 }, &self.payload())
    }

    /// The same, each message compressed by itself, under this first byte of a header.
    pub fn deflated_frames(&self, first: u8) -> (Vec<u8>, Vec<usize>) {
        let payload = self.payload();
        let mut deflated = Vec::with_capacity(payload.len() + payload.len() / 8 + 64);
        Compress::new(Compression::default(), false)
            .compress_vec(&payload, &mut deflated, FlushCompress::Sync)
            .expect("there is room");
        // RFC 7692, section 7.2.1.
        deflated.truncate(deflated.len() - TAIL.len());
        framed(first, &deflated)
    }
}

/// Masked frames of this payload.
fn framed(first: u8, payload: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut rng = Rng::with_seed(1);
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    // So many that a library does not find in a cache what only a benchmark repeats.
    while bytes.len() < 256 << 10 {
        let mask = rng.u32(1..).to_le_bytes();
        bytes.push(first);
        match payload.len() {
            length @ 0..=125 => bytes.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        ends.push(bytes.len());
    }
    (bytes, ends)
}
