//! What a wire holds while a frame or a fragmented message is unfinished, and only then.

use std::fmt;

use super::{
    Fault, Message,
    header::{CONTROL_BYTES_MAX, ControlKind, Encoding, HEADER_BYTES_ANY_MAX},
    inflate::{Ended, Inflater, guess},
    mask,
    message::FRONT_BYTES,
    utf8::{Utf8, is_text},
};

/// Allocations are aligned so.
const ALIGNMENT: usize = 16;

/// Most bytes before a payload.
#[cfg(test)]
pub(super) const FRONT_BYTES_MAX: usize = FRONT_BYTES + ALIGNMENT - 1;

/// An unfinished frame, an unfinished message, or both.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pub(super) stage: Stage,
    /// The message that has begun, if any of its frames has.
    pub(super) message: Option<PartialMessage>,
}

impl Assembly {
    /// Bytes of heap held, this one included.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.message.as_ref().map_or(0, |message| message.bytes.capacity())
    }
}

/// Which part of a frame comes next.
#[derive(Debug)]
pub(super) enum Stage {
    /// A header, of which this has come.
    Header { bytes: [u8; HEADER_BYTES_ANY_MAX], held: u8 },
    /// Payload of the message that has begun.
    Data { is_final: bool, left: usize, mask: [u8; 4] },
    /// Payload of a control frame, of which this has come.
    Control {
        kind: ControlKind,
        mask: [u8; 4],
        bytes: [u8; CONTROL_BYTES_MAX],
        held: u8,
        length: u8,
    },
}

impl Default for Stage {
    fn default() -> Self {
        Self::Header { bytes: [0; HEADER_BYTES_ANY_MAX], held: 0 }
    }
}

/// A message that has begun and is not finished.
pub(super) struct PartialMessage {
    encoding: Encoding,
    /// Whether what has come is compressed: it is inflated when it is whole, so that no window is
    /// held for it meanwhile.
    is_deflated: bool,
    /// Where the payload begins in `bytes`: at least [`FRONT_BYTES`], and so that what follows the
    /// first piece is aligned. To store where it is not costs a sixth more.
    front: u8,
    /// Room for the header of the finished frame, then what has come of the payload; nothing at all
    /// before the first byte of payload.
    bytes: Vec<u8>,
    utf8: Utf8,
}

impl PartialMessage {
    pub(super) fn new(encoding: Encoding, is_deflated: bool) -> Self {
        let (front, utf8) = (FRONT_BYTES as u8, Utf8::default());
        Self { encoding, is_deflated, front, bytes: Vec::new(), utf8 }
    }

    pub(super) fn is_deflated(&self) -> bool {
        self.is_deflated
    }

    /// How many bytes of payload have come.
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.front.into())
    }

    /// Takes payload under this mask: the first of the `left` bytes that the frame at hand still
    /// brings. `len_max` is how long the message can get.
    #[inline]
    pub(super) fn append(
        &mut self,
        payload: &[u8],
        mask: [u8; 4],
        left: usize,
        len_max: usize,
    ) -> Result<(), Fault> {
        if payload.is_empty() {
            return Ok(());
        }
        if self.bytes.is_empty() {
            self.front = (FRONT_BYTES + payload.len().wrapping_neg() % ALIGNMENT) as u8;
        }
        let front = usize::from(self.front);
        let held = front + self.len();
        let needed = held + payload.len();
        if needed > self.bytes.capacity() {
            let capacity = room(needed, held.saturating_add(left), front.saturating_add(len_max));
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        if self.bytes.is_empty() {
            self.bytes.resize(front, 0);
        }
        mask::append(mask, payload, &mut self.bytes);
        if self.encoding == Encoding::Text && !self.is_deflated {
            self.utf8.check(&self.bytes[front..]).map_err(|_| Fault::InvalidUtf8)?;
        }
        Ok(())
    }

    /// The whole message, as the frame that a server sends.
    pub(super) fn finish(
        mut self,
        inflater: &mut Inflater,
        message_bytes_max: usize,
    ) -> Result<Message, Fault> {
        if self.is_deflated {
            let payload = self.bytes.get(self.front.into()..).unwrap_or_default();
            return inflated(inflater, self.encoding, Ended::new(payload), message_bytes_max);
        }
        let len = self.len();
        if self.encoding == Encoding::Text {
            self.utf8.finish(len).map_err(|_| Fault::InvalidUtf8)?;
        }
        let front = usize::from(self.front);
        self.bytes.resize(front + len, 0);
        Ok(Message::from_buffer(self.encoding, self.bytes, front))
    }
}

