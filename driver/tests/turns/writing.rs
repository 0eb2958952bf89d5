//! What is written, when, and what is reported as sent.

use std::time::Duration;

use fanlight_core::{Audience, Message, Settings};

use crate::stage::{REQUEST, Stage, answer, frame};

#[test]
fn what_piled_up_in_a_turn_leaves_in_one_write() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.open_pipe();
    let writes = pipe.ends().writes;
    let three: Vec<_> = ["a", "b", "c"].iter().flat_map(|text| frame(text)).collect();
    pipe.give(&three);
    stage.settle();
    assert_eq!(pipe.ends().output, ["a", "b", "c"].map(answer).concat());
    assert_eq!(pipe.ends().writes, writes + 1);
}

#[test]
fn a_write_that_blocks_goes_on_where_it_stopped() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.open_pipe();
    pipe.ends().room = 5;
    for text in ["first", "second", "third"] {
        pipe.give(&frame(text));
        stage.settle();
    }
    assert_eq!(pipe.ends().output.len(), 5);
    let writes = pipe.ends().writes;
    stage.settle();
    assert_eq!(pipe.ends().writes, writes, "nothing is tried before the socket wakes");
    for room in [1, 7, usize::MAX] {
        pipe.open(room);
        stage.settle();
    }
    assert_eq!(pipe.ends().output, ["first", "second", "third"].map(answer).concat());
    assert_eq!(stage.handle.stats().queued, 0);
}

#[test]
fn many_messages_reach_a_socket_that_takes_all_in_few_writes() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.open_pipe();
    pipe.ends().room = 0;
    for number in 0..1000 {
        let text = Message::text(&format!("{number}"));
        stage.handle.publish(Audience::Everyone, text).now().unwrap();
    }
    stage.settle();
    let writes = pipe.ends().writes;
    pipe.open(usize::MAX);
    stage.settle();
    let all: Vec<_> = (0..1000).flat_map(|number| answer(&format!("{number}"))).collect();
    assert_eq!(pipe.ends().output, all);
    assert!(pipe.ends().writes - writes < 20, "{}", pipe.ends().writes - writes);
}

#[test]
fn what_a_transport_keeps_inside_is_not_sent_and_its_stall_is_seen() {
    let settings = Settings { stall_timeout: Duration::from_secs(2), ..Settings::default() };
    let mut stage = Stage::new(1, settings);
    let pipe = stage.open_pipe();
    let sent = stage.handle.stats().sent_bytes;
    let length = answer("kept").len();
    pipe.ends().flushes = false;
    pipe.give(&frame("kept"));
    stage.settle();
    assert_eq!(pipe.ends().output, answer("kept"), "it was taken");
    assert_eq!(stage.handle.stats().sent_bytes, sent + length as u64 - 1, "but did not leave");

    stage.pass(Duration::from_secs(1));
    pipe.open(usize::MAX);
    stage.settle();
    assert_eq!(stage.handle.stats().sent_bytes, sent + length as u64);
    stage.pass(Duration::from_secs(3));
    assert_eq!(stage.handle.stats().connections, 1, "nothing waits, so nothing stalls");

    pipe.ends().flushes = false;
    pipe.give(&frame("kept"));
    stage.settle();
    assert_eq!(pipe.ends().output, answer("kept").repeat(2), "nothing is written twice");
    stage.pass(Duration::from_secs(3));
    assert_eq!(stage.handle.stats().connections, 0);
    assert!(pipe.is_dropped());
}

#[test]
fn our_half_is_shut_down_after_the_last_words() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.pipe();
    pipe.give(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stage.settle();
    assert!(pipe.ends().output.starts_with(b"HTTP/1.1 426 "));
    assert!(pipe.ends().is_closed);
    assert!(!pipe.is_dropped(), "the peer may still be reading");
    pipe.ends().is_eof = true;
    pipe.give(b"");
    stage.settle();
    assert!(pipe.is_dropped());
}

#[test]
fn whom_there_is_no_room_for_is_told_once_if_the_socket_takes_it() {
    let mut stage = Stage::new(1, Settings { connections_max: 1, ..Settings::default() });
    let _first = stage.open_pipe();
    let second = stage.pipe();
    assert!(second.ends().output.starts_with(b"HTTP/1.1 503 "));
    assert!(second.ends().is_closed);
    assert!(second.is_dropped());
    let third = crate::pipe::Pipe::default();
    third.ends().room = 0;
    third.give(REQUEST);
    let arrival = fanlight_core::Arrival::Fresh(fanlight_core::PeerAddr::Unnamed);
    stage.door.admit(third.clone(), arrival).unwrap();
    stage.settle();
    assert!(third.is_dropped());
    assert!(third.ends().output.is_empty());
}
