//! The wire beside tungstenite's own machine: fed the same bytes, both say the same.

use std::io::{self, Cursor, Read, Write};

use tungstenite::{
    Error, Message as TheirMessage, WebSocket,
    error::{CapacityError, ProtocolError},
    protocol::{Role as TheirRole, WebSocketConfig},
};

use super::*;

/// A socket that gives these bytes and swallows what is written.
struct Script(Cursor<Vec<u8>>);

impl Read for Script {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite makes of the bytes: what it tells, and the code that answers its error.
fn theirs(bytes: &[u8]) -> (Vec<Told>, Option<u16>) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMITS.message_bytes_max))
        .max_frame_size(Some(LIMITS.message_bytes_max));
    let script = Script(Cursor::new(bytes.to_vec()));
    let mut socket = WebSocket::from_raw_socket(script, TheirRole::Server, Some(config));
    let mut told = Vec::new();
    loop {
        match socket.read() {
            Ok(TheirMessage::Text(text)) => told.push(Told::Message(Message::text(&text))),
            Ok(TheirMessage::Binary(bytes)) => told.push(Told::Message(Message::binary(&bytes))),
            Ok(TheirMessage::Ping(payload)) => told.push(Told::Ping(payload.to_vec())),
            Ok(TheirMessage::Pong(payload)) => told.push(Told::Pong(payload.to_vec())),
            Ok(TheirMessage::Close(frame)) => {
                told.push(Told::Close(frame));
                return (told, None);
            }
            Ok(TheirMessage::Frame(_)) => unreachable!("never read"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (told, None);
            }
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                return (told, Some(1009));
            }
            Err(Error::Utf8(_)) => return (told, Some(1007)),
            Err(Error::Protocol(_)) => return (told, Some(1002)),
            Err(other) => panic!("{other}"),
        }
    }
}

fn ours(bytes: &[u8]) -> (Vec<Told>, Option<u16>) {
    let (mut told, outcome) = whole(&mut server(), bytes);
    told.retain(|told| !matches!(told, Told::Reply(..)));
    (told, outcome.err().map(|fault| fault.code().into()))
}

/// Frames that a client may send, fragmented at random, with control frames between.
fn valid_stream(rng: &mut Rng) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for _ in 0..rng.usize(1..20) {
        let length = [rng.usize(..130), rng.usize(..130), rng.usize(..3_000)][rng.usize(..3)];
        let (opcode, payload) = if rng.bool() {
            let text: String = (0..length / 4).map(|_| rng.char(..)).collect();
            (1, text.into_bytes())
        } else {
            (2, (0..length).map(|_| rng.u8(..)).collect())
        };
        let mut start = 0;
        let mut opcode = opcode;
        loop {
            let end = if rng.bool() { payload.len() } else { rng.usize(start..=payload.len()) };
            let is_final = end == payload.len() && rng.bool();
            frames.push(masked(opcode | if is_final { 0x80 } else { 0 }, &payload[start..end]));
            if is_final {
                break;
            }
            (start, opcode) = (end, 0);
            if rng.u8(..4) == 0 {
                let ping: Vec<u8> = (0..rng.usize(..=125)).map(|_| rng.u8(..)).collect();
                frames.push(masked(0x89 + rng.u8(..2), &ping));
            }
        }
    }
    if rng.bool() {
        frames.push(masked(0x88, b"\x0b\xb8bye"));
    }
    frames
}

#[test]
fn both_say_the_same_of_valid_streams() {
    let mut rng = Rng::with_seed(2);
    for round in 0..500 {
        let bytes = valid_stream(&mut rng).concat();
        let ours = ours(&bytes);
        assert!(!ours.0.is_empty());
        assert_eq!(ours.1, None, "round {round}");
        assert_eq!(ours, theirs(&bytes), "round {round}");
    }
}

#[test]
fn both_find_the_same_fault_in_broken_streams() {
    let mut rng = Rng::with_seed(3);
    let mut faults = 0;
    for round in 0..5_000 {
        let mut frames = valid_stream(&mut rng);
        let broken = rng.usize(..frames.len());
        let frame = &mut frames[broken];
        let room = [2, 4, frame.len()][rng.usize(..3)];
        let at = rng.usize(..room);
        frame[at] ^= 1 << rng.u8(..8);
        let bytes = frames.concat();
        let (told, outcome) = whole(&mut server(), &bytes);
        let mut cuts: Vec<usize> = (0..9).map(|_| rng.usize(..=bytes.len())).collect();
        cuts.sort_unstable();
        assert_eq!(receive(&mut server(), &bytes, &cuts), (told, outcome), "round {round}");
        if outcome == Err(Fault::LengthNotShortest) {
            // The oracle knows no such rule, and goes on.
            continue;
        }
        let ((our_told, our_code), (mut their_told, their_code)) = (ours(&bytes), theirs(&bytes));
        if our_code == their_code {
            assert_eq!(our_told, their_told, "round {round}");
            faults += usize::from(our_code.is_some());
            continue;
        }
        // The oracle judges a frame's size at once and the rest when all of it has come; and it
        // takes any close code.
        let fault = outcome.expect_err("the oracle found a fault alone");
        assert!(
            matches!(their_code, None | Some(1009))
                || matches!(fault, Fault::CloseCodeNotAllowed(_)),
            "round {round}: {fault:?}, but theirs {their_code:?}"
        );
        their_told.retain(|told| !matches!(told, Told::Close(_)));
        assert_eq!(our_told, their_told, "round {round}");
    }
    assert!(faults > 1_000, "{faults} faults compared");
}
