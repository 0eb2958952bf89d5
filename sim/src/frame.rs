//! RFC 6455 frames read and written the obvious way, sharing nothing with the code under test.

use std::str;

use flate2::{Decompress, FlushDecompress, Status};

/// One whole, unmasked frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The opcode (section 5.2).
    pub opcode: u8,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Whether this is a Close (section 5.5.1).
    pub fn is_close(&self) -> bool {
        self.opcode == CLOSE
    }

    /// The text of a text message (section 5.6).
    pub fn text(&self) -> Option<&'a str> {
        (self.opcode == TEXT).then(|| str::from_utf8(self.payload).ok()).flatten()
    }
}

/// The bit of a frame that is the last of its message.
pub(crate) const FIN: u8 = 0x80;
/// The opcode of a continuation.
pub const CONTINUATION: u8 = 0x0;
/// The opcode of a text message.
pub const TEXT: u8 = 0x1;
/// The opcode of a Close.
pub const CLOSE: u8 = 0x8;
/// The opcode of a ping.
pub const PING: u8 = 0x9;
/// The opcode of a pong.
pub const PONG: u8 = 0xa;

/// What one connection was sent: the head of an HTTP answer, and what follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream<'a> {
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The body, of every answer but a 101.
    pub body: &'a [u8],
    /// The whole frames behind a 101, or of a connection that came upgraded.
    pub frames: Vec<Frame<'a>>,
    /// The beginning of one more frame or of the answer's head.
    pub rest: &'a [u8],
}

impl<'a> Stream<'a> {
    /// Reads what a server sent, nothing of it compressed, with an HTTP answer in front unless the
    /// connection `is_upgraded`.
    ///
    /// # Errors
    ///
    /// What breaks the RFC.
    pub fn read(bytes: &'a [u8], is_upgraded: bool) -> Result<Self, String> {
        let mut stream = Self { rest: bytes, ..Self::default() };
        if !is_upgraded {
            let Some(head_end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(stream);
            };
            let (head, rest) = bytes.split_at(head_end + 4);
            let status = status(head)?;
            stream.status = Some(status);
            stream.rest = rest;
            if status != 101 {
                stream.body = rest;
                stream.rest = &[];
                return Ok(stream);
            }
        }
        while let Some((whole, rest)) = split_frame(stream.rest)? {
            let frame = judge(whole)?;
            if stream.frames.last().is_some_and(Frame::is_close) {
                return Err(format!("{frame:?} follows a Close"));
            }
            stream.frames.push(frame);
            stream.rest = rest;
        }
        if stream.frames.last().is_some_and(Frame::is_close) && !stream.rest.is_empty() {
            return Err(format!("{} bytes follow a Close", stream.rest.len()));
        }
        Ok(stream)
    }

    /// The texts of the text messages.
    pub fn texts(&self) -> impl Iterator<Item = &'a str> + use<'a, '_> {
        self.frames.iter().filter_map(Frame::text)
    }

    /// The code of the Close at the end, 1005 for one without.
    pub fn close_code(&self) -> Option<u16> {
        let close = self.frames.last().filter(|frame| frame.is_close())?;
        Some(close.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)))
    }
}

/// Reads what a server sends as it is sent, and judges it.
#[derive(Clone, Debug)]
pub struct Reader {
    part: Part,
    /// The window in which messages may be compressed, if the answer to the request says so (RFC
    /// 7692).
    window_bits: Option<u8>,
    /// What has come of a head or of a frame that is not whole yet.
    rest: Vec<u8>,
    messages: usize,
    pings: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    Body,
    Frames,
    /// Behind a Close.
    Nothing,
}

impl Reader {
    /// A reader of what comes first: an HTTP answer unless the connection `is_upgraded`.
    pub fn new(is_upgraded: bool) -> Self {
        let part = if is_upgraded { Part::Frames } else { Part::Head };
        Self { part, window_bits: None, rest: Vec::new(), messages: 0, pings: 0 }
    }

    /// Takes the next bytes, and appends to `plain` what is whole now: as it came, but for what was
    /// compressed.
    ///
    /// # Errors
    ///
    /// What breaks the RFC.
    pub fn read(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), String> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(bytes);
        let used = self.read_whole(&rest, plain)?;
        rest.drain(..used);
        self.rest = rest;
        Ok(())
    }

    /// Reads what is whole at the beginning of `bytes`, and says how much that was.
    fn read_whole(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<usize, String> {
        let mut rest = bytes;
        if self.part == Part::Head {
            let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(0);
            };
            let (head, behind) = rest.split_at(end + 4);
            self.part = if status(head)? == 101 { Part::Frames } else { Part::Body };
            self.window_bits = window_bits(head)?;
            plain.extend_from_slice(head);
            rest = behind;
        }
        if self.part == Part::Body {
            plain.extend_from_slice(rest);
            return Ok(bytes.len());
        }
        let mut inflated;
        while self.part == Part::Frames
            && let Some((whole, behind)) = split_frame(rest)?
        {
            let whole = match self.window_bits {
                Some(window_bits) if is_deflated(whole) => {
                    inflated = inflate_frame(whole, window_bits)?;
                    &inflated[..]
                }
                Some(_) | None => whole,
            };
            let frame = judge(whole)?;
            plain.extend_from_slice(whole);
            self.messages += usize::from(frame.opcode < CLOSE);
            self.pings += usize::from(frame.opcode == PING);
            if frame.is_close() {
                self.part = Part::Nothing;
            }
            rest = behind;
        }
        if self.part == Part::Nothing && !rest.is_empty() {
            return Err(format!("{} bytes follow a Close", rest.len()));
        }
        Ok(bytes.len() - rest.len())
    }

    /// How many whole messages there were.
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// How many whole pings there were.
    pub fn pings(&self) -> usize {
        self.pings
    }

    /// Whether nothing is unfinished.
    pub fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}

