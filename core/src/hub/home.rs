//! The topics that this shard gives an order to.

use std::collections::HashMap;

use slab::Slab;

use crate::{
    id::{Seat, ShardId},
    topic::{KeyedState, Seq, Topic},
};

#[cfg(any(test, feature = "audit"))]
mod audit;

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shards([u64; 4]);

impl Shards {
    pub(super) fn all(seat: Seat) -> Self {
        let mut shards = Self::default();
        seat.all().for_each(|shard| shards.insert(shard));
        shards
    }

    fn insert(&mut self, shard: ShardId) {
        self.0[shard.index() / 64] |= 1 << (shard.index() % 64);
    }

    fn remove(&mut self, shard: ShardId) {
        self.0[shard.index() / 64] &= !(1 << (shard.index() % 64));
    }

    fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The shards of the set, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = ShardId> {
        self.0.into_iter().zip([0u8, 64, 128, 192]).flat_map(|(mut rest, first)| {
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                // Clears the lowest bit; there is none in zero.
                rest &= rest.wrapping_sub(1);
                (bit < u64::BITS).then(|| ShardId(first + bit as u8))
            })
        })
    }
}

/// The sequences of the topics whose home is here, and the shards that have members of them.
#[derive(Debug)]
pub(super) struct Homes {
    names: HashMap<Topic, usize, KeyedState>,
    topics: Slab<Home>,
    /// How many publishes were put in order here. No topic's sequence is ahead of it, so a topic
    /// that is forgotten and comes back begins beyond all its earlier numbers.
    running: u64,
    everyone: Seq,
}

#[derive(Debug)]
struct Home {
    seq: Seq,
    shards: Shards,
}

impl Homes {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            names: HashMap::with_hasher(KeyedState::new(seed)),
            topics: Slab::new(),
            running: 0,
            everyone: Seq(0),
        }
    }

    /// How many topics have their home here.
    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }

    /// A shard has members from now on. Returns the number after which everything will be sent to
    /// it, or `None` if there is no room for one more topic.
    pub(super) fn join(&mut self, topic: &Topic, shard: ShardId, topics_max: usize) -> Option<Seq> {
        let home = match self.names.get(topic) {
            Some(home) => *home,
            None if self.topics.len() >= topics_max => return None,
            None => {
                let seq = Seq(self.running);
                let home = self.topics.insert(Home { seq, shards: Shards::default() });
                self.names.insert(topic.clone(), home);
                home
            }
        };
        let home = &mut self.topics[home];
        home.shards.insert(shard);
        Some(home.seq)
    }

    /// A shard has no members any more.
    pub(super) fn leave(&mut self, topic: &Topic, shard: ShardId) {
        let Some(&home) = self.names.get(topic) else { return };
        let shards = &mut self.topics[home].shards;
        shards.remove(shard);
        if shards.is_empty() {
            self.names.remove(topic);
            self.topics.remove(home);
        }
    }

    /// Gives a publish its number. Returns it with the shards that have members, or `None` if
    /// nobody is a member.
    pub(super) fn publish(&mut self, topic: &Topic) -> Option<(Seq, Shards)> {
        let home = &mut self.topics[*self.names.get(topic)?];
        self.running += 1;
        home.seq.0 += 1;
        Some((home.seq, home.shards))
    }

    /// Gives a publish to everyone its number.
    pub(super) fn publish_to_everyone(&mut self) -> Seq {
        self.everyone.0 += 1;
        self.everyone
    }

    /// Whether any shard has members: a topic without them is forgotten.
    pub(super) fn has_members(&self, topic: &Topic) -> bool {
        self.names.contains_key(topic)
    }

    /// The shards that have members.
    pub(super) fn shards_of(&self, topic: &Topic) -> Shards {
        self.names.get(topic).map_or(Shards::default(), |home| self.topics[*home].shards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_topic_never_repeats_a_number() {
        let mut homes = Homes::new(1);
        let [a, b] = [Topic::new("a"), Topic::new("b")];
        let shard = ShardId(3);
        assert_eq!(homes.join(&a, shard, 10), Some(Seq(0)));
        for _ in 0..5 {
            homes.publish(&a);
        }
        homes.leave(&a, shard);
        assert_eq!(homes.publish(&a), None);
        assert!(homes.topics.is_empty());
        assert_eq!(homes.join(&b, shard, 10), Some(Seq(5)));
        assert_eq!(homes.join(&a, shard, 10), Some(Seq(5)));
        assert_eq!(homes.join(&Topic::new("c"), shard, 2), None);
    }

    #[test]
    fn a_set_of_shards_is_in_order() {
        let mut shards = Shards::default();
        for shard in [200, 3, 64, 0] {
            shards.insert(ShardId(shard));
        }
        shards.remove(ShardId(64));
        assert!(shards.iter().eq([0, 3, 200].map(ShardId)));
    }
}
