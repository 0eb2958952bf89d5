//! What a wire makes of the bytes that come.

use super::{
    Fault, Incoming, Limits, Message, Reply, ReplyKind, Wire,
    assembly::{Assembly, PartialMessage, Stage, inflated},
    close,
    control::ControlFrame,
    header::{
        CONTROL_BYTES_MAX, ControlKind, Encoding, Expectation, FrameKind, HEADER_BYTES_ANY_MAX,
        Header,
    },
    inflate::{Ended, Inflater, deflated_bytes_max},
    mask,
    message::{put_header_before, server_header_bytes},
    utf8::is_text,
};

/// With how many inflated bytes a wire stops taking what came.
const INFLATED_BYTES_A_CALL: usize = 256 * 1024;
/// As how much of an inflated message one frame counts.
const INFLATED_BYTES_A_FRAME: usize = 4096;

impl Wire {
    /// Takes bytes that came, changes them in place, and tells `on`, in order, what they say.
    ///
    /// However the bytes are cut into calls, the same is told. After the peer's Close all bytes are
    /// ignored. After a Close of our own they are not: until the peer has read it, it is not wrong
    /// to send.
    ///
    /// # Errors
    ///
    /// How the peer broke the RFC. If no Close had been sent, the one that says so has just been
    /// given to `on` as a [`Reply`]. Later bytes are ignored and give the same error.
    pub fn receive(
        &mut self,
        bytes: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), Fault> {
        let (mut inflater, mut at) = (Inflater::default(), 0);
        loop {
            at += self.receive_with(&mut inflater, &mut bytes[at..], on)?;
            if at == bytes.len() {
                return Ok(());
            }
        }
    }