fn status(head: &[u8]) -> Result<u16, String> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.strip_prefix("HTTP/1.1 ")
        .and_then(|line| line.get(..3)?.parse().ok())
        .ok_or_else(|| format!("not a status line: {line:?}"))
}

/// The window that the head of an answer names, if it takes permessage-deflate (RFC 7692, section 7.1).
fn window_bits(head: &[u8]) -> Result<Option<u8>, String> {
    let head = String::from_utf8_lossy(head);
    let line = head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions: "));
    let Some(line) = line else { return Ok(None) };
    let mut parameters = line.split("; ");
    let mut window_bits = 15;
    for parameter in parameters.by_ref() {
        match parameter.split_once('=') {
            Some(("server_max_window_bits", bits)) => {
                window_bits = bits.parse().map_err(|_| format!("a window of {bits} bits"))?;
            }
            None if matches!(
                parameter,
                "permessage-deflate" | "server_no_context_takeover" | "client_no_context_takeover"
            ) => {}
            Some(_) | None => return Err(format!("the extension {line:?}")),
        }
    }
    Ok(Some(window_bits))
}

/// The bytes of the first frame and what follows them.
type Split<'a> = (&'a [u8], &'a [u8]);

/// Splits the first frame off, if it is whole.
fn split_frame(bytes: &[u8]) -> Result<Option<Split<'_>>, String> {
    let Some(header_bytes) = header_bytes(bytes) else { return Ok(None) };
    let length = match bytes[1] & 0x7f {
        126 | 127 => bytes[2..header_bytes].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        length => u64::from(length),
    };
    let whole = usize::try_from(length).ok().and_then(|length| length.checked_add(header_bytes));
    let whole = whole.ok_or_else(|| format!("length {length}"))?;
    Ok(bytes.split_at_checked(whole))
}

/// How long the header of the first frame is, if it has come whole (section 5.2).
fn header_bytes(bytes: &[u8]) -> Option<usize> {
    let header_bytes = match bytes.get(1)? & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    (bytes.len() >= header_bytes).then_some(header_bytes)
}

/// Whether a frame is a compressed message (RFC 7692, section 6).
fn is_deflated(frame: &[u8]) -> bool {
    frame[0] & 0x40 != 0 && matches!(frame[0] & 0x0f, TEXT | 0x2)
}

/// The frame that a compressed one stands for (RFC 7692, section 7.2.2).
fn inflate_frame(frame: &[u8], window_bits: u8) -> Result<Vec<u8>, String> {
    let header_bytes = header_bytes(frame).ok_or("a frame without a header")?;
    let deflated = [&frame[header_bytes..], &[0, 0, 0xff, 0xff, 3, 0]].concat();
    let mut inflate = Decompress::new_with_window_bits(false, window_bits);
    let mut payload = Vec::with_capacity(1024);
    let status = loop {
        let taken = usize::try_from(inflate.total_in()).map_err(|_| "too much")?;
        let status = inflate
            .decompress_vec(&deflated[taken..], &mut payload, FlushDecompress::None)
            .map_err(|error| format!("{error}"))?;
        if status == Status::StreamEnd || payload.len() < payload.capacity() {
            break status;
        }
        payload.reserve(payload.len());
    };
    if status != Status::StreamEnd || inflate.total_in() != deflated.len() as u64 {
        return Err(format!("a compressed message that ends with {status:?}"));
    }
    if payload.len() <= frame.len() - header_bytes {
        return Err(format!("{} bytes were compressed for nothing", payload.len()));
    }
    let mut whole = vec![frame[0] & !0x40];
    push_length(payload.len(), 0, &mut whole);
    whole.append(&mut payload);
    Ok(whole)
}

