//! How time passes.

use std::time::Duration;

use fanlight_core::{Event, Instant, Service, ShardId};

use crate::{link::up_to, world::World};

/// Past this many steps in one passage of time something is asked for without need.
const STEPS_MAX: usize = 10_000_000;

/// How a world tells its hubs the time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeSense {
    /// How far behind the clock what is told is.
    pub(crate) behind: Duration,
    /// Whether nobody is told an earlier time than before.
    pub(crate) is_monotonic: bool,
    /// Whether a tick was ever too late.
    pub(crate) was_late: bool,
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
    /// Time passes, and everything happens when it should.
    ///
    /// # Panics
    ///
    /// If something is due without end.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        for _ in 0..STEPS_MAX {
            self.flow();
            self.inspect_at_times();
            match self.next_at() {
                Some(next) if next <= until => {
                    self.note_open(next);
                    self.now = self.now.max(next);
                    self.tick_due();
                }
                Some(_) | None => {
                    self.note_open(until);
                    self.now = until;
                    return;
                }
            }
        }
        panic!("{STEPS_MAX} steps and still not {until}");
    }

    /// When the next thing happens.
    fn next_at(&mut self) -> Option<Instant> {
        let mut next = self.queue.next_at();
        for shard in self.shards() {
            next = next.into_iter().chain(self.alarm(shard)).min();
        }
        next
    }

    /// When the timer of a shard goes off.
    fn alarm(&mut self, shard: ShardId) -> Option<Instant> {
        let deadline = self.hub(shard).next_deadline();
        let alarm = self.shard(shard).alarm;
        if alarm.deadline != deadline {
            let late = up_to(self.nature.tick_late_max, &mut self.rng);
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

    /// Time passes in which nobody is served; then what has piled up is, ticks first or last.
    pub fn sleep(&mut self, by: Duration, ticks_first: bool) {
        self.now = self.now + by;
        self.time.was_late = true;
        if ticks_first {
            self.tick_due();
        }
        self.flow();
        self.tick_due();
        self.flow();
    }

    /// Ticks every hub whose timer has gone off.
    pub fn tick_due(&mut self) {
        for shard in self.shards() {
            if self.alarm(shard).is_some_and(|at| at <= self.now) {
                self.shard_mut(shard).alarm = Alarm::default();
                self.tick(shard);
            }
        }
    }

    /// Ticks one hub. Law 6: afterwards no deadline at or before now is left.
    pub fn tick(&mut self, shard: ShardId) {
        self.tell(shard, Event::Tick);
        let told = self.shard(shard).told;
        if let Some(deadline) = self.hub(shard).next_deadline()
            && deadline <= told
        {
            self.broke("law 6", format!("ticked at {told}, and a deadline at {deadline} is left"));
        }
    }

    /// What a shard is told the time is.
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

    /// Lets the next events happen at an earlier time than the clock's, until it is set back to 0.
    pub fn set_behind(&mut self, behind: Duration) {
        self.time.behind = behind;
        // To a hub that was told nothing lately the clock will seem to jump.
        self.time.was_late |= !behind.is_zero();
    }

    /// From now on no hub is told an earlier time than it was told before.
    pub fn keep_monotonic(&mut self) {
        self.time.is_monotonic = true;
    }
}
