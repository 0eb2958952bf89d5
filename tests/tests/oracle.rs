//! The wire beside tungstenite's own machine, over streams that clients may send and over streams
//! with one bit wrong.

use fanlight_core::wire::{Fault, Limits, Role, Wire};
use fanlight_tests::fuzz::oracle::{Difference, Told, compare, receive};
use fastrand::Rng;

const LIMITS: Limits = Limits { message_bytes_max: 70_000, overlong_lengths: false };

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend(
                u16::try_from(length).expect("no payload is longer than 3,000").to_be_bytes(),
            );
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
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
        let (mut start, mut opcode) = (0, opcode);
        loop {
            let end = if rng.bool() { payload.len() } else { rng.usize(start..=payload.len()) };
            let is_final = end == payload.len() && rng.bool();
            frames.push(frame(opcode | if is_final { 0x80 } else { 0 }, &payload[start..end]));
            if is_final {
                break;
            }
            (start, opcode) = (end, 0);
            if rng.u8(..4) == 0 {
                let ping: Vec<u8> = (0..rng.usize(..=125)).map(|_| rng.u8(..)).collect();
                frames.push(frame(0x89 + rng.u8(..2), &ping));
            }
        }
    }
    if rng.bool() {
        frames.push(frame(0x88, b"\x0b\xb8bye"));
    }
    frames
}

fn told(bytes: &[u8], pieces: &[u8]) -> (Vec<Told>, Result<(), Fault>) {
    receive(&mut Wire::new(Role::Server, LIMITS), bytes, pieces)
}

#[test]
fn both_say_the_same_of_valid_streams() {
    let mut rng = Rng::with_seed(2);
    for round in 0..500 {
        let bytes = valid_stream(&mut rng).concat();
        assert!(!told(&bytes, &[]).0.is_empty());
        assert_eq!(compare(&bytes, LIMITS), (None, None), "round {round}");
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
        let pieces: Vec<u8> = (0..9).map(|_| rng.u8(..)).collect();
        assert_eq!(told(&bytes, &pieces), told(&bytes, &[]), "round {round}");
        let (difference, fault) = compare(&bytes, LIMITS);
        faults += usize::from(difference.is_none() && fault.is_some());
    }
    assert!(faults > 1_000, "{faults} faults compared");
}

#[test]
fn each_difference_is_met() {
    for (difference, bytes) in [
        (Difference::LengthForm, &b"\x82\xfe\x00\x01\0\0\0\0x"[..]),
        (Difference::CloseCode, b"\x88\x82\0\0\0\0\x03\xed"),
        (Difference::CloseCode, b"\x88\x83\0\0\0\0\x03\xed\xff"),
        (Difference::BadGateway, b"\x88\x82\0\0\0\0\x03\xf6"),
        (Difference::Sooner, b"\x81\x82\0\0\0\0\xff"),
    ] {
        assert_eq!(compare(bytes, LIMITS).0, Some(difference), "{bytes:?}");
    }
}
