//! How kind a world is.

use std::time::Duration;

use fastrand::Rng;

use crate::luck::Luck;

/// What a kernel takes for a peer that does not read, as a rule.
const WINDOW_BYTES: usize = 64 * 1024;

/// How the network, the clock and the way between shards behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nature {
    /// Whether reads and writes are cut short anywhere, down to a byte.
    pub cuts: bool,
    /// Whether what is due at one moment happens in any order.
    pub shuffles: bool,
    /// The longest that bytes take one way; each connection draws its own.
    pub latency_max: Duration,
    /// How much longer a packet may take than the connection's latency.
    pub jitter_max: Duration,
    /// How many bytes a second a slow connection carries at least, each way; 0 if none is slow.
    pub bytes_per_second_min: u32,
    /// How many connections of a hundred are slow.
    pub slow_percent: u8,
    /// How many bytes a socket takes before its peer has read any of them.
    pub window_bytes: usize,
    /// The shortest that a parcel takes to another shard.
    pub parcel_delay_min: Duration,
    /// How much longer it may take.
    pub parcel_jitter_max: Duration,
    /// How much later than its deadline a tick may come.
    pub tick_late_max: Duration,
}

impl Nature {
    /// Everything arrives at once, whole and in order.
    pub const GENTLE: Self = Self {
        cuts: false,
        shuffles: false,
        latency_max: Duration::ZERO,
        jitter_max: Duration::ZERO,
        bytes_per_second_min: 0,
        slow_percent: 0,
        window_bytes: WINDOW_BYTES,
        parcel_delay_min: Duration::ZERO,
        parcel_jitter_max: Duration::ZERO,
        tick_late_max: Duration::ZERO,
    };
    /// The same, but parcels wait to be delivered by hand.
    pub const HELD: Self =
        Self { parcel_delay_min: Duration::from_secs(1_000_000_000), ..Self::GENTLE };
    /// Bytes are cut anywhere, things happen in any order, and parcels take their time.
    pub const WILD: Self = Self {
        cuts: true,
        shuffles: true,
        parcel_jitter_max: Duration::from_secs(3),
        ..Self::GENTLE
    };

    /// A nature of its own for each seed: which kinds of trouble there are, and how much of each.
    ///
    /// Each kind is absent from half of all natures, so that runs differ in character and one
    /// trouble does not always hide another.
    pub fn swarm(seed: u64) -> Self {
        let rng = &mut Luck::Nature.of(seed);
        let millis = |rng: &mut Rng, max: u64| {
            if rng.bool() { Duration::from_millis(rng.u64(0..=max)) } else { Duration::ZERO }
        };
        Self {
            cuts: rng.bool(),
            shuffles: rng.bool(),
            latency_max: millis(rng, 800),
            jitter_max: millis(rng, 400),
            bytes_per_second_min: if rng.bool() { rng.u32(50..5_000) } else { 0 },
            slow_percent: rng.u8(0..60),
            window_bytes: if rng.bool() { 1 << rng.u32(8..16) } else { WINDOW_BYTES },
            parcel_delay_min: millis(rng, 5),
            parcel_jitter_max: millis(rng, 3_000),
            tick_late_max: millis(rng, 900),
        }
    }

    /// How much longer a deadline may take to be noticed, and what it waits for to arrive.
    pub(crate) fn delay_max(&self) -> Duration {
        self.tick_late_max + self.latency_max + self.jitter_max
    }
}
