//! From accept to open: the first two rows of the table of states.

use fanlight_core::{
    Admission, Arrival, CloseReason, Event, Negotiated, PeerAddr, Refusal, Settings,
};
use fanlight_sim::Peer;

use super::{ONE, ended, fresh, gone, house, hub, millis, open, say, secs, settled, stream, texts};

#[test]
fn who_says_nothing_is_gone_when_the_upgrade_timeout_passes() {
    let mut world = hub();
    let conn = fresh(&mut world, b"");
    world.advance(secs(10) - millis(1));
    assert_eq!(ended(&world, conn), None);
    world.advance(millis(1));
    assert_eq!(ended(&world, conn), Some((secs(10), CloseReason::UpgradeTimeout)));
    assert_eq!(gone(&world, conn), Some(secs(10)));
    assert_eq!(world.socket(conn).outward(), b"");
    settled(&world);
}

#[test]
fn a_hub_that_was_idle_for_long_still_keeps_time() {
    let mut world = hub();
    for _ in 0..3 {
        world.advance(secs(60));
        let began = world.now();
        let conn = fresh(&mut world, b"");
        world.advance(secs(10));
        let due = began + secs(10) - fanlight_core::Instant::ZERO;
        assert_eq!(ended(&world, conn), Some((due, CloseReason::UpgradeTimeout)));
    }
    assert_eq!(world.stats().late_ticks, 0);
    settled(&world);
}

#[test]
fn who_trickles_a_request_is_told_408_at_the_same_moment() {
    let mut world = hub();
    let conn = fresh(&mut world, b"");
    for byte in &Peer::request("/", true)[..9] {
        world.advance(secs(1));
        world.peer_sends(conn, &[*byte]);
    }
    world.advance(secs(10));
    assert_eq!(ended(&world, conn), Some((secs(10), CloseReason::UpgradeTimeout)));
    assert_eq!(stream(&world, conn).status, Some(408));
    assert!(gone(&world, conn).is_some());
    settled(&world);
}

#[test]
fn an_undecided_request_is_told_503_when_the_decision_timeout_passes() {
    let mut world = hub();
    let conn = fresh(&mut world, b"");
    world.advance(secs(3));
    world.peer_sends(conn, &Peer::request("/wait", true));
    world.advance(secs(20));
    assert_eq!(ended(&world, conn), Some((secs(13), CloseReason::DecisionTimeout)));
    assert_eq!(stream(&world, conn).status, Some(503));
    assert!(gone(&world, conn).is_some());
    settled(&world);
}

#[test]
fn a_late_decision_opens_and_what_was_sent_meanwhile_is_heard() {
    let mut world = hub();
    let mut request = Peer::request("/wait", true);
    request.extend(fanlight_sim::frame::masked(0x81, b"echo early"));
    let conn = fresh(&mut world, &request);
    world.advance(secs(9));
    assert!(!world.hub(ONE).is_open(conn));
    world.tell(ONE, Event::Admit(conn, Admission::default()));
    world.flow();
    assert!(world.hub(ONE).is_open(conn));
    assert_eq!(stream(&world, conn).status, Some(101));
    assert_eq!(texts(&world, conn).len(), 1);
    world.advance(secs(9));
    assert_eq!(ended(&world, conn), None);
    settled(&world);
}

#[test]
fn who_is_refused_gets_the_whole_answer_and_is_gone() {
    let mut world = hub();
    let conn = fresh(&mut world, &Peer::request("/refuse", true));
    assert_eq!(stream(&world, conn).status, Some(403));
    assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::Refused(403))));
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}

#[test]
fn a_decision_after_the_end_is_stale() {
    let mut world = hub();
    let conn = fresh(&mut world, &Peer::request("/wait", true));
    world.advance(secs(20));
    world.tell(ONE, Event::Refuse(conn, Refusal::forbidden_origin()));
    assert_eq!(world.stats().stale_events, 1);
    settled(&world);
}

#[test]
fn a_whole_request_is_answered_though_its_peer_has_ended_its_half() {
    let mut world = hub();
    let conn = fresh(&mut world, &Peer::request("/", false)[..20]);
    world.peer_sends(conn, &Peer::request("/", false)[20..]);
    world.peer_ends(conn);
    world.advance(secs(2));
    assert_eq!(stream(&world, conn).status, Some(426));
    assert!(gone(&world, conn).is_some());
    settled(&world);
}

