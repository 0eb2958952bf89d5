//! A1, B10, D4, D5: peers that keep others waiting. No byte that they send buys them more time.

use std::{
    thread,
    time::{Duration, Instant},
};

use fanlight_sim::frame::{PING, masked};
use fanlight_tests::victim::Victim;

use crate::{
    memory::Memory,
    peer::{End, Heard, Peer, SLACK},
    request::{get, upgrade},
    room::Room,
    row::{bye, equal, not_before, within},
};

const CROWD: usize = 20;
/// What one of these peers may cost.
const MEMORY_BYTES_MAX: u64 = 16 << 10;

/// Has many peers do the same at once, and judges what each heard.
fn crowd(
    victim: &Victim,
    behave: impl Fn(&Victim) -> Heard + Sync,
    judge: impl Fn(&Heard) -> Result<(), String>,
) {
    let _room = Room::take(CROWD + 1);
    let memory = Memory::before(victim);
    let heard: Vec<Heard> = thread::scope(|scope| {
        let peers: Vec<_> = (0..CROWD).map(|_| scope.spawn(|| behave(victim))).collect();
        peers.into_iter().map(|peer| peer.join().unwrap()).collect()
    });
    for heard in heard {
        judge(&heard).unwrap_or_else(|why| panic!("{why}: {}", heard.shown()));
    }
    victim.empties_within(SLACK).unwrap();
    memory.grew_by_at_most(CROWD as u64 * MEMORY_BYTES_MAX).unwrap();
}

/// Whether it ended in order, at the time and not before.
fn ends_at(heard: &Heard, timeout: Duration) -> Result<(), String> {
    equal("end", Some(End::Eof), heard.end)?;
    not_before(timeout, heard.after)?;
    within(timeout + SLACK, heard.after)
}

const UPGRADE_TIMEOUT: Duration = Duration::from_millis(400);

fn upgrade_victim() -> Victim {
    Victim::start("--shards 1 --upgrade-timeout 400ms")
}

#[test]
fn a1_who_says_nothing_is_gone_without_a_word() {
    crowd(
        &upgrade_victim(),
        |victim| Peer::connect(victim).listen_for(UPGRADE_TIMEOUT + SLACK),
        |heard| {
            ends_at(heard, UPGRADE_TIMEOUT)?;
            equal("bytes", 0, heard.bytes.len())
        },
    );
}

#[test]
fn a1_a_byte_now_and_then_is_answered_by_408_at_the_deadline() {
    let drip = |victim: &Victim, bytes: &[u8], pause: u64| {
        let mut peer = Peer::connect(victim);
        peer.send_slowly(bytes, Duration::from_millis(pause));
        peer.listen_for(UPGRADE_TIMEOUT + SLACK)
    };
    let judge = |heard: &Heard| {
        ends_at(heard, UPGRADE_TIMEOUT)?;
        equal("status", Some(408), heard.stream()?.status)
    };
    let victim = upgrade_victim();
    crowd(&victim, |victim| drip(victim, b"G", 0), judge);
    // Each byte comes long before the deadline, and the last would come long after it.
    crowd(&victim, |victim| drip(victim, &upgrade(&[])[..100], 50), judge);
    crowd(&victim, |victim| drip(victim, &get("/")[..40], 100), judge);
}

#[test]
fn a1_who_has_finished_a_head_in_time_is_taken() {
    crowd(
        &upgrade_victim(),
        |victim| {
            let mut peer = Peer::connect(victim);
            let head = upgrade(&[]);
            for piece in head.chunks(head.len().div_ceil(4)) {
                peer.send(piece);
                thread::sleep(UPGRADE_TIMEOUT / 10);
            }
            // Long past the deadline of an upgrade it is still there.
            thread::sleep(UPGRADE_TIMEOUT * 2);
            peer.send(&bye());
            peer.listen()
        },
        |heard| equal("close code", Some(1000), heard.stream()?.close_code()),
    );
}

const MESSAGE_TIMEOUT: Duration = Duration::from_millis(400);

