//! A world that runs.

use std::time::Duration;

use fanlight_core::{ConnId, Service, ShardId};
use fastrand::Rng;

use crate::{crowd::Crowd, inspect::lifeless_max, peer::Peer, queue::Happening, world::World};

/// Past this many steps in one passage of time something is asked for without need.
const STEPS_MAX: usize = 10_000_000;
/// Past this many steps without the clock moving something runs in circles.
const STILL_STEPS_MAX: usize = 100_000;
/// Past this many happenings without the clock moving something does too.
const HAPPENINGS_MAX: usize = 1_000_000;
/// Past this many rests something never comes to rest.
const RESTS_MAX: u64 = 100;
/// Longer than most things take.
const REST: Duration = Duration::from_secs(10);
/// How many parcels one after the other a thing may cause: a wish, a Join, its answer, a publish, a
/// delivery, credit.
const PARCELS: u32 = 6;

/// # Running
///
/// Time passes only here: as told, or with a crowd that lives meanwhile.
impl<S: Service> World<S> {
    /// Time passes, and everything happens when it should.
    ///
    /// # Panics
    ///
    /// If something is due without end, as when a service answers each timer with one that is due
    /// at once.
    #[track_caller]
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        let mut still_steps = 0;
        for _ in 0..STEPS_MAX {
            self.flow();
            self.inspect_at_times();
            match self.next_at() {
                Some(next) if next <= until => {
                    still_steps = if next > self.now { 0 } else { still_steps + 1 };
                    if still_steps > STILL_STEPS_MAX {
                        self.panic_of_circles();
                    }
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
        panic!("{STEPS_MAX} steps and still not {until} (seed {})", self.seed);
    }

    /// Lets everything happen that can without the clock moving.
    ///
    /// # Panics
    ///
    /// If that never ends.
    #[track_caller]
    pub fn flow(&mut self) {
        for _ in 0..HAPPENINGS_MAX {
            self.write_eagerly();
            let Some(happening) = self.queue.pop_due(self.now) else { return };
            match happening {
                Happening::Write(slot) => self.write(slot),
                Happening::Read(slot) => self.read(slot),
                Happening::Inward(slot) => self.arrive_inward(slot),
                Happening::Outward(slot) => self.arrive_outward(slot),
                Happening::Parcel(from, to) => {
                    if self.mail.is_due(from, to, self.now) {
                        self.deliver(from, to);
                    }
                }
            }
        }
        let (now, seed) = (self.now, self.seed);
        panic!("still busy after {HAPPENINGS_MAX} happenings at {now} (seed {seed})");
    }

    /// Time passes in which nobody is served; then what has piled up is, ticks first or last.
    pub fn sleep(&mut self, by: Duration, ticks_first: bool) {
        let latest = self.shards().map(|shard| {
            let hub = self.hub(shard);
            hub.next_deadline().map_or(Duration::MAX, |asked| {
                asked.since(self.now).saturating_add(hub.config().late_max)
            })
        });
        let latest = latest.max().unwrap_or(Duration::MAX);
        self.time.lost += by.saturating_sub(latest);
        self.now = self.now + by;
        self.time.was_late = true;
        if ticks_first {
            self.tick_due();
        }
        self.flow();
        self.tick_due();
        self.flow();
    }

    /// Lets a crowd live for so long. Whoever is there at the end stays.
    pub fn run<F>(&mut self, crowd: &mut Crowd<F>, lasting: Duration)
    where
        F: FnMut(&mut Rng, ConnId) -> String,
    {
        self.run_checked(crowd, lasting, |_| Ok(()));
    }

    /// The same, with an invariant of your own that is checked after each step.
    ///
    /// Where it does not hold the run ends at once, and what `check` said is kept as a broken law,
    /// for [`assert_lawful`](Self::assert_lawful) to tell. What is still under way between shards
    /// is no fault of a service: check what holds at any moment here, and what holds in the end
    /// after [`settle`](Self::settle).
    pub fn run_checked<F>(
        &mut self,
        crowd: &mut Crowd<F>,
        lasting: Duration,
        mut check: impl FnMut(&Self) -> Result<(), String>,
    ) where
        F: FnMut(&mut Rng, ConnId) -> String,
    {
        let until = self.now() + lasting;
        let mut rng = self.rng.fork();
        while self.now() < until {
            self.step(crowd, &mut rng);
            if let Err(what) = check(self) {
                return self.broke("the test's own invariant", what);
            }
        }
    }

    /// The trouble stops, and time passes until nothing is under way any more.
    ///
    /// The ways of all who are connected become free and quick, their peers read on and finish what
    /// they began, and ticks come punctually. Then a request has been answered, a message has
    /// arrived, a Close has been answered, or liveness is broken, which is noted as a law.
    ///
    /// It does *not* wait for deadlines: who has vanished is still there, until a heartbeat or
    /// another timeout finds that out. For a world without them there is [`settle`](Self::settle).
    pub fn calm(&mut self) {
        self.set_behind(Duration::ZERO);
        self.be_punctual();
        for conn in self.live().to_vec() {
            self.peer_acts(conn, Peer::finish_frame);
            self.heal(conn);
        }
        let nature = &self.nature;
        let parcels = (nature.parcel_delay_min + nature.parcel_jitter_max) * PARCELS;
        let longest = lifeless_max(self.hub(ShardId(0)).config()) + parcels;
        let rests = longest.as_secs().div_ceil(REST.as_secs()).min(RESTS_MAX);
        for _ in 0..rests {
            self.advance(REST);
            if self.is_quiet() {
                self.inspect();
                return;
            }
        }
        let portrait = self.busy().and_then(|it| self.hub(it.conn().shard()).portrait(it.conn()));
        self.broke("liveness", format!("still not quiet: {portrait:?}"));
    }

    /// The trouble stops, and time passes until every deadline that there was is over.
    ///
    /// It is [`calm`](Self::calm), then as long as anybody can stay without a sign of life
    /// ([`lifeless_max`]), then calm again. Who is open now has a peer that answers, and everybody
    /// else is gone, their ends told: here a service's own books can be compared with what is true.
    pub fn settle(&mut self) {
        self.calm();
        self.advance(lifeless_max(self.hub(ShardId(0)).config()));
        self.calm();
    }

    /// Says who asks to be woken at once, again and again.
    #[track_caller]
    fn panic_of_circles(&mut self) -> ! {
        let now = self.now;
        let shards: Vec<ShardId> = self.shards().collect();
        let woken = shards.into_iter().find(|shard| self.alarm(*shard).is_some_and(|at| at <= now));
        let (seed, what) = (self.seed, "100,000 steps and the clock does not move");
        match woken {
            Some(ShardId(shard)) => panic!(
                "{what}: at {now} shard {shard} is woken again and again, as by a service that \
                 sets a timer to the time that it already is (seed {seed})"
            ),
            None => panic!("{what}: still busy at {now} (seed {seed})"),
        }
    }
}
