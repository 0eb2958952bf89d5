//! What a wire is asked to say.

use tungstenite::protocol::CloseFrame;

use super::{
    CloseCodeNotAllowed, Data, Deflater, HEADER_BYTES_MAX, Wire, close,
    control::ControlFrame,
    header::{CONTROL_BYTES_MAX, ControlKind, HEADER_BYTES_ANY_MAX},
    mask,
    message::put_header_before,
};

impl Wire {
    /// Appends a message: a [`Message`](super::Message), text or bytes. Returns `false`, and appends
    /// nothing, after a Close has been sent.
    ///
    /// ```
    /// use fanlight_core::wire::{Limits, Role, Wire};
    ///
    /// let mut out = Vec::new();
    /// assert!(Wire::new(Role::Server, Limits::default()).send("hello", &mut out));
    /// assert_eq!(out, b"\x81\x05hello");
    /// ```
    pub fn send<'a>(&mut self, data: impl Into<Data<'a>>, out: &mut Vec<u8>) -> bool {
        self.append_data(data.into(), false, out)
    }

    /// Appends a message, compressed by `deflater` if that was agreed on and is worth it. Returns as
    /// [`send`](Self::send) does.
    pub fn send_deflated<'a>(
        &mut self,
        data: impl Into<Data<'a>>,
        deflater: Deflater,
        out: &mut Vec<u8>,
    ) -> bool {
        let data = data.into();
        let deflated = self.deflate.and_then(|agreed| {
            let window_bits = Deflater::window_bits(data.payload.len(), agreed);
            deflater.deflate(data, window_bits)
        });
        match &deflated {
            Some(frame) => {
                let payload = frame.payload();
                self.append_data(Data { payload, ..data }, true, out)
            }
            None => self.append_data(data, false, out),
        }
    }

    fn append_data(&mut self, data: Data<'_>, is_deflated: bool, out: &mut Vec<u8>) -> bool {
        if self.close_sent {
            return false;
        }
        let Data { encoding, payload } = data;
        let mut header = [0; HEADER_BYTES_ANY_MAX];
        let (end, length) = (HEADER_BYTES_MAX, payload.len());
        let start = put_header_before(encoding, is_deflated, length, end, &mut header);
        out.reserve(HEADER_BYTES_ANY_MAX + length);
        match self.next_mask() {
            None => {
                out.extend_from_slice(&header[start..end]);
                out.extend_from_slice(payload);
            }
            Some(mask) => {
                header[start + 1] |= 0x80;
                header[end..].copy_from_slice(&mask);
                out.extend_from_slice(&header[start..]);
                mask::append(mask, payload, out);
            }
        }
        true
    }

    /// Appends a ping. Returns `false`, and appends nothing, after a Close has been sent, or if the
    /// payload is longer than 125 bytes: RFC 6455, section 5.5.
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        !self.close_sent && self.append_control(ControlKind::Ping, payload, out)
    }

    /// Appends a Close, with `None` an empty one. Returns `false`, and appends nothing, after a
    /// Close has been sent. A reason longer than 123 bytes is cut between two characters.
    ///
    /// # Errors
    ///
    /// If the code must not be sent; nothing is appended then, and the wire is as it was.
    pub fn close(
        &mut self,
        frame: Option<&CloseFrame>,
        out: &mut Vec<u8>,
    ) -> Result<bool, CloseCodeNotAllowed> {
        let mut room = [0; CONTROL_BYTES_MAX];
        let length = close::write(frame, &mut room)?;
        if self.close_sent {
            return Ok(false);
        }
        self.close_sent = self.append_control(ControlKind::Close, &room[..length], out);
        Ok(self.close_sent)
    }

    fn append_control(&mut self, kind: ControlKind, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let frame = ControlFrame::new(kind, payload, self.next_mask());
        if let Some(frame) = &frame {
            out.extend_from_slice(frame.bytes());
        }
        frame.is_some()
    }

    pub(super) fn next_mask(&mut self) -> Option<[u8; 4]> {
        self.masks.as_mut().map(|masks| masks.next())
    }
}
