//! What waits for a peer that reads slowly, and what it costs nobody else.

use fanlight_core::{CloseReason, Settings};

use super::{
    ONE, close_code, ended, gone, house, hub, open, publish, secs, send, settled, stall, subscribe,
    texts,
};

fn small() -> Settings {
    Settings {
        message_bytes_max: 1000,
        outbox_bytes_max: 2000,
        outbox_messages_max: 5,
        ..Settings::default()
    }
}

#[test]
fn more_messages_than_the_outbox_holds_close_with_1013() {
    let mut world = house(1, small());
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    for _ in 0..5 {
        send(&mut world, conn, "unread");
    }
    assert!(world.hub(ONE).is_open(conn));
    send(&mut world, conn, "one too many");
    assert!(!world.hub(ONE).is_open(conn));
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::OutboxFull)));
    assert_eq!(close_code(&world, conn), Some(1013));
    assert_eq!(texts(&world, conn), [""; 0]);
    assert_eq!(world.stats().overflows, 1);
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}

#[test]
fn more_bytes_than_the_outbox_holds_close_with_1013() {
    let mut world = house(1, small());
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    send(&mut world, conn, &"x".repeat(990));
    send(&mut world, conn, &"x".repeat(990));
    assert!(world.hub(ONE).is_open(conn));
    send(&mut world, conn, &"x".repeat(20));
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::OutboxFull)));
    assert_eq!(close_code(&world, conn), Some(1013));
    settled(&world);
}

#[test]
fn a_frame_that_has_begun_is_finished_before_the_1013() {
    let mut world = house(1, small());
    let conn = open(&mut world, ONE);
    world.set_takes(conn, Some(4));
    for _ in 0..7 {
        send(&mut world, conn, "unread");
    }
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(texts(&world, conn), ["unread"]);
    assert_eq!(close_code(&world, conn), Some(1013));
    settled(&world);
}

#[test]
fn a_peer_that_never_reads_after_an_overflow_is_dropped_in_time() {
    let mut world = house(1, small());
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    for _ in 0..7 {
        send(&mut world, conn, "unread");
    }
    world.advance(secs(6));
    assert!(gone(&world, conn).is_some_and(|at| at <= secs(6)), "{:?}", gone(&world, conn));
    settled(&world);
}

#[test]
fn a_slow_reader_costs_the_others_nothing() {
    let mut world = house(1, small());
    let (slow, quick) = (open(&mut world, ONE), open(&mut world, ONE));
    for conn in [slow, quick] {
        subscribe(&mut world, conn, "lobby");
    }
    stall(&mut world, slow);
    let all: Vec<_> = (0..20).map(|number| format!("message {number}")).collect();
    for text in &all {
        publish(&mut world, ONE, "lobby", text);
    }
    assert_eq!(texts(&world, quick), all);
    assert_eq!(world.stats().overflows, 1);
    world.advance(secs(6));
    assert_eq!(ended(&world, slow).unwrap().1, CloseReason::OutboxFull);
    assert_eq!(ended(&world, quick), None);
    settled(&world);
}

#[test]
fn a_message_waits_once_however_many_wait_for_it() {
    let mut world = hub();
    let conns: Vec<_> = (0..10).map(|_| open(&mut world, ONE)).collect();
    for &conn in &conns {
        stall(&mut world, conn);
        subscribe(&mut world, conn, "lobby");
    }
    publish(&mut world, ONE, "lobby", "hello");
    let stats = world.stats();
    assert_eq!((stats.frames, stats.frame_bytes, stats.queued), (1, 7, 10));
    for &conn in &conns {
        world.set_takes(conn, None);
    }
    world.flow();
    let stats = world.stats();
    assert_eq!((stats.frames, stats.frame_bytes, stats.queued), (0, 0, 0));
    assert!(conns.iter().all(|conn| texts(&world, *conn) == ["hello"]));
    settled(&world);
}

#[test]
fn a_flood_of_pings_that_nobody_reads_stays_small() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    for _ in 0..5_000 {
        world.peer_acts(conn, |peer, out| peer.ping(&[b'p'; 125], out));
    }
    world.flow();
    assert!(world.unsent(conn).len() <= 4096, "{}", world.unsent(conn).len());
    world.set_takes(conn, None);
    world.flow();
    assert!(world.socket(conn).peer.pongs() >= 1);
    assert_eq!(ended(&world, conn), None);
    settled(&world);
}

#[test]
fn pongs_do_not_wait_behind_messages() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.set_takes(conn, Some(3));
    for text in ["one", "two"] {
        send(&mut world, conn, text);
    }
    world.peer_acts(conn, |peer, out| peer.ping(b"hurry", out));
    world.flow();
    world.set_takes(conn, Some(2 + 7));
    world.flow();
    assert_eq!((texts(&world, conn), world.socket(conn).peer.pongs()), (vec!["one"], 1));
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(texts(&world, conn), ["one", "two"]);
    settled(&world);
}

#[test]
fn who_sends_too_many_frames_is_read_more_slowly_but_wholly() {
    let mut world = house(1, Settings { inbound_frames_per_second_max: 10, ..Settings::default() });
    let conn = open(&mut world, ONE);
    for _ in 0..200 {
        world.peer_acts(conn, |peer, out| peer.say("echo", out));
        // In pieces, since a rate is kept between reads and not within one.
        world.flow();
    }
    assert!(world.socket(conn).is_paused());
    assert!(texts(&world, conn).len() <= 25, "{}", texts(&world, conn).len());
    assert_eq!(world.stats().rate_pauses, 1);
    world.advance(secs(60));
    assert_eq!(texts(&world, conn).len(), 200);
    assert_eq!(ended(&world, conn), None);
    settled(&world);
}
