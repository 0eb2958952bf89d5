//! A house of hubs in a virtual world, driven as a real driver would.

use std::{collections::BTreeMap, time::Duration};

use fanlight_core::{
    Arrival, Command, Commands, Config, ConnId, End, Event, Hub, Instant, Refused, Seat, Service,
    ShardId, Stats, serve,
};
use fastrand::Rng;

use crate::{
    laws::Broken,
    mail::Mail,
    network::Nature,
    peer::Peer,
    record::{Line, Record},
    socket::Socket,
};

/// Most broken laws that are kept of a run.
const BROKEN_MAX: usize = 32;

/// Hubs, their services, one clock, their sockets and the peers behind them.
///
/// It keeps the contract of a driver: `Sent` before any other event of a connection, writing until
/// nothing is unsent, nothing after `Disconnect`, no reading between `Pause` and `Resume`.
#[derive(Debug)]
pub struct World<S> {
    pub(crate) now: Instant,
    pub(crate) shards: Vec<Shard<S>>,
    pub(crate) sockets: BTreeMap<ConnId, Socket>,
    pub(crate) live: Vec<ConnId>,
    pub(crate) dead: Vec<ConnId>,
    pub(crate) mail: Mail,
    pub(crate) rng: Rng,
    pub(crate) nature: Nature,
    pub(crate) time: TimeSense,
    record: Record,
    broken: Vec<Broken>,
}

/// One hub with its service.
#[derive(Debug)]
pub(crate) struct Shard<S> {
    pub(crate) hub: Hub,
    pub(crate) service: S,
    /// The latest time that it was told.
    pub(crate) told: Instant,
}

/// How the world tells its hubs the time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeSense {
    /// How far behind the clock what is told is.
    pub(crate) behind: Duration,
    /// Whether nobody is told an earlier time than before.
    pub(crate) is_monotonic: bool,
    /// Whether a tick was ever too late.
    pub(crate) was_late: bool,
}

