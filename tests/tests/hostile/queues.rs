//! D1: peers that do not read what they are sent.

use std::{
    thread,
    time::{Duration, Instant},
};

use fanlight_sim::frame::{TEXT, masked};
use fanlight_tests::victim::Victim;

use crate::{
    memory::Memory,
    peer::{End, Peer, SLACK},
    room::Room,
    row::{bye, equal, not_before, warm_up, within},
};

const CROWD: usize = 10;
const OUTBOX_BYTES_MAX: u64 = 256 << 10;
const OPTIONS: &str = "--shards 1 --message-bytes-max 64KiB --outbox-bytes-max 256KiB";
const MIB: u64 = 1 << 20;

/// Sends far more than all buffers on the way back can hold.
fn flood(peer: &mut Peer) {
    let message = masked(0x82, &[0; 32 << 10]);
    for _ in 0..400 {
        peer.send(&message);
    }
}

#[test]
fn an_echo_that_is_not_read_is_bounded_and_ends_with_1013() {
    let victim = Victim::start(&format!("{OPTIONS} --close-timeout 5s"));
    warm_up(&victim);
    let _room = Room::take(CROWD + 1);
    let mut peers: Vec<Peer> =
        (0..CROWD).map(|_| Peer::connect_narrow(&victim).upgraded("/echo")).collect();
    let memory = Memory::before(&victim);
    peers.iter_mut().for_each(flood);
    memory.grew_by_at_most(CROWD as u64 * OUTBOX_BYTES_MAX * 2).unwrap();
    assert_eq!(victim.figures().unwrap().get("overflows"), CROWD as u64);
    for mut peer in peers {
        // What was on its way is whole, and the last word is why.
        let is_closed = peer.hears(|stream| stream.close_code().is_some());
        peer.send(&bye());
        let heard = peer.listen();
        assert!(is_closed && heard.end == Some(End::Eof), "{}", heard.shown());
        let stream = heard.stream().unwrap();
        assert_eq!(stream.close_code(), Some(1013), "{}", heard.shown());
        assert!(stream.frames.len() > 1, "nothing was on its way: {}", heard.shown());
    }
    victim.empties_within(SLACK).unwrap();
}

#[test]
fn who_overflows_and_never_reads_is_gone_in_time() {
    let [close_timeout, linger_timeout] = [400, 200].map(Duration::from_millis);
    let victim = Victim::start(&format!("{OPTIONS} --close-timeout 400ms --linger-timeout 200ms"));
    let _room = Room::take(CROWD + 1);
    let mut peers: Vec<Peer> =
        (0..CROWD).map(|_| Peer::connect_narrow(&victim).upgraded("/echo")).collect();
    let begun = Instant::now();
    peers.iter_mut().for_each(flood);
    let flooded = Instant::now();
    victim.empties_within(close_timeout + linger_timeout + SLACK).unwrap();
    within(close_timeout + linger_timeout + SLACK, flooded.elapsed()).unwrap();
    not_before(close_timeout, begun.elapsed()).unwrap();
    drop(peers);
}

#[test]
fn a_socket_that_takes_nothing_is_stalled_and_cut() {
    let stall_timeout = Duration::from_millis(500);
    let victim = Victim::start("--shards 1 --stall-timeout 500ms --ping-interval 30s");
    let _room = Room::take(CROWD + 1);
    let mut peers: Vec<Peer> =
        (0..CROWD).map(|_| Peer::connect_narrow(&victim).upgraded("/echo")).collect();
    let begun = Instant::now();
    // One message: within the outbox's bound, and more than all buffers on the way back.
    let message = masked(0x82, &[0; 1 << 20]);
    for peer in &mut peers {
        assert!(peer.send(&message));
    }
    let figures = victim.waits_until(stall_timeout + SLACK, |stats| stats.is_empty()).unwrap();
    not_before(stall_timeout, begun.elapsed()).unwrap();
    assert_eq!((figures.get("timeouts"), figures.get("overflows")), (CROWD as u64, 0));
    for peer in peers {
        let heard = peer.listen();
        assert!(heard.end.is_some(), "{}", heard.shown());
        let stream = heard.stream().unwrap();
        // Nothing can be said to it: it is cut in the middle of the message.
        assert!(stream.frames.is_empty() && !stream.rest.is_empty(), "{}", heard.shown());
    }
}

