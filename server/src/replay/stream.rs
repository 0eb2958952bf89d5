//! What a connection sent, in frames and readable.

use std::{fmt, io::Cursor};

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// Of what one input has, so many bytes are shown.
const SHOWN_BYTES_MAX: usize = 200;

/// Where a connection's bytes are: in its request, or in a frame (RFC 6455, section 5.2).
///
/// It forgives what a hub does not, since it only shows.
#[derive(Debug, Default)]
pub(super) struct Stream {
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In the request head, whose last bytes were these.
    Request([u8; 4]),
    /// Between frames, or in the head of one: as much of it as has come.
    Between(Vec<u8>),
    /// In the payload of a frame.
    Payload(Payload),
    /// What came was no frame, so nobody knows where the next begins.
    Lost,
}

impl Default for Place {
    fn default() -> Self {
        Self::Request([0; 4])
    }
}

#[derive(Clone, Copy, Debug)]
struct Payload {
    kind: &'static str,
    mask: [u8; 4],
    length: u64,
    /// How much of it has come.
    at: u64,
}

/// A part of what came at once, as it was sent.
#[derive(Debug)]
enum Piece<'a> {
    Request(&'a [u8]),
    Payload(Payload, &'a [u8]),
    Lost(&'a [u8]),
}

const END_OF_REQUEST: [u8; 4] = *b"\r\n\r\n";

impl Stream {
    /// Of a connection whose request was read elsewhere.
    pub(super) fn upgraded() -> Self {
        Self { place: Place::Between(Vec::new()) }
    }

    /// Goes on over bytes that nobody wants to see.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Vec<String> {
        self.follow(bytes, |_| {});
        Vec::new()
    }

    /// Goes on, and says what is in the bytes: text as text, at most 200 bytes in all.
    pub(super) fn show(&mut self, bytes: &[u8]) -> Vec<String> {
        let (mut shown, mut room, mut hidden) = (Vec::new(), SHOWN_BYTES_MAX, 0_usize);
        self.follow(bytes, |piece| {
            if room == 0 {
                hidden += 1;
                return;
            }
            let mut said = piece.bytes(room);
            room -= said.len();
            let quoted = quoted(&mut said);
            let rest = piece.len() - said.len();
            let more = if rest > 0 { format!(", and {rest} bytes more") } else { String::new() };
            shown.push(format!("{piece} {quoted}{more}"));
        });
        if hidden > 0 {
            shown.push(format!("and {hidden} frames more"));
        }
        if let (true, Place::Between(head)) = (shown.is_empty(), &self.place) {
            shown.push(format!("the first {} bytes of a frame's head", head.len()));
        }
        shown
    }

    fn follow(&mut self, mut bytes: &[u8], mut see: impl FnMut(Piece<'_>)) {
        loop {
            match &mut self.place {
                Place::Request(last) => {
                    let end = bytes.iter().position(|byte| {
                        *last = [last[1], last[2], last[3], *byte];
                        *last == END_OF_REQUEST
                    });
                    let (request, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
                    if !request.is_empty() {
                        see(Piece::Request(request));
                    }
                    if end.is_none() {
                        return;
                    }
                    bytes = rest;
                    self.place = Place::Between(Vec::new());
                }
                Place::Between(head) => {
                    let Some((first, rest)) = bytes.split_first() else { return };
                    head.push(*first);
                    bytes = rest;
                    let mut cursor = Cursor::new(&head[..]);
                    match FrameHeader::parse(&mut cursor) {
                        Ok(None) => {}
                        Ok(Some((header, length))) => {
                            let mask = header.mask.unwrap_or_default();
                            let payload =
                                Payload { kind: kind(header.opcode), mask, length, at: 0 };
                            if length == 0 {
                                see(Piece::Payload(payload, &[]));
                                head.clear();
                            } else {
                                self.place = Place::Payload(payload);
                            }
                        }
                        Err(_) => {
                            see(Piece::Lost(head));
                            self.place = Place::Lost;
                        }
                    }
                }
                Place::Payload(payload) => {
                    if bytes.is_empty() {
                        return;
                    }
                    let left = payload.length - payload.at;
                    let here =
                        usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    let (said, rest) = bytes.split_at(here);
                    see(Piece::Payload(*payload, said));
                    bytes = rest;
                    payload.at += here as u64;
                    if payload.at == payload.length {
                        self.place = Place::Between(Vec::new());
                    }
                }
                Place::Lost => {
                    if !bytes.is_empty() {
                        see(Piece::Lost(bytes));
                    }
                    return;
                }
            }
        }
    }
}

fn kind(opcode: OpCode) -> &'static str {
    match opcode {
        OpCode::Data(Data::Text) => "text",
        OpCode::Data(Data::Binary) => "binary",
        OpCode::Data(Data::Continue) => "continuation",
        OpCode::Control(Control::Close) => "close",
        OpCode::Control(Control::Ping) => "ping",
        OpCode::Control(Control::Pong) => "pong",
        OpCode::Data(Data::Reserved(_)) | OpCode::Control(Control::Reserved(_)) => "reserved",
    }
}

impl Piece<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Request(bytes) | Self::Payload(_, bytes) | Self::Lost(bytes) => bytes.len(),
        }
    }

    /// The first of the bytes, without the mask (RFC 6455, section 5.3).
    fn bytes(&self, room: usize) -> Vec<u8> {
        match self {
            Self::Request(bytes) | Self::Lost(bytes) => bytes[..room.min(bytes.len())].to_vec(),
            Self::Payload(Payload { mask, at, .. }, bytes) => {
                let masks = mask.iter().cycle().skip((at % 4) as usize);
                bytes.iter().take(room).zip(masks).map(|(byte, mask)| byte ^ mask).collect()
            }
        }
    }
}

