//! Parcels on their way between hubs.

use std::collections::VecDeque;

use fanlight_core::{Instant, Parcel, ShardId};
use fastrand::Rng;

use crate::{link::up_to, nature::Nature};

/// The parcels under way, in order for each ordered pair of shards.
#[derive(Debug)]
pub(crate) struct Mail {
    shards: usize,
    /// By sender, then receiver.
    ways: Vec<Way>,
}

/// From one shard to another.
#[derive(Debug)]
struct Way {
    rng: Rng,
    /// When each arrives, and what.
    parcels: VecDeque<(Instant, Parcel)>,
}

impl Mail {
    pub(crate) fn new(shards: u8, rng: &mut Rng) -> Self {
        let shards = usize::from(shards);
        let mut way = || Way { rng: rng.fork(), parcels: VecDeque::new() };
        Self { shards, ways: (0..shards * shards).map(|_| way()).collect() }
    }

    fn way(&self, from: ShardId, to: ShardId) -> usize {
        usize::from(from.0) * self.shards + usize::from(to.0)
    }

    /// Sends a parcel, and says when it arrives: never before the one ahead of it.
    pub(crate) fn post(
        &mut self,
        nature: &Nature,
        now: Instant,
        (from, to): (ShardId, ShardId),
        parcel: Parcel,
    ) -> Instant {
        let way = self.way(from, to);
        let Way { rng, parcels } = &mut self.ways[way];
        // Most are quick, some are not.
        let part = if rng.u8(..8) == 0 { 1 } else { 64 };
        let at = now + nature.parcel_delay_min + up_to(nature.parcel_jitter_max / part, rng);
        let at = parcels.back().map_or(at, |(before, _)| at.max(*before));
        parcels.push_back((at, parcel));
        at
    }

    /// Whether a parcel of a pair has arrived by `now`.
    pub(crate) fn is_due(&self, from: ShardId, to: ShardId, now: Instant) -> bool {
        let way = &self.ways[self.way(from, to)];
        way.parcels.front().is_some_and(|(at, _)| *at <= now)
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.ways.iter().all(|way| way.parcels.is_empty())
    }

    /// Takes the oldest parcel of a pair, whether it has arrived or not.
    pub(crate) fn take(&mut self, from: ShardId, to: ShardId) -> Option<Parcel> {
        let way = self.way(from, to);
        self.ways[way].parcels.pop_front().map(|(_, parcel)| parcel)
    }
}
