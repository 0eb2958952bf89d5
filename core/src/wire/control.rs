//! An encoded control frame: RFC 6455, section 5.5.

use tungstenite::protocol::frame::{FrameHeader, coding::OpCode};

use super::{
    header::{CONTROL_BYTES_MAX, ControlKind},
    mask,
};

/// The longest header of a control frame: two bytes and a mask.
const CONTROL_HEADER_BYTES_MAX: usize = 6;

/// A finished control frame, small enough to need no heap.
#[derive(Clone, Debug)]
pub(super) struct ControlFrame {
    bytes: [u8; CONTROL_HEADER_BYTES_MAX + CONTROL_BYTES_MAX],
    length: u8,
}

impl ControlFrame {
    /// Encodes a frame; `None` if the payload is longer than 125 bytes.
    pub(super) fn new(kind: ControlKind, payload: &[u8], mask: Option<[u8; 4]>) -> Option<Self> {
        if payload.len() > CONTROL_BYTES_MAX {
            return None;
        }
        let header = FrameHeader { opcode: OpCode::from(kind), mask, ..FrameHeader::default() };
        let start = header.len(payload.len() as u64);
        let end = start + payload.len();
        let mut bytes = [0; CONTROL_HEADER_BYTES_MAX + CONTROL_BYTES_MAX];
        header
            .format(payload.len() as u64, &mut &mut bytes[..start])
            .expect("a header takes as many bytes as it says");
        bytes[start..end].copy_from_slice(payload);
        mask::apply(mask.unwrap_or_default(), &mut bytes[start..end]);
        Some(Self { bytes, length: end as u8 })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_are_encoded() {
        let ping = ControlFrame::new(ControlKind::Ping, b"Hello", None).unwrap();
        assert_eq!(ping.bytes(), b"\x89\x05Hello");
        let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
        let pong = ControlFrame::new(ControlKind::Pong, b"Hello", mask).unwrap();
        assert_eq!(pong.bytes(), b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }

    #[test]
    fn a_payload_is_at_most_125_bytes() {
        for mask in [None, Some(*b"abcd")] {
            let longest = ControlFrame::new(ControlKind::Ping, &[7; 125], mask).unwrap();
            assert_eq!(longest.bytes().len(), 125 + if mask.is_some() { 6 } else { 2 });
            assert!(ControlFrame::new(ControlKind::Ping, &[7; 126], mask).is_none());
        }
    }
}
