//! Who is alive: pings, silence, sockets that do not move, messages that do not end.

use fanlight_core::{CloseReason, Instant, Settings};
use fanlight_sim::{World, frame::masked};

use super::{
    ONE, Story, close_code, ended, fall_silent, gone, house, hub, millis, open, secs, send,
    settled, stall,
};

/// The moments at which pings reached the peer, for so many seconds, to the millisecond.
fn ping_times(world: &mut Story, conn: fanlight_core::ConnId, for_secs: u64) -> Vec<u64> {
    let mut times = Vec::new();
    for milli in 0..for_secs * 100 {
        let before = world.socket(conn).peer.pings();
        world.advance(millis(10));
        if world.socket(conn).peer.pings() > before {
            times.push((milli + 1) * 10);
        }
    }
    times
}

#[test]
fn a_silent_peer_is_pinged_within_the_interval_and_never_twice_after_the_same_time() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    let times = ping_times(&mut world, conn, 500);
    let gaps: Vec<_> =
        [0].iter().chain(&times).zip(&times).map(|(before, at)| at - before).collect();
    assert!(gaps.len() >= 20, "{gaps:?}");
    assert!(gaps.iter().all(|gap| (19_990..=25_010).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap < 23_000) && gaps.iter().any(|gap| *gap > 22_000));
    assert!(gaps.windows(2).any(|two| two[0] != two[1]), "{gaps:?}");
    assert_eq!(ended(&world, conn), None);
    settled(&world);
}

#[test]
fn without_jitter_a_ping_comes_when_the_interval_is_over() {
    let mut world = house(1, Settings { ping_jitter_percent: 0, ..Settings::default() });
    let conn = open(&mut world, ONE);
    world.advance(secs(25) - millis(1));
    assert_eq!(world.socket(conn).peer.pings(), 0);
    world.advance(millis(1));
    assert_eq!(world.socket(conn).peer.pings(), 1);
    world.advance(secs(25));
    assert_eq!(world.socket(conn).peer.pings(), 2);
    settled(&world);
}

/// One hub without jitter, and a connection on it.
fn steady() -> (Story, fanlight_core::ConnId) {
    let mut world = house(1, Settings { ping_jitter_percent: 0, ..Settings::default() });
    let conn = open(&mut world, ONE);
    (world, conn)
}

