//! B9, B13, D2: frames that are right, and far too many.

use std::{
    thread,
    time::{Duration, Instant},
};

use fanlight_sim::frame::{PING, TEXT, masked};
use fanlight_tests::victim::Victim;

use crate::{
    memory::Memory,
    peer::{Peer, SLACK},
    room::Room,
    row::{Gets, Row, bye, play, within},
};

/// What a message of so many fragments may cost: not more than if it came in one.
const FRAGMENTS: usize = 131_072;
const MESSAGE_COST: u64 = 4 * FRAGMENTS as u64;

#[test]
fn b9_fragments_cost_their_bytes_and_nothing_else() {
    let within_message =
        |inside: Vec<u8>| [masked(0x01, b"<"), inside, masked(0x80, b">")].concat();
    let empty = masked(0x00, b"").repeat(100_000);
    let single = masked(0x00, b"x").repeat(FRAGMENTS);
    let whole = format!("<{}>", "x".repeat(FRAGMENTS));
    let begun = [masked(0x01, b"x"), empty.clone()].concat();
    let rows = [
        Row::frames(
            "B9 100,000 empty continuations",
            within_message(empty),
            Gets::echo(TEXT, b"<>".to_vec()),
        )
        .costs(64 << 10)
        .by(10),
        Row::frames(
            "B9 131,072 fragments of a byte",
            within_message(single),
            Gets::echo(TEXT, whole.into_bytes()),
        )
        .costs(MESSAGE_COST)
        .by(10),
        Row::frames("B9 and then a fault", [begun, masked(0x83, b"")].concat(), Gets::Close(1002))
            .costs(64 << 10)
            .by(10),
    ];
    play(&Victim::start("--shards 1"), &rows);
}

const FLOOD_FRAMES: usize = 30_000;
/// A flood of so many frames at 4000 a second, of which the allowance of two seconds and what one
/// read may hold come at once.
const FLOOD_TIME_MIN: Duration = Duration::from_millis(2500);
const FLOOD_TIME_MAX: Duration = Duration::from_millis(9000);
/// How long an honest peer may wait for its echo meanwhile.
const LATENCY_MAX: Duration = Duration::from_millis(500);

#[test]
fn b13_a_flood_of_frames_is_slowed_and_others_are_not() {
    let victim = Victim::start("--shards 1 --inbound-frames-per-second-max 4000");
    let _room = Room::take(10);
    let empty_fragments = [masked(0x01, b""), masked(0x00, b"").repeat(FLOOD_FRAMES)].concat();
    let floods = [
        masked(0x81, b"x").repeat(FLOOD_FRAMES),
        masked(0x82, b"").repeat(FLOOD_FRAMES),
        masked(0x89, b"").repeat(FLOOD_FRAMES),
        masked(0x8a, b"").repeat(FLOOD_FRAMES),
        [empty_fragments, masked(0x80, b"")].concat(),
    ];
    let mut honest = Peer::open(&victim, "/echo");
    let (slowest, rounds) = thread::scope(|scope| {
        let floods = floods.map(|flood| scope.spawn(|| endure(&victim, flood)));
        let mut slowest = Duration::ZERO;
        let mut rounds = 0;
        while !floods.iter().all(|flood| flood.is_finished()) {
            let begun = Instant::now();
            honest.say("still there?");
            assert!(honest.hears_text("still there?"));
            honest.forget();
            slowest = slowest.max(begun.elapsed());
            rounds += 1;
            thread::sleep(Duration::from_millis(5));
        }
        for flood in floods {
            flood.join().unwrap();
        }
        (slowest, rounds)
    });
    within(LATENCY_MAX, slowest).unwrap();
    assert!(rounds > 100, "{rounds} rounds");
    let figures = victim.figures().unwrap();
    assert!(figures.get("rate_pauses") >= 5, "{figures}");
    drop(honest);
    victim.empties_within(SLACK).unwrap();
}

/// One flood, and then a message whose echo says that all of it was read.
fn endure(victim: &Victim, flood: Vec<u8>) {
    let mut peer = Peer::open(victim, "/echo");
    let begun = Instant::now();
    assert!(peer.send(&flood) && peer.say("the end"));
    let is_end =
        peer.hears_within(FLOOD_TIME_MAX, |stream| stream.texts().any(|it| it == "the end"));
    let took = begun.elapsed();
    assert!(is_end, "no end after {took:?}");
    assert!(took >= FLOOD_TIME_MIN, "it was not slowed: {took:?}");
}

const PINGS: u32 = 40_000;

/// RFC 6455, section 5.5.3: of pings that are not answered yet, the newest is enough.
#[test]
fn d2_pings_of_a_peer_that_does_not_read_pile_up_nowhere() {
    let victim = Victim::start("--shards 1");
    crate::row::warm_up(&victim);
    let _room = Room::take(11);
    let mut peers: Vec<Peer> =
        (0..10).map(|_| Peer::connect_narrow(&victim).upgraded("/echo")).collect();
    let memory = Memory::before(&victim);
    let payload = |n: u32| [&n.to_be_bytes()[..], &[0; 121]].concat();
    for first in (0..PINGS).step_by(1000) {
        let pings: Vec<u8> =
            (first..first + 1000).flat_map(|n| masked(0x89, &payload(n))).collect();
        for peer in &mut peers {
            assert!(peer.send(&pings), "the server stopped to read");
        }
    }
    for peer in &mut peers {
        peer.say("the end");
        let is_end = |stream: &fanlight_sim::frame::Stream<'_>| {
            stream.frames.last().is_some_and(|frame| frame.text() == Some("the end"))
        };
        assert!(peer.hears(is_end), "its queue does not move");
    }
    memory.grew_by_at_most(10 * (64 << 10)).unwrap();
    for mut peer in peers {
        peer.send(&bye());
        let heard = peer.listen();
        let stream = heard.stream().unwrap();
        let pongs: Vec<&[u8]> = stream
            .frames
            .iter()
            .filter(|frame| frame.opcode == PING + 1)
            .map(|frame| frame.payload)
            .collect();
        assert_eq!(pongs.last(), Some(&&payload(PINGS - 1)[..]), "the newest is answered");
        assert!(pongs.is_sorted(), "pongs come in the order of their pings");
        assert!(pongs.len() < PINGS as usize, "the test has not filled the queue");
    }
    victim.empties_within(SLACK).unwrap();
}
