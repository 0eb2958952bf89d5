//! More at once than fits one turn, and last words.

use std::time::Duration;

use fanlight_core::{CloseCode, CloseFrame, Drain, Settings};

use crate::stage::{Stage, answer, frame};

#[test]
fn a_drain_of_more_than_a_turn_can_end_ends() {
    let mut stage = Stage::new(1, Settings { upgrading_max: 100_000, ..Settings::default() });
    for _ in 0..40_000 {
        stage.open_pipe();
    }
    assert_eq!(stage.handle.stats().open, 40_000);
    let farewell = CloseFrame { code: CloseCode::Away, reason: "".into() };
    let (over, timeout) = (Duration::ZERO, Duration::from_secs(1));
    drop(stage.handle.drain(Drain { over, timeout, farewell }));
    stage.settle();
    stage.pass(Duration::from_secs(2));
    assert_eq!(stage.ends(), [Some(Ok(()))]);
}

#[test]
fn what_one_read_brings_is_answered_however_much_it_is() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.open_pipe();
    pipe.give(&frame("x").repeat(20_000));
    stage.settle();
    assert_eq!(pipe.ends().output, answer("x").repeat(20_000));
    assert_eq!(stage.handle.stats().overflows, 0);
}

#[test]
fn who_says_farewell_and_goes_is_answered_still() {
    let mut stage = Stage::new(1, Settings::default());
    let pipe = stage.open_pipe();
    pipe.ends().is_eof = true;
    pipe.give(b"\x88\x82\0\0\0\0\x03\xe8");
    stage.settle();
    assert_eq!(pipe.ends().output, b"\x88\x02\x03\xe8");
}
