//! The graceful end of a hub.

use std::time::Duration;

use tungstenite::protocol::CloseFrame;

use super::{Hub, connection::State};
use crate::{
    command::{Command, Commands},
    event::Drain,
    id::ConnId,
    planted::{Planted, planted},
    reason::CloseReason,
    time::Instant,
    wire::Refusal,
};

/// A drain under way: who is still to be told, and by when all must be gone.
#[derive(Debug)]
pub(super) struct Draining {
    started: Instant,
    over: Duration,
    deadline: Instant,
    farewell: CloseFrame,
    /// Everybody who was open at the start, in the order in which they are told.
    open: Vec<ConnId>,
    told: usize,
    /// Whether the pool has been found empty.
    is_done: bool,
}

impl Draining {
    pub(super) fn new(now: Instant, drain: Drain, open: Vec<ConnId>) -> Self {
        let mut deadline = now + drain.timeout.max(drain.over);
        if planted(Planted::DrainTimedFromLast) {
            deadline = now + drain.over + drain.timeout;
        }
        Self {
            started: now,
            over: drain.over,
            deadline,
            farewell: drain.farewell,
            open,
            told: 0,
            is_done: false,
        }
    }

    /// Those who are to be told by `now` and were not yet.
    pub(super) fn due(&mut self, now: Instant) -> Vec<ConnId> {
        let until = self.open.len().min(self.due_by(now));
        let due = self.open[self.told..until].to_vec();
        self.told = until;
        due
    }

    /// How many are to be told by `now`: the first at once, the last when the window ends.
    fn due_by(&self, now: Instant) -> usize {
        let elapsed = (now - self.started).as_nanos();
        let steps = self.open.len().saturating_sub(1) as u128;
        if elapsed >= self.over.as_nanos() || steps == 0 {
            return self.open.len();
        }
        usize::try_from(elapsed * steps / self.over.as_nanos()).unwrap_or(usize::MAX) + 1
    }

    /// Whether time is up for everybody.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.deadline
    }

    #[cfg(any(test, feature = "audit"))]
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// When something is to be done next.
    pub(super) fn next(&self) -> Instant {
        if self.is_done {
            return Instant::NEVER;
        }
        if self.told >= self.open.len() {
            return self.deadline;
        }
        let steps = (self.open.len() - 1).max(1) as u128;
        let nanos = (self.over.as_nanos() * self.told as u128).div_ceil(steps);
        let step = self.started + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        step.min(self.deadline)
    }
}

impl Hub {
    /// Ends everyone, paced.
    pub(super) fn drain(&mut self, drain: Drain, commands: &mut Commands) {
        if self.draining.is_some() {
            return;
        }
        let reason = CloseReason::Drained(drain.farewell.code);
        let mut open = Vec::new();
        for conn in self.pool.all() {
            match self.pool.get(conn).map(|connection| &connection.state) {
                Some(State::Open) => open.push(conn),
                Some(State::Upgrading(upgrading)) if !upgrading.upgrade.has_begun() => {
                    self.finish(conn, reason.clone(), commands);
                }
                Some(State::Upgrading(_) | State::Deciding(_)) => {
                    self.answer(conn, &Refusal::unavailable(), reason.clone(), commands);
                }
                Some(State::Closing { .. } | State::Lingering { .. }) | None => {}
            }
        }
        self.draining = Some(Draining::new(self.now, drain, open));
        self.tick_drain(commands);
    }

    pub(super) fn tick_drain(&mut self, commands: &mut Commands) {
        let Some(draining) = &mut self.draining else { return };
        let farewell = draining.farewell.clone();
        let reason = CloseReason::Drained(farewell.code);
        let is_over = !draining.is_done && draining.is_over(self.now);
        for conn in draining.due(self.now) {
            self.say_close(conn, &farewell, reason.clone(), false, commands);
        }
        if is_over {
            for conn in self.pool.all() {
                self.finish(conn, reason.clone(), commands);
            }
        }
    }

    /// Says that the drain is over once the pool is empty.
    pub(super) fn finish_drain(&mut self, commands: &mut Commands) {
        let Some(draining) = &mut self.draining else { return };
        if !draining.is_done && self.pool.is_empty() {
            draining.is_done = true;
            self.timer_at = Instant::NEVER;
            commands.push(Command::Drained);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CloseCode, ShardId};
    use slotmap::SlotMap;

    #[test]
    fn everybody_is_told_evenly_over_the_window() {
        let mut slots = SlotMap::new();
        let open: Vec<_> = (0..5).map(|_| ConnId::new(ShardId(0), slots.insert(()))).collect();
        let over = Duration::from_secs(4);
        let drain = Drain {
            over,
            timeout: Duration::from_secs(9),
            farewell: CloseFrame { code: CloseCode::Away, reason: "".into() },
        };
        let mut draining = Draining::new(Instant::ZERO, drain, open.clone());
        let mut told = Vec::new();
        for second in 0..5 {
            let now = Instant::ZERO + Duration::from_secs(second);
            assert_eq!(draining.next(), now);
            told.extend(draining.due(now));
            assert_eq!(told.len(), second as usize + 1);
            assert!(draining.next() > now);
        }
        assert_eq!(told, open);
        assert_eq!(draining.next(), Instant::ZERO + Duration::from_secs(9));
    }
}
