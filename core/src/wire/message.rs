//! A message, kept as the frame that a server sends.

use std::{fmt, str};

use triomphe::ThinArc;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

/// The longest header of a frame that is not masked: RFC 6455, section 5.2.
pub const HEADER_BYTES_MAX: usize = 10;

/// Bytes that are ready for a socket: one reference-counted allocation, one pointer to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame(ThinArc<(), u8>);

impl Frame {
    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        Self(ThinArc::from_header_and_slice((), bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.slice
    }
}

/// A whole text or binary message: RFC 6455, section 5.6.
///
/// It holds the finished frame that a server sends, so saying it to a million connections encodes
/// nothing. Cloning it counts a reference; it costs its holder one pointer.
///
/// ```
/// use fanlight_core::Message;
///
/// let message = Message::text("hello");
/// assert_eq!(message.as_text(), Some("hello"));
/// assert_eq!(message.frame(), b"\x81\x05hello");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message(Frame);

impl Message {
    /// A text message.
    pub fn text(text: &str) -> Self {
        Self::build(Data::Text, text.as_bytes())
    }

    /// A binary message.
    pub fn binary(payload: &[u8]) -> Self {
        Self::build(Data::Binary, payload)
    }

    fn build(data: Data, payload: &[u8]) -> Self {
        let mut frame = Vec::with_capacity(HEADER_BYTES_MAX + payload.len());
        put_header(OpCode::Data(data), payload.len(), &mut frame);
        frame.extend_from_slice(payload);
        Self::from_frame(&frame)
    }

    /// The message in a finished, unmasked, unfragmented data frame.
    pub(crate) fn from_frame(frame: &[u8]) -> Self {
        debug_assert!(frame[0] == 0x81 || frame[0] == 0x82, "a whole data frame");
        Self(Frame::copy_of(frame))
    }

    /// The finished frame, header and payload.
    pub fn frame(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The same frame, counted once more.
    pub(crate) fn frame_of(&self) -> Frame {
        self.0.clone()
    }

    /// The payload: for a text message, valid UTF-8.
    pub fn payload(&self) -> &[u8] {
        let frame = self.frame();
        &frame[header_bytes(frame)..]
    }

    /// Whether this is a text message, not a binary one.
    pub fn is_text(&self) -> bool {
        self.frame()[0] & 0x0f == u8::from(OpCode::Data(Data::Text))
    }

    /// The text of a text message. Checks the encoding anew at each call.
    pub fn as_text(&self) -> Option<&str> {
        self.is_text().then(|| {
            str::from_utf8(self.payload()).expect("a text message is valid UTF-8 when it is made")
        })
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.payload();
        let shown = &payload[..payload.len().min(32)];
        let kind = if self.is_text() { "Text" } else { "Binary" };
        write!(f, "{kind}({} B \"{}\")", payload.len(), shown.escape_ascii())
    }
}

/// How long the header of an unmasked frame is: RFC 6455, section 5.2.
pub(super) fn header_bytes(frame: &[u8]) -> usize {
    match frame[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

/// Appends the header of an unmasked, unfragmented frame.
pub(crate) fn put_header(opcode: OpCode, length: usize, out: &mut Vec<u8>) {
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    header.format(length as u64, out).expect("a vector takes every write");
}

/// Writes the header of an unmasked, unfragmented frame into the bytes just before `payload`, where
/// the payload begins, and says where it begins itself.
///
/// # Panics
///
/// If `payload` leaves less room than [`server_header_bytes`].
pub(super) fn put_header_before(
    opcode: OpCode,
    is_deflated: bool,
    length: usize,
    payload: usize,
    bytes: &mut [u8],
) -> usize {
    // RSV1 is "per-message compressed": RFC 7692, section 6.
    let header = FrameHeader { opcode, rsv1: is_deflated, ..FrameHeader::default() };
    let start = payload - header.len(length as u64);
    header
        .format(length as u64, &mut &mut bytes[start..payload])
        .expect("a header takes as many bytes as it says");
    start
}

/// How long the header of an unmasked frame with a payload of `length` bytes is.
pub(super) fn server_header_bytes(length: usize) -> usize {
    FrameHeader::default().len(length as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_from_its_frame_whatever_its_length() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let binary = Message::binary(&payload);
            assert_eq!(binary.payload(), payload);
            assert_eq!((binary.is_text(), binary.as_text()), (false, None));
            let text = Message::from(str::from_utf8(&payload).unwrap());
            assert_eq!(text.as_text().map(str::len), Some(length));
            assert_eq!(text.frame().len() - length, server_header_bytes(length));
        }
    }
}
