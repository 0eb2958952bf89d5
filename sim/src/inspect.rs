//! The laws that the whole pool is looked through for, now and then.

use std::time::Duration;

use fanlight_core::{Hub, Instant, Service, Settings, ShardId};

use crate::{broken::Broken, world::World};

/// Most broken laws that are kept of a run.
const BROKEN_MAX: usize = 32;
/// Most of them that are told at once.
const TOLD_MAX: usize = 5;

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
        + OPEN_NOTED_EVERY
}

/// How long before a connection stops being open it may have been seen open last.
const OPEN_NOTED_EVERY: Duration = Duration::from_secs(1);

/// How many deadlines a connection can pass one after the other, each noticed late.
const DEADLINES: u32 = 9;

/// # Laws
///
/// They are checked all the time; what was found is kept, and told when asked for.
impl<S: Service> World<S> {
    /// Panics if a law was seen broken.
    ///
    /// # Panics
    ///
    /// If one was, with the seed of the world and what broke it, up to five times.
    #[track_caller]
    pub fn assert_lawful(&self) {
        let told: Vec<_> = self.broken.iter().take(TOLD_MAX).map(Broken::to_string).collect();
        let more = match self.broken.len().saturating_sub(TOLD_MAX) {
            0 => String::new(),
            more => format!(
                "
and {more} more"
            ),
        };
        assert!(
            told.is_empty(),
            "{}{more} (seed {})",
            told.join(
                "
"
            ),
            self.seed
        );
    }

    /// The laws that were seen broken so far.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// Notes that a law was broken: the place for invariants of your own.
    ///
    /// `law` names it, `what` says by what it was broken; the time is added. The first 32 are kept.
    /// It is told like any other by [`assert_lawful`](Self::assert_lawful), which gives the seed.
    /// [`run_checked`](Self::run_checked) does this for an invariant that a crowd is watched by.
    pub fn broke(&mut self, law: &'static str, what: String) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken { law, what: format!("at {}: {what}", self.now) });
        }
    }

    /// How many events there are between two looks through the whole pool; by default 256.
    pub fn inspect_every(&mut self, events: u64) {
        self.inspect_every = events;
        self.inspect_next = self.events + events;
    }

    /// Looks through the whole pool for broken laws.
    pub fn inspect(&mut self) {
        for shard in self.shards() {
            if let Err(what) = self.hub(shard).audit() {
                self.broke("an invariant", format!("of {shard:?}: {what}"));
            }
        }
        if self.mail.is_empty() {
            let house: Vec<&Hub> = self.shards().map(|shard| self.hub(shard)).collect();
            if let Err(what) = Hub::audit_house(&house) {
                self.broke("an invariant", format!("of the house: {what}"));
            }
        }
        self.bounded();
        self.holds_are_bounded();
        self.pongs_count();
        self.waits_unseen();
        self.alive_or_gone();
    }
}

impl<S: Service> World<S> {
    /// Looks through the whole pool if it has not been for long.
    pub(crate) fn inspect_at_times(&mut self) {
        if self.events >= self.inspect_next {
            self.inspect_next = self.events + self.inspect_every;
            self.inspect();
        }
    }

    /// Law 5: nothing is past its bound.
    fn bounded(&mut self) {
        for shard in self.shards() {
            let hub = self.hub(shard);
            let (settings, stats) = (hub.config(), hub.stats());
            for (name, value, max) in [
                ("connections", stats.connections, settings.connections_max),
                ("upgrading", stats.upgrading, settings.upgrading_max),
                ("topics", stats.topics, settings.topics_max),
                ("homes", stats.homes, settings.topics_max),
                // The message that broke the bound is dropped at its connection's end.
                (
                    "assembly_bytes",
                    stats.assembly_bytes,
                    settings.assembly_bytes_max
                        + settings.message_bytes_max
                        + settings.read_bytes_max,
                ),
            ] {
                if value > max as u64 {
                    let what = format!("on {shard:?}: {name} is {value}, the bound {max}");
                    return self.broke("law 5", what);
                }
            }
        }
    }

    /// A pong that answers no ping of the hub is no round trip (RFC 6455, section 5.5.3).
    fn pongs_count(&mut self) {
        let answered: u64 = self.sockets.iter().map(|socket| socket.peer.answered()).sum();
        let round_trips = self.stats().round_trips;
        if round_trips > answered {
            let what = format!("{round_trips} round trips, but {answered} pings were answered");
            self.broke("the heartbeat", what);
        }
    }

    /// Law 4: a hub has said of every connection that something waits for it.
    fn waits_unseen(&mut self) {
        for place in 0..self.live.len() {
            let conn = self.live[place];
            let Some(socket) = self.sockets.get(conn) else { continue };
            if !socket.is_writing && !socket.is_shut && self.has_unsent(conn) {
                self.broke("law 4", format!("{conn} has bytes that its driver was not told of"));
            }
        }
    }

    /// Notes who is open, before time passes in which that could change unseen.
    pub(crate) fn note_open(&mut self, next: Instant) {
        if next - self.open_noted_at <= OPEN_NOTED_EVERY {
            return;
        }
        self.open_noted_at = self.now;
        for place in 0..self.live.len() {
            let conn = self.live[place];
            if self.hub(conn.shard()).is_open(conn)
                && let Some(socket) = self.sockets.get_mut(conn)
            {
                socket.open_at = self.open_noted_at;
            }
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
        self.all_in_time();
        let now = self.now;
        let settings = self.hub(ShardId(0)).config();
        let late = self.nature.delay_max() * DEADLINES;
        let lifeless_max = lifeless_max(settings) + late;
        let not_open_max = not_open_max(settings) + late;
        for place in 0..self.live.len() {
            let conn = self.live[place];
            let is_open = self.hub(conn.shard()).is_open(conn);
            let Some(socket) = self.sockets.get_mut(conn) else { continue };
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
}
