//! The application's own timers.

use std::time::Duration;

use fanlight_core::{Command, Event, Settings, Timer};

use super::{ONE, Story, house, hub, millis, open, secs, settled, when};

fn set(world: &mut Story, timer: Timer, after: Option<Duration>) {
    let at = after.map(|after| world.now() + after);
    world.tell(ONE, Event::SetTimer(timer, at));
}

#[test]
fn a_timer_goes_off_once_when_it_should() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    for timer in [Timer::Shard, Timer::Connection(conn)] {
        set(&mut world, timer, Some(millis(1_234)));
        world.advance(millis(1_233));
        assert_eq!(when(&world, &Command::Timer(timer)), None);
        world.advance(millis(1));
        assert!(when(&world, &Command::Timer(timer)).is_some());
        world.advance(secs(5));
    }
    assert_eq!(world.service(ONE).timers(), 2);
    settled(&world);
}

#[test]
fn a_timer_that_is_moved_goes_off_at_its_new_time_only() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    let timer = Timer::Connection(conn);
    set(&mut world, timer, Some(secs(1)));
    set(&mut world, timer, Some(secs(100)));
    world.advance(secs(99));
    assert_eq!(when(&world, &Command::Timer(timer)), None);
    set(&mut world, timer, Some(millis(2)));
    world.advance(secs(1));
    assert_eq!(when(&world, &Command::Timer(timer)), Some(secs(99) + millis(2)));
    settled(&world);
}

#[test]
fn a_timer_in_the_past_goes_off_at_once() {
    let mut world = hub();
    world.advance(secs(10));
    world.tell(ONE, Event::SetTimer(Timer::Shard, Some(fanlight_core::Instant::ZERO)));
    world.advance(secs(0));
    assert_eq!(when(&world, &Command::Timer(Timer::Shard)), Some(secs(10)));
    settled(&world);
}

#[test]
fn a_timer_that_is_stopped_stays_silent() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    for timer in [Timer::Shard, Timer::Connection(conn)] {
        set(&mut world, timer, Some(secs(1)));
        set(&mut world, timer, None);
    }
    world.advance(secs(60));
    assert_eq!(world.service(ONE).timers(), 0);
    settled(&world);
}

#[test]
fn a_tick_leaves_nothing_due_though_two_deadlines_were_due_at_once() {
    let mut world = house(1, Settings { inbound_frames_per_second_max: 20, ..Settings::default() });
    let conn = open(&mut world, ONE);
    set(&mut world, Timer::Connection(conn), Some(millis(301)));
    for _ in 0..41 {
        world.peer_acts(conn, |peer, out| peer.ping(b"", out));
    }
    world.sleep(millis(301), false);
    settled(&world);
}

#[test]
fn a_tick_leaves_nothing_due_though_somebody_else_is_due_soon() {
    let mut world = house(1, Settings { inbound_frames_per_second_max: 20, ..Settings::default() });
    let [conn, other] = [open(&mut world, ONE), open(&mut world, ONE)];
    set(&mut world, Timer::Connection(conn), Some(millis(301)));
    // In the same slot of the ring.
    set(&mut world, Timer::Connection(other), Some(millis(301) + Duration::from_micros(900)));
    for _ in 0..41 {
        world.peer_acts(conn, |peer, out| peer.ping(b"", out));
    }
    world.flow();
    // Now it may be read again, and its timer is over.
    world.sleep(millis(301), true);
    settled(&world);
}

#[test]
fn the_timer_of_a_connection_ends_with_it() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    set(&mut world, Timer::Connection(conn), Some(secs(1)));
    world.reset(conn);
    let other = open(&mut world, ONE);
    assert_eq!(other.index(), conn.index(), "the slot is used again");
    world.advance(secs(2));
    assert_eq!(world.service(ONE).timers(), 0);
    settled(&world);
}

#[test]
fn a_far_timer_is_kept() {
    let mut world = hub();
    let day = secs(24 * 3600);
    set(&mut world, Timer::Shard, Some(day));
    world.advance(day - millis(1));
    assert_eq!(when(&world, &Command::Timer(Timer::Shard)), None);
    world.advance(millis(1));
    assert_eq!(when(&world, &Command::Timer(Timer::Shard)), Some(day));
    assert_eq!(world.hub(ONE).next_deadline(), None);
    settled(&world);
}
