//! All that can be judged of a frame from its header: RFC 6455, section 5.2.

use tungstenite::protocol::frame::coding::{Control, OpCode};

use super::{Fault, Limits, inflate::deflated_bytes_max};

/// The longest header of any frame.
pub(super) const HEADER_BYTES_ANY_MAX: usize = 14;

/// The longest payload of a control frame: RFC 6455, section 5.5.
pub(super) const CONTROL_BYTES_MAX: usize = 125;

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Text,
    Binary,
}

impl Encoding {
    /// RFC 6455, section 11.8.
    pub(super) fn opcode(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
        }
    }
}

/// What a control frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ControlKind {
    Close,
    Ping,
    Pong,
}

impl From<ControlKind> for OpCode {
    fn from(kind: ControlKind) -> Self {
        Self::Control(match kind {
            ControlKind::Close => Control::Close,
            ControlKind::Ping => Control::Ping,
            ControlKind::Pong => Control::Pong,
        })
    }
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// The first frame of a message, or all of it.
    Message(Encoding),
    Continuation,
    Control(ControlKind),
}

/// The header of a frame that may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: FrameKind,
    pub(super) is_final: bool,
    /// Whether it begins a compressed message: RFC 7692, section 6.
    pub(super) is_deflated: bool,
    /// How long the payload is: no more than may come.
    pub(super) length: usize,
    /// All zero in a frame of a server, which is not masked.
    pub(super) mask: [u8; 4],
}

/// Against what a header is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expectation {
    /// Whether the peer is a client.
    pub(super) is_masked: bool,
    /// How much of a fragmented message has come, if one has begun.
    pub(super) message_bytes: Option<usize>,
    /// Whether that one is compressed.
    pub(super) is_deflated: bool,
    /// Whether a message may be compressed.
    pub(super) may_deflate: bool,
    pub(super) limits: Limits,
}

impl Header {
    /// Reads the header at the front of `bytes`, and says how long it is. `None` if it has not
    /// come to its end.
    #[inline]
    pub(super) fn read(
        bytes: &[u8],
        expected: &Expectation,
    ) -> Result<Option<(Self, usize)>, Fault> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let kind = kind_of(first)?;
        let (length, rest, is_shortest) = match second & 0x7f {
            126 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from(u16::from_be_bytes(*length));
                (length, rest, length > 125)
            }
            127 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from_be_bytes(*length);
                (length, rest, length > u64::from(u16::MAX))
            }
            length => (u64::from(length), rest, true),
        };
        let is_masked = second & 0x80 != 0;
        let (mask, rest) = match rest.split_first_chunk() {
            Some((mask, rest)) if is_masked => (*mask, rest),
            None if is_masked => return Ok(None),
            Some(_) | None => ([0; 4], rest),
        };
        // One extension gives one bit a meaning, on the first frame of a message: RFC 7692, section 6.
        let may_be_set = expected.may_deflate && matches!(kind, FrameKind::Message(_));
        let is_rsv1 = first & 0x40 != 0;
        if is_rsv1 && !may_be_set || first & 0x30 != 0 {
            return Err(Fault::ReservedBits);
        }
        if is_masked != expected.is_masked {
            return Err(if expected.is_masked { Fault::Unmasked } else { Fault::Masked });
        }
        if length >> 63 != 0 {
            return Err(Fault::LengthTopBit);
        }
        if !is_shortest && !expected.limits.overlong_lengths {
            return Err(Fault::LengthNotShortest);
        }
        let is_final = first & 0x80 != 0;
        let is_deflated = is_rsv1 || kind == FrameKind::Continuation && expected.is_deflated;
        Ok(Some((
            Self {
                kind,
                is_final,
                is_deflated,
                length: judge_length(kind, is_final, is_deflated, length, expected)?,
                mask,
            },
            bytes.len() - rest.len(),
        )))
    }
}

/// Judges the length, and whether such a frame may stand here: RFC 6455, sections 5.4 and 5.5.
fn judge_length(
    kind: FrameKind,
    is_final: bool,
    is_deflated: bool,
    length: u64,
    expected: &Expectation,
) -> Result<usize, Fault> {
    // Of a fragmented message it is the sum that is bounded.
    let message_bytes = match (kind, expected.message_bytes) {
        (FrameKind::Control(_), _) => {
            if length > CONTROL_BYTES_MAX as u64 {
                return Err(Fault::ControlTooLong);
            }
            if !is_final {
                return Err(Fault::ControlFragmented);
            }
            return Ok(length as usize);
        }
        (FrameKind::Message(_), None) => 0,
        (FrameKind::Message(_), Some(_)) => return Err(Fault::MessageInsideMessage),
        (FrameKind::Continuation, Some(bytes)) => bytes,
        (FrameKind::Continuation, None) => return Err(Fault::ContinuationOfNothing),
    };
    // What a compressed one inflates to is judged when it does.
    let bytes_max = if is_deflated {
        deflated_bytes_max(expected.limits.message_bytes_max)
    } else {
        expected.limits.message_bytes_max
    };
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= bytes_max.saturating_sub(message_bytes))
        .ok_or(Fault::MessageTooBig)
}

