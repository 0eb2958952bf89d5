//! A message, kept as the frame that a server sends.

use std::fmt;

use arrayvec::ArrayVec;
use triomphe::ThinArc;

use super::header::Encoding;

/// The longest header of a frame that is not masked: RFC 6455, section 5.2.
pub const HEADER_BYTES_MAX: usize = 10;

/// Where the payload begins, or later, in a buffer that becomes a frame: there is room for any header
/// before it, and long copies are fastest where allocations are aligned.
pub(super) const FRONT_BYTES: usize = 16;

/// A frame up to this length is moved into one allocation when it is made; to move a longer one
/// costs more than a second allocation.
const SHORT_BYTES_MAX: usize = 512;

/// Bytes that are ready for a socket: reference-counted, one pointer to hold.
///
/// They stand in that allocation; or, if they are many and were put together elsewhere, where they
/// were put together: at the end of a buffer whose first byte says where they begin.
#[derive(Clone, Debug)]
pub(crate) struct Frame(ThinArc<Option<Box<[u8]>>, u8>);

impl Frame {
    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        Self(ThinArc::from_header_and_slice(None, bytes))
    }

    /// The bytes from `start` on, which is before `2 * FRONT_BYTES` and not 0.
    fn end_of(mut buffer: Vec<u8>, start: usize) -> Self {
        if buffer.len() - start <= SHORT_BYTES_MAX {
            return Self::copy_of(&buffer[start..]);
        }
        buffer[0] = start as u8;
        Self(ThinArc::from_header_and_slice(Some(buffer.into_boxed_slice()), &[]))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0.header.header {
            Some(buffer) => &buffer[usize::from(buffer[0])..],
            None => &self.0.slice,
        }
    }

    /// What the frame carries behind its header.
    pub(super) fn payload(&self) -> &[u8] {
        let bytes = self.bytes();
        &bytes[header_bytes(bytes)..]
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Frame {}

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
        Self::build(Encoding::Text, text.as_bytes())
    }

    /// A binary message.
    pub fn binary(payload: &[u8]) -> Self {
        Self::build(Encoding::Binary, payload)
    }

    fn build(encoding: Encoding, payload: &[u8]) -> Self {
        let header_bytes = server_header_bytes(payload.len());
        if header_bytes + payload.len() > SHORT_BYTES_MAX {
            // The header first: behind a long payload its place is in no cache any more.
            let mut front = [0; FRONT_BYTES];
            let start = put_header_before(encoding, false, payload.len(), FRONT_BYTES, &mut front);
            let mut buffer = Vec::with_capacity(FRONT_BYTES + payload.len());
            buffer.extend_from_slice(&front);
            buffer.extend_from_slice(payload);
            return Self(Frame::end_of(buffer, start));
        }
        let mut header = [0; HEADER_BYTES_MAX];
        put_header_before(encoding, false, payload.len(), header_bytes, &mut header);
        let mut frame = ArrayVec::<u8, SHORT_BYTES_MAX>::new();
        frame.try_extend_from_slice(&header).expect("the frame is short");
        frame.truncate(header_bytes);
        frame.try_extend_from_slice(payload).expect("the frame is short");
        Self::from_frame(&frame)
    }

    /// The message in a finished, unmasked, unfragmented data frame.
    pub(crate) fn from_frame(frame: &[u8]) -> Self {
        debug_assert!(frame[0] == 0x81 || frame[0] == 0x82, "a whole data frame");
        Self(Frame::copy_of(frame))
    }

    /// The message whose payload stands in a buffer, from `front` on, and before it at least
    /// [`FRONT_BYTES`] of room for its header, and less than twice as much.
    pub(super) fn from_buffer(encoding: Encoding, mut buffer: Vec<u8>, front: usize) -> Self {
        debug_assert!((FRONT_BYTES..2 * FRONT_BYTES).contains(&front));
        let length = buffer.len() - front;
        let start = put_header_before(encoding, false, length, front, &mut buffer);
        Self(Frame::end_of(buffer, start))
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
        self.0.payload()
    }

    /// Whether this is a text message, not a binary one.
    pub fn is_text(&self) -> bool {
        self.frame()[0] & 0x0f == Encoding::Text.opcode()
    }

    /// The text of a text message. Checks the encoding anew at each call.
    pub fn as_text(&self) -> Option<&str> {
        self.is_text().then(|| {
            simdutf8::basic::from_utf8(self.payload())
                .expect("a text message is valid UTF-8 when it is made")
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
fn header_bytes(frame: &[u8]) -> usize {
    match frame[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

/// How long the header of an unmasked frame with a payload of `length` bytes is.
pub(super) fn server_header_bytes(length: usize) -> usize {
    match length {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

/// Writes the header of an unmasked, unfragmented frame into the bytes just before `payload`, where
/// the payload begins, and says where it begins itself.
///
/// # Panics
///
/// If `payload` leaves less room than [`server_header_bytes`].
#[inline]
pub(super) fn put_header_before(
    encoding: Encoding,
    is_deflated: bool,
    length: usize,
    payload: usize,
    bytes: &mut [u8],
) -> usize {
    // FIN, and RSV1 for "per-message compressed": RFC 7692, section 6.
    let first = if is_deflated { 0xc0 } else { 0x80 } | encoding.opcode();
    let start = payload - server_header_bytes(length);
    let header = &mut bytes[start..payload];
    header[0] = first;
    match length {
        0..=125 => header[1] = length as u8,
        126..=0xffff => {
            header[1] = 126;
            header[2..].copy_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(length as u64).to_be_bytes());
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_from_its_frame_whatever_its_length() {
        for length in [0, 1, 125, 126, 127, 507, 508, 509, 65_535, 65_536] {
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
