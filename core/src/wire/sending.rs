//! What a wire is asked to say.

use tungstenite::protocol::{CloseFrame, frame::FrameHeader};

use super::{
    CloseCodeNotAllowed, Deflater, Message, Wire, close,
    control::ControlFrame,
    header::{CONTROL_BYTES_MAX, ControlKind, HEADER_BYTES_ANY_MAX},
    mask,
    message::header_bytes,
};

impl Wire {
    /// Appends a message. Returns `false`, and appends nothing, after a Close has been sent.
    pub fn send(&mut self, message: &Message, out: &mut Vec<u8>) -> bool {
        self.append_message(message.frame(), message.payload(), out)
    }

    /// Appends a message, compressed by `deflater` if that was agreed on and is worth it. Returns as
    /// [`send`](Self::send) does.
    pub fn send_deflated(
        &mut self,
        message: &Message,
        deflater: Deflater,
        out: &mut Vec<u8>,
    ) -> bool {
        let deflated = self.deflate.and_then(|agreed| {
            let window_bits = Deflater::window_bits(message.payload().len(), agreed);
            deflater.deflate(message, window_bits)
        });
        match deflated {
            Some(frame) => {
                let payload = &frame.bytes()[header_bytes(frame.bytes())..];
                self.append_message(frame.bytes(), payload, out)
            }
            None => self.send(message, out),
        }
    }

    /// Appends a server's finished `frame`, or a client's with its first byte and its payload.
    fn append_message(&mut self, frame: &[u8], payload: &[u8], out: &mut Vec<u8>) -> bool {
        if self.close_sent {
            return false;
        }
        let Some(mask) = self.next_mask() else {
            out.extend_from_slice(frame);
            return true;
        };
        out.reserve(HEADER_BYTES_ANY_MAX + payload.len());
        let begun = out.len();
        FrameHeader { mask: Some(mask), ..FrameHeader::default() }
            .format(payload.len() as u64, out)
            .expect("a vector takes every write");
        out[begun] = frame[0];
        mask::append(mask, payload, out);
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