impl<S: Service> World<S> {
    /// A house of `shards` hubs, everything in it decided by `seed`.
    pub fn new(
        config: &Config,
        shards: u8,
        seed: u64,
        nature: Nature,
        mut service: impl FnMut(ShardId) -> S,
    ) -> Self {
        let seat = |shard| Seat { shard, shards, seed };
        Self {
            now: Instant::ZERO,
            shards: seat(ShardId(0))
                .all()
                .map(|shard| Shard {
                    hub: Hub::new(config.clone(), seat(shard)),
                    service: service(shard),
                    told: Instant::ZERO,
                })
                .collect(),
            sockets: BTreeMap::new(),
            live: Vec::new(),
            dead: Vec::new(),
            mail: Mail::new(shards),
            rng: Rng::with_seed(seed),
            nature,
            time: TimeSense::default(),
            record: Record::default(),
            broken: Vec::new(),
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
        let mut commands = Commands::default();
        let accepted = self.shard_mut(shard).hub.accept(now, arrival, &mut commands);
        match accepted {
            Ok(conn) => {
                if self.sockets.insert(conn, Socket::new(peer, self.now)).is_some() {
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

    /// Gives an event to a shard and does what comes of it.
    pub fn tell(&mut self, shard: ShardId, event: Event<'_>) {
        let now = self.stamp(shard);
        let mut commands = Commands::default();
        self.shard_mut(shard).hub.handle(now, event, &mut commands);
        self.settle(shard, now, commands);
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

    /// Serves and performs commands until there are none.
    fn settle(&mut self, shard: ShardId, now: Instant, mut commands: Commands) {
        loop {
            for conn in commands.writes.drain(..) {
                self.note(shard, Line::Write(conn));
                match self.sockets.get_mut(&conn) {
                    Some(socket) if !socket.is_gone => socket.is_writing = true,
                    Some(_) | None => self.broke("law 2", format!("{conn} is gone, but written")),
                }
            }
            let Some(command) = commands.others.pop_front() else { return };
            self.note(shard, Line::Command(command.clone()));
            let Shard { hub, service, .. } = &mut self.shards[usize::from(shard.0)];
            if let Some(command) = serve(service, hub, now, command, &mut commands) {
                self.perform(shard, command);
            }
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
            Command::Resume(conn) => self.with(conn, |socket, now| {
                socket.is_paused = false;
                socket.moved_at = now;
            }),
            Command::Shutdown(conn) => {
                if self.waits(conn) > 0 {
                    self.broke("law 4", format!("{conn} is shut down with bytes unsent"));
                }
                self.with(conn, |socket, _| {
                    socket.is_shut = true;
                    socket.is_cut_short = socket.is_writing && socket.takes == Some(0);
                    socket.is_writing = false;
                    if socket.peer.answers() {
                        socket.peer.finish();
                        socket.inward_end.get_or_insert(End::Eof);
                    }
                });
            }
            Command::Disconnect(conn) => {
                self.with(conn, |socket, _| socket.is_gone = true);
                self.live.retain(|live| *live != conn);
                self.dead.push(conn);
            }
            Command::Forward(to, parcel) => {
                // Most are quick, some are not.
                let part = if self.rng.u8(..8) == 0 { 1 } else { 64 };
                let jitter_max = self.nature.parcel_jitter_max.as_nanos() as u64 / part;
                let jitter = Duration::from_nanos(self.rng.u64(..=jitter_max));
                let at = self.now + self.nature.parcel_delay_min + jitter;
                self.mail.post(shard, to, at, parcel);
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
        match self.sockets.get_mut(&conn) {
            Some(socket) if !socket.is_gone => act(socket, self.now),
            Some(_) | None => self.broke("law 2", format!("a command for {conn}, which is gone")),
        }
    }

    /// Notes that a law was broken.
    pub(crate) fn broke(&mut self, law: &'static str, what: String) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken { law, what: format!("at {}: {what}", self.now) });
        }
    }

    /// The laws that were seen broken during the run.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// What the hubs said.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The connections that have not been disconnected, in order of their acceptance.
    pub fn live(&self) -> &[ConnId] {
        &self.live
    }

    /// The connections that have been disconnected, in order of that.
    pub fn dead(&self) -> &[ConnId] {
        &self.dead
    }

    /// All sockets there ever were, by connection.
    pub fn sockets(&self) -> impl Iterator<Item = (ConnId, &Socket)> {
        self.sockets.iter().map(|(conn, socket)| (*conn, socket))
    }

    /// The socket of a connection.
    ///
    /// # Panics
    ///
    /// If there never was such a connection.
    pub fn socket(&self, conn: ConnId) -> &Socket {
        &self.sockets[&conn]
    }

    /// The peer of a connection; see [`socket`](Self::socket).
    pub fn peer(&self, conn: ConnId) -> &Peer {
        &self.socket(conn).peer
    }

    /// The hub of a shard.
    pub fn hub(&self, shard: ShardId) -> &Hub {
        &self.shard(shard).hub
    }

    /// The service of a shard.
    pub fn service(&self, shard: ShardId) -> &S {
        &self.shard(shard).service
    }

    /// The service of a shard.
    pub fn service_mut(&mut self, shard: ShardId) -> &mut S {
        &mut self.shard_mut(shard).service
    }

    /// The names of all shards.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + use<S> {
        self.hub(ShardId(0)).seat().all()
    }

    /// What all hubs have counted, added up.
    pub fn stats(&self) -> Stats {
        let mut sum = Stats::default();
        for shard in &self.shards {
            sum += *shard.hub.stats();
        }
        sum
    }

    fn shard(&self, shard: ShardId) -> &Shard<S> {
        &self.shards[usize::from(shard.0)]
    }

    pub(crate) fn shard_mut(&mut self, shard: ShardId) -> &mut Shard<S> {
        &mut self.shards[usize::from(shard.0)]
    }
}
