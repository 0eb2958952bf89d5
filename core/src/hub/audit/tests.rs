use std::time::Duration;

use super::*;
use crate::{
    Arrival, Commands, Config, Event, Message, Negotiated, PeerAddr, Seat, Settings, ShardId,
    Topic,
    hub::{admission::AddressKey, frames::Kind, outbox::Lane, parcel::Credit},
    wire::Frame,
};

/// A hub with two members of a topic, for one of whom a message waits, and a third who upgrades.
fn hub() -> (Hub, [ConnId; 3]) {
    let config = Config::new(Settings::default()).unwrap();
    let mut hub = Hub::new(config, Seat::alone(7));
    let mut commands = Commands::default();
    let now = Instant::ZERO + Duration::from_secs(100);
    let upgraded = || Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    let peer = PeerAddr::Inet("10.0.0.1:1".parse().unwrap());
    let conns = [upgraded(), upgraded(), Arrival::Fresh(peer)]
        .map(|arrival| hub.accept(now, arrival, &mut commands).unwrap());
    for event in [
        Event::Subscribe(conns[0], Topic::new("lobby")),
        Event::Subscribe(conns[1], Topic::new("lobby")),
        Event::Send(conns[0], Message::text("hello")),
    ] {
        hub.handle(now, event, &mut commands);
    }
    assert_eq!(hub.audit(), Ok(()));
    (hub, conns)
}

/// What is told of a hub in which something was broken by hand.
fn broken(by: impl FnOnce(&mut Hub, [ConnId; 3])) -> String {
    let (mut hub, conns) = hub();
    by(&mut hub, conns);
    hub.audit().unwrap_err()
}

fn connection(hub: &mut Hub, conn: ConnId) -> &mut Connection {
    hub.pool.get_mut(conn).unwrap()
}

/// Each line: how it is broken by hand, and what is told.
macro_rules! broken {
    ($($name:ident: $by:expr => $told:literal;)+) => {
        $(#[test]
        fn $name() {
            let told = broken($by);
            assert!(told.starts_with($told), "{told}");
        })+
    };
}

