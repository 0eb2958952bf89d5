use std::time::Duration;

use super::*;
use crate::{
    Arrival, Audience, Command, Commands, Config, ConnId, Event, Hub, Instant, Message, Negotiated,
    PeerAddr, Publish, Seat, Settings, ShardId, Topic,
};

#[test]
#[expect(clippy::disallowed_methods, reason = "the core starts no thread, its test does")]
fn one_fault_at_a_time_and_only_in_this_thread() {
    for fault in Planted::ALL {
        plant(Some(fault));
        assert!(Planted::ALL.into_iter().filter(|other| planted(*other)).eq([fault]));
        std::thread::spawn(move || assert!(!planted(fault))).join().unwrap();
    }
    plant(None);
    assert!(!Planted::ALL.into_iter().any(planted));
}

#[test]
fn every_fault_has_a_name_of_its_own() {
    let mut names = Planted::ALL.map(Planted::name);
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}

fn open(hub: &mut Hub, commands: &mut Commands) -> ConnId {
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    hub.accept(Instant::ZERO, arrival, commands).unwrap()
}

/// A peer that is pinged, and answers at once with another pong.
fn pinged(fault: Option<Planted>) -> Hub {
    plant(fault);
    let mut hub = Hub::new(Config::default(), Seat::alone(7));
    let mut commands = Commands::default();
    let conn = open(&mut hub, &mut commands);
    let now = Instant::ZERO + Duration::from_secs(25);
    hub.handle(now, Event::Tick, &mut commands);
    hub.handle(now, Event::Sent(conn, 10), &mut commands);
    if fault != Some(Planted::TimerNotRearmed) {
        assert_eq!(hub.audit(), Ok(()));
        hub.handle(now, Event::Received(conn, &mut { *b"\x8a\x80\0\0\0\0" }), &mut commands);
    }
    plant(None);
    hub
}

#[test]
fn a_pong_of_another_ping_is_counted_only_if_planted() {
    assert_eq!(pinged(None).stats().round_trips, 0);
    assert_eq!(pinged(Some(Planted::PongOfAnotherPing)).stats().round_trips, 1);
}

#[test]
fn a_timer_that_is_not_rearmed_is_seen_by_the_audit() {
    assert_eq!(pinged(None).audit(), Ok(()));
    let told = pinged(Some(Planted::TimerNotRearmed)).audit().unwrap_err();
    assert!(told.contains("but Pong is due"), "{told}");
}

/// Two shards, of which one has published at the other, with nothing under way in the end.
fn house(fault: Option<Planted>) -> Result<(), String> {
    plant(fault);
    let settings = Settings { parcel_bytes_max: 1024, ..Settings::default() };
    let config = Config::new(settings).unwrap();
    let mut house = [0, 1]
        .map(|shard| Hub::new(config.clone(), Seat { shard: ShardId(shard), shards: 2, seed: 7 }));
    let far = (0..)
        .map(|number| Audience::Topic(Topic::new(format!("{number}"))))
        .find(|audience| house[0].seat().home(audience) == ShardId(1))
        .unwrap();
    let mut commands = Commands::default();
    // An odd number: what two of them cost is worth returning.
    for _ in 0..5 {
        let publish = Publish::new(far.clone(), Message::binary(&[0; 150]));
        house[0].handle(Instant::ZERO, Event::Publish(publish), &mut commands);
    }
    while let Some(command) = commands.others.pop_front() {
        if let Command::Forward(to, parcel) = command {
            let parcel = Event::Parcel(ShardId(1 - to.0), parcel);
            house[to.index()].handle(Instant::ZERO, parcel, &mut commands);
        }
    }
    plant(None);
    house.iter().try_for_each(Hub::audit)?;
    Hub::audit_house(&house.each_ref())
}

#[test]
fn credit_that_is_booked_twice_is_seen_by_the_audit_of_the_house() {
    assert_eq!(house(None), Ok(()));
    let told = house(Some(Planted::CreditReturnedTwice)).unwrap_err();
    assert!(told.starts_with("shard 0 and shard 1: Credit"), "{told}");
}