#[test]
fn b10_a_message_that_is_not_finished_in_time_is_1008() {
    let victim = Victim::start("--shards 1 --message-timeout 400ms");
    let fragment = masked(0x01, b"begun");
    let half_header = masked(0x82, b"never")[..3].to_vec();
    let half_payload = masked(0x82, &[0; 100])[..50].to_vec();
    // Neither more of it nor pings buy time: these would go on for five seconds.
    let fragments = [&fragment[..], &masked(0x00, b"x").repeat(250)].concat();
    let pings = [&fragment[..], &masked(0x89, b"x").repeat(250)].concat();
    for (bytes, pause) in
        [(fragment, 0), (half_header, 0), (half_payload, 0), (fragments, 3), (pings, 3)]
    {
        crowd(
            &victim,
            |victim| {
                let mut peer = Peer::open(victim, "/echo");
                let begun = Instant::now();
                peer.send_slowly(&bytes, Duration::from_millis(pause));
                peer.hears_within(MESSAGE_TIMEOUT + SLACK, |stream| stream.close_code().is_some());
                let closed = begun.elapsed();
                // A Close cannot be said in the middle of a frame.
                peer.half_close();
                Heard { after: closed, ..peer.listen() }
            },
            |heard| {
                ends_at(heard, MESSAGE_TIMEOUT)?;
                equal("close code", Some(1008), heard.stream()?.close_code())
            },
        );
    }
    assert_eq!(victim.figures().unwrap().get("timeouts"), 5 * CROWD as u64);
}

const PING_INTERVAL: Duration = Duration::from_millis(300);
const PONG_TIMEOUT: Duration = Duration::from_millis(300);

fn heartbeat_victim() -> Victim {
    Victim::start("--shards 1 --ping-interval 300ms --ping-jitter-percent 0 --pong-timeout 300ms")
}

fn hears_ping(peer: &mut Peer) -> bool {
    peer.hears(|stream| stream.frames.last().is_some_and(|frame| frame.opcode == PING))
}

#[test]
fn d4_a_silent_peer_is_pinged_and_then_cut() {
    let victim = heartbeat_victim();
    crowd(
        &victim,
        |victim| {
            let mut peer = Peer::open(victim, "/echo");
            let (is_pinged, at) = (hears_ping(&mut peer), peer.age());
            assert!(is_pinged && at >= PING_INTERVAL, "{is_pinged} after {at:?}");
            peer.listen_for(PONG_TIMEOUT + SLACK)
        },
        |heard| {
            equal("frames", 1, heard.stream()?.frames.len())?;
            ends_at(heard, PING_INTERVAL + PONG_TIMEOUT)
        },
    );
    assert_eq!(victim.figures().unwrap().get("timeouts"), CROWD as u64);
}

#[test]
fn d4_who_answers_pings_stays() {
    crowd(
        &heartbeat_victim(),
        |victim| {
            let mut peer = Peer::open(victim, "/echo");
            for _ in 0..4 {
                assert!(hears_ping(&mut peer), "no ping came");
                let (_, nonce) = peer.newest_frame().unwrap();
                peer.forget();
                peer.send(&masked(0x8a, &nonce));
            }
            peer.send(&bye());
            peer.listen()
        },
        |heard| {
            equal("it was there so long", true, heard.after >= PING_INTERVAL * 4)?;
            equal("close code", Some(1000), heard.stream()?.close_code())
        },
    );
}

#[test]
fn d5_who_never_answers_a_close_is_gone_in_time() {
    const EXPECTED: Duration = Duration::from_millis(200 + 500 + 300);
    let victim = Victim::start(
        "--shards 1 --message-timeout 200ms --close-timeout 500ms --linger-timeout 300ms",
    );
    let _room = Room::take(CROWD + 1);
    let mut peers: Vec<Peer> = (0..CROWD).map(|_| Peer::open(&victim, "/echo")).collect();
    let begun = Instant::now();
    for peer in &mut peers {
        peer.send(&masked(0x01, b"never finished"));
    }
    for peer in &mut peers {
        assert!(peer.hears(|stream| stream.close_code() == Some(1008)));
    }
    let idle = victim.processor_time();
    victim.waits_until(SLACK * 2, |stats| stats.get("connections") == 1).unwrap();
    let gone = begun.elapsed();
    assert!(gone >= EXPECTED && gone <= EXPECTED + SLACK, "gone after {gone:?}");
    let busy = victim.processor_time() - idle;
    assert!(busy < Duration::from_millis(300), "it waited busily, for {busy:?}");
    for peer in peers {
        let heard = peer.listen();
        assert_eq!(heard.end, Some(End::Eof), "{}", heard.shown());
        assert_eq!(heard.stream().unwrap().frames.len(), 1, "{}", heard.shown());
    }
}
