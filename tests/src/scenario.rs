//! A whole run, from one seed and a list of what happens.

use std::{fmt, time::Duration};

use fanlight_core::{Config, Settings};

use crate::{
    op::{Ending, Op},
    stage::Stage,
};

/// Everything that decides a run.
#[derive(Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Decides what the ops leave open: cuts, delays, the homes of topics.
    pub seed: u64,
    /// How many hubs there are.
    pub shards: u8,
    /// How much they may hold.
    pub bounds: Bounds,
    /// What happens.
    pub ops: Vec<Op>,
    /// What happens at last.
    pub ending: Ending,
}

/// The config of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// No bound is in the way.
    Roomy,
    /// Every bound is met soon.
    Tight,
}

impl Bounds {
    /// The settings.
    ///
    /// # Panics
    ///
    /// If they contradict each other.
    pub fn config(self) -> Config {
        let settings = match self {
            Self::Roomy => Settings::default(),
            Self::Tight => Settings {
                connections_max: 10,
                upgrading_max: 4,
                head_bytes_max: 512,
                request_line_bytes_max: 128,
                upgrade_timeout: Duration::from_secs(3),
                decision_timeout: Duration::from_secs(4),
                message_bytes_max: 256,
                message_timeout: Duration::from_secs(6),
                assembly_bytes_max: 512,
                inbound_frames_per_second_max: 20,
                ping_interval: Duration::from_secs(5),
                pong_timeout: Duration::from_secs(2),
                outbox_bytes_max: 1600,
                outbox_messages_max: 40,
                frames_bytes_max: 4000,
                stall_timeout: Duration::from_secs(7),
                linger_bytes_max: 256,
                subscriptions_max: 4,
                topics_max: 6,
                parcel_bytes_max: 1024,
                read_bytes_max: 512,
                ..Settings::default()
            },
        };
        Config::new(settings).expect("the settings above agree with each other")
    }
}

impl fmt::Debug for Scenario {
    /// As one would write it, an op a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, shards, bounds, ops, ending } = self;
        writeln!(f, "Scenario {{ seed: {seed}, shards: {shards}, bounds: {bounds:?}, ops: vec![")?;
        for op in ops {
            writeln!(f, "    {op:?},")?;
        }
        write!(f, "], ending: {ending:?} }}")
    }
}

impl Scenario {
    /// Plays it to the end.
    pub fn play(&self) -> Stage {
        self.play_on(Stage::new(self))
    }

    /// Plays it to the end, but where a hub is told an earlier time, it is told the last one again.
    pub fn play_monotonic(&self) -> Stage {
        let mut stage = Stage::new(self);
        stage.world.keep_monotonic();
        self.play_on(stage)
    }

    fn play_on(&self, mut stage: Stage) -> Stage {
        for op in &self.ops {
            stage.act(op);
        }
        stage.calm();
        stage.probe();
        stage.end(self.ending);
        stage
    }
}
