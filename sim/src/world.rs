//! A house of hubs in a virtual world, driven as a real driver would.

use fanlight_core::{
    Arrival, Command, Commands, Config, ConnId, Digest, Event, Hub, Instant, PeerAddr, Refused,
    Seat, Service, ShardId, serve,
};
use fastrand::Rng;

use crate::{
    broken::Broken,
    clock::{Alarm, TimeSense},
    link::Packet,
    luck::Luck,
    mail::Mail,
    nature::Nature,
    peer::Peer,
    queue::{Happening, Queue, Slot},
    record::{Line, Record},
    socket::{Socket, Sockets},
};

/// Most broken laws that are kept of a run.
const BROKEN_MAX: usize = 32;
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
    commands: Commands,
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
            self.settle(shard, Instant::ZERO, commands);
        }
    }

    /// Gives a new socket with `peer` behind it to a shard.
    ///
    /// # Errors
    ///
    /// What the hub answers if it declines.
    pub fn connect(
        &mut self,
        shard: ShardId,
        peer: Peer,
        arrival: Arrival,
    ) -> Result<ConnId, Refused> {
        let now = self.stamp(shard);
        let mut commands = std::mem::take(&mut self.commands);
        self.events += 1;
        let accepted = self.shard_mut(shard).hub.accept(now, arrival, &mut commands);
        match accepted {
            Ok(conn) => {
                // Its luck is its own: it depends on nobody who came before.
                let luck = self.seed ^ (self.sockets.len() as u64 + 1).wrapping_mul(0x9e37_79b9);
                let rng = Luck::Socket.of(luck);
                let socket = Socket::new(conn, peer, self.now, &self.nature, rng);
                if !self.sockets.insert(socket) {
                    self.broke("law 7", format!("{conn} was given out twice"));
                }
                self.live.push(conn);
                self.record.accepted.push(conn);
            }
            Err(_) => self.record.refused += 1,
        }
        self.settle(shard, now, commands);
        accepted
    }

    /// A new socket comes to the shard that has the fewest, with a peer that has sent nothing yet.
    ///
    /// # Errors
    ///
    /// What the hub answers if it declines.
    pub fn arrive(&mut self) -> Result<ConnId, Refused> {
        let load = |shard: &ShardId| self.hub(*shard).stats().connections;
        let shard = self.shards().min_by_key(load).expect("a house has a shard");
        let peer = Peer::asking(self.rng.u64(..));
        self.connect(shard, peer, Arrival::Fresh(PeerAddr::Unnamed))
    }

    /// Gives an event to a shard and does what comes of it.
    pub fn tell(&mut self, shard: ShardId, event: Event<'_>) {
        let now = self.stamp(shard);
        let mut commands = std::mem::take(&mut self.commands);
        self.events += 1;
        self.shard_mut(shard).hub.handle(now, event, &mut commands);
        self.settle(shard, now, commands);
    }

    /// Serves and performs commands until there are none.
    fn settle(&mut self, shard: ShardId, now: Instant, mut commands: Commands) {
        loop {
            for conn in commands.writes.drain(..) {
                self.note(shard, Line::Write(conn));
                self.digest.write(conn);
                match self.sockets.slot(conn) {
                    Some(slot) if !self.sockets.at(slot).is_gone => {
                        self.sockets.at_mut(slot).is_writing = true;
                        self.will_write(slot);
                    }
                    Some(_) | None => self.broke("law 2", format!("{conn} is gone, but written")),
                }
            }
            let Some(command) = commands.others.pop_front() else { break };
            self.see(&command);
            self.note(shard, Line::Command(command.clone()));
            let Shard { hub, service, .. } = &mut self.shards[usize::from(shard.0)];
            if let Some(command) = serve(service, hub, now, command, &mut commands) {
                self.perform(shard, command);
            }
        }
        // Kept for its room.
        self.commands = commands;
    }

    /// Laws 1 and 2 look at each command.
    fn see(&mut self, command: &Command) {
        self.digest.command(command);
        if let Some(conn) = command.connection()
            && let Some(socket) = self.sockets.get_mut(conn)
            && let Err(what) = socket.watch.see(command)
        {
            self.broke("law 2", format!("{conn} was told {what}"));
        }
    }

    fn note(&mut self, shard: ShardId, line: Line) {
        // A time told too early counts as the last one, so that is when it happened.
        let at = self.shard(shard).told;
        self.record.lines.push((at, shard, line));
    }

    fn perform(&mut self, shard: ShardId, command: Command) {
        match command {
            Command::Pause(conn) => self.with(conn, |socket, _| socket.is_paused = true),
            Command::Resume(conn) => {
                self.with(conn, |socket, now| {
                    socket.is_paused = false;
                    socket.moved_at = now;
                });
                self.with_slot(conn, Self::will_read);
            }
            Command::Shutdown(conn) => self.with_slot(conn, Self::shut_down),
            Command::Disconnect(conn) => {
                self.with(conn, |socket, now| {
                    socket.is_gone = true;
                    socket.gone_at = Some(now);
                    socket.has_ended = true;
                    socket.peer.finish();
                    socket.inward_link.clear();
                });
                self.live.retain(|live| *live != conn);
                self.dead.push(conn);
            }
            Command::Forward(to, parcel) => {
                let at = self.mail.post(&self.nature, self.now, (shard, to), parcel);
                self.will_at(at, Happening::Parcel(shard, to));
            }
            Command::Drained => {}
            Command::Requested(..)
            | Command::Opened(_)
            | Command::Deliver(..)
            | Command::Subscribed(..)
            | Command::SubscriptionRefused(..)
            | Command::Closed(_)
            | Command::Timer(_) => unreachable!("the service was given it"),
        }
    }

    fn with(&mut self, conn: ConnId, act: impl FnOnce(&mut Socket, Instant)) {
        match self.sockets.get_mut(conn) {
            Some(socket) if !socket.is_gone => act(socket, self.now),
            Some(_) | None => self.broke("law 2", format!("a command for {conn}, which is gone")),
        }
    }

    fn with_slot(&mut self, conn: ConnId, act: impl FnOnce(&mut Self, Slot)) {
        if let Some(slot) = self.sockets.slot(conn) {
            act(self, slot);
        }
    }

    fn shut_down(&mut self, slot: Slot) {
        let conn = self.sockets.at(slot).conn;
        if self.has_unsent(conn) {
            self.broke("law 4", format!("{conn} is shut down with bytes unsent"));
        }
        let socket = self.sockets.at_mut(slot);
        socket.is_shut = true;
        socket.is_cut_short = socket.is_writing && socket.room() == 0;
        socket.is_writing = false;
        if !socket.is_cut_short && !socket.watch.is_whole() {
            self.broke("law 4", format!("{conn} is shut down in the middle of a frame"));
        }
        let socket = self.sockets.at_mut(slot);
        if socket.outward_link.is_instant() && !socket.is_unread {
            self.peer_finishes(slot);
        } else {
            let end = Packet::End(fanlight_core::End::Eof);
            let at = socket.outward_link.send(self.now, end, &mut socket.rng);
            self.will_at(at, Happening::Outward(slot));
        }
    }

    /// Notes that a law was broken.
    pub fn broke(&mut self, law: &'static str, what: String) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken { law, what: format!("at {}: {what}", self.now) });
        }
    }
}
