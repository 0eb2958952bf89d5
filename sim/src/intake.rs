//! What a hub was given of one peer's bytes, read the obvious way.

use std::time::Duration;

use fanlight_core::Instant;

use crate::frame::CLOSE;

const FIN: u8 = 0x80;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// Reads a peer's bytes as they are given to its hub: which frames and messages begin and end when.
///
/// It judges nothing: behind a broken frame what it says is worth nothing.
#[derive(Debug)]
pub(crate) struct Intake {
    /// How much of [`HEAD_END`] has come, all of it if there is no head.
    head: usize,
    header: Vec<u8>,
    payload_left: u64,
    /// When the frame that is not whole began.
    frame_begun: Option<Instant>,
    /// When the message that is not whole began.
    message_begun: Option<Instant>,
    message_bytes: usize,
    /// Whether a control frame has come since that message began.
    is_interrupted: bool,
    longest: Duration,
}

impl Intake {
    pub(crate) fn new(is_upgraded: bool) -> Self {
        Self {
            head: if is_upgraded { HEAD_END.len() } else { 0 },
            header: Vec::new(),
            payload_left: 0,
            frame_begun: None,
            message_begun: None,
            message_bytes: 0,
            is_interrupted: false,
            longest: Duration::ZERO,
        }
    }

    /// Takes what the hub is given at `now`, and says of how many frames the header
    /// became whole.
    pub(crate) fn read(&mut self, mut bytes: &[u8], now: Instant) -> u64 {
        let mut frames = 0;
        while let Some((&first, rest)) = bytes.split_first() {
            if self.head < HEAD_END.len() {
                self.head = match first {
                    byte if byte == HEAD_END[self.head] => self.head + 1,
                    b'\r' => 1,
                    _ => 0,
                };
                bytes = rest;
            } else if self.payload_left > 0 {
                let more = usize::try_from(self.payload_left).unwrap_or(usize::MAX);
                let more = more.min(bytes.len());
                self.payload_left -= more as u64;
                if !self.is_control() {
                    self.message_bytes += more;
                }
                self.end_if_whole(now);
                bytes = &bytes[more..];
            } else {
                self.frame_begun.get_or_insert(now);
                self.header.push(first);
                if self.is_control() {
                    self.is_interrupted = true;
                } else if self.message_begun.is_none() {
                    self.message_begun = Some(now);
                    self.is_interrupted = false;
                }
                if let Some(length) = self.payload_length() {
                    self.payload_left = length;
                    frames += 1;
                    self.end_if_whole(now);
                }
                bytes = rest;
            }
        }
        frames
    }

    fn is_control(&self) -> bool {
        self.header.first().is_some_and(|first| first & 0xf >= CLOSE)
    }

    /// The length of the payload, once the header is whole (RFC 6455, section 5.2).
    fn payload_length(&self) -> Option<u64> {
        let second = *self.header.get(1)?;
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
        let length = self.header.get(2..2 + length_bytes)?;
        let is_whole = self.header.len() == 2 + length_bytes + mask_bytes;
        let number = length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        is_whole.then_some(if length_bytes == 0 { u64::from(second & 0x7f) } else { number })
    }

    fn end_if_whole(&mut self, now: Instant) {
        if self.payload_left > 0 {
            return;
        }
        let is_final = self.header.first().is_some_and(|first| first & FIN != 0);
        let frame = self.frame_begun.take();
        let message = if is_final && !self.is_control() {
            self.message_bytes = 0;
            self.message_begun.take()
        } else {
            None
        };
        for begun in [frame, message].into_iter().flatten() {
            self.longest = self.longest.max(now.since(begun));
        }
        self.header.clear();
    }

    /// When what is not whole began, a message or a frame.
    pub(crate) fn begun(&self) -> Option<Instant> {
        self.message_begun.into_iter().chain(self.frame_begun).min()
    }

    /// Whether a control frame has come since that began, or is what is not whole.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }

    /// How many bytes there are of the message that is not whole.
    pub(crate) fn message_bytes(&self) -> usize {
        self.message_bytes
    }

    /// The longest that any message or frame took, up to `now`.
    pub(crate) fn longest(&self, now: Instant) -> Duration {
        self.begun().map_or(self.longest, |begun| self.longest.max(now.since(begun)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{CONTINUATION, PING, TEXT, masked};

    #[test]
    fn frames_and_messages_are_told_however_they_are_cut() {
        let mut bytes = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        bytes.extend(masked(TEXT, b"one"));
        bytes.extend(masked(FIN | PING, b""));
        bytes.extend(masked(FIN | CONTINUATION, &[0; 300]));
        for cut in 1..bytes.len() {
            let mut intake = Intake::new(false);
            let mut frames = 0;
            for (second, part) in bytes.chunks(cut).enumerate() {
                frames += intake.read(part, Instant::ZERO + Duration::from_secs(second as u64));
            }
            assert_eq!((frames, intake.begun(), intake.message_bytes()), (3, None, 0));
        }
    }

    #[test]
    fn a_message_takes_as_long_as_all_its_fragments() {
        let mut intake = Intake::new(true);
        let at = |second| Instant::ZERO + Duration::from_secs(second);
        intake.read(&masked(TEXT, b"one"), at(1));
        assert_eq!((intake.begun(), intake.message_bytes()), (Some(at(1)), 3));
        intake.read(&masked(FIN | PING, b""), at(2));
        intake.read(&masked(CONTINUATION, b"two"), at(4));
        assert_eq!((intake.begun(), intake.message_bytes()), (Some(at(1)), 6));
        intake.read(&masked(FIN | CONTINUATION, b""), at(5));
        assert_eq!((intake.begun(), intake.longest(at(9))), (None, Duration::from_secs(4)));
    }
}
