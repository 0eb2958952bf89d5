//! Runs of every character, each from one seed.
//!
//! A seed decides how many shards there are and how kind the world is, what the config allows, how
//! long the run is and how busy, and which kinds of things happen in it at all: a run in which
//! everything happens a little is a run in which nothing happens much.

mod character;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use fanlight_core::Fingerprint;
use fanlight_sim::Broken;

use self::character::Character;
use crate::{laws, op::Op, stage::Stage};

/// What a run of one seed came to.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// How many events its hubs were given.
    pub events: u64,
    /// The sum of the times that its connections lived, in the world's time.
    pub connection_time: Duration,
    /// What its hubs said and wrote.
    pub digest: Fingerprint,
}

/// Plays the run of a seed, with all laws checked.
///
/// # Errors
///
/// The first law that was found broken. A panic of the code under test is a broken law too.
pub fn play(seed: u64) -> Result<Run, Broken> {
    play_ops(seed, u32::MAX)
}

/// Plays the run of a seed, but no more than its first `ops_max` ops before it comes to rest.
///
/// # Errors
///
/// As [`play`].
pub fn play_ops(seed: u64, ops_max: u32) -> Result<Run, Broken> {
    match catch_unwind(AssertUnwindSafe(|| stage(seed, ops_max))) {
        Ok(played) => played.map(|stage| Run::of(&stage)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.into()));
            let what = format!("by a panic: {}", text.unwrap_or_default());
            Err(Broken { law: "an invariant", what })
        }
    }
}

/// Plays the run of a seed, as [`play_ops`] does, and shows what it came to.
///
/// # Errors
///
/// The first law that was found broken.
///
/// # Panics
///
/// If the code under test does.
pub fn stage(seed: u64, ops_max: u32) -> Result<Stage, Broken> {
    let mut character = Character::of(seed);
    character.limit_ops(ops_max);
    let mut stage = Stage::with_setup(character.setup());
    stage.world.inspect_every(character.inspect_every());
    while let Some((op, after)) = character.next_op(&stage) {
        stage.world.set_behind(Duration::ZERO);
        stage.world.advance(after);
        if let Op::TimeBackwards { .. } = op {
            stage.act(&op);
        } else {
            stage.apply(&op);
        }
        stage.keep_pace();
        if let Some(broken) = stage.world.broken().first() {
            return Err(broken.clone());
        }
    }
    // Safety was watched all along. Now liveness: the trouble stops, and what should happen does.
    stage.world.calm();
    stage.probe();
    stage.end(character.ending());
    laws::judge(&stage)?;
    Ok(stage)
}

impl Run {
    fn of(stage: &Stage) -> Self {
        let lives = stage.world.sockets().map(fanlight_sim::Socket::lived);
        let (events, digest) = (stage.world.events(), stage.world.digest());
        Self { events, connection_time: lives.sum(), digest }
    }
}
