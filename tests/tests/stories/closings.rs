//! How connections end, by whom, and with which last words.

use fanlight_core::{CloseReason, Command, End, Event, Message, Settings};
use fanlight_sim::Rudeness;
use fanlight_tests::Heard;

use super::{
    ONE, close, close_code, close_frame, ended, fall_silent, gone, house, hub, kick, millis, open,
    say, secs, send, settled, stall, texts, when,
};

#[test]
fn a_close_of_ours_is_answered_and_over() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    close(&mut world, conn, 1000);
    assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::ServiceClosed(1000.into()))));
    assert_eq!(close_code(&world, conn), Some(1000));
    assert_eq!(when(&world, &Command::Shutdown(conn)), Some(secs(0)));
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}

#[test]
fn a_close_of_the_peer_is_echoed() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.peer_acts(conn, |peer, out| peer.close(Some(&close_frame(3001)), out));
    world.flow();
    assert_eq!(close_code(&world, conn), Some(3001));
    let reason = CloseReason::PeerClosed(Some(Box::new(close_frame(3001))));
    assert_eq!(ended(&world, conn), Some((secs(0), reason)));
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}

#[test]
fn a_close_without_a_code_is_echoed_without_one() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.peer_acts(conn, |peer, out| peer.close(None, out));
    world.flow();
    assert_eq!(close_code(&world, conn), Some(1005));
    assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::PeerClosed(None))));
    settled(&world);
}

#[test]
fn two_closes_that_cross_are_one_each() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.set_gives(conn, Some(0));
    world.peer_acts(conn, |peer, out| peer.close(Some(&close_frame(1001)), out));
    close(&mut world, conn, 1000);
    world.set_gives(conn, None);
    world.flow();
    assert_eq!(close_code(&world, conn), Some(1000));
    assert_eq!(ended(&world, conn).unwrap().1, CloseReason::ServiceClosed(1000.into()));
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}

#[test]
fn who_does_not_answer_a_close_is_shut_down_and_then_dropped() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    fall_silent(&mut world, conn);
    close(&mut world, conn, 1000);
    world.advance(secs(5) - millis(1));
    assert_eq!(when(&world, &Command::Shutdown(conn)), None);
    world.advance(millis(1));
    assert_eq!(when(&world, &Command::Shutdown(conn)), Some(secs(5)));
    world.advance(secs(1) - millis(1));
    assert_eq!(gone(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(gone(&world, conn), Some(secs(6)));
    settled(&world);
}

#[test]
fn a_close_that_cannot_leave_is_given_up_when_the_close_timeout_passes() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    close(&mut world, conn, 1000);
    world.advance(secs(5));
    world.advance(secs(1));
    assert!(gone(&world, conn).is_some_and(|at| at <= secs(6)), "{:?}", gone(&world, conn));
    settled(&world);
}

#[test]
fn a_graceful_close_is_the_end_after_all_that_waits() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    for text in ["one", "two", "three"] {
        send(&mut world, conn, text);
    }
    close(&mut world, conn, 1000);
    send(&mut world, conn, "too late");
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(texts(&world, conn), ["one", "two", "three"]);
    assert_eq!(close_code(&world, conn), Some(1000));
    settled(&world);
}

#[test]
fn a_kick_drops_what_waits_but_not_the_frame_under_way() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.set_takes(conn, Some(3));
    for text in ["one", "two", "three"] {
        send(&mut world, conn, text);
    }
    kick(&mut world, conn, 1008);
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(texts(&world, conn), ["one"]);
    assert_eq!(close_code(&world, conn), Some(1008));
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}

#[test]
fn a_kick_overtakes_a_close_that_waits() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    send(&mut world, conn, "unread");
    close(&mut world, conn, 1000);
    kick(&mut world, conn, 1008);
    world.set_takes(conn, None);
    world.advance(secs(10));
    assert!(close_code(&world, conn).is_some());
    assert_eq!(world.record().about(conn).filter(|it| matches!(it, Command::Closed(_))).count(), 1);
    assert!(gone(&world, conn).is_some());
    settled(&world);
}

#[test]
fn the_echo_of_a_close_drops_what_waits() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.set_takes(conn, Some(3));
    for text in ["one", "two"] {
        send(&mut world, conn, text);
    }
    world.peer_acts(conn, |peer, out| peer.close(Some(&close_frame(1000)), out));
    world.flow();
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(texts(&world, conn), ["one"]);
    assert_eq!(close_code(&world, conn), Some(1000));
    settled(&world);
}

#[test]
fn after_a_close_of_its_own_a_service_hears_no_message() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.set_gives(conn, Some(0));
    for text in ["chatter", "bye", "echo", "chatter"] {
        say(&mut world, conn, text);
    }
    world.set_gives(conn, None);
    world.flow();
    let heard: Vec<_> = world.service(ONE).about(conn).collect();
    assert_eq!(heard.iter().filter(|it| matches!(it, Heard::Message(_))).count(), 2);
    assert!(matches!(heard.last(), Some(Heard::Closed(CloseReason::ServiceClosed(_)))));
    assert_eq!(texts(&world, conn), [""; 0]);
    settled(&world);
}

