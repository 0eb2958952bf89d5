//! D14: hostile text must not get into the log as it is.

use fanlight_sim::frame::masked;
use fanlight_tests::victim::Victim;

use crate::{
    peer::{Peer, SLACK},
    request::{get, head, upgrade, upgrade_after},
    room::Room,
};

const SECRET: &str = "hunter2";
/// What would end a line, colour a terminal, or pass for a line of its own.
const HOSTILE: &str = "\u{1b}[31m\u{7}\u{0}\u{7f}\u{9b}2J\u{ff}%0a WARN forged: line";

fn requests() -> Vec<Vec<u8>> {
    let target = |target: &str| upgrade_after(&format!("GET {target} HTTP/1.1"), &[]);
    vec![
        target(&format!("/{HOSTILE}")),
        target(&format!("/echo?token={SECRET}")),
        target("/echo%0a%1b%5b31m"),
        target("/\u{e9}\u{9b}2J"),
        get(&format!("/?{HOSTILE}")),
        upgrade_after(&format!("{HOSTILE} /echo HTTP/1.1"), &[]),
        upgrade(&[&format!("Host: {HOSTILE}")]),
        upgrade(&[&format!("Origin: https://{HOSTILE}")]),
        upgrade(&["Origin: https://\u{9b}2J\u{e9}"]),
        upgrade(&[&format!("User-Agent: {HOSTILE}")]),
        upgrade(&["User-Agent: \u{9b}2J\u{e9}"]),
        upgrade(&[&format!("Cookie: session={SECRET}")]),
        upgrade(&[&format!("Sec-WebSocket-Protocol: {HOSTILE}")]),
        upgrade(&["Sec-WebSocket-Protocol: \u{9b}2J\u{e9}"]),
        head(&[HOSTILE]),
    ]
}

fn frames() -> Vec<Vec<u8>> {
    let reason = "\u{1b}[31m\r\nforged: line \u{9b}2J\u{202e}".as_bytes();
    vec![
        masked(0x88, &[&1000_u16.to_be_bytes(), reason].concat()),
        masked(0x88, &[&4999_u16.to_be_bytes(), reason].concat()),
        masked(0x88, &[&1005_u16.to_be_bytes(), reason].concat()),
        masked(0x81, reason),
        masked(0x89, reason),
        masked(0x83, reason),
    ]
}

#[test]
fn hostile_text_breaks_no_line_of_the_log() {
    let victim = Victim::start("--shards 1 --log trace");
    let _room = Room::take(2);
    let peers = requests().len() + frames().len();
    for request in requests() {
        let mut peer = Peer::connect(&victim);
        peer.send(&request);
        peer.half_close();
        peer.listen();
    }
    for frame in frames() {
        let mut peer = Peer::open(&victim, "/echo");
        peer.send(&frame);
        peer.half_close();
        peer.listen();
    }
    victim.empties_within(SLACK).unwrap();

    let log = victim.log();
    let is_plain = |byte: &u8| (b' '..=b'~').contains(byte) || *byte == b'\n';
    let odd: Vec<u8> = log.iter().copied().filter(|byte| !is_plain(byte)).collect();
    assert!(odd.is_empty(), "bytes {:?} in {}", odd.escape_ascii(), log.escape_ascii());
    let log = String::from_utf8(log).unwrap();
    // Each line is one that the server began: with the year of its time.
    let forged = log.lines().find(|line| !line.starts_with("20") || line.contains("forged"));
    assert_eq!(forged, None);
    assert!(!log.contains(SECRET), "a secret is in the log");
    let ended = log.lines().filter(|line| line.contains(" closed ")).count();
    assert!(ended >= peers, "{ended} ends of {peers} were logged: {log}");
}
