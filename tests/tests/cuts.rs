//! However the same bytes are cut, the same is told: in both roles, with and without compression,
//! of streams that are valid and of streams with one bit wrong.

use std::collections::BTreeSet;

use fanlight_core::{
    Message,
    wire::{Deflater, Fault, Limits, Role, Wire},
};
use fanlight_tests::{
    agreed,
    fuzz::oracle::{Told, receive},
};
use fastrand::Rng;

const LIMITS: Limits = Limits { message_bytes_max: 2_900, overlong_lengths: false };
const DEFLATER: Deflater = Deflater { level: 1, bytes_min: 0 };

/// One end, and what it has said before anything comes.
#[derive(Clone, Copy, Debug)]
struct End {
    is_client: bool,
    is_deflated: bool,
    has_closed: bool,
}

impl End {
    fn wire(self) -> Wire {
        let role = if self.is_client { Role::Client { mask_seed: [3; 32] } } else { Role::Server };
        let mut wire = Wire::new(role, LIMITS);
        wire.set_deflate(self.is_deflated.then(|| agreed(15)));
        if self.has_closed {
            assert_eq!(wire.close(None, &mut Vec::new()), Ok(true));
        }
        wire
    }

    /// What the other end may say: messages, whole and in fragments, with control frames between.
    fn hears(self, rng: &mut Rng) -> Vec<u8> {
        let mut peer = Self { is_client: !self.is_client, has_closed: false, ..self }.wire();
        let mut bytes = Vec::new();
        for _ in 0..rng.usize(1..12) {
            let length = [rng.usize(..130), rng.usize(..130), rng.usize(..3_000)][rng.usize(..3)];
            let message = if rng.bool() {
                let text: String = (0..length / 4).map(|_| rng.char(..)).collect();
                Message::text(&text)
            } else {
                Message::binary(&vec![rng.u8(..); length])
            };
            let start = bytes.len();
            if rng.bool() {
                peer.send_deflated(&message, DEFLATER, &mut bytes);
            } else {
                peer.send(&message, &mut bytes);
            }
            if rng.bool() {
                // The frame begins a message that a continuation ends.
                bytes[start] &= 0x7f;
                if rng.bool() {
                    peer.ping(b"in between", &mut bytes);
                }
                let start = bytes.len();
                peer.send(&Message::text("."), &mut bytes);
                bytes[start] = 0x80;
            }
        }
        if rng.bool() {
            assert_eq!(peer.close(None, &mut bytes), Ok(true));
        }
        bytes
    }
}

/// All that can be seen of a wire that was given the bytes in these pieces.
fn seen(end: End, bytes: &[u8], pieces: &[u8]) -> (Vec<Told>, Result<(), Fault>, [u32; 4]) {
    let mut wire = end.wire();
    let (told, outcome) = receive(&mut wire, bytes, pieces);
    let state = [
        wire.frames_received(),
        wire.is_mid_message().into(),
        wire.close_sent().into(),
        wire.close_received().into(),
    ];
    (told, outcome, state)
}

#[test]
fn however_the_same_bytes_are_cut_the_same_is_told() {
    let mut rng = Rng::with_seed(5);
    let (mut messages, mut codes) = (0, BTreeSet::new());
    for round in 0..4_000_u32 {
        let end = End {
            is_client: round % 2 == 0,
            is_deflated: round / 2 % 2 == 0,
            has_closed: rng.u8(..8) == 0,
        };
        let mut bytes = end.hears(&mut rng);
        if rng.bool() {
            let at = rng.usize(..bytes.len());
            bytes[at] ^= 1 << rng.u8(..8);
        }
        if rng.u8(..4) == 0 {
            bytes.truncate(rng.usize(..bytes.len()));
        }
        let whole = seen(end, &bytes, &[]);
        let random: Vec<u8> = (0..9).map(|_| rng.u8(..)).collect();
        let few: Vec<u8> = (0..5).map(|_| rng.u8(..4)).collect();
        for pieces in [&[1][..], &[2], &[255], &random, &few] {
            assert_eq!(seen(end, &bytes, pieces), whole, "round {round}, {end:?}, {pieces:?}");
        }
        messages += whole.0.iter().filter(|told| matches!(told, Told::Message(_))).count();
        codes.extend(whole.1.err().map(|fault| u16::from(fault.code())));
    }
    assert!(messages > 4_000, "{messages} messages");
    assert_eq!(codes, BTreeSet::from([1002, 1007, 1009]));
}

#[test]
fn a_stream_cut_in_two_anywhere_tells_the_same() {
    let mut rng = Rng::with_seed(6);
    for round in 0..40_u32 {
        let end =
            End { is_client: round % 2 == 0, is_deflated: round / 2 % 2 == 0, has_closed: false };
        let bytes = end.hears(&mut rng);
        let whole = seen(end, &bytes, &[]);
        for cut in 1..bytes.len().min(255) {
            let (cut, rest) = (cut as u8, u8::MAX);
            assert_eq!(seen(end, &bytes, &[cut, rest]), whole, "round {round}, cut at {cut}");
        }
    }
}
