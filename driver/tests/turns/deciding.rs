//! Requests that are answered later, from outside.

use std::{thread, time::Duration};

use fanlight_core::{Admission, ConnId, Context, Refusal, Request, Service, Settings, Topic};
use fanlight_driver::{Handle, HandleError};

use crate::stage::{REQUEST, Stage, answer, frame, now};

/// Leaves every request unanswered, and tells of it. Echoes what it hears.
struct Undecided {
    asked: std::sync::mpsc::Sender<ConnId>,
}

impl Service for Undecided {
    fn on_request(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Request) {
        let _ = self.asked.send(conn);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: fanlight_core::Message) {
        cx.send(conn, message);
    }
}

fn stage() -> (Stage, std::sync::mpsc::Receiver<ConnId>) {
    let (ask, asked) = std::sync::mpsc::channel();
    let stage =
        Stage::of(2, Settings::default(), |_: &Handle| move || Undecided { asked: ask.clone() });
    (stage, asked)
}

#[test]
fn a_request_is_admitted_by_another_thread_and_what_waited_is_read_then() {
    let (mut stage, asked) = stage();
    let pipe = stage.pipe();
    pipe.give(&[REQUEST, &frame("early")].concat());
    stage.settle();
    let conn = asked.try_recv().unwrap();
    let reads = pipe.ends().reads;
    pipe.give(&frame("later"));
    stage.pass(Duration::from_secs(9));
    assert_eq!(pipe.ends().reads, reads, "it waits");
    assert_eq!(pipe.ends().output, b"");

    let handle = stage.handle.clone();
    let deciding =
        thread::spawn(move || handle.admit(conn, Admission::user("ann")).now()).join().unwrap();
    stage.settle();
    assert_eq!(now(deciding.unwrap().into_future()), Some(Ok(())));
    let output = pipe.ends().output.clone();
    assert!(output.starts_with(b"HTTP/1.1 101 "), "{}", output.escape_ascii());
    assert!(output.ends_with(&[answer("early"), answer("later")].concat()));
    let ann = stage.handle.list(Topic::user("ann"));
    assert_eq!(stage.ask(ann), Ok(vec![conn]));
    let again = stage.handle.admit(conn, Admission::default());
    assert_eq!(stage.ask(again), Err(HandleError::Gone), "there is one answer to a request");
}

#[test]
fn a_request_is_refused_later() {
    let (mut stage, asked) = stage();
    let pipe = stage.pipe();
    pipe.give(REQUEST);
    stage.settle();
    let conn = asked.try_recv().unwrap();
    let refusing = stage.handle.refuse(conn, Refusal::text(403, "not you\n").unwrap());
    assert_eq!(stage.ask(refusing), Ok(()));
    let output = pipe.ends().output.clone();
    assert!(output.starts_with(b"HTTP/1.1 403 ") && output.ends_with(b"\r\n\r\nnot you\n"));
    assert!(pipe.ends().is_closed);
}

#[test]
fn an_answer_behind_the_deadline_comes_too_late() {
    let (mut stage, asked) = stage();
    let pipe = stage.pipe();
    pipe.give(REQUEST);
    stage.settle();
    let conn = asked.try_recv().unwrap();
    stage.pass(Duration::from_secs(10));
    assert!(pipe.ends().output.starts_with(b"HTTP/1.1 503 "));
    for _ in 0..2 {
        let admitting = stage.handle.admit(conn, Admission::default());
        assert_eq!(stage.ask(admitting), Err(HandleError::Gone));
        stage.pass(Duration::from_secs(10));
    }
    assert!(pipe.is_dropped());
}

#[test]
fn a_peer_that_has_left_is_told_of() {
    let (mut stage, asked) = stage();
    let pipe = stage.pipe();
    pipe.give(REQUEST);
    stage.settle();
    let conn = asked.try_recv().unwrap();
    pipe.ends().is_eof = true;
    pipe.give(b"");
    let admitting = stage.handle.admit(conn, Admission::default());
    assert_eq!(stage.ask(admitting), Ok(()), "its end is behind what is not read");
    assert!(pipe.is_dropped());
    let refusing = stage.handle.refuse(conn, Refusal::not_found());
    assert_eq!(stage.ask(refusing), Err(HandleError::Gone));
}
