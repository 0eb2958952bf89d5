//! A virtual socket of the hubs under test: it takes and gives everything at once, or nothing.

use std::collections::VecDeque;

use fanlight_core::{ConnId, End};

use super::Seen;
use fanlight_sim::frame::{Frame, Stream};

/// What a socket has to tell.
#[derive(Clone, Debug)]
pub(super) enum Input {
    Bytes(Vec<u8>),
    End(End),
}

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) conn: ConnId,
    pub(super) is_stalled: bool,
    pub(super) is_paused: bool,
    pub(super) is_gone: bool,
    pub(super) inputs: VecDeque<Input>,
    /// The payload of the last ping that the peer was sent.
    pub(super) pinged: Vec<u8>,
    is_upgraded: bool,
    outward: Vec<u8>,
    has_status: bool,
    frames: usize,
}

impl Socket {
    pub(super) fn new(conn: ConnId, is_upgraded: bool) -> Self {
        Self {
            conn,
            is_stalled: false,
            is_paused: false,
            is_gone: false,
            inputs: VecDeque::new(),
            pinged: Vec::new(),
            is_upgraded,
            outward: Vec::new(),
            has_status: false,
            frames: 0,
        }
    }

    /// Takes the bytes, and says what they are to the peer.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Seen> {
        self.outward.extend_from_slice(bytes);
        let stream = match Stream::read(&self.outward, self.is_upgraded) {
            Ok(stream) => stream,
            Err(broken) => return vec![Seen::Broken(broken)],
        };
        let mut seen = Vec::new();
        if let Some(status) = stream.status.filter(|_| !self.has_status) {
            self.has_status = true;
            seen.push(Seen::Status(status));
        }
        for frame in &stream.frames[self.frames..] {
            if frame.opcode == fanlight_sim::frame::PING {
                self.pinged = frame.payload.to_vec();
            }
            seen.push(what(frame));
        }
        self.frames = stream.frames.len();
        seen
    }
}

fn what(frame: &Frame<'_>) -> Seen {
    let text = || String::from_utf8_lossy(frame.payload).into_owned();
    match frame.opcode {
        fanlight_sim::frame::TEXT => Seen::Message(text()),
        fanlight_sim::frame::PING => Seen::Ping,
        fanlight_sim::frame::CLOSE => {
            Seen::Close(frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code)))
        }
        0xa => Seen::Pong(text()),
        opcode => Seen::Broken(format!("opcode {opcode}")),
    }
}
