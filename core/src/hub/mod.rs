//! Many connections: their pool, their lives, and what is said to them.
//!
//! *The wire obeys the RFC; the hub obeys the config.*

mod admission;
#[cfg(any(test, feature = "audit"))]
mod audit;
mod clock;
mod closing;
mod connection;
mod credit;
mod drain;
mod expiry;
mod forms;
mod frames;
mod heartbeat;
mod home;
mod inbound;
mod members;
mod opening;
mod outbox;
mod parcel;
mod pausing;
mod pool;
mod portrait;
mod provenance;
mod publishing;
mod reach;
mod reading;
mod recording;
mod sending;
mod subscribing;
mod timer;
mod unread;

use std::{fmt, hash::Hasher, io::IoSlice, time::Duration};

use siphasher::sip::SipHasher13;

pub use admission::Refused;
pub use members::Membership;
pub use parcel::Parcel;
pub(crate) use parcel::{Asked, Content, Credit};
pub use portrait::{Phase, PingOutstanding, Portrait, Waiting};

use self::{
    admission::Census, clock::Clock, credit::Accounts, drain::Draining, frames::Frames,
    home::Homes, members::Members, pool::Pool, timer::Ring,
};
use crate::{
    command::{Command, Commands},
    config::Config,
    event::{Arrival, Event},
    id::{ConnId, Seat, ShardId},
    journal::Recorder,
    stats::Stats,
    time::Instant,
    topic::Audience,
    wire::Inflater,
};

/// Tells the key of connections' luck from the other keys that the seed makes.
const LUCK: u64 = 0x6c75_636b;

/// One shard's connections and what they subscribe to, as a pure state machine.
///
/// Three families of methods: [`accept`](Self::accept) makes a connection, [`handle`](Self::handle)
/// takes everything that happens afterwards, and the rest only look. Whoever drives a hub
///
/// 1. gives it every event, in order, with the time at which the turn began,
/// 2. performs the commands that it appended,
/// 3. gives each socket on [`Commands::writes`] what [`unsent`](Self::unsent) shows, until it shows
///    nothing more, and reports each time how much was taken,
/// 4. sends [`Event::Tick`], after all that was ready, once [`next_deadline`](Self::next_deadline)
///    has passed.
///
/// No call is wrong at any time: an event for a connection that is gone is counted and ignored.
///
/// ```
/// use fanlight_core::{Arrival, Commands, Config, Event, Hub, Instant, PeerAddr, Seat};
///
/// let mut hub = Hub::new(Config::default(), Seat::alone(7));
/// let mut commands = Commands::default();
///
/// let now = Instant::ZERO;
/// let arrival = Arrival::Fresh(PeerAddr::Unnamed);
/// let conn = hub.accept(now, arrival, &mut commands).expect("there is room");
///
/// // The peer says nothing, and its time runs out.
/// let later = hub.next_deadline().expect("the upgrade has a deadline");
/// hub.handle(later, Event::Tick, &mut commands);
/// let later = hub.next_deadline().unwrap_or(later);
/// hub.handle(later, Event::Tick, &mut commands);
/// assert_eq!(hub.stats().connections, 0);
/// assert!(!hub.is_open(conn));
/// ```
pub struct Hub {
    config: Config,
    seat: Seat,
    clock: Clock,
    /// The hub's time in this call.
    now: Instant,
    ring: Ring,
    pool: Pool,
    census: Census,
    frames: Frames,
    members: Members,
    homes: Homes,
    accounts: Accounts,
    draining: Option<Draining>,
    /// The service's timer of this shard.
    timer_at: Instant,
    service_rng: fastrand::Rng,
    stats: Stats,
    scratch: Vec<u8>,
    inflater: Inflater,
    /// Set while a call is under way: found set, a panic cut that call short.
    is_busy: bool,
    /// How many of the caller's commands are older than the call under way, if it is recorded.
    older: usize,
    recorder: Option<Box<Recorder>>,
}