/// Judges a whole frame that is not compressed.
fn judge(frame: &[u8]) -> Result<Frame<'_>, String> {
    let header_bytes = header_bytes(frame).ok_or("a frame without a header")?;
    let (header, payload) = frame.split_at(header_bytes);
    let (first, opcode, length) = (header[0], header[0] & 0x0f, payload.len());
    if first & 0x80 == 0 || first & 0x70 != 0 {
        return Err(format!("first byte {first:#04x}: fragmented, or a reserved bit"));
    }
    if !matches!(opcode, TEXT | 0x2 | 0x8..=0xa) {
        return Err(format!("opcode {opcode:#x}"));
    }
    if header[1] & 0x80 != 0 {
        return Err("a server masked a frame".into());
    }
    if header_bytes == 4 && length < 126 || header_bytes == 10 && length < 1 << 16 {
        return Err(format!("length {length} not in its shortest form"));
    }
    if opcode >= CLOSE && length > 125 {
        return Err(format!("a control frame of {length} bytes"));
    }
    if opcode == TEXT && str::from_utf8(payload).is_err() {
        return Err("text that is not UTF-8".into());
    }
    if opcode == CLOSE {
        judge_close(payload)?;
    }
    Ok(Frame { opcode, payload })
}

/// Section 7.4: which codes may be sent, and what a reason is.
fn judge_close(payload: &[u8]) -> Result<(), String> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(()) } else { Err("a Close of one byte".into()) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(format!("a Close with {code}"));
    }
    str::from_utf8(reason).map(|_| ()).map_err(|_| "a Close reason that is not UTF-8".into())
}

/// A frame as a client sends it: any first byte, any payload, masked.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    push_length(payload.len(), 0x80, &mut frame);
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Appends a length in its shortest form (section 5.2), and the bit that says whether a mask follows.
fn push_length(length: usize, mask_bit: u8, frame: &mut Vec<u8>) {
    match length {
        0..126 => frame.push(mask_bit | length as u8),
        126..0x1_0000 => {
            frame.push(mask_bit | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(mask_bit | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_split_into_its_frames() {
        let stream = Stream::read(b"\x81\x02hi\x89\x00\x88\x02\x03\xe8", true).unwrap();
        assert_eq!(stream.texts().collect::<Vec<_>>(), ["hi"]);
        assert_eq!(stream.frames.len(), 3);
        assert_eq!(stream.close_code(), Some(1000));
    }

    #[test]
    fn a_frame_cut_anywhere_is_kept_as_rest() {
        for cut in 0..4 {
            let bytes = &b"\x81\x02hi"[..cut];
            let stream = Stream::read(bytes, true).unwrap();
            assert_eq!((stream.frames.len(), stream.rest), (0, bytes));
        }
    }

    #[test]
    fn a_reader_comes_to_the_same_however_the_bytes_are_cut() {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi\x82\x01!\x88\x02\x03\xe8";
        for cut in 0..bytes.len() {
            let mut reader = Reader::new(false);
            let mut plain = Vec::new();
            reader.read(&bytes[..cut], &mut plain).unwrap();
            reader.read(&bytes[cut..], &mut plain).unwrap();
            assert_eq!((reader.messages(), reader.is_whole()), (2, true));
            assert_eq!(plain, bytes);
            assert!(reader.read(b"\x81\x00", &mut plain).is_err());
        }
    }

    #[test]
    fn what_breaks_the_rfc_is_told() {
        for bytes in [
            &b"\x01\x00"[..],
            b"\xc1\x00",
            b"\x83\x00",
            b"\x81\x80\0\0\0\0",
            b"\x81\x7e\x00\x05hello",
            b"\x81\x01\xff",
            b"\x88\x01\x03",
            b"\x88\x02\x03\xed",
            b"\x88\x00\x81",
        ] {
            assert!(Stream::read(bytes, true).is_err(), "{bytes:x?}");
            assert!(Reader::new(true).read(bytes, &mut Vec::new()).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_compressed_is_shown_as_it_was_said() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-extensions: \
                     permessage-deflate; server_no_context_takeover\r\n\r\n";
        // Forty times "a".
        let frame = b"\xc1\x05\x4a\x24\x0c\x00\x00";
        let mut plain = Vec::new();
        Reader::new(false).read(&[&head[..], frame].concat(), &mut plain).unwrap();
        let stream = Stream::read(&plain, false).unwrap();
        assert_eq!(
            stream.texts().collect::<Vec<_>>(),
            ["a".repeat(stream.frames[0].payload.len())]
        );
        assert!(stream.frames[0].payload.len() > 5);
        for broken in [&b"\xc1\x02\x4a\x24"[..], b"\xc1\x01\x00", b"\xc9\x00"] {
            let bytes = [&head[..], broken].concat();
            assert!(Reader::new(false).read(&bytes, &mut plain).is_err(), "{broken:x?}");
        }
        assert!(Reader::new(true).read(frame, &mut plain).is_err(), "nothing was agreed on");
    }

    #[test]
    fn an_answer_is_told_from_the_frames_behind_it() {
        let bytes = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi";
        let stream = Stream::read(bytes, false).unwrap();
        assert_eq!((stream.status, stream.frames.len()), (Some(101), 1));
        let stream = Stream::read(b"HTTP/1.1 403 Forbidden\r\n\r\nno", false).unwrap();
        assert_eq!((stream.status, stream.body), (Some(403), &b"no"[..]));
        assert!(Stream::read(b"SSH-2.0\r\n\r\n", false).is_err());
    }
}