#[test]
fn lingering_ends_when_too_many_bytes_came() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    fall_silent(&mut world, conn);
    close(&mut world, conn, 1000);
    world.advance(secs(5));
    world.advance(millis(500));
    assert_eq!(gone(&world, conn), None);
    world.peer_sends(conn, &vec![0; 70_000]);
    world.flow();
    assert_eq!(gone(&world, conn), Some(millis(5_500)));
    settled(&world);
}

#[test]
fn lingering_ends_with_the_peers_half() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    fall_silent(&mut world, conn);
    close(&mut world, conn, 1000);
    world.advance(millis(5_500));
    world.peer_sends(conn, &[0; 100]);
    world.peer_ends(conn);
    world.flow();
    assert_eq!(gone(&world, conn), Some(millis(5_500)));
    settled(&world);
}

#[test]
fn every_breach_of_the_protocol_is_answered_with_its_code() {
    for &rudeness in Rudeness::ALL {
        let mut world = hub();
        let conn = open(&mut world, ONE);
        say(&mut world, conn, "echo before");
        world.peer_acts(conn, |peer, out| peer.break_rules(rudeness, out));
        world.flow();
        let code = match rudeness {
            Rudeness::InvalidText => 1007,
            Rudeness::TooBig => 1009,
            Rudeness::Unmasked
            | Rudeness::ReservedOpcode
            | Rudeness::ReservedBit
            | Rudeness::Continuation
            | Rudeness::FragmentedControl
            | Rudeness::CloseCode
            | Rudeness::CloseOfOneByte
            | Rudeness::LengthTopBit
            | Rudeness::LengthForm => 1002,
        };
        assert_eq!(close_code(&world, conn), Some(code), "{rudeness:?}");
        assert!(matches!(ended(&world, conn), Some((_, CloseReason::Fault(_)))), "{rudeness:?}");
        assert_eq!((world.stats().faults, texts(&world, conn).len()), (1, 1), "{rudeness:?}");
        world.advance(secs(10));
        assert!(gone(&world, conn).is_some(), "{rudeness:?}");
        settled(&world);
    }
}

#[test]
fn who_breaks_the_protocol_after_our_close_was_still_closed_by_us() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.set_gives(conn, Some(0));
    world.peer_acts(conn, |peer, out| peer.break_rules(Rudeness::Unmasked, out));
    close(&mut world, conn, 1000);
    world.set_gives(conn, None);
    world.advance(secs(10));
    assert_eq!(ended(&world, conn).unwrap().1, CloseReason::ServiceClosed(1000.into()));
    assert_eq!(close_code(&world, conn), Some(1000));
    settled(&world);
}

#[test]
fn who_is_ended_by_the_hub_is_heard_no_more() {
    let mut world = house(1, Settings { outbox_messages_max: 1, ..Settings::default() });
    let conn = open(&mut world, ONE);
    stall(&mut world, conn);
    for _ in 0..2 {
        send(&mut world, conn, "unread");
    }
    say(&mut world, conn, "chatter");
    assert!(!world.service(ONE).about(conn).any(|it| matches!(it, Heard::Message(_))));
    world.advance(secs(10));
    assert_eq!(ended(&world, conn).unwrap().1, CloseReason::OutboxFull);
    settled(&world);
}

#[test]
fn an_open_connection_whose_stream_ends_is_gone() {
    for end in [End::Eof, End::Failed] {
        let mut world = hub();
        let conn = open(&mut world, ONE);
        stall(&mut world, conn);
        send(&mut world, conn, "unread");
        world.tell(ONE, Event::Ended(conn, end));
        assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::PeerGone)));
        assert_eq!(gone(&world, conn), Some(secs(0)));
        settled(&world);
    }
}

#[test]
fn a_panic_over_a_connection_ends_it_with_1011_and_no_other() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    let other = open(&mut world, ONE);
    world.tell(ONE, Event::Panicked(Some(conn)));
    world.flow();
    assert_eq!(close_code(&world, conn), Some(1011));
    assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::ServicePanicked)));
    assert_eq!((ended(&world, other), world.stats().panics), (None, 1));
    settled(&world);
}

#[test]
fn what_is_asked_of_the_dead_is_counted_and_harmless() {
    let mut world = house(2, Settings::default());
    let conn = open(&mut world, ONE);
    let other = open(&mut world, ONE);
    world.reset(conn);
    let before = world.record().lines.len();
    send(&mut world, conn, "late");
    // The same through the other shard.
    world.tell(fanlight_core::ShardId(1), Event::Send(conn, Message::text("late")));
    world.flow();
    assert_eq!(world.stats().stale_events, 2);
    let forwards = world.record().lines.len() - before;
    assert!(forwards <= 2, "{:?}", &world.record().lines[before..]);
    assert_eq!(texts(&world, other), [""; 0]);
    settled(&world);
}
