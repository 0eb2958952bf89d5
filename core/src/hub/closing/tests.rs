use std::io::IoSlice;

use super::*;
use crate::{
    Arrival, Config, Event, Instant, Message, Negotiated, PeerAddr, Refusal, Seat, Waiting,
};

/// What the socket of `conn` should take.
fn unsent(hub: &Hub, conn: ConnId) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 8];
    let filled = hub.unsent(conn, &mut slices);
    slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
}

#[test]
fn a_kick_drops_what_a_close_was_to_wait_for_but_for_what_is_under_way() {
    let mut hub = Hub::new(Config::default(), Seat::alone(7));
    let mut commands = Commands::default();
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    let conn = hub.accept(Instant::ZERO, arrival, &mut commands).unwrap();
    let frame = |code: u16| CloseFrame { code: code.into(), reason: "".into() };
    for event in [
        Event::Send(conn, Message::text("one")),
        Event::Send(conn, Message::text("two")),
        Event::Sent(conn, 1),
        Event::Close(conn, frame(4000)),
        Event::Kick(conn, frame(4001)),
        Event::Kick(conn, frame(4002)),
    ] {
        hub.handle(Instant::ZERO, event, &mut commands);
        assert_eq!(hub.audit(), Ok(()));
    }
    assert_eq!(unsent(&hub, conn), b"\x03one\x88\x02\x0f\xa0");
    let normal = hub.portrait(conn).unwrap().normal;
    assert_eq!(normal, Waiting { frames: 2, bytes: 8, has_close: true });

    // The Close itself is under way: it is finished.
    hub.handle(Instant::ZERO, Event::Sent(conn, 5), &mut commands);
    hub.handle(Instant::ZERO, Event::Kick(conn, frame(4003)), &mut commands);
    assert_eq!(hub.audit(), Ok(()));
    assert_eq!(unsent(&hub, conn), b"\x02\x0f\xa0");
}

#[test]
fn a_kick_leaves_an_answer_to_a_request_whole() {
    let mut hub = Hub::new(Config::default(), Seat::alone(7));
    let mut commands = Commands::default();
    let arrival = Arrival::Fresh(PeerAddr::Unnamed);
    let conn = hub.accept(Instant::ZERO, arrival, &mut commands).unwrap();
    let mut request = *b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    hub.handle(Instant::ZERO, Event::Received(conn, &mut request), &mut commands);
    hub.handle(Instant::ZERO, Event::Refuse(conn, Refusal::forbidden_origin()), &mut commands);
    let answer = unsent(&hub, conn);
    let frame = CloseFrame { code: CloseCode::Away, reason: "".into() };
    hub.handle(Instant::ZERO, Event::Kick(conn, frame), &mut commands);
    assert_eq!(hub.audit(), Ok(()));
    assert_eq!(unsent(&hub, conn), answer);
}
