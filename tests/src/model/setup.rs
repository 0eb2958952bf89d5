//! In which house a run happens.

use std::time::Duration;

use fanlight_core::{Config, Settings};

/// The house of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// How many shards it has, 1 to 3.
    pub shards: u8,
    /// Its bounds.
    pub bounds: Bounds,
    /// When parcels between its shards arrive.
    pub parcels: Parcels,
}

/// The bounds of a house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// None is met.
    Roomy,
    /// All are met after a few operations.
    Tight,
}

/// When parcels arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parcels {
    /// At once.
    Prompt,
    /// When an operation says so, all that wait between two shards together.
    Held,
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Setup {
    /// One shard.
    pub const fn alone(bounds: Bounds) -> Self {
        Self { shards: 1, bounds, parcels: Parcels::Prompt }
    }

    /// Three shards.
    pub const fn three(bounds: Bounds, parcels: Parcels) -> Self {
        Self { shards: 3, bounds, parcels }
    }

    /// The settings of its hubs. Timeouts are such that hardly any two fall on one moment.
    pub fn settings(&self) -> Settings {
        let settings = Settings {
            upgrade_timeout: millis(1_009),
            decision_timeout: millis(1_709),
            message_timeout: millis(5_303),
            ping_interval: millis(2_311),
            ping_jitter_percent: 0,
            pong_timeout: millis(1_103),
            stall_timeout: millis(3_121),
            close_timeout: millis(1_901),
            linger_timeout: millis(701),
            linger_bytes_max: 200,
            message_bytes_max: 1_000,
            outbox_bytes_max: 4_000,
            ..Settings::default()
        };
        match self.bounds {
            Bounds::Roomy => settings,
            Bounds::Tight => Settings {
                connections_max: 5,
                upgrading_max: 3,
                connections_per_address_max: 3,
                message_bytes_max: 90,
                outbox_bytes_max: 120,
                outbox_messages_max: 3,
                subscriptions_max: 2,
                topics_max: 3,
                topic_bytes_max: 8,
                ..settings
            },
        }
    }

    /// The same, checked.
    ///
    /// # Panics
    ///
    /// Never: they are within their ranges.
    pub fn config(&self) -> Config {
        Config::new(self.settings()).expect("within their ranges")
    }
}
