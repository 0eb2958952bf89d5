//! What is read, when, and that no wake is lost.

use std::{num::NonZeroU8, thread, time::Duration};

use fanlight_core::{Arrival, Config, PeerAddr, Settings};
use fanlight_driver::House;
use futures_lite::future::block_on;

use crate::{
    pipe::Pipe,
    stage::{Clock, Echo, Manual, REQUEST, Stage, answer, frame},
};

#[test]
fn a_new_socket_is_armed_at_once_and_a_short_read_arms_it_again() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.pipe();
    assert_eq!(pipe.ends().reads, 1);
    pipe.give(REQUEST);
    stage.settle();
    assert_eq!(pipe.ends().reads, 3, "one that reads, one that arms");
    pipe.give(&frame("a"));
    stage.settle();
    assert_eq!(pipe.ends().reads, 5);
    assert!(pipe.ends().output.ends_with(&answer("a")));
    stage.settle();
    assert_eq!(pipe.ends().reads, 5, "nothing is read that did not wake");
}

#[test]
fn a_close_right_behind_a_message_does_not_take_its_answer_back() {
    let mut stage = Stage::new(1, Settings::default());
    let close = [0x88, 0x82, 0, 0, 0, 0, 3, 232];
    for segment in [1, 8, 16] {
        let pipe = stage.open_pipe();
        pipe.ends().segment = segment;
        pipe.give(&[&frame("ab")[..], &close].concat());
        stage.settle();
        let said = [&answer("ab")[..], &[0x88, 2, 3, 232]].concat();
        assert_eq!(pipe.ends().output, said, "cut after each {segment}");
    }
}

#[test]
fn a_socket_with_much_to_read_does_not_keep_another_waiting() {
    let mut stage = Stage::new(1, Settings { read_bytes_max: 512, ..Settings::default() });
    let (busy, calm) = (stage.open_pipe(), stage.open_pipe());
    let much: Vec<_> = (0..2000).flat_map(|_| frame("busy")).collect();
    busy.give(&much);
    calm.give(&frame("calm"));
    // One shard, so the order of its turns is the order of their reads.
    stage.settle();
    assert_eq!(busy.ends().output.len(), 2000 * answer("busy").len());
    assert_eq!(calm.ends().output, answer("calm"));
    assert!(calm.ends().reads < 10, "{}", calm.ends().reads);
}

#[test]
fn a_paused_socket_is_not_read_until_its_time_has_come() {
    let settings = Settings { inbound_frames_per_second_max: 10, ..Settings::default() };
    let mut stage = Stage::new(1, settings);
    let pipe = stage.open_pipe();
    for _ in 0..30 {
        pipe.give(&frame("x"));
        stage.settle();
    }
    let reads = pipe.ends().reads;
    assert!(!pipe.ends().input.is_empty(), "what came too fast is left where it is");
    pipe.give(&frame("x"));
    stage.settle();
    assert_eq!(pipe.ends().reads, reads);
    for _ in 0..60 {
        stage.pass(Duration::from_millis(100));
    }
    assert_eq!(pipe.ends().output.len(), 31 * answer("x").len());
    assert_eq!(stage.handle.stats().connections, 1);
}

#[test]
fn no_wake_is_lost_however_threads_interleave() {
    const SOCKETS: usize = 4;
    const MESSAGES: usize = 2_000;
    let house = House::new(Config::default(), NonZeroU8::MIN, 7);
    let (handle, door) = (house.handle(), house.door());
    let shard = house.into_shards().remove(0);
    let clock = Clock::default();
    let driven = thread::spawn(move || block_on(shard.driver(Echo, Manual::new(&clock)).run()));

    let peers: Vec<_> = (0..SOCKETS)
        .map(|_| {
            let pipe = Pipe::default();
            door.admit(pipe.clone(), Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
            thread::spawn(move || {
                pipe.give(REQUEST);
                wait_until(|| pipe.ends().output.ends_with(b"\r\n\r\n"));
                let head = pipe.ends().output.len();
                let answer_bytes = answer("0000").len();
                for number in 0..MESSAGES {
                    // The next one comes when the last is answered: a lost wake would be the end.
                    if number % 3 == 0 {
                        pipe.ends().room = 0;
                    }
                    let (early, late) = (frame(&format!("{number:04}")), number % 2);
                    pipe.give(&early[..3 * late]);
                    pipe.give(&early[3 * late..]);
                    if number % 3 == 0 {
                        pipe.open(usize::MAX);
                    }
                    let end = head + (number + 1) * answer_bytes;
                    wait_until(|| pipe.ends().output.len() == end);
                }
                let ends = pipe.ends();
                let said: Vec<_> =
                    (0..MESSAGES).flat_map(|number| answer(&format!("{number:04}"))).collect();
                assert_eq!(ends.output[head..], said);
            })
        })
        .collect();
    for peer in peers {
        peer.join().unwrap();
    }
    handle.stop();
    assert!(driven.join().unwrap().is_err());
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "a wake was lost");
        thread::yield_now();
    }
}