/// RFC 6455, section 11.8.
fn kind_of(first: u8) -> Result<FrameKind, Fault> {
    match first & 0x0f {
        0 => Ok(FrameKind::Continuation),
        1 => Ok(FrameKind::Message(Encoding::Text)),
        2 => Ok(FrameKind::Message(Encoding::Binary)),
        8 => Ok(FrameKind::Control(ControlKind::Close)),
        9 => Ok(FrameKind::Control(ControlKind::Ping)),
        10 => Ok(FrameKind::Control(ControlKind::Pong)),
        code => Err(Fault::ReservedOpcode(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Expectation = Expectation {
        is_masked: true,
        message_bytes: None,
        is_deflated: false,
        may_deflate: false,
        limits: Limits { message_bytes_max: 70_000, overlong_lengths: false },
    };
    const CLIENT: Expectation = Expectation { is_masked: false, ..SERVER };

    fn read(bytes: &[u8], expected: Expectation) -> Result<Option<(Header, usize)>, Fault> {
        Header::read(bytes, &expected)
    }

    #[test]
    fn a_header_is_read_once_it_is_whole() {
        let bytes = b"\x02\xff\0\0\0\0\0\x01\0\0abcdpayload";
        for cut in 0..14 {
            assert_eq!(read(&bytes[..cut], SERVER), Ok(None));
        }
        let header = Header {
            kind: FrameKind::Message(Encoding::Binary),
            is_final: false,
            is_deflated: false,
            length: 65_536,
            mask: *b"abcd",
        };
        assert_eq!(read(bytes, SERVER), Ok(Some((header, 14))));
    }

    #[test]
    fn each_role_takes_what_the_other_sends() {
        assert_eq!(read(b"\x81\x00", SERVER), Err(Fault::Unmasked));
        assert_eq!(read(b"\x81\x80abcd", CLIENT), Err(Fault::Masked));
        assert!(read(b"\x81\x80abcd", SERVER).unwrap().is_some());
        assert!(read(b"\x81\x00", CLIENT).unwrap().is_some());
    }

    #[test]
    fn bits_and_opcodes_without_a_meaning_are_refused() {
        for bit in [0x10, 0x20, 0x40] {
            for opcode in [0, 1, 2, 8, 9, 10] {
                assert_eq!(read(&[0x80 | bit | opcode, 0], CLIENT), Err(Fault::ReservedBits));
            }
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            assert_eq!(read(&[0x80 | opcode, 0], CLIENT), Err(Fault::ReservedOpcode(opcode)));
        }
    }

    #[test]
    fn a_length_must_be_in_its_shortest_form() {
        assert_eq!(read(b"\x82\x7e\x00\x7d", CLIENT), Err(Fault::LengthNotShortest));
        assert!(read(b"\x82\x7e\x00\x7e", CLIENT).is_ok());
        let in_eight = |length: u64| [&b"\x82\x7f"[..], &length.to_be_bytes()].concat();
        assert_eq!(read(&in_eight(0), CLIENT), Err(Fault::LengthNotShortest));
        assert_eq!(read(&in_eight(65_535), CLIENT), Err(Fault::LengthNotShortest));
        assert!(read(&in_eight(65_536), CLIENT).is_ok());
        assert_eq!(read(&in_eight(1 << 63), CLIENT), Err(Fault::LengthTopBit));
        assert_eq!(read(&in_eight(u64::MAX), CLIENT), Err(Fault::LengthTopBit));
        assert_eq!(read(&in_eight(u64::MAX >> 1), CLIENT), Err(Fault::MessageTooBig));
    }

    #[test]
    fn a_longer_form_is_taken_if_that_is_wanted() {
        let limits = Limits { overlong_lengths: true, ..CLIENT.limits };
        let expected = Expectation { limits, ..CLIENT };
        let short = read(b"\x82\x7e\x00\x05", expected).unwrap().unwrap();
        assert_eq!((short.0.length, short.1), (5, 4));
        let long = read(b"\x82\x7f\0\0\0\0\0\0\0\x05", expected).unwrap().unwrap();
        assert_eq!((long.0.length, long.1), (5, 10));
        assert!(read(b"\x89\x7e\x00\x7e", expected).is_err(), "a control frame is still short");
    }

    #[test]
    fn a_control_frame_is_short_and_whole() {
        assert!(read(b"\x89\x7d", CLIENT).is_ok());
        assert_eq!(read(b"\x89\x7e\x00\x7e", CLIENT), Err(Fault::ControlTooLong));
        assert_eq!(read(b"\x89\x7f\0\0\0\0\x01\0\0\0", CLIENT), Err(Fault::ControlTooLong));
        assert_eq!(read(b"\x09\x00", CLIENT), Err(Fault::ControlFragmented));
    }

    #[test]
    fn fragments_follow_a_beginning_and_nothing_else() {
        let begun = Expectation { message_bytes: Some(0), ..CLIENT };
        assert_eq!(read(b"\x80\x00", CLIENT), Err(Fault::ContinuationOfNothing));
        assert!(read(b"\x80\x00", begun).is_ok());
        assert_eq!(read(b"\x81\x00", begun), Err(Fault::MessageInsideMessage));
        assert!(read(b"\x89\x00", begun).is_ok());
    }

    #[test]
    fn the_sum_of_the_fragments_is_bounded() {
        let limits = Limits { message_bytes_max: 10, ..CLIENT.limits };
        let begun = Expectation { message_bytes: Some(3), limits, ..CLIENT };
        assert!(read(b"\x80\x07", begun).is_ok());
        assert_eq!(read(b"\x80\x08", begun), Err(Fault::MessageTooBig));
        let fresh = Expectation { message_bytes: None, ..begun };
        assert!(read(b"\x82\x0a", fresh).is_ok());
        assert_eq!(read(b"\x82\x0b", fresh), Err(Fault::MessageTooBig));
        assert!(read(b"\x89\x7d", fresh).is_ok(), "a control frame is no message");
    }
}
