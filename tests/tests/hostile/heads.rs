//! A2: heads that are too long, have too many lines, or come in the smallest pieces.

use std::time::Duration;

use fanlight_tests::victim::Victim;

use crate::{
    peer::Peer,
    request::{get, head, upgrade, upgrade_after},
    room::Room,
    row::{Gets, Row, play, warm_up},
};

const HEAD_BYTES_MAX: usize = 16 * 1024;
const LINE_BYTES_MAX: usize = 8 * 1024;

pub(crate) fn rows() -> Vec<Row> {
    let too_large = || Gets::Answer(431, &[]);
    vec![
        Row::request("A2 a header of 70 KiB", upgrade(&[&filler(70 << 10)]), too_large()),
        Row::request("A2 a head at its bound", head_of(HEAD_BYTES_MAX), Gets::Upgrade(&[])),
        Row::request("A2 a head a byte past it", head_of(HEAD_BYTES_MAX + 1), too_large()),
        Row::request("A2 a head without an end", head_of(60_000)[..59_000].to_vec(), too_large()),
        Row::request("A2 200 headers", with_headers(200), too_large()),
        Row::request("A2 100 headers", with_headers(100), Gets::Upgrade(&[])),
        Row::request("A2 101 headers", with_headers(101), too_large()),
        Row::request("A2 a line at its bound", line_of(LINE_BYTES_MAX), Gets::Upgrade(&[])),
        Row::request(
            "A2 a line a byte past it",
            line_of(LINE_BYTES_MAX + 1),
            Gets::Answer(414, &[]),
        ),
        Row::request("A2 a line without an end", vec![b'x'; 60_000], Gets::Answer(414, &[])),
        Row::request("A2 the longest path", get(&format!("/{}", "x".repeat(8000))), not_found()),
        Row::request(
            "A2 very many path segments",
            upgrade_after(&format!("GET {} HTTP/1.1", "/..".repeat(2600)), &[]),
            not_found(),
        ),
    ]
}

fn not_found() -> Gets {
    Gets::Answer(404, &[])
}

fn filler(length: usize) -> String {
    format!("X-Filler: {}", "x".repeat(length))
}

fn head_of(length: usize) -> Vec<u8> {
    let head = upgrade(&[&filler(length - upgrade(&[&filler(0)]).len())]);
    assert_eq!(head.len(), length);
    head
}

fn with_headers(count: usize) -> Vec<u8> {
    let lines: Vec<String> = (5..count).map(|n| format!("X-{n}: {n}")).collect();
    upgrade(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn line_of(length: usize) -> Vec<u8> {
    let empty = "GET /echo? HTTP/1.1";
    let query = "x".repeat(length - empty.len());
    upgrade_after(&format!("GET /echo?{query} HTTP/1.1"), &[])
}

#[test]
fn a_head_is_bounded() {
    play(&Victim::start("--shards 1"), &rows());
}

#[test]
fn bounds_of_the_head_are_configured() {
    let victim = Victim::start(
        "--shards 1 --head-bytes-max 512 --request-line-bytes-max 64 --headers-max 8",
    );
    let tail = ["Host: a"];
    let rows = [
        Row::request("A2 65 bytes", head(&[&"x".repeat(65), tail[0]]), Gets::Answer(414, &[])),
        Row::request("A2 9 headers", with_headers(9), Gets::Answer(431, &[])),
        Row::request("A2 8 headers", with_headers(8), Gets::Upgrade(&[])),
        Row::request("A2 513 bytes", head_of(513), Gets::Answer(431, &[])),
        Row::request("A2 512 bytes", head_of(512), Gets::Upgrade(&[])),
    ];
    play(&victim, &rows);
}

const PIECE_BYTES: usize = 16;

/// Whoever looks at the whole head again for each piece needs 64 times as long for one that is
/// eight times as long.
#[test]
fn work_for_a_head_is_linear_however_it_comes() {
    let victim = Victim::start("--shards 1 --head-bytes-max 1MiB --upgrade-timeout 30s");
    warm_up(&victim);
    let _room = Room::take(2);
    let mut other = Peer::open(&victim, "/echo");
    let [short, long] = [64 << 10, 512 << 10].map(|length| {
        let hello = Row::request("A2", head_of(length), Gets::Upgrade(&[]));
        let mut peer = Peer::connect(&victim);
        let before = victim.processor_time();
        for piece in hello.bytes.chunks(PIECE_BYTES) {
            assert!(peer.send(piece));
            // So that it is read by itself: the server comes to this one after it.
            other.say("next");
            assert!(other.hears_text("next"));
            other.forget();
        }
        let took = victim.processor_time() - before;
        hello.judge(&peer.listen()).unwrap();
        took
    });
    assert!(short >= Duration::from_millis(20), "not measured: {short:?}");
    assert!(long < 16 * short, "{short:?} for 64 KiB, but {long:?} for 512 KiB");
}
