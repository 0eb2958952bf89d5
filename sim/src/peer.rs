//! A remote program that speaks WebSocket, well or badly.

use fanlight_core::{
    CloseFrame, Message, http,
    wire::{Deflate, Deflater, Fault, Incoming, Limits, ReplyKind, Role, Wire},
};

use crate::{
    frame::{CONTINUATION, FIN, PING, PONG, TEXT, masked},
    rudeness::Rudeness,
};

/// How a peer compresses: whatever gets shorter.
const DEFLATER: Deflater = Deflater { level: 1, bytes_min: 0 };
/// The longest message that a peer takes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// A client made of a [`Wire`], and its manners.
///
/// It owns no socket: what it wants to send is appended to a buffer.
#[derive(Debug)]
pub struct Peer {
    wire: Wire,
    answer: Answer,
    came_upgraded: bool,
    is_impatient: bool,
    /// The window that it offers to be sent compressed messages for.
    window_bits: Option<u8>,
    answers: bool,
    /// The second half of a frame that was begun.
    owed: Vec<u8>,
    said: Vec<String>,
    heard: Vec<Message>,
    /// How many of those a test has asked about.
    asked: usize,
    pings: usize,
    pongs: usize,
    /// How many pings it has answered.
    answered: u64,
    closed: Option<Option<CloseFrame>>,
    fault: Option<Fault>,
    is_done: bool,
}

/// How far the HTTP answer has come.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Its head is being read.
    Awaited(Vec<u8>),
    /// Frames follow.
    Upgraded,
    /// A body follows; the status, if it is one.
    Refused(Option<u16>),
}

impl Peer {
    /// A well-behaved peer that will ask for an upgrade.
    pub fn asking(mask_seed: u64) -> Self {
        Self::new(Answer::Awaited(Vec::new()), mask_seed)
    }

    /// A peer that will ask for an upgrade and speaks without waiting for the answer.
    pub fn impatient(mask_seed: u64) -> Self {
        Self { is_impatient: true, ..Self::asking(mask_seed) }
    }

    /// A peer that will offer permessage-deflate (RFC 7692) for messages compressed with a window of
    /// so many bits, and compress what it says where that is taken.
    pub fn offering(mask_seed: u64, window_bits: u8) -> Self {
        Self { window_bits: Some(window_bits), ..Self::asking(mask_seed) }
    }

    /// A well-behaved peer that somebody else has upgraded.
    pub fn upgraded(mask_seed: u64) -> Self {
        Self::new(Answer::Upgraded, mask_seed)
    }