impl Hub {
    /// A hub without connections, at its seat in a house.
    ///
    /// # Panics
    ///
    /// If the seat's shard is not one of its house.
    pub fn new(config: Config, seat: Seat) -> Self {
        assert!(seat.shard.0 < seat.shards, "the seat is one of its house");
        Self {
            clock: Clock::default(),
            now: Instant::ZERO,
            ring: Ring::new(),
            pool: Pool::new(seat.shard),
            census: Census::new(seat.seed),
            frames: Frames::default(),
            members: Members::new(seat.seed),
            homes: Homes::new(seat.seed),
            accounts: Accounts::new(seat.shards, config.parcel_bytes_max),
            draining: None,
            timer_at: Instant::NEVER,
            service_rng: fastrand::Rng::with_seed(seat.seed ^ u64::from(seat.shard.0) << 56),
            stats: Stats::default(),
            scratch: Vec::new(),
            inflater: Inflater::default(),
            is_busy: false,
            older: 0,
            recorder: None,
            config,
            seat,
        }
    }

    /// Gives a new connection a place in the pool.
    ///
    /// The one call that answers: the adapter needs the id before it can name the connection.
    ///
    /// # Errors
    ///
    /// [`Refused`] if a bound of the config would be broken, or the hub is being drained. Nothing
    /// is kept of the arrival then.
    pub fn accept(
        &mut self,
        now: Instant,
        arrival: Arrival,
        commands: &mut Commands,
    ) -> Result<ConnId, Refused> {
        self.record_arrival(now, &arrival, commands);
        self.begin(now);
        let accepted = self.arrive(arrival, commands);
        self.end(commands);
        self.record_end(Some(accepted), commands);
        accepted
    }

    /// Takes one event, and appends to `commands` what must be done about it.
    ///
    /// The work is bounded by the event: by its bytes, by the members that a publish reaches, or by
    /// the deadlines that a tick finds due.
    pub fn handle(&mut self, now: Instant, event: Event<'_>, commands: &mut Commands) {
        self.record_event(now, &event, commands);
        self.begin(now);
        match event {
            Event::Received(conn, bytes) => self.received(conn, bytes, commands),
            Event::Sent(conn, bytes) => self.sent(conn, bytes, commands),
            Event::Ended(conn, end) => self.ended(conn, end, commands),
            Event::Panicked(conn) => self.panicked(conn, commands),
            Event::Admit(conn, admission) => self.ask(conn, Asked::Admit(admission), commands),
            Event::Refuse(conn, refusal) => self.ask(conn, Asked::Refuse(refusal), commands),
            Event::Subscribe(conn, topic) => self.ask(conn, Asked::Subscribe(topic), commands),
            Event::Unsubscribe(conn, topic) => self.ask(conn, Asked::Unsubscribe(topic), commands),
            Event::Send(conn, message) => self.ask(conn, Asked::Send(message), commands),
            Event::Publish(publish) => self.publish(publish, commands),
            Event::AwaitCredit(conn) => self.await_credit(conn, commands),
            Event::Close(conn, frame) => self.ask(conn, Asked::Close(frame), commands),
            Event::Kick(conn, frame) => self.ask(conn, Asked::Kick(frame), commands),
            Event::Pause(conn) => self.ask(conn, Asked::Pause, commands),
            Event::Resume(conn) => self.ask(conn, Asked::Resume, commands),
            Event::SetTimer(timer, at) => self.set_timer(timer, at, commands),
            Event::Drain(drain) => self.drain(drain, commands),
            Event::Parcel(from, Parcel(content)) => self.unpack(from, content, commands),
            Event::Tick => self.tick(commands),
        }
        self.end(commands);
        self.record_end(None, commands);
    }

    /// What the socket of `conn` should take next, from the front.
    ///
    /// Fills as many of `slices` as there are frames, and returns how many. None if nothing waits,
    /// or the connection is gone.
    pub fn unsent<'a>(&'a self, conn: ConnId, slices: &mut [IoSlice<'a>]) -> usize {
        let Some(connection) = self.pool.get(conn) else { return 0 };
        self.frames.fill(&connection.outbox, slices)
    }