impl fmt::Display for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here = self.len();
        match self {
            Self::Request(_) => write!(f, "request, {here} bytes"),
            Self::Payload(Payload { kind, length, .. }, _) if here as u64 == *length => {
                write!(f, "{kind}, {here} bytes")
            }
            Self::Payload(Payload { kind, length, at, .. }, _) => {
                write!(f, "{kind}, {here} of its {length} bytes from byte {at}")
            }
            Self::Lost(_) => write!(f, "no frame, {here} bytes"),
        }
    }
}

/// Text as text, anything else byte by byte; both escaped. A character that was cut off is left
/// out.
fn quoted(said: &mut Vec<u8>) -> String {
    let text_end = match str::from_utf8(said) {
        Ok(text) => text.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => 0,
    };
    match str::from_utf8(&said[..text_end]) {
        Ok(text) if text_end > 0 => {
            let quoted = format!("{text:?}");
            said.truncate(text_end);
            quoted
        }
        Ok(_) | Err(_) => format!("\"{}\"", said.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let mut frame = vec![first, 0x80 | length];
        if length > 125 {
            frame = vec![first, 0x80 | 126, 0, length];
        }
        frame.extend(mask);
        frame.extend(masked);
        frame
    }

    #[test]
    fn the_example_of_the_rfc_is_text() {
        // RFC 6455, section 5.7.
        let frame = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(Stream::upgraded().show(&frame), [r#"text, 5 bytes "Hello""#]);
    }

    #[test]
    fn a_request_and_frames_are_told_apart_however_they_are_cut() {
        let mut sent = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        sent.extend(frame(0x81, [1, 2, 3, 4], "tab\tü".as_bytes()));
        sent.extend(frame(0x89, [9; 4], b""));
        sent.extend(frame(0x82, [7; 4], &[0xff, 0x00]));
        let whole = [
            r#"request, 18 bytes "GET / HTTP/1.1\r\n\r\n""#,
            r#"text, 6 bytes "tab\tü""#,
            r#"ping, 0 bytes """#,
            r#"binary, 2 bytes "\xff\x00""#,
        ];
        assert_eq!(Stream::default().show(&sent), whole);
        let within = r#"binary, 1 of its 2 bytes from byte 1 "\0""#;
        for cut in 0..sent.len() {
            let mut stream = Stream::default();
            stream.skip(&sent[..cut]);
            let is_within = cut == sent.len() - 1;
            let last = if is_within { within } else { whole[3] };
            assert_eq!(stream.show(&sent[cut..]).last().unwrap(), last, "cut at {cut}");
        }
    }

    #[test]
    fn long_payloads_are_cut_and_what_is_no_frame_is_said_to_be_none() {
        let mut sent = frame(0x81, [5; 4], "ü".repeat(101).as_bytes());
        sent.extend(frame(0x81, [5; 4], b"more"));
        let shown = Stream::upgraded().show(&sent);
        let text = "ü".repeat(100);
        assert_eq!(shown[0], format!("text, 202 bytes \"{text}\", and 2 bytes more"));
        assert_eq!(shown[1..], ["and 1 frames more"]);

        let mut stream = Stream::upgraded();
        assert_eq!(stream.show(&[0x81]), ["the first 1 bytes of a frame's head"]);
        assert_eq!(Stream::upgraded().show(&[0x8f, 0x80, 0, 0, 0, 0])[0][..8], *"no frame");
    }
}
