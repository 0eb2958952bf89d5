//! How time passes.

use std::time::Duration;

use fanlight_core::{Event, Instant, Service, Settings, ShardId};

use crate::world::World;

/// Past this many ticks in one passage of time a hub asks for them without need.
const TICKS_MAX: usize = 100_000;

/// Longer than a connection can go on without anything moving, in whatever state it is: the sum of
/// the timeouts of all states.
pub fn lifeless_max(settings: &Settings) -> Duration {
    settings.upgrade_timeout
        + settings.decision_timeout
        + settings.ping_interval
        + settings.pong_timeout
        + settings.stall_timeout
        + settings.message_timeout
        + settings.close_timeout
        + settings.linger_timeout
        + settings.late_max
}

/// Longest that a connection that is not open can be there.
fn not_open_max(settings: &Settings) -> Duration {
    settings.upgrade_timeout
        + settings.decision_timeout
        + settings.close_timeout
        + settings.linger_timeout
}

impl<S: Service> World<S> {
    /// Time passes, and everything happens when it should.
    ///
    /// # Panics
    ///
    /// If the hubs ask for ticks without end.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        for _ in 0..TICKS_MAX {
            self.flow();
            self.alive_or_gone();
            let deadlines = self.shards.iter().filter_map(|shard| shard.hub.next_deadline());
            match deadlines.chain(self.mail.next_arrival()).min() {
                Some(next) if next <= until => {
                    self.now = self.now.max(next);
                    self.tick_due();
                }
                Some(_) | None => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("{TICKS_MAX} ticks and still not {until}");
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

    /// Ticks every hub whose deadline has come.
    pub fn tick_due(&mut self) {
        for shard in self.shards() {
            if self.hub(shard).next_deadline().is_some_and(|deadline| deadline <= self.now) {
                self.tick(shard);
            }
        }
    }

    /// Ticks one hub. Law 6: afterwards no deadline at or before now is left.
    pub fn tick(&mut self, shard: ShardId) {
        self.tell(shard, Event::Tick);
        let told = self.shard_mut(shard).told;
        if let Some(deadline) = self.hub(shard).next_deadline()
            && deadline <= told
        {
            self.broke("law 6", format!("ticked at {told}, and a deadline at {deadline} is left"));
        }
    }

    /// Law 6: nobody whose bytes do not move is kept past the deadlines of all states, and nobody,
    /// whatever moves, past those of the states before and after being open.
    fn alive_or_gone(&mut self) {
        if self.time.was_late {
            return;
        }
        if self.stats().late_ticks > 0 {
            self.broke("law 6", "every tick came in time, but one was taken as late".into());
        }
        let now = self.now;
        let settings = self.hub(ShardId(0)).config();
        let (lifeless_max, not_open_max) = (lifeless_max(settings), not_open_max(settings));
        for conn in self.live.clone() {
            let is_open = self.hub(conn.shard()).is_open(conn);
            let Some(socket) = self.sockets.get_mut(&conn) else { continue };
            if is_open {
                socket.open_at = now;
            }
            let (lifeless, not_open) = (now - socket.moved_at, now - socket.open_at);
            if lifeless > lifeless_max && !socket.is_paused {
                self.broke("law 6", format!("{conn} has been lifeless for {lifeless:?}"));
            }
            if not_open > not_open_max {
                self.broke("law 6", format!("{conn} has not been open for {not_open:?}"));
            }
        }
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

    /// When the next thing is due.
    pub fn next_deadline(&self, shard: ShardId) -> Option<Instant> {
        self.hub(shard).next_deadline()
    }
}
