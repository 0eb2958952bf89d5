//! A whole run, from one seed and a list of what happens.

use std::{fmt, time::Duration};

use fanlight_core::{Config, Settings};
use fanlight_sim::{Nature, Setup};
use fastrand::Rng;

use crate::{
    op::{Ending, Op},
    stage::Stage,
};

/// Makes the generator of bounds another than whatever else is drawn from their seed.
const BOUNDS: u64 = 0xbe54_66cf_34e9_0c6c;

/// Everything that decides a run.
#[derive(Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Decides what the ops leave open: cuts, delays, the homes of topics.
    pub seed: u64,
    /// How many hubs there are.
    pub shards: u8,
    /// How kind the world is.
    pub nature: Nature,
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
    /// Some bounds are met soon, as this seed decides.
    Drawn(u64),
}

impl Bounds {
    /// The settings.
    ///
    /// # Panics
    ///
    /// If they contradict each other.
    pub fn config(self) -> Config {
        let settings = match self {
            Self::Drawn(seed) => drawn(&mut Rng::with_seed(seed ^ BOUNDS)),
            Self::Roomy => Settings::default(),
            Self::Tight => Settings {
                connections_max: 10,
                upgrading_max: 4,
                head_bytes_max: 512,
                request_line_bytes_max: 128,
                upgrade_timeout: Duration::from_secs(3),
                decision_timeout: Duration::from_secs(4),
                message_bytes_max: 140,
                message_timeout: Duration::from_secs(6),
                assembly_bytes_max: 478,
                deflate_level: 6,
                deflate_bytes_min: 20,
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

fn drawn(rng: &mut Rng) -> Settings {
    let default = Settings::default();
    let mut count = |default, min: usize, max: usize| {
        if rng.bool() { default } else { rng.usize(min..=max) }
    };
    let connections_max = count(default.connections_max, 5, 60);
    let upgrading_max = count(default.upgrading_max, 3, 20);
    let connections_per_address_max = count(default.connections_per_address_max, 3, 12);
    let message_bytes_max = count(default.message_bytes_max, 130, 600);
    let outbox_messages_max = count(default.outbox_messages_max, 40, 300);
    let outbox_bytes_max = count(default.outbox_bytes_max, 1_600, 20_000);
    let frames_bytes_max = count(default.frames_bytes_max, 4_000, 60_000);
    let assembly_bytes_max = count(default.assembly_bytes_max, 400, 1_200);
    let inbound_frames_per_second_max = count(default.inbound_frames_per_second_max, 5, 100);
    let subscriptions_max = count(default.subscriptions_max, 4, 8);
    let topics_max = count(default.topics_max, 6, 12);
    let parcel_bytes_max = count(default.parcel_bytes_max, 1_024, 8_192);
    let read_bytes_max = count(default.read_bytes_max, 512, 2_048);
    let linger_bytes_max = count(default.linger_bytes_max, 0, 512);
    let deflate_level = count(default.deflate_level, 1, 9);
    let deflate_bytes_min = count(default.deflate_bytes_min, 0, 100);
    let mut time = |default: Duration| {
        if rng.bool() { default } else { default.mul_f64(rng.f64() / 2.0 + 0.05) }
    };
    Settings {
        connections_max,
        upgrading_max,
        connections_per_address_max,
        message_bytes_max,
        outbox_messages_max,
        outbox_bytes_max: outbox_bytes_max.max(message_bytes_max + 10),
        frames_bytes_max: frames_bytes_max.max(outbox_bytes_max).max(message_bytes_max + 10),
        assembly_bytes_max: assembly_bytes_max.max(message_bytes_max + message_bytes_max / 8 + 320),
        deflate_level,
        deflate_bytes_min,
        inbound_frames_per_second_max,
        subscriptions_max,
        topics_max,
        parcel_bytes_max,
        read_bytes_max,
        linger_bytes_max,
        upgrade_timeout: time(default.upgrade_timeout),
        decision_timeout: time(default.decision_timeout),
        message_timeout: time(default.message_timeout),
        ping_interval: time(default.ping_interval),
        pong_timeout: time(default.pong_timeout),
        stall_timeout: time(default.stall_timeout),
        close_timeout: time(default.close_timeout),
        linger_timeout: time(default.linger_timeout),
        ..default
    }
}

impl fmt::Debug for Scenario {
    /// As one would write it, an op a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, shards, nature, bounds, ops, ending } = self;
        writeln!(f, "Scenario {{ seed: {seed}, shards: {shards}, nature: {nature:?},")?;
        writeln!(f, "bounds: {bounds:?}, ops: vec![")?;
        for op in ops {
            writeln!(f, "    {op:?},")?;
        }
        write!(f, "], ending: {ending:?} }}")
    }
}

impl Scenario {
    /// Plays it to the end.
    pub fn play(&self) -> Stage {
        self.play_on(Stage::with_setup(self.setup()))
    }

    /// Plays it to the end, but where a hub is told an earlier time, it is told the last one again.
    pub fn play_monotonic(&self) -> Stage {
        let mut stage = Stage::with_setup(self.setup());
        stage.world.keep_monotonic();
        self.play_on(stage)
    }

    fn setup(&self) -> Setup {
        let Self { seed, shards, nature, bounds, .. } = *self;
        Setup { seed, shards, config: bounds.config(), nature }
    }

    fn play_on(&self, mut stage: Stage) -> Stage {
        for op in &self.ops {
            stage.act(op);
        }
        stage.world.calm();
        stage.probe();
        stage.end(self.ending);
        stage
    }
}
