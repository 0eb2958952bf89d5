//! Deadlines, and how shards end together.

use std::time::Duration;

use fanlight_core::{CloseCode, CloseFrame, Drain, Settings, ShardId};
use fanlight_driver::{DoorError, HandleError, Stopped};

use crate::{
    pipe::Pipe,
    stage::{Stage, answer, frame},
};

fn drain(timeout: Duration) -> Drain {
    let farewell = CloseFrame { code: CloseCode::Away, reason: "".into() };
    Drain { over: Duration::ZERO, timeout, farewell }
}

#[test]
fn the_timer_is_left_alone_while_it_is_set_early_enough() {
    let mut stage = Stage::new(1, Settings::default());
    let pipes: Vec<_> = (0..20).map(|_| stage.open_pipe()).collect();
    let armed = stage.clock.armed.lock().unwrap().len();
    for _ in 0..50 {
        for pipe in &pipes {
            pipe.give(&frame("x"));
        }
        stage.pass(Duration::from_millis(1));
    }
    assert!(stage.clock.armed.lock().unwrap().len() <= armed + 1);
    for _ in 0..60 {
        stage.pass(Duration::from_millis(500));
    }
    assert!(pipes.iter().all(|pipe| pipe.ends().output.contains(&0x89)), "each was pinged");
}

#[test]
fn the_house_ends_when_its_last_shard_has_drained() {
    let mut stage = Stage::new(2, Settings::default());
    let pipe = stage.open_pipe();
    drop(stage.handle.drain(drain(Duration::from_secs(5))));
    stage.settle();
    assert_eq!(stage.ends(), [None, None], "one has nobody, and waits for the other");
    assert!(pipe.ends().output.starts_with(&[0x88]), "a Close");
    stage.pass(Duration::from_secs(1));
    stage.pass(Duration::from_secs(6));
    assert_eq!(stage.ends(), [Some(Ok(())), Some(Ok(()))]);
    assert!(pipe.is_dropped());
    assert_eq!(stage.handle.publish("topic", "text".into()).now(), Err(HandleError::Stopped));
}

#[test]
fn a_panic_of_ours_ends_all_shards() {
    let mut stage = Stage::new(3, Settings::default());
    let pipes: Vec<_> = (0..3).map(|_| stage.open_pipe()).collect();
    pipes[1].ends().panics = true;
    pipes[1].give(b"x");
    stage.settle();
    let Some(Err(Stopped::Panicked(ShardId(shard)))) = stage.ends()[0] else {
        panic!("{:?}", stage.ends());
    };
    assert_eq!(shard, 1);
    assert_eq!(stage.ends(), [Some(Err(Stopped::Panicked(ShardId(1)))); 3]);
    let arrival = fanlight_core::Arrival::Fresh(fanlight_core::PeerAddr::Unnamed);
    assert_eq!(stage.door.admit(Pipe::default(), arrival), Err(DoorError::Closed));
}

#[test]
fn a_late_turn_reads_before_it_lets_deadlines_expire() {
    let settings = Settings { ping_interval: Duration::from_secs(10), ..Settings::default() };
    let mut stage = Stage::new(1, settings);
    let pipe = stage.open_pipe();
    // The message came before the deadline, but the turn comes after it.
    pipe.give(&frame("in time"));
    stage.pass(Duration::from_millis(10_500));
    assert_eq!(pipe.ends().output, answer("in time"), "and no ping");
}
