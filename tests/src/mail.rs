//! Parcels on their way between hubs.

use std::collections::VecDeque;

use fanlight_core::{Instant, Parcel, ShardId};

/// The parcels under way, in order for each ordered pair of shards.
#[derive(Debug)]
pub(crate) struct Mail {
    shards: usize,
    /// By sender, then receiver: when each arrives, and what.
    ways: Vec<VecDeque<(Instant, Parcel)>>,
}

impl Mail {
    pub(crate) fn new(shards: u8) -> Self {
        let shards = usize::from(shards);
        Self { shards, ways: vec![VecDeque::new(); shards * shards] }
    }

    fn way(&self, from: ShardId, to: ShardId) -> usize {
        usize::from(from.0) * self.shards + usize::from(to.0)
    }

    /// Sends a parcel that arrives at `at`, or later if one before it does.
    pub(crate) fn post(&mut self, from: ShardId, to: ShardId, at: Instant, parcel: Parcel) {
        let way = self.way(from, to);
        let way = &mut self.ways[way];
        let at = way.back().map_or(at, |(before, _)| at.max(*before));
        way.push_back((at, parcel));
    }

    /// The pairs whose next parcel has arrived by `now`.
    pub(crate) fn due(&self, now: Instant) -> impl Iterator<Item = (ShardId, ShardId)> {
        self.ways.iter().enumerate().filter_map(move |(way, parcels)| {
            parcels.front().filter(|(at, _)| *at <= now)?;
            Some((shard(way / self.shards), shard(way % self.shards)))
        })
    }

    /// When the next parcel arrives.
    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.ways.iter().filter_map(|way| way.front()).map(|(at, _)| *at).min()
    }

    /// Takes the oldest parcel of a pair, whether it has arrived or not.
    pub(crate) fn take(&mut self, from: ShardId, to: ShardId) -> Option<Parcel> {
        let way = self.way(from, to);
        self.ways[way].pop_front().map(|(_, parcel)| parcel)
    }
}

fn shard(index: usize) -> ShardId {
    ShardId(u8::try_from(index).expect("an index below the number of shards, which is a u8"))
}