/// How much room is made for `needed` bytes of a message: as much as the frame at hand fills, if a
/// 64th of that has come, so that long frames are not moved as they grow. At least twice as much as
/// is needed, as there may be more, and never more than `max`.
fn room(needed: usize, frame_end: usize, max: usize) -> usize {
    let has_come = needed.saturating_mul(64) >= frame_end;
    let wanted = if has_come { frame_end } else { 0 };
    wanted.max(needed.saturating_mul(2)).min(max).max(needed)
}

/// The message that a compressed payload is.
pub(super) fn inflated(
    inflater: &mut Inflater,
    encoding: Encoding,
    payload: Ended<'_>,
    message_bytes_max: usize,
) -> Result<Message, Fault> {
    let room = guess(payload.payload_bytes()).min(message_bytes_max.saturating_add(1));
    let mut bytes = Vec::with_capacity(FRONT_BYTES.saturating_add(room));
    bytes.resize(FRONT_BYTES, 0);
    inflater.inflate(payload, message_bytes_max, &mut bytes)?;
    if encoding == Encoding::Text && !is_text(&bytes[FRONT_BYTES..]) {
        return Err(Fault::InvalidUtf8);
    }
    Ok(Message::from_buffer(encoding, bytes, FRONT_BYTES))
}

impl fmt::Debug for PartialMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} B so far)", self.encoding, self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_the_frame_of_the_whole() {
        for length in [0, 1, 125, 126, 507, 508, 509, 1000, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let mut message = PartialMessage::new(Encoding::Text, false);
            for piece in payload.chunks(97) {
                message.append(piece, [0; 4], length, length).unwrap();
            }
            assert_eq!(message.len(), length);
            assert_eq!(
                message.finish(&mut Inflater::default(), 1 << 20),
                Ok(Message::text(str::from_utf8(&payload).unwrap()))
            );
        }
    }

    #[test]
    fn what_is_held_never_exceeds_what_can_come() {
        let mut message = PartialMessage::new(Encoding::Binary, false);
        for left in (1..=100_000).rev() {
            message.append(b"x", [0; 4], left, 100_000).unwrap();
            let bound = (64 * (message.len() + FRONT_BYTES_MAX)).min(100_000 + FRONT_BYTES_MAX);
            assert!(message.bytes.capacity() <= bound, "{}", message.bytes.capacity());
        }
    }

    #[test]
    fn of_frames_that_may_have_followers_twice_as_much_is_held() {
        let mut message = PartialMessage::new(Encoding::Binary, false);
        for _ in 0..1000 {
            message.append(b"x", [0; 4], 1, 1000).unwrap();
            let bound = (2 * (message.len() + FRONT_BYTES_MAX)).min(1000 + FRONT_BYTES_MAX);
            assert!(message.bytes.capacity() <= bound, "{}", message.bytes.capacity());
        }
    }

    #[test]
    fn empty_pieces_cost_nothing() {
        let mut message = PartialMessage::new(Encoding::Binary, false);
        message.append(b"", [0; 4], 1000, 1000).unwrap();
        assert_eq!(message.bytes.capacity(), 0);
        assert_eq!(message.finish(&mut Inflater::default(), 1 << 20), Ok(Message::binary(b"")));
    }

    #[test]
    fn text_is_judged_as_it_comes_and_at_its_end() {
        let mut message = PartialMessage::new(Encoding::Text, false);
        assert_eq!(message.append(b"\xe2\x82", [0; 4], 9, 9), Ok(()));
        assert_eq!(message.append(b"\xff", [0; 4], 9, 9), Err(Fault::InvalidUtf8));
        let mut message = PartialMessage::new(Encoding::Text, false);
        assert_eq!(message.append(b"\xe2\x82", [0; 4], 9, 9), Ok(()));
        assert_eq!(message.finish(&mut Inflater::default(), 1 << 20), Err(Fault::InvalidUtf8));
        let mut message = PartialMessage::new(Encoding::Binary, false);
        assert_eq!(message.append(b"\xff", [0; 4], 9, 9), Ok(()));
        assert_eq!(message.finish(&mut Inflater::default(), 1 << 20), Ok(Message::binary(b"\xff")));
    }

    #[test]
    fn an_assembly_is_small() {
        assert!(size_of::<Assembly>() <= 200, "{}", size_of::<Assembly>());
    }
}