broken! {
    a_deadline_that_is_not_armed:
        |hub, [a, ..]| connection(hub, a).timer_at = hub.now + Duration::from_millis(1)
        => "0.1v1: armed for 1";
    a_deadline_that_is_not_in_the_ring: |hub, [a, ..]| hub.ring.disarm(a.index())
        => "0.1v1: armed for 1";
    a_deadline_of_nobody: |hub, _| hub.ring.arm(77, hub.now + Duration::from_secs(1))
        => "4 deadlines are armed, for 3 connections";
    a_frame_that_nobody_waits_for:
        |hub, _| {
            hub.frames.insert(Frame::copy_of(b"orphan"), Kind::Message);
        }
        => "frame 1 (Message) counts 0 users, and has 0";
    a_queue_that_nobody_owns: |hub, _| {
        let frame = hub.frames.insert(Frame::copy_of(b"orphan"), Kind::Message);
        hub.frames.push(&mut Default::default(), Lane::Normal, frame);
    } => "node 1 is in no queue";
    bytes_that_do_not_wait: |hub, [a, ..]| connection(hub, a).outbox.added(Lane::Normal, 5)
        => "0.1v1: 12 bytes are counted, 7 wait";
    an_outbox_past_its_bound: |hub, [a, ..]| {
        let settings = Settings { outbox_bytes_max: 11, message_bytes_max: 1, ..Settings::default() };
        hub.config = Config::new(settings).unwrap();
        let frame = hub.frames.insert(Frame::copy_of(b"and so on"), Kind::Message);
        hub.frames.push(&mut hub.pool.get_mut(a).unwrap().outbox, Lane::Normal, frame);
    } => "0.1v1: 16 bytes of messages wait, past the bound of 11";
    a_frame_behind_a_close: |hub, [a, ..]| {
        let connection = hub.pool.get_mut(a).unwrap();
        for kind in [Kind::Close, Kind::Message] {
            let frame = hub.frames.insert(Frame::copy_of(b"x"), kind);
            hub.frames.push(&mut connection.outbox, Lane::Normal, frame);
        }
    } => "0.1v1: Message follows a Close in Normal";
    a_pause_without_its_cause: |hub, [a, ..]| connection(hub, a).pauses = Pause::Deciding as u8
        => "0.1v1: Open: paused for no decision";
    a_membership_that_its_connection_forgot:
        |hub, [a, ..]| connection(hub, a).memberships = Default::default()
        => "2 memberships, of which connections have 1";
    a_member_that_is_not_open: |hub, [_, _, c]| {
        let connection = hub.pool.get_mut(c).unwrap();
        hub.members.join(c, &mut connection.memberships, &Topic::new("lobby"));
    } => "0.3v1 is a member in Upgrading";
    a_member_left_behind: |hub, [a, ..]| {
        hub.ring.disarm(a.index());
        let mut gone = hub.pool.remove(a).unwrap();
        hub.frames.discard(&mut gone.outbox);
    } => "2 memberships, of which connections have 1";
    a_home_that_was_told_too_much:
        |hub, _| {
            hub.homes.join(&Topic::new("attic"), ShardId(0), 10);
        }
        => "1 topics with members, 2 known at home";
    a_home_that_nobody_needs: |hub, _| hub.homes.leave(&Topic::new("lobby"), ShardId(0))
        => "topic:lobby is at";
    an_arrival_that_never_came: |hub, _| hub.census.arrived(AddressKey::of(PeerAddr::Unnamed), true)
        => "2 are counted as upgrading, 1 are";
    an_address_of_nobody: |hub, _| {
        let address = PeerAddr::Inet("10.0.0.2:1".parse().unwrap());
        hub.census.arrived(AddressKey::of(address), false);
    } => "2 addresses are counted, 1 are here";
    credit_that_is_withheld: |hub, _| {
        hub.accounts = super::super::Accounts::new(2, 1000);
        hub.accounts.owe(ShardId(1), Credit { publish: 0, deliver: 250 });
    } => "250 for deliveries is withheld from shard 1";
    a_pause_for_credit_of_nobody: |hub, [a, ..]| hub.accounts.pause(a)
        => "[0.1v1] wait for credit, [] are paused for it";
    a_message_that_began_unnoticed: |hub, [a, ..]| {
        let mut begun = *b"\x82\x85\0\0\0\0be";
        let told = connection(hub, a).wire.receive(&mut begun, &mut |_| {});
        assert_eq!(told, Ok(()));
    } => "0.1v1: Open: a message has begun without a deadline";
    a_gauge_that_is_off: |hub, _| hub.stats.open += 1
        => "stats.open is 3, not 2";
    a_call_that_was_cut_short: |hub, _| hub.is_busy = true
        => "a panic";
}

#[test]
fn a_house_whose_shards_disagree() {
    let config = Config::new(Settings::default()).unwrap();
    let seat = |shard| Seat { shard: ShardId(shard), shards: 2, seed: 7 };
    let [mut one, mut other] = [0, 1].map(|shard| Hub::new(config.clone(), seat(shard)));
    assert_eq!(Hub::audit_house(&[&one, &other]), Ok(()));
    one.accounts.spend(ShardId(1), Credit { publish: 64, deliver: 0 });
    let told = Hub::audit_house(&[&one, &other]).unwrap_err();
    assert!(told.starts_with("shard 0 and shard 1: Credit { publish: 64,"), "{told}");
    other.accounts.owe(ShardId(0), Credit { publish: 64, deliver: 0 });
    assert_eq!(Hub::audit_house(&[&one, &other]), Ok(()));
}

#[test]
fn when_all_have_gone_nothing_is_left() {
    let (mut hub, conns) = hub();
    let mut commands = Commands::default();
    for conn in conns {
        hub.handle(hub.now, Event::Ended(conn, crate::End::Failed), &mut commands);
        assert_eq!(hub.audit(), Ok(()));
    }
    assert_eq!((hub.ring.len(), hub.frames.len(), hub.frames.queued()), (0, 0, 0));
    assert_eq!((hub.members.len(), hub.members.topics(), hub.homes.len()), (0, 0, 0));
}