#[test]
fn who_does_not_answer_a_ping_is_gone_when_the_pong_timeout_passes() {
    let (mut world, conn) = steady();
    fall_silent(&mut world, conn);
    world.advance(secs(35) - millis(1));
    assert_eq!(ended(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(ended(&world, conn), Some((secs(35), CloseReason::HeartbeatTimeout)));
    assert_eq!(gone(&world, conn), Some(secs(35)));
    assert_eq!(close_code(&world, conn), None);
    assert_eq!(world.stats().timeouts, 1);
    settled(&world);
}

#[test]
fn any_byte_postpones_the_ping() {
    let (mut world, conn) = steady();
    fall_silent(&mut world, conn);
    // One byte of a long message every 20 seconds.
    let frame = masked(0x81, &[b'x'; 100]);
    for byte in &frame[..2] {
        world.advance(secs(20));
        world.peer_sends(conn, &[*byte]);
        world.flow();
    }
    assert_eq!(world.socket(conn).peer.pings(), 0);
    world.advance(secs(25) - millis(1));
    assert_eq!(world.socket(conn).peer.pings(), 0);
    world.advance(millis(1));
    assert_eq!(world.socket(conn).peer.pings(), 1);
    settled(&world);
}

#[test]
fn any_byte_answers_a_ping_but_only_the_pong_gives_the_round_trip() {
    let (mut world, conn) = steady();
    fall_silent(&mut world, conn);
    world.advance(secs(30));
    world.peer_sends(conn, &masked(0x8a, b"unasked"));
    world.advance(secs(24));
    assert_eq!((ended(&world, conn), world.hub(ONE).round_trip(conn)), (None, None));
    assert_eq!(world.stats().round_trips, 0);
    settled(&world);
}

#[test]
fn a_pong_gives_the_round_trip() {
    let (mut world, conn) = steady();
    world.advance(secs(25) - millis(1));
    world.set_gives(conn, Some(0));
    world.advance(millis(1) + millis(120));
    world.set_gives(conn, None);
    world.flow();
    assert_eq!(world.hub(ONE).round_trip(conn), Some(millis(120)));
    let stats = world.stats();
    assert_eq!((stats.round_trips, stats.round_trip_micros), (1, 120_000));
    settled(&world);
}

#[test]
fn the_pong_timeout_starts_when_the_ping_has_left() {
    let (mut world, conn) = steady();
    fall_silent(&mut world, conn);
    world.advance(secs(24));
    stall(&mut world, conn);
    world.advance(secs(21));
    assert_eq!(ended(&world, conn), None);
    world.set_takes(conn, None);
    world.advance(secs(10) - millis(1));
    assert_eq!(ended(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(ended(&world, conn), Some((secs(55), CloseReason::HeartbeatTimeout)));
    settled(&world);
}

#[test]
fn a_socket_that_takes_nothing_is_given_up_when_the_stall_timeout_passes() {
    let (mut world, conn) = steady();
    world.advance(secs(1));
    stall(&mut world, conn);
    world.advance(secs(1));
    send(&mut world, conn, "unread");
    world.advance(secs(30) - millis(1));
    assert_eq!(ended(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(ended(&world, conn), Some((secs(32), CloseReason::Stalled)));
    assert_eq!(gone(&world, conn), Some(secs(32)));
    settled(&world);
}

#[test]
fn a_socket_that_moves_is_neither_stalled_nor_asked_for_a_pong() {
    let (mut world, conn) = steady();
    fall_silent(&mut world, conn);
    stall(&mut world, conn);
    send(&mut world, conn, &"x".repeat(2_000));
    for _ in 0..40 {
        world.advance(secs(5));
        world.set_takes(conn, Some(10));
        world.flow();
        assert_eq!(ended(&world, conn), None, "at {}", world.now());
    }
    // All that was taken is the message, or a ping behind it; then the last byte was at 200 s.
    world.set_takes(conn, None);
    world.advance(secs(60));
    let (at, reason) = ended(&world, conn).unwrap();
    assert_eq!(reason, CloseReason::HeartbeatTimeout);
    assert!(at >= secs(210) && at <= secs(235), "{at:?}");
    settled(&world);
}

#[test]
fn a_message_that_does_not_end_is_answered_with_1008() {
    let (mut world, conn) = steady();
    world.advance(secs(2));
    world.peer_sends(conn, &masked(0x01, b"chatter begun"));
    for _ in 0..5 {
        world.advance(secs(10));
        world.peer_sends(conn, &masked(0x00, b"and on"));
    }
    world.advance(secs(10) - millis(1));
    assert_eq!(ended(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(ended(&world, conn), Some((secs(62), CloseReason::MessageTimeout)));
    assert_eq!(close_code(&world, conn), Some(1008));
    world.advance(secs(10));
    assert!(gone(&world, conn).is_some());
    settled(&world);
}

#[test]
fn half_a_header_is_a_message_that_does_not_end_too() {
    let mut world = house(1, Settings { ping_interval: secs(600), ..Settings::default() });
    let conn = open(&mut world, ONE);
    world.peer_sends(conn, &[0x81]);
    world.advance(secs(60) - millis(1));
    assert_eq!(close_code(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(close_code(&world, conn), Some(1008));
    // Its answer is the rest of that frame, so none is seen.
    world.advance(secs(6));
    assert_eq!(ended(&world, conn).unwrap().1, CloseReason::MessageTimeout);
    settled(&world);
}

#[test]
fn who_finishes_a_message_has_a_whole_timeout_for_the_next() {
    let (mut world, conn) = steady();
    for _ in 0..3 {
        world.peer_acts(conn, |peer, out| peer.say_half("chatter in two halves", out));
        world.advance(secs(50));
        world.peer_acts(conn, |peer, out| peer.ping(b"", out));
        world.advance(secs(5));
    }
    assert_eq!(ended(&world, conn), None);
    assert_eq!(world.stats().received_messages, 3);
    settled(&world);
}

#[test]
fn a_house_that_slept_culls_nobody() {
    let (mut world, conn) = steady();
    fall_silent(&mut world, conn);
    world.advance(secs(20));
    world.sleep(secs(3600), true);
    assert_eq!((ended(&world, conn), world.stats().late_ticks), (None, 1));
    // To the hub no more than `late_max` passed after the ping was due: it is sent now.
    assert_eq!(world.socket(conn).peer.pings(), 1);
    world.advance(secs(10) - millis(1));
    assert_eq!(ended(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(ended(&world, conn), Some((secs(3630), CloseReason::HeartbeatTimeout)));
    settled(&world);
}

#[test]
fn an_earlier_time_is_taken_as_the_last_one() {
    let mut world: World<_> = hub();
    let conn = open(&mut world, ONE);
    world.advance(secs(5));
    world.set_behind(secs(4));
    world.tick(ONE);
    send(&mut world, conn, "hello");
    world.set_behind(secs(0));
    assert_eq!(world.now(), Instant::ZERO + secs(5));
    world.advance(secs(500));
    assert_eq!(ended(&world, conn), None);
    settled(&world);
}
