//! Compressed messages, whole, fragmented and cut, beside another library's inflate; and there and
//! back again.

use fanlight_core::{
    Message,
    wire::{Deflate, Deflater, Fault, Limits, Role, Wire},
};
use miniz_oxide::inflate::{
    TINFLStatus,
    core::{
        DecompressorOxide, decompress,
        inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF},
    },
};

use super::oracle::{Told, receive};
use crate::agreed;

/// Near enough for small inputs to inflate past it.
const LIMITS: Limits = Limits { message_bytes_max: 1_000, overlong_lengths: false };
/// A longer payload is refused from its header, whatever it inflates to: a named difference.
const PAYLOAD_BYTES_MAX: usize = LIMITS.message_bytes_max + LIMITS.message_bytes_max / 8 + 64;
/// Pieces whose lengths an input can choose.
const PIECES_MAX: usize = 16;

/// The first byte says how many pieces follow in length, and whether the message is text; the second
/// how it is compressed on the way back; the rest is the compressed payload of a client's message, in
/// a frame for each piece. It inflates as another library has it, or is refused for what that one
/// finds; and taken for a plain payload it is the same after it was compressed and inflated.
///
/// # Panics
///
/// On a finding.
pub fn deflate(data: &[u8]) {
    let &[first, second, ref data @ ..] = data else { return };
    let pieces = usize::from(first) % PIECES_MAX + 1;
    let Some((pieces, payload)) = data.split_at_checked(pieces) else { return };
    let is_text = first >= 0x80;
    inflates_as_elsewhere(payload, pieces, is_text);
    comes_back(payload, second);
}

fn inflates_as_elsewhere(payload: &[u8], pieces: &[u8], is_text: bool) {
    let opcode = if is_text { 1 } else { 2 };
    let whole = frames(payload, &[], opcode);
    let server = || wire(Role::Server, agreed(15));
    let (told, outcome) = receive(&mut server(), &whole, &[]);
    for bytes in [&whole, &frames(payload, pieces, opcode)] {
        for cut in [&[][..], pieces] {
            let mut wire = server();
            let again = receive(&mut wire, bytes, cut);
            assert_eq!(again, (told.clone(), outcome), "cut into {pieces:?}");
            assert_eq!(wire.assembly_bytes(), 0);
        }
    }
    let messages: Vec<&Message> = told
        .iter()
        .filter_map(|told| match told {
            Told::Message(message) => Some(message),
            Told::Ping(_) | Told::Pong(_) | Told::Close(_) | Told::Reply(..) => None,
        })
        .collect();
    let is_short = payload.len() <= PAYLOAD_BYTES_MAX;
    let theirs = if is_short { inflated(payload) } else { Err(Fault::MessageTooBig) };
    match (theirs, outcome) {
        (Ok(bytes), Ok(())) => {
            assert!(matches!(&messages[..], [message] if message.payload() == bytes));
        }
        (Ok(bytes), Err(Fault::InvalidUtf8)) => {
            assert!(is_text && str::from_utf8(&bytes).is_err());
        }
        // What is too long and broken behind that may be told as either.
        (Err(Fault::MessageTooBig), Err(Fault::InvalidDeflate)) => {}
        (theirs, ours) => assert_eq!(theirs.map(|_| ()), ours),
    }
}

/// What another library makes of it.
fn inflated(payload: &[u8]) -> Result<Vec<u8>, Fault> {
    // The tail that the sender left out, and an empty last block: RFC 7692, section 7.2.2.
    let input = [payload, &[0, 0, 0xff, 0xff, 3, 0]].concat();
    let (mut taken, mut made) = (0, Vec::new());
    loop {
        // A block that says it is the last may be followed by others, which do not look back to it:
        // section 7.2.3.4.
        let mut room = vec![0; LIMITS.message_bytes_max + 1 - made.len()];
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | TINFL_FLAG_HAS_MORE_INPUT;
        let mut inflate = Box::<DecompressorOxide>::default();
        let (status, more, length) = decompress(&mut inflate, &input[taken..], &mut room, 0, flags);
        taken += more;
        made.extend(&room[..length]);
        if made.len() > LIMITS.message_bytes_max {
            return Err(Fault::MessageTooBig);
        }
        if status != TINFLStatus::Done {
            return Err(Fault::InvalidDeflate);
        }
        if taken == input.len() {
            return Ok(made);
        }
        if taken > payload.len() {
            return Err(Fault::InvalidDeflate);
        }
    }
}

/// Compressed as `how` has it, sent by a server, heard by a client.
fn comes_back(payload: &[u8], how: u8) {
    let payload = &payload.repeat(usize::from(how >> 5) + 1);
    let payload = &payload[..payload.len().min(LIMITS.message_bytes_max)];
    let (level, window_bits) = (how % 10, 9 + how / 10 % 7);
    let deflater = Deflater { level, bytes_min: 0 };
    let message = match str::from_utf8(payload) {
        Ok(text) => Message::text(text),
        Err(_) => Message::binary(payload),
    };
    for (sender, receiver) in [
        (Role::Server, Role::Client { mask_seed: [0; 32] }),
        (Role::Client { mask_seed: [1; 32] }, Role::Server),
    ] {
        let mut bytes = Vec::new();
        assert!(wire(sender, agreed(window_bits)).send_deflated(&message, deflater, &mut bytes));
        let heard = receive(&mut wire(receiver, agreed(15)), &bytes, &[]);
        assert_eq!(heard, (vec![Told::Message(message.clone())], Ok(())));
    }
}

fn wire(role: Role, agreed: Deflate) -> Wire {
    let mut wire = Wire::new(role, LIMITS);
    wire.set_deflate(Some(agreed));
    wire
}

/// A client's frames: the message in pieces of these lengths, the rest in the last; whole if there
/// are none.
fn frames(mut payload: &[u8], pieces: &[u8], opcode: u8) -> Vec<u8> {
    let mut frames = Vec::new();
    // RSV1 is set on the first frame only: RFC 7692, section 6.
    let mut first = 0x40 | opcode;
    for length in pieces {
        let (piece, rest) = payload.split_at(usize::from(*length).min(payload.len()));
        put_frame(first, piece, &mut frames);
        (first, payload) = (0, rest);
    }
    put_frame(0x80 | first, payload, &mut frames);
    frames
}

/// Appends a frame under a mask of zeros.
fn put_frame(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => out.push(0x80 | length),
        _ => {
            out.push(0x80 | 126);
            let length = u16::try_from(payload.len()).expect("inputs are at most 4 KiB");
            out.extend(length.to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
}