    fn new(answer: Answer, mask_seed: u64) -> Self {
        let limits = Limits { message_bytes_max: MESSAGE_BYTES_MAX, ..Limits::default() };
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&mask_seed.to_le_bytes());
        Self {
            wire: Wire::new(Role::Client { mask_seed: seed }, limits),
            came_upgraded: answer == Answer::Upgraded,
            is_impatient: false,
            window_bits: None,
            answer,
            answers: true,
            owed: Vec::new(),
            said: Vec::new(),
            heard: Vec::new(),
            asked: 0,
            pings: 0,
            pongs: 0,
            answered: 0,
            closed: None,
            fault: None,
            is_done: false,
        }
    }

    /// The request for `path`, of an upgrade or of a page.
    pub fn request(path: &str, is_upgrade: bool) -> Vec<u8> {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: sim\r\n");
        if is_upgrade {
            request += "Upgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Version: 13\r\n\
                        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        }
        request += "\r\n";
        request.into_bytes()
    }

    /// Its request for `path`, of an upgrade, with what it offers.
    pub fn asks(&self, path: &str) -> Vec<u8> {
        let mut request = Self::request(path, true);
        if let Some(window_bits) = self.window_bits {
            request.truncate(request.len() - 2);
            let offer = Deflate::OFFER;
            request.extend_from_slice(
                format!(
                    "Sec-WebSocket-Extensions: {offer}; server_max_window_bits={window_bits}\r\n\r\n"
                )
                .as_bytes(),
            );
        }
        request
    }

    /// From now on it answers nothing: no ping, no Close, no end of stream.
    pub fn fall_silent(&mut self) {
        self.answers = false;
    }

    /// Whether somebody else upgraded it, so that no HTTP answer comes.
    pub fn came_upgraded(&self) -> bool {
        self.came_upgraded
    }

    /// Whether it answers pings, Closes and the end of the stream.
    pub fn answers(&self) -> bool {
        self.answers
    }

    /// Whether its request has been answered.
    pub fn is_answered(&self) -> bool {
        !matches!(self.answer, Answer::Awaited(_))
    }

    /// The status with which its request was refused, or a plain one answered, if it was.
    pub fn refused(&self) -> Option<u16> {
        match self.answer {
            Answer::Refused(status) => status,
            Answer::Awaited(_) | Answer::Upgraded => None,
        }
    }

    /// Whether it says nothing more.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether it has been upgraded, and neither side has said the last word.
    pub fn is_open(&self) -> bool {
        self.answer == Answer::Upgraded && self.closed.is_none() && !self.is_done
    }

    /// Whether it may send frames now: it was upgraded, or does not wait for that, and has not
    /// ended its side.
    pub fn can_speak(&self) -> bool {
        let is_early = match self.answer {
            Answer::Upgraded => false,
            Answer::Awaited(_) => true,
            Answer::Refused(_) => return false,
        };
        !self.is_done && (!is_early || self.is_impatient)
    }

    /// Sends a text message.
    pub fn say(&mut self, text: &str, out: &mut Vec<u8>) {
        if self.can_speak() {
            out.append(&mut self.owed);
            if self.wire.send_deflated(&Message::text(text), DEFLATER, out) {
                self.said.push(text.to_owned());
            }
        }
    }

    /// Sends a text message in three fragments with a ping between them (section 5.4).
    pub fn say_in_fragments(&mut self, text: &str, out: &mut Vec<u8>) {
        if self.can_speak() && !self.wire.close_sent() {
            out.append(&mut self.owed);
            let (start, end) = text.as_bytes().split_at(text.len() / 2);
            out.extend(masked(TEXT, start));
            out.extend(masked(CONTINUATION, b""));
            out.extend(masked(FIN | PING, b"between"));
            out.extend(masked(FIN | CONTINUATION, end));
            self.said.push(text.to_owned());
        }
    }

    /// Sends half of a text message; the other half comes before whatever is sent next.
    pub fn say_half(&mut self, text: &str, out: &mut Vec<u8>) {
        if self.can_speak() && self.owed.is_empty() {
            let mut frame = Vec::new();
            if self.wire.send(&Message::text(text), &mut frame) {
                self.said.push(text.to_owned());
                self.owed = frame.split_off(frame.len() / 2);
                out.append(&mut frame);
            }
        }
    }

    /// Sends the other half of a text message.
    pub fn finish_frame(&mut self, out: &mut Vec<u8>) {
        if self.can_speak() {
            out.append(&mut self.owed);
        }
    }

    /// Sends a ping.
    pub fn ping(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        if self.can_speak() {
            out.append(&mut self.owed);
            self.wire.ping(payload, out);
        }
    }

    /// Sends a pong that nobody asked for (section 5.5.3).
    pub fn pong(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        if self.can_speak() && !self.wire.close_sent() {
            out.append(&mut self.owed);
            out.extend(masked(FIN | PONG, payload));
        }
    }

    /// Sends a Close.
    pub fn close(&mut self, frame: Option<&CloseFrame>, out: &mut Vec<u8>) {
        if self.can_speak() {
            out.append(&mut self.owed);
            let sent = self.wire.close(frame, out);
            sent.expect("scenarios close with codes that may be sent");
        }
    }

    /// Breaks the protocol, and says nothing more.
    pub fn break_rules(&mut self, rudeness: Rudeness, out: &mut Vec<u8>) {
        if self.can_speak() && !self.wire.close_sent() {
            out.append(&mut self.owed);
            out.extend(rudeness.bytes());
            self.is_done = true;
        }
    }

    /// Says nothing more, as after the end of its side.
    pub fn finish(&mut self) {
        self.is_done = true;
    }

    /// Takes bytes from the server and appends its answers to `out`.
    pub fn read(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match &mut self.answer {
            Answer::Upgraded => self.read_frames(&mut bytes.to_vec(), out),
            Answer::Refused(_) => {}
            Answer::Awaited(head) => {
                head.extend_from_slice(bytes);
                if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                    let mut frames = head.split_off(at + 4);
                    if head.starts_with(b"HTTP/1.1 101 ") {
                        self.wire.set_deflate(taken(head));
                        self.answer = Answer::Upgraded;
                        self.read_frames(&mut frames, out);
                    } else {
                        self.answer = Answer::Refused(status(head));
                    }
                }
            }
        }
    }

    fn read_frames(&mut self, bytes: &mut [u8], out: &mut Vec<u8>) {
        let mut replies = Vec::new();
        let mut answers = 0;
        let taken = self.wire.receive(bytes, &mut |incoming| match incoming {
            Incoming::Message(message) => self.heard.push(message),
            Incoming::Ping(_) => self.pings += 1,
            Incoming::Pong(_) => self.pongs += 1,
            Incoming::Close(frame) => self.closed = Some(frame),
            Incoming::Reply(reply) => {
                answers += u64::from(reply.kind == ReplyKind::Pong);
                replies.extend_from_slice(reply.frame);
            }
        });
        if let Err(fault) = taken {
            self.fault = Some(fault);
        }
        if self.answers && !self.is_done && !replies.is_empty() {
            out.append(&mut self.owed);
            out.append(&mut replies);
            self.answered += answers;
        }
    }

    /// The messages that it sent, in order. The last may be only half sent.
    pub fn said(&self) -> &[String] {
        &self.said
    }

    /// Whether the second half of its last message is still to be sent.
    pub fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// The messages that it was sent, in order.
    pub fn heard(&self) -> &[Message] {
        &self.heard
    }

    /// Whether it has heard something that no test has asked about yet.
    pub(crate) fn has_unasked(&self) -> bool {
        self.asked < self.heard.len()
    }

    /// The first message that no test has asked about yet.
    pub(crate) fn ask(&mut self) -> Option<Message> {
        let message = self.heard.get(self.asked)?.clone();
        self.asked += 1;
        Some(message)
    }

    /// The texts among the messages that it was sent, in order.
    pub fn texts(&self) -> Vec<&str> {
        self.heard.iter().filter_map(Message::as_text).collect()
    }

    /// How many pings it was sent.
    pub fn pings(&self) -> usize {
        self.pings
    }

    /// How many pings it has answered.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// How many pongs it was sent.
    pub fn pongs(&self) -> usize {
        self.pongs
    }

    /// The Close that it was sent, if any, with what it said.
    pub fn closed(&self) -> Option<Option<&CloseFrame>> {
        self.closed.as_ref().map(Option::as_ref)
    }

    /// How the server broke the protocol, if it did.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }
}

/// What the head of an answer takes of an offer: nothing if it is no answer to it, and then the first
/// compressed message is a fault of the server.
fn taken(head: &[u8]) -> Option<Deflate> {
    let head = str::from_utf8(head).ok()?;
    let line = head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions: "))?;
    let mut headers = http::HeaderMap::new();
    headers.insert(http::header::SEC_WEBSOCKET_EXTENSIONS, line.parse().ok()?);
    Deflate::answered(&headers).ok()?
}

/// The status in the head of an HTTP answer (RFC 9112, section 4).
fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    str::from_utf8(digits).ok()?.parse().ok()
}