#[test]
fn a_slow_reader_that_reads_is_not_stalled() {
    let victim = Victim::start("--shards 1 --stall-timeout 600ms --ping-interval 30s");
    let _room = Room::take(2);
    let mut peer = Peer::connect_narrow(&victim).upgraded("/echo");
    assert!(peer.send(&masked(0x82, &[7; 1 << 20])));
    // For twice the timeout it takes some bytes now and then.
    let is_whole = peer.sips(Duration::from_millis(10), 120);
    assert!(!is_whole, "it was not slow");
    assert!(peer.hears(|stream| stream.frames.len() == 1));
    peer.send(&bye());
    assert_eq!(peer.listen().stream().unwrap().close_code(), Some(1000));
    victim.empties_within(SLACK).unwrap();
}

const MEMBERS: usize = 8;
const MESSAGES: usize = 100;
const LATENCY_MAX: Duration = Duration::from_millis(1000);

fn text(n: usize) -> String {
    format!("{n}: {}", "x".repeat(16 << 10))
}

#[test]
fn members_that_do_not_read_cost_the_others_nothing() {
    for shards in [1, 2] {
        broadcast_past_those_who_do_not_read(shards);
    }
}

fn broadcast_past_those_who_do_not_read(shards: u64) {
    // All that is said is more than that, but a member may be asleep for a while.
    let victim = Victim::start(&format!(
        "--shards {shards} --outbox-bytes-max 1MiB --message-bytes-max 64KiB \
         --close-timeout 300ms --linger-timeout 200ms"
    ));
    let _room = Room::take(MEMBERS + 4);
    let deaf: Vec<Peer> =
        (0..2).map(|_| Peer::connect_narrow(&victim).upgraded("/broadcast")).collect();
    let members: Vec<Peer> = (0..MEMBERS).map(|_| Peer::open(&victim, "/broadcast")).collect();
    let mut talker = Peer::open(&victim, "/broadcast");
    victim.waits_until(SLACK, |stats| stats.get("members") == MEMBERS as u64 + 3).unwrap();
    let memory = Memory::before(&victim);

    let slowest = thread::scope(|scope| {
        let heard: Vec<_> =
            members.into_iter().map(|member| scope.spawn(|| attend(member))).collect();
        let mut slowest = Duration::ZERO;
        for n in 0..MESSAGES {
            let begun = Instant::now();
            talker.say(&text(n));
            assert!(talker.hears_text(&text(n)), "the talker does not hear itself");
            talker.forget();
            slowest = slowest.max(begun.elapsed());
            thread::sleep(Duration::from_millis(3));
        }
        for heard in heard {
            heard.join().unwrap();
        }
        slowest
    });
    within(LATENCY_MAX, slowest).unwrap();

    memory.grew_by_at_most(shards * 4 * MIB).unwrap();
    drop(talker);
    let figures = victim.waits_until(SLACK, |stats| stats.is_empty()).unwrap();
    assert_eq!(figures.get("overflows"), 2, "{figures}");
    drop(deaf);
}

/// A member that reads: it must hear all, in order, and soon after it was said.
fn attend(mut member: Peer) {
    let header_bytes = 4;
    let bytes = (0..MESSAGES).map(|n| header_bytes + text(n).len()).sum();
    let is_all = member.takes(bytes, SLACK * 4);
    assert!(is_all, "messages are missing: {}", member.listen().shown());
    member.send(&bye());
    let heard = member.listen();
    let stream = heard.stream().unwrap();
    let told: Vec<&str> = stream.texts().collect();
    let said: Vec<String> = (0..MESSAGES).map(text).collect();
    assert!(told == said, "{} of {MESSAGES} messages, or another order", told.len());
    equal("opcode", TEXT, stream.frames[0].opcode).unwrap();
    assert_eq!(stream.close_code(), Some(1000));
}
