//! One task for each connection.

use std::{pin::pin, thread, time::Duration};

use fanlight_core::{
    Admission, Arrival, CloseCode, CloseFrame, CloseReason, ConfigError, Message, Negotiated,
    PeerAddr, Refusal, Settings,
    http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS},
    wire::{Deflate, Deflater, Limits, Role, Wire},
};
use fanlight_driver::{Connection, ConnectionSettings, Incoming, SendError};
use futures_lite::{StreamExt, future::FutureExt};

use crate::{
    pipe::Pipe,
    stage::{REQUEST, Stage, answer, frame, now},
};

struct Room {
    stage: Stage,
    incoming: Incoming,
}

impl Room {
    fn new(settings: Settings, bounds: ConnectionSettings) -> Self {
        let mut taken = None;
        let stage = Stage::of(2, settings, |handle| {
            let (incoming, connections) = Incoming::with_settings(handle, bounds).unwrap();
            taken = Some(incoming);
            move || connections.clone()
        });
        Self { stage, incoming: taken.unwrap() }
    }

    fn open(&mut self) -> (Pipe, Connection) {
        let pipe = self.stage.open_pipe();
        (pipe, now(self.incoming.next()).flatten().unwrap())
    }
}

fn room() -> Room {
    Room::new(Settings::default(), ConnectionSettings::default())
}

fn close(code: u16) -> Vec<u8> {
    [&[0x88, 2], &code.to_be_bytes()[..]].concat()
}

/// A Close of 1013 with this reason.
fn refused(reason: &str) -> Vec<u8> {
    let length = u8::try_from(2 + reason.len()).unwrap();
    [&[0x88, length], &1013_u16.to_be_bytes()[..], reason.as_bytes()].concat()
}

fn take(connection: &mut Connection) -> Option<String> {
    let message = now(connection.next()).flatten()?;
    Some(message.as_text().unwrap().to_owned())
}

#[test]
fn a_task_hears_and_speaks() {
    let mut room = room();
    let (pipe, mut connection) = room.open();
    assert_eq!(connection.request().unwrap().path(), "/");
    assert!(now(connection.next()).is_none(), "nothing was said");
    pipe.give(&[frame("one"), frame("two")].concat());
    room.stage.settle();
    assert_eq!(take(&mut connection).as_deref(), Some("one"));
    assert_eq!(now(connection.send("three".into())), Some(Ok(())));
    assert_eq!(now(connection.send("four".into())), Some(Ok(())));
    assert_eq!(take(&mut connection).as_deref(), Some("two"));
    room.stage.settle();
    assert_eq!(pipe.ends().output, ["three", "four"].map(answer).concat());

    // Speaking through the handle, and by others, is as ever.
    let lobby = connection.handle().subscribe(connection.id(), "lobby");
    room.stage.ask(lobby).unwrap();
    room.stage.handle.publish("lobby", "to all".into()).now().unwrap();
    room.stage.settle();
    assert!(pipe.ends().output.ends_with(&answer("to all")));
}

#[test]
fn a_future_that_is_dropped_loses_no_message() {
    let mut room = room();
    let (pipe, mut connection) = room.open();
    for number in 0..20 {
        assert!(now(connection.next()).is_none());
        {
            let mut dropped = pin!(connection.next());
            assert!(now(dropped.as_mut()).is_none());
            pipe.give(&frame(&number.to_string()));
            room.stage.settle();
        }
        assert_eq!(take(&mut connection), Some(number.to_string()));
    }
}

#[test]
fn who_does_not_read_pauses_the_socket() {
    let long = "x".repeat(100);
    for (bounds, text, held) in [
        (ConnectionSettings { inbound_messages_max: 4, ..Default::default() }, "x", 4),
        (ConnectionSettings { inbound_bytes_max: 306, ..Default::default() }, &*long, 3),
    ] {
        let mut room = Room::new(Settings::default(), bounds);
        let (pipe, mut connection) = room.open();
        for _ in 0..20 {
            pipe.give(&frame(text));
            room.stage.settle();
        }
        assert_eq!(pipe.ends().input.len(), (20 - held) * frame(text).len());
        room.stage.pass(Duration::from_secs(300));
        assert_eq!(room.stage.handle.stats().open, 1, "its silence does not count");
        let mut taken = 0;
        while take(&mut connection).is_some() {
            taken += 1;
            room.stage.settle();
        }
        assert_eq!((taken, pipe.ends().input.len()), (20, 0));
        room.stage.pass(Duration::from_secs(30));
        assert!(pipe.ends().output.contains(&0x89), "it is heard again, and pinged");
    }
}

