use super::*;
use crate::{
    Admission, Arrival, CloseCode, CloseFrame, Commands, Config, Event, Message, Negotiated,
    PeerAddr, Seat, Settings, Timer,
};

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn hub() -> (Hub, Commands) {
    let settings = Settings { ping_jitter_percent: 0, ..Settings::default() };
    (Hub::new(Config::new(settings).unwrap(), Seat::alone(7)), Commands::default())
}

#[test]
fn an_open_connection_in_the_midst_of_everything() {
    let (mut hub, mut commands) = hub();
    let admission = Admission { user: Some(Topic::user("alice")), ..Admission::default() };
    // The first two bytes of a masked text message.
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, admission.into(), b"\x81\x85".to_vec());
    let conn = hub.accept(at(1), arrival, &mut commands).unwrap();
    for event in [
        Event::Subscribe(conn, Topic::new("lobby")),
        Event::Send(conn, Message::text("one")),
        Event::Send(conn, Message::text("two")),
        Event::Sent(conn, 2),
        Event::SetTimer(Timer::Connection(conn), Some(at(90))),
    ] {
        hub.handle(at(3), event, &mut commands);
    }
    let portrait = hub.portrait(conn).unwrap();
    let held = portrait.assembly_bytes;
    assert_eq!(
        portrait.to_string(),
        format!(
            "0.1v1 Open since 1.000s (2.000s ago)
  deadline:  stall_timeout 33.000s (in 30.000s)
  outbox:    8 B: control 0 (0 B), normal 2 (8 B); last moved 3.000s (0.000s ago)
  assembly:  {held} B, begun 1.000s (2.000s ago)
  heartbeat: last heard 1.000s (2.000s ago)
  member of: topic:lobby, user:alice
  timer:     90.000s (in 87.000s)"
        )
    );
    let (control, normal) = (portrait.control, portrait.normal);
    assert_eq!(portrait.outbox_bytes, control.bytes + normal.bytes);
    assert_eq!(portrait.memberships, [Topic::new("lobby"), Topic::user("alice")]);
}

#[test]
fn a_ping_and_its_pong() {
    let (mut hub, mut commands) = hub();
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    let conn = hub.accept(at(0), arrival, &mut commands).unwrap();
    hub.handle(at(25), Event::Tick, &mut commands);
    let queued = hub.portrait(conn).unwrap();
    assert_eq!(queued.ping, PingOutstanding::Queued);
    assert_eq!(queued.control, Waiting { frames: 1, bytes: 10, has_close: false });

    let mut slices = [std::io::IoSlice::new(&[])];
    assert_eq!(hub.unsent(conn, &mut slices), 1);
    let nonce: [u8; 8] = slices[0][2..].try_into().unwrap();
    hub.handle(at(26), Event::Sent(conn, 10), &mut commands);
    let sent = hub.portrait(conn).unwrap();
    assert_eq!(sent.ping, PingOutstanding::Sent(at(26)));
    assert_eq!(sent.deadline, Some((at(36), "pong_timeout")));

    // Masked with zeroes.
    let mut pong = [&b"\x8a\x88\0\0\0\0"[..], &nonce].concat();
    hub.handle(at(28), Event::Received(conn, &mut pong), &mut commands);
    let answered = hub.portrait(conn).unwrap();
    assert_eq!(answered.ping, PingOutstanding::None);
    assert_eq!(answered.round_trip, Some(Duration::from_secs(2)));
    assert_eq!(answered.deadline, Some((at(53), "ping_interval")));
}

#[test]
fn an_end_from_its_first_word_to_its_last() {
    let (mut hub, mut commands) = hub();
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    let conn = hub.accept(at(0), arrival, &mut commands).unwrap();
    let frame = CloseFrame { code: CloseCode::Away, reason: "".into() };
    hub.handle(at(2), Event::Close(conn, frame), &mut commands);
    assert_eq!(
        hub.portrait(conn).unwrap().to_string(),
        "0.1v1 Closing since 2.000s (0.000s ago), awaits the peer's Close
  ends:      service_closed (1001)
  deadline:  close_timeout 7.000s (in 5.000s)
  outbox:    4 B: control 0 (0 B), normal 1 (4 B) with a Close; last moved 2.000s (0.000s ago)
  heartbeat: last heard 0.000s (2.000s ago)"
    );
    hub.handle(at(7), Event::Tick, &mut commands);
    assert_eq!(hub.portrait(conn).unwrap().phase, Phase::Lingering);
    hub.handle(at(8), Event::Tick, &mut commands);
    assert_eq!(hub.portrait(conn), None);
}

#[test]
fn who_has_not_been_heard_of() {
    let (mut hub, mut commands) = hub();
    let arrival = Arrival::Fresh(PeerAddr::Unnamed);
    let conn = hub.accept(at(0), arrival, &mut commands).unwrap();
    let portrait = hub.portrait(conn).unwrap();
    assert_eq!((portrait.phase, portrait.was_known), (Phase::Upgrading, false));
    let mut request = *b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    hub.handle(at(1), Event::Received(conn, &mut request), &mut commands);
    let portrait = hub.portrait(conn).unwrap();
    assert_eq!((portrait.phase, portrait.was_known), (Phase::Deciding, true));
    assert_eq!(portrait.pauses, ["deciding"]);
    assert_eq!(portrait.deadline, Some((at(11), "decision_timeout")));
}
