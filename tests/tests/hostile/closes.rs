//! B12: wrong Closes, and what comes behind a Close.

use fanlight_sim::frame::masked;
use fanlight_tests::victim::Victim;

use crate::{
    peer::{Peer, SLACK},
    room::Room,
    row::{Gets, Row, bye, equal, play},
};

const PROTOCOL: Gets = Gets::Close(1002);

/// Codes that must not be sent: RFC 6455, section 7.4.
const FORBIDDEN: [u16; 16] =
    [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 5001, 9999, 32_768, 65_535];
/// And codes that may be.
const ALLOWED: [u16; 14] =
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1014, 3000, 3999, 4000, 4999];

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    masked(0x88, &[&code.to_be_bytes(), reason].concat())
}

pub(crate) fn rows() -> Vec<Row> {
    let forbidden =
        FORBIDDEN.map(|code| Row::frames(format!("B12 {code}"), close(code, b""), PROTOCOL));
    let allowed = ALLOWED
        .map(|code| Row::frames(format!("B12 {code}"), close(code, b"x"), Gets::Close(code)));
    let long = "x".repeat(123);
    let mut rows = vec![
        Row::frames("B12 one byte", masked(0x88, b"\x03"), PROTOCOL),
        Row::frames("B12 nothing", masked(0x88, b""), Gets::Close(1005)),
        Row::frames("B12 the longest reason", close(1000, long.as_bytes()), Gets::Close(1000)),
        Row::frames("B12 a reason past ASCII", close(1000, "世界".as_bytes()), Gets::Close(1000)),
        Row::frames("B12 a reason not UTF-8", close(1000, b"\xff"), Gets::Close(1007)),
        Row::frames("B12 a reason cut off", close(1000, b"\xe2\x82"), Gets::Close(1007)),
        Row::frames("B12 two Closes", [bye(), close(1001, b"")].concat(), Gets::Close(1000)),
        Row::frames(
            "B12 a wrong one second",
            [bye(), close(1005, b"")].concat(),
            Gets::Close(1000),
        ),
        Row::frames(
            "B12 a fault behind a Close",
            [bye(), b"\xff\xff\xff".to_vec()].concat(),
            Gets::Close(1000),
        ),
        Row::frames(
            "B12 a message behind a Close",
            [bye(), masked(0x81, b"x")].concat(),
            Gets::Close(1000),
        ),
        Row::frames("B12 a Close inside a message", [masked(0x01, b"x"), bye()].concat(), {
            Gets::Close(1000)
        }),
    ];
    rows.extend(forbidden);
    rows.extend(allowed);
    rows
}

#[test]
fn a_close_is_answered_once_and_rightly() {
    play(&Victim::start("--shards 1"), &rows());
}

/// A peer that has said its last word behind a message, and shuts its half down with it, is answered.
#[test]
fn who_closes_and_ends_its_half_at_once_is_answered() {
    let victim = Victim::start("--shards 1");
    let _room = Room::take(2);
    for (last, code) in [(bye(), 1000), (vec![0xff; 16], 1002)] {
        for _ in 0..20 {
            let mut peer = Peer::open(&victim, "/echo");
            peer.send(&[masked(0x81, b"x"), last.clone()].concat());
            peer.half_close();
            let is_answered = peer.hears(|stream| {
                stream.texts().any(|text| text == "x") && stream.close_code() == Some(code)
            });
            assert!(is_answered, "{code}: {:?}", peer.newest_frame());
        }
    }
    victim.empties_within(SLACK).unwrap();
}

/// A peer that talks on behind its Close is read to a bound, and no longer than to a deadline.
#[test]
fn what_follows_a_close_is_read_to_a_bound() {
    let victim = Victim::start("--shards 1 --linger-bytes-max 64KiB --linger-timeout 20s");
    let _room = Room::take(2);
    let mut peer = Peer::open(&victim, "/echo");
    assert!(peer.send(&bye()));
    assert!(peer.hears(|stream| stream.close_code() == Some(1000)));
    peer.send(&[0; 60_000]);
    let figures = victim.waits_until(SLACK, |stats| stats.get("connections") == 2);
    equal("within the bound it is still there", true, figures.is_ok()).unwrap();
    // Past the bound it is not heard: a peer that sends for ever gets a reset.
    let is_cut = (0..10_000).any(|_| !peer.send(&[0; 10_000]));
    assert!(is_cut, "100 MB were taken");
    victim.empties_within(SLACK).unwrap();
}