#[test]
fn of_what_a_read_inflates_to_a_task_that_does_not_read_holds_a_bounded_part() {
    let settings = Settings { deflate_level: 1, ..Settings::default() };
    let mut room = Room::new(settings, ConnectionSettings::default());
    let pipe = room.stage.pipe();
    let head = REQUEST.strip_suffix(b"\r\n").unwrap();
    pipe.give(&[head, b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"].concat());
    room.stage.settle();
    let mut connection = now(room.incoming.next()).flatten().unwrap();

    let mut peer = Wire::new(Role::Client { mask_seed: [7; 32] }, Limits::default());
    let answered = HeaderValue::from_static("permessage-deflate; server_no_context_takeover");
    let headers = HeaderMap::from_iter([(SEC_WEBSOCKET_EXTENSIONS, answered)]);
    peer.set_deflate(Deflate::answered(&headers).unwrap());
    let (text, mut bytes) = ("x".repeat(100_000), Vec::new());
    for _ in 0..100 {
        peer.send_deflated(&*text, Deflater { level: 9, bytes_min: 0 }, &mut bytes);
    }
    assert!(bytes.len() < 16 * 1024, "it is one read: {}", bytes.len());
    pipe.give(&bytes);
    for _ in 0..10 {
        room.stage.settle();
    }
    let mut taken = 0;
    while take(&mut connection).is_some() {
        taken += 1;
    }
    assert_eq!(taken, 3, "the third makes it 256 KiB, and the task has not read");
    room.stage.settle();
    while take(&mut connection).is_some() {
        taken += 1;
        room.stage.settle();
    }
    assert_eq!(taken, 100);
}

#[test]
fn who_writes_faster_than_the_peer_reads_waits_and_is_never_too_much() {
    let settings =
        Settings { message_bytes_max: 100, outbox_bytes_max: 1000, ..Settings::default() };
    let bounds = ConnectionSettings { outbound_bytes_max: 300, ..Default::default() };
    let mut room = Room::new(settings, bounds);
    let (pipe, mut connection) = room.open();
    pipe.ends().room = 0;
    let text = |number: usize| format!("{number:0100}");
    let mut given = 0;
    for _ in 0..5 {
        while now(connection.send(text(given).as_str().into())).is_some() {
            given += 1;
        }
        room.stage.settle();
    }
    // Half an outbox, and what may wait for it.
    assert_eq!(given, 4 + 3);
    for _ in 0..500 {
        pipe.open(50);
        room.stage.settle();
        if given < 50 && now(connection.send(text(given).as_str().into())) == Some(Ok(())) {
            given += 1;
        }
    }
    assert_eq!(given, 50);
    let said: Vec<_> = (0..50).flat_map(|number| answer(&text(number))).collect();
    assert!(pipe.ends().output == said);
    assert_eq!(room.stage.handle.stats().overflows, 0);
    let too_long = Message::binary(&[0; 1000]);
    assert_eq!(now(connection.send(too_long)), Some(Err(SendError::TooLong)));
    assert_eq!(now(connection.send("still here".into())), Some(Ok(())));
}

#[test]
fn dropping_it_closes_the_connection_behind_what_was_given() {
    let mut room = room();
    let (pipe, mut connection) = room.open();
    pipe.ends().room = 0;
    for text in ["one", "two"] {
        assert_eq!(now(connection.send(text.into())), Some(Ok(())));
    }
    drop(connection);
    room.stage.settle();
    pipe.open(usize::MAX);
    room.stage.settle();
    assert_eq!(pipe.ends().output, [answer("one"), answer("two"), close(1000)].concat());

    let (pipe, connection) = room.open();
    let failing = thread::spawn(move || {
        let _held = connection;
        panic!("as it should");
    });
    assert!(failing.join().is_err());
    room.stage.settle();
    assert!(pipe.ends().output.starts_with(&[0x88, 16, 3, 243]), "1011, internal error");
}

#[test]
fn it_can_be_closed_with_a_reason_and_at_once() {
    let mut room = room();
    let (pipe, mut connection) = room.open();
    pipe.ends().room = 0;
    assert_eq!(now(connection.send("never sent".into())), Some(Ok(())));
    connection.close(CloseCode::Away, "");
    connection.kick(CloseCode::Policy, "");
    connection.close(CloseCode::Away, "");
    assert_eq!(now(connection.send("too late".into())), Some(Err(SendError::Closed)));
    room.stage.settle();
    pipe.open(usize::MAX);
    room.stage.settle();
    assert_eq!(pipe.ends().output, close(1008));
    room.stage.pass(Duration::from_secs(5));
    room.stage.pass(Duration::from_secs(5));
    assert_eq!(now(connection.next()), Some(None));
    assert_eq!(connection.reason(), Some(CloseReason::ServiceClosed(CloseCode::Policy)));
}

#[test]
fn the_end_comes_behind_the_last_message() {
    let mut room = room();
    let (pipe, mut connection) = room.open();
    let waiting = connection.next().boxed();
    drop(waiting);
    pipe.give(&[&frame("last")[..], &[0x88, 0x82, 0, 0, 0, 0, 3, 232]].concat());
    pipe.ends().is_eof = true;
    room.stage.settle();
    room.stage.pass(Duration::from_secs(1));
    assert_eq!(take(&mut connection).as_deref(), Some("last"));
    assert_eq!(now(connection.next()), Some(None));
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    assert_eq!(connection.reason(), Some(CloseReason::PeerClosed(Some(Box::new(frame)))));
    assert_eq!(now(connection.send("too late".into())), Some(Err(SendError::Closed)));
}

#[test]
fn the_halves_live_apart() {
    let mut room = room();
    let (pipe, connection) = room.open();
    let (reader, mut writer) = connection.split();
    for _ in 0..200 {
        pipe.give(&frame("unheard"));
        room.stage.settle();
    }
    assert!(!pipe.ends().input.is_empty());
    drop(reader);
    room.stage.settle();
    assert!(pipe.ends().input.is_empty(), "who hears nothing pauses nobody");
    assert_eq!(now(writer.send("said".into())), Some(Ok(())));
    room.stage.settle();
    assert_eq!(pipe.ends().output, answer("said"));
    drop(writer);
    room.stage.settle();
    assert!(pipe.ends().output.ends_with(&close(1000)));
}

#[test]
fn whoever_comes_when_nobody_takes_connections_is_told() {
    let mut room = room();
    let pipe = room.stage.open_pipe();
    drop(room.incoming);
    room.stage.settle();
    assert!(pipe.ends().output.ends_with(&close(1000)), "nobody took it");
    let pipe = room.stage.pipe();
    pipe.give(REQUEST);
    room.stage.settle();
    assert!(pipe.ends().output.ends_with(&refused("nobody takes connections")));
    assert_eq!(room.stage.handle.stats().open, 0);
}

#[test]
fn who_has_ended_still_waits_to_be_taken_and_no_more_do_than_may() {
    let bounds = ConnectionSettings { incoming_connections_max: 2, ..Default::default() };
    let mut room = Room::new(Settings::default(), bounds);
    let pipes = [room.stage.open_pipe(), room.stage.open_pipe()];
    for pipe in pipes {
        pipe.give(&frame("heard"));
        pipe.give(&[0x88, 0x80, 0, 0, 0, 0]);
        room.stage.settle();
    }
    let pipe = room.stage.pipe();
    pipe.give(REQUEST);
    room.stage.settle();
    assert!(pipe.ends().output.ends_with(&refused("too many wait to be taken")));
    let mut first = now(room.incoming.next()).flatten().unwrap();
    assert_eq!(take(&mut first).as_deref(), Some("heard"), "though its peer has left");
    let _pipe = room.stage.open_pipe();
    for _ in 0..2 {
        assert!(now(room.incoming.next()).flatten().is_some());
    }
    assert!(now(room.incoming.next()).is_none());
}

#[test]
fn a_house_that_stops_tells_its_tasks() {
    let mut room = room();
    let (_pipe, mut connection) = room.open();
    room.stage.handle.stop();
    room.stage.settle();
    room.stage.drop_shards();
    assert_eq!(now(connection.next()), Some(None));
    assert_eq!(connection.reason(), None);
    assert_eq!(now(connection.send("x".into())), Some(Err(SendError::Closed)));
}

#[test]
fn requests_are_decided_and_attached_streams_have_none() {
    let mut taken = None;
    let mut stage = Stage::of(1, Settings::default(), |handle| {
        let (incoming, connections) = Incoming::new(handle);
        taken = Some(incoming);
        let connections =
            connections.decide(|cx, conn, request| match request.header("authorization") {
                Some(user) => cx.admit(conn, Admission::user(user)),
                None => cx.refuse(conn, Refusal::text(403, "who are you?\n").unwrap()),
            });
        move || connections.clone()
    });
    let mut incoming = taken.unwrap();
    let pipe = stage.pipe();
    pipe.give(REQUEST);
    stage.settle();
    assert!(pipe.ends().output.starts_with(b"HTTP/1.1 403 "));
    assert!(now(incoming.next()).is_none());
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    let attaching = stage.handle.attach(Pipe::default(), arrival);
    let conn = stage.ask(attaching).unwrap();
    let connection = now(incoming.next()).flatten().unwrap();
    assert_eq!((connection.id(), connection.request()), (conn, None));
}

#[test]
fn bounds_that_cannot_be_are_refused() {
    let stage = Stage::new(1, Settings::default());
    let bounds = ConnectionSettings { inbound_messages_max: 0, ..Default::default() };
    let refused = Incoming::with_settings(&stage.handle, bounds).unwrap_err();
    assert!(matches!(refused, ConfigError::OutOfRange { field: "inbound_messages_max", .. }));
}
