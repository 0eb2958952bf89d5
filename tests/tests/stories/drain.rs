//! The graceful end of a hub.

use fanlight_core::{Arrival, CloseCode, CloseReason, Command, Drain, Event, PeerAddr, ShardId};
use fanlight_sim::Peer;

use super::{
    ONE, Story, close_code, close_frame, ended, fall_silent, fresh, gone, house, hub, open, secs,
    settled, stall, when,
};

fn drain(world: &mut Story, shard: ShardId, over_secs: u64, timeout_secs: u64) {
    world.tell(
        shard,
        Event::Drain(Drain {
            over: secs(over_secs),
            timeout: secs(timeout_secs),
            farewell: close_frame(1001),
        }),
    );
    world.flow();
}

#[test]
fn a_hub_without_connections_is_drained_at_once() {
    let mut world = hub();
    drain(&mut world, ONE, 10, 20);
    world.advance(secs(0));
    assert_eq!(when(&world, &Command::Drained), Some(secs(0)));
    settled(&world);
}

#[test]
fn everyone_is_told_evenly_over_the_time_asked_for() {
    let mut world = hub();
    let conns: Vec<_> = (0..20).map(|_| open(&mut world, ONE)).collect();
    world.advance(secs(3));
    drain(&mut world, ONE, 10, 20);
    let mut told = Vec::new();
    for _ in 0..10 {
        world.advance(secs(1));
        told.push(conns.iter().filter(|conn| close_code(&world, **conn) == Some(1001)).count());
    }
    for (second, told) in told.iter().enumerate() {
        let due = 2 * (second + 1);
        assert!(told.abs_diff(due) <= 2, "{told} after {} s", second + 1);
    }
    world.advance(secs(1));
    let drained = when(&world, &Command::Drained).unwrap();
    assert!(drained <= secs(14), "{drained:?}");
    for conn in conns {
        assert_eq!(ended(&world, conn).unwrap().1, CloseReason::Drained(CloseCode::Away));
    }
    settled(&world);
}

#[test]
fn nobody_is_accepted_by_a_hub_that_drains() {
    let mut world = hub();
    open(&mut world, ONE);
    drain(&mut world, ONE, 10, 20);
    let arrival = Arrival::Fresh(PeerAddr::Unnamed);
    assert!(world.connect(ONE, Peer::asking(1), arrival).is_err());
    world.advance(secs(20));
    settled(&world);
}

#[test]
fn a_drain_ends_when_its_timeout_passes_whatever_peers_do() {
    let mut world = hub();
    let conns: Vec<_> = (0..4).map(|_| open(&mut world, ONE)).collect();
    for (nth, conn) in conns.iter().enumerate() {
        fall_silent(&mut world, *conn);
        if nth % 2 == 0 {
            stall(&mut world, *conn);
        }
    }
    let silent = fresh(&mut world, b"GET");
    drain(&mut world, ONE, 2, 4);
    world.advance(secs(4));
    assert!(when(&world, &Command::Drained).is_some_and(|at| at <= secs(4)));
    for conn in conns.into_iter().chain([silent]) {
        assert!(gone(&world, conn).is_some_and(|at| at <= secs(4)), "{conn}");
    }
    settled(&world);
}

#[test]
fn a_drain_without_time_tells_everybody_at_once() {
    let mut world = hub();
    let conns: Vec<_> = (0..5).map(|_| open(&mut world, ONE)).collect();
    drain(&mut world, ONE, 0, 0);
    world.advance(secs(0));
    assert!(conns.iter().all(|conn| gone(&world, *conn) == Some(secs(0))));
    assert_eq!(when(&world, &Command::Drained), Some(secs(0)));
    settled(&world);
}

#[test]
fn who_is_on_its_way_in_during_a_drain_does_not_open() {
    let mut world = hub();
    let waits = fresh(&mut world, &Peer::request("/wait", true));
    let begun = fresh(&mut world, b"GET / ");
    drain(&mut world, ONE, 5, 8);
    world.advance(secs(8));
    for conn in [waits, begun] {
        assert!(gone(&world, conn).is_some_and(|at| at <= secs(8)));
        assert_ne!(super::stream(&world, conn).status, Some(101));
    }
    settled(&world);
}

#[test]
fn a_drained_shard_still_serves_the_topics_it_is_home_to() {
    let mut world = house(2, fanlight_core::Settings::default());
    let other = ShardId(1);
    let conn = open(&mut world, other);
    for topic in ["a", "b", "c", "d"] {
        super::subscribe(&mut world, conn, topic);
    }
    drain(&mut world, ONE, 0, 1);
    world.advance(secs(1));
    assert!(when(&world, &Command::Drained).is_some());
    for topic in ["a", "b", "c", "d"] {
        super::publish(&mut world, other, topic, topic);
    }
    assert_eq!(super::texts(&world, conn), ["a", "b", "c", "d"]);
    settled(&world);
}
