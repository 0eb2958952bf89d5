//! The upgrade beside a naive reader and tungstenite's, over requests that clients may send and over
//! requests with a byte or a line wrong.

use fanlight_core::wire::RequestFault;
use fanlight_tests::fuzz::{
    request::Difference,
    upgrade::{compare, request_with},
};
use fastrand::Rng;

const LINES: &[&[u8]] = &[
    b"Origin: http://a",
    b"Sec-WebSocket-Protocol: chat, superchat",
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    b"Sec-WebSocket-Extensions: x;y=\"z\\!\" , permessage-deflate;server_max_window_bits = 9",
    b"Sec-WebSocket-Protocol: a b",
    b"Sec-WebSocket-Extensions: a; b=\"c",
    b"Content-Length: 0",
    b"Content-Length: 5",
    b"Transfer-Encoding: chunked",
    b"Host: b",
    b"Upgrade: h2c",
    b"Connection: keep-alive",
    b"Sec-WebSocket-Version: 8",
    b"Sec-WebSocket-Key: x",
    b"X: \xff\x80",
    b"X: \x00",
    b" folded",
    b"No colon",
    b"Bad name: x",
];

const TARGETS: &[&[u8]] =
    &[b"/", b"/chat?room=1", b"http://b/c", b"*", b"b:80", b"/a b", b"/\xe9", b"/#x", b""];

#[test]
fn requests_of_all_sorts_are_judged_as_naively() {
    let mut rng = Rng::with_seed(1);
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let target = if rng.bool() { b"/" } else { TARGETS[rng.usize(..TARGETS.len())] };
        let lines: Vec<&[u8]> =
            (0..rng.usize(..3)).map(|_| LINES[rng.usize(..LINES.len())]).collect();
        let mut bytes = request_with(target, &lines.join(&b"\r\n"[..]));
        if rng.u8(..4) == 0 {
            let at = rng.usize(..bytes.len());
            bytes[at] ^= 1 << rng.u8(..8);
        }
        let pieces: Vec<u8> = (0..5).map(|_| rng.u8(..60)).collect();
        match compare(&bytes, &pieces).1 {
            Ok(_) => taken += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(taken > 2_000 && refused > 2_000, "{taken} taken, {refused} refused");
}

#[test]
fn what_trickles_in_comes_to_the_same() {
    let bytes = request_with(b"/", b"Origin: http://a\r\nX: y");
    for length in 1..=bytes.len() {
        assert!(compare(&bytes, &[length.try_into().expect("the head is short")]).1.is_ok());
    }
}

#[test]
fn each_difference_is_met() {
    let plain = request_with(b"/", b"X: y");
    let head = String::from_utf8(plain.clone()).expect("it is text");
    assert!(matches!(compare(&plain, &[]), (None, Ok(Some(_)))));
    for (difference, from, to) in [
        (Difference::Lists, "Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"),
        (Difference::Lists, "Upgrade: websocket", "Upgrade: h2c, websocket"),
        (Difference::Lists, "Connection: Upgrade", "Connection: close\r\nConnection: Upgrade"),
        (Difference::Lists, "Connection: Upgrade", "Connection: close,\tUpgrade"),
        (Difference::SpacedTokens, "Connection: Upgrade", "Connection: keep Upgrade"),
        (Difference::Laxer, "Host: a\r\n", ""),
        (Difference::Laxer, "X: y", "Host: b"),
        (Difference::Laxer, "X: y", "Content-Length: 5"),
        (Difference::Laxer, "X: y", "Sec-WebSocket-Version: 13"),
        (Difference::Laxer, "X: y", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        (Difference::Laxer, "X: y", "Sec-WebSocket-Protocol: a b"),
        (Difference::Laxer, "X: y", "Sec-WebSocket-Extensions: a b"),
        (Difference::Laxer, "GET / HTTP", "GET /a#b HTTP"),
        (Difference::Laxer, "GET / HTTP", "GET * HTTP"),
        (Difference::Laxer, "Host: a\r\n", "Host: a\n"),
    ] {
        let bytes = head.replacen(from, to, 1);
        assert_eq!(compare(bytes.as_bytes(), &[7]).0, Some(difference), "{to:?}");
    }
}

#[test]
fn a_request_that_both_refuse_is_no_difference() {
    let head = String::from_utf8(request_with(b"/", b"X: y")).expect("it is text");
    let bytes = head.replacen("GET", "POST", 1);
    assert_eq!(compare(bytes.as_bytes(), &[7]), (None, Err(RequestFault::MethodNotGet)));
}
