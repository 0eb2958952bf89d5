//! How time passes.

use std::time::Duration;

use fanlight_core::{Instant, Service, ShardId};

use crate::{
    link::up_to,
    world::{Shard, World},
};

/// How a world tells its hubs the time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeSense {
    /// How far behind the clock what is told is.
    pub(crate) behind: Duration,
    /// Whether nobody is told an earlier time than before.
    pub(crate) is_monotonic: bool,
    /// Whether ticks come at their deadline, whatever the nature of the world.
    pub(crate) is_punctual: bool,
    /// Whether a tick was ever too late.
    pub(crate) was_late: bool,
    /// How much time at least no hub counts, for it was not served.
    pub(crate) lost: Duration,
}

/// When a shard's timer wakes it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarm {
    /// The deadline that it is set for.
    deadline: Option<Instant>,
    /// When it goes off.
    at: Option<Instant>,
}

impl<S: Service> World<S> {
    /// When the next thing happens.
    pub(crate) fn next_at(&mut self) -> Option<Instant> {
        let mut next = self.queue.next_at();
        for shard in self.shards() {
            next = next.into_iter().chain(self.alarm(shard)).min();
        }
        next
    }

    /// When the timer of a shard goes off.
    pub(crate) fn alarm(&mut self, shard: ShardId) -> Option<Instant> {
        let deadline = self.hub(shard).next_deadline();
        let alarm = self.shard(shard).alarm;
        if alarm.deadline != deadline {
            let late_max =
                if self.time.is_punctual { Duration::ZERO } else { self.nature.tick_late_max };
            let late = up_to(late_max, &mut self.rng);
            let at = deadline.map(|deadline| deadline + late);
            // A timer that is set for earlier goes off all the same, and asks again.
            let at = alarm
                .at
                .filter(|at| deadline.is_some() && *at > self.now)
                .into_iter()
                .chain(at)
                .min();
            self.shard_mut(shard).alarm = Alarm { deadline, at };
        }
        self.shard(shard).alarm.at
    }

    /// From now on ticks come at their deadline.
    pub(crate) fn be_punctual(&mut self) {
        self.time.is_punctual = true;
        for Shard { alarm, .. } in &mut self.shards {
            alarm.at = alarm.at.min(alarm.deadline);
        }
    }

    /// What a shard is told the time is, without the time in which it was not served.
    pub(crate) fn moment(&self, shard: ShardId) -> Instant {
        (self.now - self.time.behind).max(self.shard(shard).told) - self.time.lost
    }

    /// What a shard is told the time is.
    #[track_caller]
    pub(crate) fn stamp(&mut self, shard: ShardId) -> Instant {
        let mut now = self.now - self.time.behind;
        let is_monotonic = self.time.is_monotonic;
        let told = &mut self.shard_mut(shard).told;
        if is_monotonic {
            now = now.max(*told);
        }
        *told = now.max(*told);
        now
    }
}