    /// When to send [`Event::Tick`]: the nearest deadline, or earlier; never later. `None` if
    /// nothing is waited for.
    ///
    /// It may change with every call of [`accept`](Self::accept) and [`handle`](Self::handle), and
    /// with nothing else. A tick that comes too early does no harm.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.nearest().if_ever().map(|at| self.clock.outward(at))
    }

    /// What the hub has counted so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The settings that the hub was built with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The hub's place in its house.
    pub fn seat(&self) -> Seat {
        self.seat
    }

    /// Whether messages of the connection are still for the service: it has a place in the pool,
    /// has opened, and was not ended by the service.
    pub fn is_open(&self, conn: ConnId) -> bool {
        self.pool.get(conn).is_some_and(|connection| connection.is_open())
    }

    /// The last measured time between a ping to the connection and its pong.
    pub fn round_trip(&self, conn: ConnId) -> Option<Duration> {
        self.pool.get(conn)?.heartbeat.round_trip()
    }

    /// Whether another shard is so far behind that no more requests should be taken from outside.
    pub fn is_short_of_credit(&self) -> bool {
        self.accounts.is_short()
    }

    /// Whether a panic cut a call short: the hub's state means nothing any more, and it must not
    /// be used.
    pub fn is_poisoned(&self) -> bool {
        self.is_busy
    }

    /// Whether a publish to `audience` keeps within what may be under way to other shards.
    pub(crate) fn has_room_for(&self, audience: &Audience) -> bool {
        let home = self.seat.home(audience);
        if home != self.seat.shard {
            return self.accounts.may_publish(home);
        }
        self.shards_of(audience).iter().all(|shard| self.accounts.may_deliver(shard))
    }

    /// Whether a message to `conn` keeps within what may be under way to its shard.
    pub(crate) fn has_room_for_one(&self, conn: ConnId) -> bool {
        self.accounts.may_deliver(conn.shard())
    }

    /// The next number for the service.
    pub(crate) fn random(&mut self) -> u64 {
        let number = self.service_rng.u64(..);
        self.record_drawn(number);
        number
    }

    /// The luck of a connection at this moment, for jitter and nonces: nobody else's draws move it,
    /// and nobody who does not know the seed can guess it.
    fn luck(&self, conn: ConnId) -> fastrand::Rng {
        let mut hasher = SipHasher13::new_with_keys(self.seat.seed, LUCK);
        hasher.write_u64(conn.as_u64());
        hasher.write_u64(self.now.as_nanos());
        fastrand::Rng::with_seed(hasher.finish())
    }

    fn nearest(&self) -> Instant {
        let drain = self.draining.as_ref().map_or(Instant::NEVER, Draining::next);
        self.ring.next().min(self.timer_at).min(drain)
    }

    fn begin(&mut self, now: Instant) {
        self.is_busy = true;
        let (now, was_late) = self.clock.read(now, self.nearest(), self.config.late_max);
        self.now = self.now.max(now);
        self.ring.catch_up(self.now);
        self.stats.late_ticks += u64::from(was_late);
    }

    fn end(&mut self, commands: &mut Commands) {
        self.finish_drain(commands);
        self.stats.connections = self.pool.len() as u64;
        self.stats.upgrading = self.census.upgrading() as u64;
        self.stats.topics = self.members.topics() as u64;
        self.stats.homes = self.homes.len() as u64;
        self.stats.members = self.members.len() as u64;
        self.stats.frames = self.frames.len() as u64;
        self.stats.frame_bytes = self.frames.bytes() as u64;
        self.stats.queued = self.frames.queued() as u64;
        self.is_busy = false;
    }

    /// Sends a parcel, and takes its cost from the credit.
    fn forward(&mut self, to: ShardId, content: Content, commands: &mut Commands) {
        self.accounts.spend(to, content.cost());
        commands.push(Command::Forward(to, Parcel(content)));
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("seat", &self.seat).field("stats", &self.stats).finish()
    }
}
