//! The first bytes of a connection, whole and cut, beside a naive reader and tungstenite's.

use fanlight_core::wire::{HeadLimits, Request, RequestFault, Upgrade};

use super::request;

/// Near enough for small inputs to meet them.
pub const LIMITS: HeadLimits =
    HeadLimits { head_bytes_max: 1_000, request_line_bytes_max: 100, headers_max: 12 };
/// Pieces whose lengths an input can choose.
const PIECES_MAX: usize = 16;

/// What came of the bytes: nothing yet, a request and how many of the bytes it was, or a fault.
pub type Outcome = Result<Option<(Request, usize)>, RequestFault>;

/// The first byte says how many pieces follow in length, and what the rest is: the bytes that a
/// client sends, or a part of a request whose other parts are valid. Cut and whole come to the same,
/// what is taken satisfies the RFC, what is refused breaks it, and tungstenite agrees.
///
/// # Panics
///
/// On a finding.
pub fn upgrade(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let pieces = usize::from(first) % PIECES_MAX + 1;
    let Some((pieces, rest)) = data.split_at_checked(pieces) else { return };
    let bytes = match first >> 4 {
        0..=7 => rest.to_vec(),
        8..=11 => request_with(b"/", rest),
        12 | 13 => request_with(rest, b""),
        // No whole request, so that it can become one.
        _ => [rest, b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"].concat(),
    };
    _ = compare(&bytes, pieces);
}

/// Asserts all that can be said of these bytes, whole and in pieces of these lengths, round and
/// round. Returns where tungstenite differs, if it is meant to, and the outcome.
///
/// # Panics
///
/// If something that is asserted does not hold.
pub fn compare(bytes: &[u8], pieces: &[u8]) -> (Option<request::Difference>, Outcome) {
    let whole = receive(bytes, &[]);
    assert_eq!(whole, receive(bytes, pieces), "cut into {pieces:?}");
    request::judge(bytes, &LIMITS, &whole);
    (request::compare(bytes, &whole), whole)
}

/// Gives an upgrade the bytes in pieces; whole if there are none.
fn receive(mut bytes: &[u8], pieces: &[u8]) -> Outcome {
    let mut upgrade = Upgrade::new(LIMITS);
    let (mut taken, mut lengths) = (0, pieces.iter().cycle());
    while !bytes.is_empty() {
        let length = lengths.next().map_or(bytes.len(), |length| usize::from(*length).max(1));
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        bytes = rest;
        assert!(upgrade.receive(b"").is_ok_and(|none| none.is_none()), "nothing changes nothing");
        match upgrade.receive(piece) {
            Ok(None) => taken += piece.len(),
            Ok(Some((request, last))) => {
                assert!(upgrade.has_begun());
                assert_eq!(upgrade.receive(piece), Ok(None), "there is no second request");
                return Ok(Some((request, taken + last)));
            }
            Err(fault) => {
                assert_eq!(upgrade.receive(piece), Err(fault), "a fault stays");
                return Err(fault);
            }
        }
    }
    Ok(None)
}

/// An upgrade with this target and these lines more.
pub fn request_with(target: &[u8], lines: &[u8]) -> Vec<u8> {
    let mut head = [b"GET ", target, b" HTTP/1.1\r\n"].concat();
    head.extend_from_slice(
        b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    head.extend_from_slice(lines);
    head.extend_from_slice(b"\r\n\r\n");
    head
}
