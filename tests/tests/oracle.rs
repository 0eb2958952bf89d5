//! The wire beside tungstenite's own machine, over streams that clients may send and over streams
//! with one bit wrong.

use fanlight_core::wire::{Fault, Limits, Role, Wire};
use fanlight_tests::fuzz::oracle::{Difference, Told, compare, receive};
use fastrand::Rng;

const LIMITS: Limits = Limits { message_bytes_max: 70_000, overlong_lengths: false };

const CLIENT: Role = Role::Client { mask_seed: [0; 32] };

/// A frame of the other end: masked if that is a client.
fn frame(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let (bit, mask) = match role {
        Role::Server => (0x80, &[0x37, 0xfa, 0x21, 0x3d][..]),
        Role::Client { .. } => (0, &[][..]),
    };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(bit | length as u8),
        length => {
            frame.push(bit | 126);
            frame.extend(
                u16::try_from(length).expect("no payload is longer than 3,000").to_be_bytes(),
            );
        }
    }
    frame.extend(mask);
    let keys = mask.iter().chain(&[0; 4]).take(4).cycle();
    frame.extend(payload.iter().zip(keys).map(|(byte, key)| byte ^ key));
    frame
}

/// Frames that may come to this end, fragmented at random, with control frames between.
fn valid_stream(role: Role, rng: &mut Rng) -> Vec<Vec<u8>> {
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
            frames.push(frame(
                role,
                opcode | if is_final { 0x80 } else { 0 },
                &payload[start..end],
            ));
            if is_final {
                break;
            }
            (start, opcode) = (end, 0);
            if rng.u8(..4) == 0 {
                let ping: Vec<u8> = (0..rng.usize(..=125)).map(|_| rng.u8(..)).collect();
                frames.push(frame(role, 0x89 + rng.u8(..2), &ping));
            }
        }
    }
    if rng.bool() {
        frames.push(frame(role, 0x88, b"\x0b\xb8bye"));
    }
    frames
}

fn told(role: Role, bytes: &[u8], pieces: &[u8]) -> (Vec<Told>, Result<(), Fault>) {
    receive(&mut Wire::new(role, LIMITS), bytes, pieces)
}

#[test]
fn both_say_the_same_of_valid_streams() {
    let mut rng = Rng::with_seed(2);
    for round in 0..1_000 {
        let role = if round % 2 == 0 { Role::Server } else { CLIENT };
        let bytes = valid_stream(role, &mut rng).concat();
        assert!(!told(role, &bytes, &[]).0.is_empty());
        for has_closed in [false, true] {
            assert_eq!(compare(&bytes, role, has_closed, LIMITS), (None, None), "round {round}");
        }
    }
}

#[test]
fn both_find_the_same_fault_in_broken_streams() {
    let mut rng = Rng::with_seed(3);
    let mut faults = 0;
    for round in 0..5_000 {
        let role = if round % 2 == 0 { Role::Server } else { CLIENT };
        let mut frames = valid_stream(role, &mut rng);
        let broken = rng.usize(..frames.len());
        let frame = &mut frames[broken];
        let room = [2, 4, frame.len()][rng.usize(..3)].min(frame.len());
        let at = rng.usize(..room);
        frame[at] ^= 1 << rng.u8(..8);
        let bytes = frames.concat();
        let pieces: Vec<u8> = (0..9).map(|_| rng.u8(..)).collect();
        assert_eq!(told(role, &bytes, &pieces), told(role, &bytes, &[]), "round {round}");
        for has_closed in [false, true] {
            let (difference, fault) = compare(&bytes, role, has_closed, LIMITS);
            faults += usize::from(difference.is_none() && fault.is_some());
        }
    }
    assert!(faults > 2_000, "{faults} faults compared");
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
        assert_eq!(compare(bytes, Role::Server, false, LIMITS).0, Some(difference), "{bytes:?}");
    }
    for (difference, bytes) in [
        (Difference::LengthForm, &b"\x82\x7e\x00\x01x"[..]),
        (Difference::CloseCode, b"\x88\x02\x03\xed"),
        (Difference::CloseCode, b"\x88\x03\x03\xed\xff"),
        (Difference::BadGateway, b"\x88\x02\x03\xf6"),
        (Difference::Sooner, b"\x81\x02\xff"),
        (Difference::Sooner, b"\x81\x82\0\0\0\0x"),
    ] {
        assert_eq!(compare(bytes, CLIENT, false, LIMITS).0, Some(difference), "{bytes:?}");
    }
}