#[test]
fn half_a_request_and_the_end_is_just_the_end() {
    let mut world = hub();
    let conn = fresh(&mut world, b"GET / HT");
    world.peer_ends(conn);
    world.advance(secs(0));
    assert_eq!(ended(&world, conn), Some((secs(0), CloseReason::PeerGone)));
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}

#[test]
fn what_is_no_request_is_told_400() {
    let mut world = hub();
    let conn = fresh(&mut world, b"\0\x01\r\n\r\n");
    world.advance(secs(2));
    assert_eq!(stream(&world, conn).status, Some(400));
    assert!(matches!(ended(&world, conn), Some((_, CloseReason::BadRequest(_)))));
    settled(&world);
}

#[test]
fn who_came_upgraded_is_heard_from_its_first_byte() {
    let mut world = hub();
    let mut peer = Peer::upgraded(1);
    let mut bytes = Vec::new();
    peer.say("echo one", &mut bytes);
    let half = bytes.len() - 3;
    let rest = bytes.split_off(half);
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), bytes);
    let conn = world.connect(ONE, peer, arrival).unwrap();
    world.peer_sends(conn, &rest);
    world.flow();
    assert_eq!(texts(&world, conn).len(), 1);
    settled(&world);
}

#[test]
fn a_full_shard_declines_and_has_room_again_when_somebody_goes() {
    let mut world = house(1, Settings { connections_max: 2, ..Settings::default() });
    let first = open(&mut world, ONE);
    open(&mut world, ONE);
    let arrival = || Arrival::Fresh(PeerAddr::Unnamed);
    assert!(world.connect(ONE, Peer::asking(1), arrival()).is_err());
    assert_eq!(world.stats().refused, 1);
    world.reset(first);
    assert!(world.connect(ONE, Peer::asking(1), arrival()).is_ok());
    settled(&world);
}

#[test]
fn who_asks_and_speaks_in_one_breath_is_answered_in_order() {
    let mut world = hub();
    let conn = fresh(&mut world, &Peer::request("/", true));
    say(&mut world, conn, "echo 1");
    say(&mut world, conn, "echo 2");
    assert_eq!(stream(&world, conn).status, Some(101));
    let numbers: Vec<_> = texts(&world, conn)
        .into_iter()
        .map(|text| fanlight_tests::Script::parse(text).unwrap().2)
        .collect();
    assert_eq!(numbers, [1, 2]);
    settled(&world);
}

/// A connection that was admitted, but whose socket has not taken the answer yet.
fn admitted_but_unanswered(world: &mut super::Story) -> fanlight_core::ConnId {
    let conn = world.connect(ONE, Peer::impatient(1), Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
    super::stall(world, conn);
    world.peer_sends(conn, &Peer::request("/", true));
    world.flow();
    assert!(world.hub(ONE).is_open(conn));
    conn
}

#[test]
fn a_pong_does_not_overtake_the_answer_to_the_request() {
    let mut world = hub();
    let conn = admitted_but_unanswered(&mut world);
    world.peer_acts(conn, |peer, out| peer.ping(b"early", out));
    world.flow();
    world.set_takes(conn, None);
    world.flow();
    assert_eq!((stream(&world, conn).status, world.socket(conn).peer.pongs()), (Some(101), 1));
    settled(&world);
}

#[test]
fn a_kick_does_not_drop_the_answer_to_the_request() {
    let mut world = hub();
    let conn = admitted_but_unanswered(&mut world);
    super::send(&mut world, conn, "unread");
    super::kick(&mut world, conn, 1008);
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(stream(&world, conn).status, Some(101));
    assert_eq!(super::close_code(&world, conn), Some(1008));
    assert_eq!(texts(&world, conn), [""; 0]);
    settled(&world);
}

#[test]
fn the_echo_of_a_close_does_not_drop_the_answer_to_the_request() {
    let mut world = hub();
    let conn = admitted_but_unanswered(&mut world);
    super::send(&mut world, conn, "unread");
    world.peer_acts(conn, |peer, out| peer.close(None, out));
    world.flow();
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(stream(&world, conn).status, Some(101));
    assert_eq!(super::close_code(&world, conn), Some(1005));
    assert_eq!(texts(&world, conn), [""; 0]);
    settled(&world);
}
