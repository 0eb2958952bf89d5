//! RFC 6455 frames read and written the obvious way, sharing nothing with the code under test.

use std::str;

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
    /// Reads what a server sent, with an HTTP answer in front unless the connection `is_upgraded`.
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
        while let Some((frame, rest)) = read_frame(stream.rest)? {
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
        Self { part, rest: Vec::new(), messages: 0, pings: 0 }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// What breaks the RFC.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(bytes);
        let used = self.read_whole(&rest)?;
        rest.drain(..used);
        self.rest = rest;
        Ok(())
    }

    /// Reads what is whole at the beginning of `bytes`, and says how much that was.
    fn read_whole(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut rest = bytes;
        if self.part == Part::Head {
            let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(0);
            };
            let (head, behind) = rest.split_at(end + 4);
            self.part = if status(head)? == 101 { Part::Frames } else { Part::Body };
            rest = behind;
        }
        if self.part == Part::Body {
            return Ok(bytes.len());
        }
        while self.part == Part::Frames
            && let Some((frame, behind)) = read_frame(rest)?
        {
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

/// The first frame and what follows it, or `None` if it is not whole.
fn read_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>, String> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let opcode = first & 0x0f;
    if first & 0x80 == 0 || first & 0x70 != 0 {
        return Err(format!("first byte {first:#04x}: fragmented, or a reserved bit"));
    }
    if !matches!(opcode, TEXT | 0x2 | 0x8..=0xa) {
        return Err(format!("opcode {opcode:#x}"));
    }
    if second & 0x80 != 0 {
        return Err("a server masked a frame".into());
    }
    let (length, rest) = match second {
        126 => match rest.split_first_chunk() {
            None => return Ok(None),
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
        },
        127 => match rest.split_first_chunk() {
            None => return Ok(None),
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
        },
        length => (u64::from(length), rest),
    };
    if second == 126 && length < 126 || second == 127 && length < 1 << 16 {
        return Err(format!("length {length} not in its shortest form"));
    }
    if opcode >= CLOSE && length > 125 {
        return Err(format!("a control frame of {length} bytes"));
    }
    let length = usize::try_from(length).map_err(|_| format!("length {length}"))?;
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    if opcode == TEXT && str::from_utf8(payload).is_err() {
        return Err("text that is not UTF-8".into());
    }
    if opcode == CLOSE {
        judge_close(payload)?;
    }
    Ok(Some((Frame { opcode, payload }, rest)))
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
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
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
            reader.read(&bytes[..cut]).unwrap();
            reader.read(&bytes[cut..]).unwrap();
            assert_eq!((reader.messages(), reader.is_whole()), (2, true));
            assert!(reader.read(b"\x81\x00").is_err());
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
            assert!(Reader::new(true).read(bytes).is_err(), "{bytes:x?}");
        }
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
