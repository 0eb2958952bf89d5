//! Streams that somebody else has accepted.

use std::time::Duration;

use fanlight_core::{
    Admission, Arrival, Audience, CloseCode, CloseFrame, Drain, PeerAddr, Refused, Settings, Topic,
};
use fanlight_driver::HandleError;

use crate::{
    pipe::Pipe,
    stage::{REQUEST, Stage, answer, frame},
};

fn upgraded(read: Vec<u8>) -> Arrival {
    Arrival::Upgraded(PeerAddr::Unnamed, Admission::user("ann").into(), read)
}

#[test]
fn a_fresh_stream_is_asked_for_its_request() {
    let mut stage = Stage::new(2, Settings::default());
    let pipe = Pipe::default();
    pipe.give(&[REQUEST, &frame("hello")].concat());
    let attaching = stage.handle.attach(pipe.clone(), Arrival::Fresh(PeerAddr::Unnamed));
    let conn = stage.ask(attaching).unwrap();
    assert!(pipe.ends().output.starts_with(b"HTTP/1.1 101 "));
    assert!(pipe.ends().output.ends_with(&answer("hello")));
    let everyone = stage.handle.list(Audience::Everyone);
    assert_eq!(stage.ask(everyone), Ok(vec![conn]));
}

#[test]
fn an_upgraded_stream_is_open_at_once_and_what_was_read_already_is_heard() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = Pipe::default();
    let attaching = stage.handle.attach(pipe.clone(), upgraded(frame("early")));
    stage.ask(attaching).unwrap();
    pipe.give(&frame("late"));
    stage.settle();
    assert_eq!(pipe.ends().output, ["early", "late"].map(answer).concat());
    stage.handle.publish(Topic::user("ann"), "for ann".into()).now().unwrap();
    stage.settle();
    assert!(pipe.ends().output.ends_with(&answer("for ann")));

    // It lives and ends as any other.
    stage.pass(Duration::from_secs(25));
    assert!(pipe.ends().output.contains(&0x89), "a ping");
    stage.pass(Duration::from_secs(11));
    assert!(pipe.is_dropped());
    assert_eq!(stage.handle.stats().connections, 0);
}

#[test]
fn attached_streams_are_shared_out_with_the_houses_own() {
    let mut stage = Stage::new(3, Settings::default());
    for _ in 0..3 {
        stage.open_pipe();
        let attaching = stage.handle.attach(Pipe::default(), upgraded(Vec::new()));
        stage.ask(attaching).unwrap();
    }
    let here = stage.handle.shard_stats().into_iter().map(|stats| stats.connections);
    assert_eq!(here.collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn whom_there_is_no_room_for_is_told_in_his_own_language() {
    let mut stage = Stage::new(1, Settings { connections_max: 1, ..Settings::default() });
    let _first = stage.open_pipe();
    let fresh = Pipe::default();
    let attaching = stage.handle.attach(fresh.clone(), Arrival::Fresh(PeerAddr::Unnamed));
    assert_eq!(stage.ask(attaching), Err(HandleError::Refused(Refused::Full)));
    assert!(fresh.ends().output.starts_with(b"HTTP/1.1 503 "));
    let open = Pipe::default();
    let attaching = stage.handle.attach(open.clone(), upgraded(Vec::new()));
    assert_eq!(stage.ask(attaching), Err(HandleError::Refused(Refused::Full)));
    let told = "\u{3}\u{f5}the shard holds as many connections as it may";
    let told: Vec<_> = told.chars().map(|char| char as u8).collect();
    assert_eq!(open.ends().output, [&[0x88, 47][..], &told].concat());
    for pipe in [fresh, open] {
        assert!(pipe.ends().is_closed && pipe.is_dropped());
    }
    assert_eq!(stage.handle.stats().refused, 2);
}

#[test]
fn a_house_that_drains_lets_nothing_in() {
    let mut stage = Stage::new(1, Settings::default());
    let _first = stage.open_pipe();
    let farewell = CloseFrame { code: CloseCode::Away, reason: "".into() };
    let second = Duration::from_secs(1);
    drop(stage.handle.drain(Drain { over: second, timeout: second, farewell }));
    let pipe = Pipe::default();
    let attaching = stage.handle.attach(pipe.clone(), upgraded(Vec::new()));
    assert_eq!(stage.ask(attaching), Err(HandleError::Refused(Refused::Draining)));
    assert!(pipe.is_dropped());
}
