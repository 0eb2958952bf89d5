//! A house of hubs in a virtual world, driven as a real driver would.

use fanlight_core::{Commands, Config, ConnId, Digest, Hub, Instant, Seat, Service, ShardId};
use fastrand::Rng;

use crate::{
    broken::Broken,
    clock::{Alarm, TimeSense},
    luck::Luck,
    mail::Mail,
    nature::Nature,
    queue::{Queue, Slot},
    record::Record,
    socket::Sockets,
};

/// How many events there are between two looks through the whole pool, if nobody says otherwise.
const INSPECT_EVERY: u64 = 256;

/// What a world is made of, beside its service.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many hubs there are; one by default.
    pub shards: u8,
    /// Their bounds and timeouts.
    pub config: Config,
    /// How kind the world is; [`Nature::GENTLE`] by default.
    pub nature: Nature,
}

impl Setup {
    /// One hub with the default config, in a gentle world.
    pub fn new(seed: u64) -> Self {
        Self { seed, shards: 1, config: Config::default(), nature: Nature::GENTLE }
    }
}

/// Hubs, their services, one clock, their sockets and the peers behind them.
///
/// It keeps the contract of a driver: `Sent` before any other event of a connection, writing until
/// nothing is unsent, nothing after `Disconnect`, no reading between `Pause` and `Resume`. It does
/// no IO and never waits, and the same setup and calls always give the same run.
///
/// The laws are checked all the time; what was found is told by [`broken`](Self::broken).
#[derive(Debug)]
pub struct World<S> {
    pub(crate) now: Instant,
    pub(crate) shards: Vec<Shard<S>>,
    pub(crate) sockets: Sockets,
    pub(crate) live: Vec<ConnId>,
    pub(crate) dead: Vec<ConnId>,
    pub(crate) queue: Queue,
    /// Who is to be written before anything else happens.
    pub(crate) eager: Vec<Slot>,
    pub(crate) mail: Mail,
    pub(crate) rng: Rng,
    pub(crate) nature: Nature,
    pub(crate) time: TimeSense,
    pub(crate) read_bytes_max: usize,
    pub(crate) digest: Digest,
    /// How many events the hubs were given.
    pub(crate) events: u64,
    pub(crate) inspect_every: u64,
    /// At which event the whole pool is looked through next.
    pub(crate) inspect_next: u64,
    pub(crate) open_noted_at: Instant,
    pub(crate) scratch: Vec<u8>,
    pub(crate) commands: Commands,
    pub(crate) seed: u64,
    pub(crate) record: Record,
    pub(crate) broken: Vec<Broken>,
}

/// One hub with its service.
#[derive(Debug)]
pub(crate) struct Shard<S> {
    pub(crate) hub: Hub,
    pub(crate) service: S,
    /// The latest time that it was told.
    pub(crate) told: Instant,
    pub(crate) alarm: Alarm,
}

/// # Making one
impl<S: Service> World<S> {
    /// A gentle world with one hub and the default config; see [`Setup`] for all others.
    pub fn new(seed: u64, service: impl FnMut(ShardId) -> S) -> Self {
        Self::with_setup(Setup::new(seed), service)
    }

    /// A world as `setup` has it, with a service on each shard.
    ///
    /// # Panics
    ///
    /// If there is no shard.
    pub fn with_setup(setup: Setup, mut service: impl FnMut(ShardId) -> S) -> Self {
        let Setup { seed, shards, config, nature } = setup;
        assert!(shards > 0, "a house has a shard");
        let mut rng = Luck::World.of(seed);
        let seat = |shard| Seat { shard, shards, seed };
        let mut world = Self {
            now: Instant::ZERO,
            shards: seat(ShardId(0))
                .all()
                .map(|shard| Shard {
                    hub: Hub::new(config.clone(), seat(shard)),
                    service: service(shard),
                    told: Instant::ZERO,
                    alarm: Alarm::default(),
                })
                .collect(),
            sockets: Sockets::default(),
            live: Vec::new(),
            dead: Vec::new(),
            queue: Queue::default(),
            eager: Vec::new(),
            mail: Mail::new(shards, &mut rng),
            rng,
            nature,
            time: TimeSense::default(),
            read_bytes_max: config.read_bytes_max,
            digest: Digest::new(),
            events: 0,
            inspect_every: INSPECT_EVERY,
            inspect_next: INSPECT_EVERY,
            open_noted_at: Instant::ZERO,
            scratch: Vec::new(),
            commands: Commands::default(),
            seed,
            record: Record::default(),
            broken: Vec::new(),
        };
        world.start();
        world
    }

    fn start(&mut self) {
        for shard in self.shards() {
            let mut commands = std::mem::take(&mut self.commands);
            let Shard { hub, service, .. } = self.shard_mut(shard);
            let cx = &mut fanlight_core::Context::new(hub, Instant::ZERO, &mut commands, None);
            service.on_start(cx);
            self.carry_out(shard, Instant::ZERO, commands);
        }
    }
}

/// Tells the seed, the time and the number of events on stderr if it is dropped by a panic, be it a
/// service's or the test's own.
impl<S> Drop for World<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, now, events, .. } = self;
            eprintln!("the world had seed {seed}, at {now}, after {events} events");
        }
    }
}
