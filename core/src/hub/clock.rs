//! The hub's own clock, which stands still while nobody is served.

use std::time::Duration;

use crate::time::Instant;

/// Turns the adapter's time into the hub's, in which all deadlines live.
///
/// The two run alike, except that the hub's leaves out the time by which the hub was called too
/// late: a process that slept must not take its own sleep for the silence of its peers.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The latest `now` that was given.
    last: Instant,
    /// How far the hub's time is behind the adapter's.
    behind: Duration,
    /// Whether the last call came too late.
    is_late: bool,
}

impl Clock {
    /// The hub's time at `now`; an earlier `now` is taken as the last one.
    ///
    /// `asked` is the moment, in the hub's time, at which it wanted to be called at the latest.
    /// Returns the time, and whether a lateness begins.
    pub(super) fn read(
        &mut self,
        now: Instant,
        asked: Instant,
        late_max: Duration,
    ) -> (Instant, bool) {
        self.last = self.last.max(now);
        let time = self.last - self.behind;
        let latest = asked + late_max;
        if time <= latest {
            self.is_late = self.is_late && time == latest;
            return (time, false);
        }
        self.behind += time - latest;
        (latest, !std::mem::replace(&mut self.is_late, true))
    }

    /// A moment of the adapter's time, in the hub's.
    pub(super) fn inward(&self, at: Instant) -> Instant {
        at - self.behind
    }

    /// A moment of the hub's time, in the adapter's.
    pub(super) fn outward(&self, at: Instant) -> Instant {
        at + self.behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn time_never_runs_backwards() {
        let mut clock = Clock::default();
        let later = Instant::ZERO + SECOND;
        assert_eq!(clock.read(later, Instant::NEVER, SECOND), (later, false));
        assert_eq!(clock.read(Instant::ZERO, Instant::NEVER, SECOND), (later, false));
    }

    #[test]
    fn what_comes_too_late_is_left_out() {
        let mut clock = Clock::default();
        let asked = Instant::ZERO + SECOND;
        let woken = asked + SECOND * 3600;
        let (time, late) = clock.read(woken, asked, SECOND);
        assert!(late);
        assert_eq!(time, asked + SECOND);
        assert_eq!(clock.outward(time), woken);
        assert_eq!(clock.inward(woken), time);
    }

    #[test]
    fn each_lateness_is_told_once() {
        let mut clock = Clock::default();
        let mut now = Instant::ZERO;
        for _ in 0..2 {
            let asked = clock.inward(now) + SECOND;
            now = now + SECOND * 10;
            assert!(clock.read(now, asked, SECOND).1, "it begins");
            // What became ready meanwhile is handled before the tick.
            assert!(!clock.read(now, asked, SECOND).1);
            now = now + SECOND;
            assert!(!clock.read(now, asked, SECOND).1, "it goes on");
            let asked = clock.inward(now) + SECOND;
            assert!(!clock.read(now, asked, SECOND).1, "it is over");
        }
    }
}