    /// As [`receive`](Self::receive), with an inflater that outlives the call, and not more at once
    /// than can be carried: whoever has many connections gives the same one to all of them.
    ///
    /// Deflate shortens up to a thousandfold, so a few KiB can bring many MiB of messages. The message
    /// that makes it 256 KiB of them is the last of a call. Returns how many bytes were taken;
    /// the others, unchanged, are for the next call, once what was told is dealt with.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_with(
        &mut self,
        inflater: &mut Inflater,
        bytes: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<usize, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        inflater.bytes_made = 0;
        let mut at = 0;
        while at < bytes.len() {
            if self.close_received {
                return Ok(bytes.len());
            }
            if inflater.bytes_made >= INFLATED_BYTES_A_CALL {
                break;
            }
            match self.step(inflater, &mut bytes[at..], on) {
                Ok(taken) => at += taken,
                Err(fault) => {
                    self.fail(fault, on);
                    return Err(fault);
                }
            }
        }
        Ok(at)
    }

    /// Takes the next part of a frame from the front of `bytes`, and says how long it is.
    fn step(
        &mut self,
        inflater: &mut Inflater,
        bytes: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<usize, Fault> {
        match self.assembly.as_deref() {
            Some(Assembly { stage: Stage::Data { .. }, message: Some(_) }) => {
                self.take_data(inflater, bytes, on)
            }
            Some(Assembly { stage: Stage::Control { .. }, .. }) => self.take_control(bytes, on),
            Some(_) | None => self.take_header(inflater, bytes, on),
        }
    }

    fn take_header(
        &mut self,
        inflater: &mut Inflater,
        bytes: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<usize, Fault> {
        let expected = self.expectation();
        let (mut joined, held) = match self.assembly.as_deref() {
            Some(Assembly { stage: Stage::Header { bytes, held: held @ 1.. }, .. }) => {
                (*bytes, usize::from(*held))
            }
            Some(_) | None => {
                if let Some((header, taken)) = Header::read(bytes, &expected)? {
                    return self.begin_frame(inflater, header, taken, bytes, on);
                }
                ([0; HEADER_BYTES_ANY_MAX], 0)
            }
        };
        let more = bytes.len().min(HEADER_BYTES_ANY_MAX - held);
        joined[held..held + more].copy_from_slice(&bytes[..more]);
        if held > 0
            && let Some((header, length)) = Header::read(&joined[..held + more], &expected)?
        {
            return self.begin_frame(inflater, header, length - held, bytes, on);
        }
        self.stage(Stage::Header { bytes: joined, held: (held + more) as u8 });
        Ok(more)
    }

    /// Begins a frame whose header ends `taken` bytes into `bytes`.
    fn begin_frame(
        &mut self,
        inflater: &mut Inflater,
        header: Header,
        taken: usize,
        bytes: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<usize, Fault> {
        self.frames_received = self.frames_received.wrapping_add(1);
        let Header { kind, is_final, is_deflated, length, mask } = header;
        let is_whole = length <= bytes.len() - taken;
        let payload_taken = match kind {
            FrameKind::Control(kind) if is_whole => {
                let payload = &mut bytes[taken..taken + length];
                mask::apply(mask, payload);
                self.end_frame();
                self.on_control(kind, payload, on)?;
                length
            }
            FrameKind::Control(kind) => {
                let bytes_held = [0; CONTROL_BYTES_MAX];
                let length = length as u8;
                self.stage(Stage::Control { kind, mask, bytes: bytes_held, held: 0, length });
                self.take_control(&mut bytes[taken..], on)?
            }
            FrameKind::Message(encoding) if is_whole && is_final && is_deflated => {
                let frame = &mut bytes[..taken + length];
                mask::apply(mask, &mut frame[taken..]);
                let payload = Ended::of_frame(frame, taken);
                let message = inflated(inflater, encoding, payload, self.message_bytes_max)?;
                self.end_frame();
                self.tell_inflated(message, on);
                length
            }
            // The header that came has room for the one that goes out, so the finished frame is
            // made where the bytes are and copied once.
            FrameKind::Message(encoding)
                if is_whole && is_final && taken >= server_header_bytes(length) =>
            {
                let end = taken + length;
                let payload = &mut bytes[taken..end];
                mask::apply(mask, payload);
                if encoding == Encoding::Text && !is_text(payload) {
                    return Err(Fault::InvalidUtf8);
                }
                let start = put_header_before(encoding, false, length, taken, bytes);
                self.end_frame();
                on(Incoming::Message(Message::from_frame(&bytes[start..end])));
                length
            }
            FrameKind::Message(encoding) => {
                self.stage(Stage::Data { is_final, left: length, mask });
                self.assembly.get_or_insert_default().message =
                    Some(PartialMessage::new(encoding, is_deflated));
                self.take_data(inflater, &mut bytes[taken..], on)?
            }
            FrameKind::Continuation => {
                self.stage(Stage::Data { is_final, left: length, mask });
                self.take_data(inflater, &mut bytes[taken..], on)?
            }
        };
        Ok(taken + payload_taken)
    }

    #[inline]
    fn take_data(
        &mut self,
        inflater: &mut Inflater,
        bytes: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<usize, Fault> {
        let Some(Assembly { stage, message: Some(message) }) = self.assembly.as_deref_mut() else {
            return Ok(0);
        };
        let Stage::Data { is_final, left, mask } = stage else { return Ok(0) };
        let taken = bytes.len().min(*left);
        let len_max = if *is_final {
            message.len() + *left
        } else if message.is_deflated() {
            deflated_bytes_max(self.message_bytes_max)
        } else {
            self.message_bytes_max
        };
        message.append(&bytes[..taken], *mask, *left, len_max)?;
        *left -= taken;
        *mask = mask::after(*mask, taken);
        if *left > 0 {
            return Ok(taken);
        }
        if !*is_final {
            *stage = Stage::default();
            return Ok(taken);
        }
        let finished = self.assembly.take().and_then(|assembly| assembly.message);
        if let Some(message) = finished {
            let is_deflated = message.is_deflated();
            let message = message.finish(inflater, self.message_bytes_max)?;
            if is_deflated {
                self.tell_inflated(message, on);
            } else {
                on(Incoming::Message(message));
            }
        }
        Ok(taken)
    }

    /// What a few bytes inflate to is work as if it had come as it is.
    fn tell_inflated(&mut self, message: Message, on: &mut impl FnMut(Incoming<'_>)) {
        let frames = message.payload().len() / INFLATED_BYTES_A_FRAME;
        self.frames_received = self.frames_received.wrapping_add(frames as u32);
        on(Incoming::Message(message));
    }

    fn take_control(
        &mut self,
        bytes: &mut [u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<usize, Fault> {
        let Some(Assembly {
            stage: Stage::Control { kind, mask, bytes: payload, held, length },
            ..
        }) = self.assembly.as_deref_mut()
        else {
            return Ok(0);
        };
        let begun = usize::from(*held);
        let end = usize::from(*length).min(begun + bytes.len());
        payload[begun..end].copy_from_slice(&bytes[..end - begun]);
        *held = end as u8;
        if *held == *length {
            let (kind, mut payload) = (*kind, *payload);
            mask::apply(*mask, &mut payload[..end]);
            self.end_frame();
            self.on_control(kind, &payload[..end], on)?;
        }
        Ok(end - begun)
    }

    fn on_control(
        &mut self,
        kind: ControlKind,
        payload: &[u8],
        on: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), Fault> {
        match kind {
            ControlKind::Ping => {
                on(Incoming::Ping(payload));
                // An end's Close is its last frame (RFC 6455, section 1.4): whoever has sent one
                // answers nothing more, though section 5.5.2 would let it answer a ping.
                if !self.close_sent {
                    self.reply(ReplyKind::Pong, payload, on);
                }
            }
            ControlKind::Pong => on(Incoming::Pong(payload)),
            ControlKind::Close => {
                let frame = close::read(payload)?;
                self.close_received = true;
                self.assembly = None;
                on(Incoming::Close(frame));
                if !self.close_sent {
                    // The code is echoed, the reason is not: RFC 6455, section 5.5.1.
                    self.reply(ReplyKind::Close, &payload[..payload.len().min(2)], on);
                }
            }
        }
        Ok(())
    }

    /// Ends the wire: RFC 6455, section 7.1.7.
    fn fail(&mut self, fault: Fault, on: &mut impl FnMut(Incoming<'_>)) {
        self.fault = Some(fault);
        self.assembly = None;
        if !self.close_sent {
            self.reply(ReplyKind::Close, &u16::from(fault.code()).to_be_bytes(), on);
        }
    }

    fn reply(&mut self, kind: ReplyKind, payload: &[u8], on: &mut impl FnMut(Incoming<'_>)) {
        let control = match kind {
            ReplyKind::Pong => ControlKind::Pong,
            ReplyKind::Close => {
                self.close_sent = true;
                ControlKind::Close
            }
        };
        if let Some(frame) = ControlFrame::new(control, payload, self.next_mask()) {
            on(Incoming::Reply(Reply { kind, frame: frame.bytes() }));
        }
    }

    fn expectation(&self) -> Expectation {
        let message = self.assembly.as_deref().and_then(|assembly| assembly.message.as_ref());
        Expectation {
            is_masked: self.masks.is_none(),
            message_bytes: message.map(PartialMessage::len),
            is_deflated: message.is_some_and(PartialMessage::is_deflated),
            may_deflate: self.deflate.is_some(),
            limits: Limits {
                message_bytes_max: self.message_bytes_max,
                overlong_lengths: self.overlong_lengths,
            },
        }
    }

    /// Says what comes next of something unfinished.
    fn stage(&mut self, stage: Stage) {
        self.assembly.get_or_insert_default().stage = stage;
    }

    /// Waits for another header if a message has begun, and holds nothing if none has.
    fn end_frame(&mut self) {
        self.assembly.take_if(|assembly| {
            assembly.stage = Stage::default();
            assembly.message.is_none()
        });
    }
}
