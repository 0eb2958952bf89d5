//! Whether homes are kept for somebody.

use std::collections::BTreeMap;

use super::{Home, Homes};
use crate::{
    config::Config,
    hub::audit::ensure,
    id::{Seat, ShardId},
    topic::{Seq, Topic},
};

impl Homes {
    pub(in crate::hub) fn audit(&self, seat: Seat, config: &Config) -> Result<(), String> {
        let homes = self.topics.len();
        ensure(self.names.len() == homes, || {
            format!("{} names for {homes} homes", self.names.len())
        })?;
        ensure(homes <= config.topics_max, || format!("{homes} homes, past the bound"))?;
        #[expect(clippy::disallowed_methods, reason = "they are sorted at once")]
        let names: BTreeMap<_, _> = self.names.iter().collect();
        for (topic, id) in names {
            let Some(Home { seq, shards }) = self.topics.get(*id) else {
                return Err(format!("home of {topic}: its name leads nowhere"));
            };
            for (holds, broken) in [
                (seat.home_of(topic) == seat.shard, "its home is not here"),
                (!shards.is_empty(), "nobody has members"),
                (shards.iter().all(|shard| shard.0 < seat.shards), "a shard is not of the house"),
                (seq.0 <= self.running, "its sequence is ahead of all that was said"),
            ] {
                ensure(holds, || format!("home of {topic}: {broken}"))?;
            }
        }
        Ok(())
    }

    /// Where the sequence of a topic stands, if the home knows that `shard` has members.
    pub(in crate::hub) fn known(&self, topic: &Topic, shard: ShardId) -> Option<Seq> {
        let home = &self.topics[*self.names.get(topic)?];
        home.shards.iter().any(|known| known == shard).then_some(home.seq)
    }

    /// Of how many topics `shard` is known to have members.
    pub(in crate::hub) fn known_of(&self, shard: ShardId) -> usize {
        let has = |home: &&Home| home.shards.iter().any(|known| known == shard);
        self.topics.iter().map(|(_, home)| home).filter(has).count()
    }
}
