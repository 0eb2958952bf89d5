//! The house under test: real hubs, driven by hand.

use std::{
    collections::{BTreeMap, VecDeque},
    io::IoSlice,
    mem,
    time::Duration,
};

use fanlight_core::{
    Admission, Closed, Command, Commands, ConnId, End, Event, Hub, Instant, Parcel, PeerAddr, Seat,
    Settings, ShardId, Timer, serve,
};

use super::{
    Account, Answer, Deed, Parcels, Place, Seen, Setup,
    probe::Probe,
    socket::{Input, Socket},
};

/// More rounds than any operation takes to come to rest.
const ROUNDS_MAX: usize = 100_000;

/// Real hubs with virtual sockets, one clock, and parcels in hand.
#[derive(Debug)]
pub struct Subject {
    pub(super) setup: Setup,
    pub(super) settings: Settings,
    pub(super) hubs: Vec<Hub>,
    pub(super) probes: Vec<Probe>,
    pub(super) sockets: Vec<Socket>,
    numbers: BTreeMap<ConnId, usize>,
    parcels: VecDeque<(ShardId, ShardId, Parcel)>,
    pub(super) now: u64,
    pub(super) account: Account,
}

impl Subject {
    /// Hubs without connections, at their first moment.
    pub fn new(setup: Setup) -> Self {
        let seat = Seat { shard: ShardId(0), shards: setup.shards, seed: SEED };
        let hubs = seat.all().map(|shard| Hub::new(setup.config(), Seat { shard, ..seat }));
        let settings = setup.settings();
        Self {
            hubs: hubs.collect(),
            probes: seat.all().map(|_| Probe::new(settings.clone())).collect(),
            sockets: Vec::new(),
            numbers: BTreeMap::new(),
            parcels: VecDeque::new(),
            now: 0,
            account: Account::default(),
            setup,
            settings,
        }
    }

    /// Does what is to be done, comes to rest, and gives an account of it.
    pub fn perform(&mut self, deed: &Deed) -> Account {
        self.act(deed);
        self.work();
        if !deed.is_unticked() {
            self.advance(self.now);
        }
        let mut account = mem::take(&mut self.account);
        let mut sum = fanlight_core::Stats::default();
        for hub in &self.hubs {
            sum += *hub.stats();
        }
        account.gauges = sum.all().collect();
        account
    }

    /// The slot of the newest connection.
    pub(super) fn newest_slot(&self) -> usize {
        self.sockets.last().map_or(0, |socket| socket.conn.index())
    }

    pub(super) fn instant(&self) -> Instant {
        Instant::from_nanos(self.now)
    }

    pub(super) fn accept(&mut self, shard: u8, peer: PeerAddr, admission: Option<Admission>) {
        let arrival = match &admission {
            None => fanlight_core::Arrival::Fresh(peer),
            Some(admission) => {
                fanlight_core::Arrival::Upgraded(peer, admission.clone().into(), Vec::new())
            }
        };
        let mut commands = Commands::default();
        let now = self.instant();
        match self.hubs[usize::from(shard)].accept(now, arrival, &mut commands) {
            Ok(conn) => {
                self.numbers.insert(conn, self.sockets.len());
                self.sockets.push(Socket::new(conn, admission.is_some()));
                self.account.answer = Some(Answer::Accepted);
            }
            Err(refused) => self.account.answer = Some(Answer::Refused(vec![refused])),
        }
        self.follow(ShardId(shard), commands);
    }

    pub(super) fn tell(&mut self, shard: ShardId, event: Event<'_>) {
        let mut commands = Commands::default();
        let now = self.instant();
        self.hubs[usize::from(shard.0)].handle(now, event, &mut commands);
        self.follow(shard, commands);
    }

    /// Performs commands until none is left.
    pub(super) fn follow(&mut self, shard: ShardId, mut commands: Commands) {
        let index = usize::from(shard.0);
        for _ in 0..ROUNDS_MAX {
            for conn in mem::take(&mut commands.writes) {
                self.write(conn, &mut commands);
            }
            let Some(command) = commands.others.pop_front() else {
                if commands.writes.is_empty() {
                    return;
                }
                continue;
            };
            let now = self.instant();
            let (hub, probe) = (&mut self.hubs[index], &mut self.probes[index]);
            if let Command::Closed(Closed { conn, reason, was_known: false }) = &command {
                probe.heard.push((Some(*conn), Seen::Unheard(reason.clone())));
            }
            let rest = serve(probe, hub, now, command, &mut commands);
            for (conn, seen) in mem::take(&mut probe.heard) {
                let place = match conn {
                    Some(conn) => Place::Application(self.numbers[&conn]),
                    None => Place::Shard(shard.0),
                };
                self.account.add(self.now, place, seen);
            }
            if let Some(command) = rest {
                self.obey(shard, command);
            }
        }
        panic!("commands without an end at {}", self.instant());
    }

    fn obey(&mut self, shard: ShardId, command: Command) {
        let conn = command.connection();
        let place = conn.map(|conn| Place::Socket(self.numbers[&conn]));
        let socket = conn.map(|conn| &mut self.sockets[self.numbers[&conn]]);
        match (command, socket, place) {
            (Command::Pause(_), Some(socket), _) => socket.is_paused = true,
            (Command::Resume(_), Some(socket), _) => socket.is_paused = false,
            (Command::Shutdown(_), _, Some(place)) => {
                self.account.add(self.now, place, Seen::Shutdown);
            }
            (Command::Disconnect(_), Some(socket), Some(place)) => {
                socket.is_gone = true;
                socket.inputs.clear();
                self.account.add(self.now, place, Seen::Dropped);
            }
            (Command::Drained, ..) => {
                self.account.add(self.now, Place::Shard(shard.0), Seen::Drained);
            }
            (Command::Forward(to, parcel), ..) => self.parcels.push_back((shard, to, parcel)),
            (command, ..) => unreachable!("{command:?} was for the service"),
        }
    }

    /// Lets the socket take all that waits, unless it is stalled.
    fn write(&mut self, conn: ConnId, commands: &mut Commands) {
        let number = self.numbers[&conn];
        let now = self.instant();
        let hub = &mut self.hubs[usize::from(conn.shard().0)];
        let socket = &mut self.sockets[number];
        for _ in 0..ROUNDS_MAX {
            let mut slices = [IoSlice::new(&[]); 8];
            let count = hub.unsent(conn, &mut slices);
            if count == 0 || socket.is_stalled || socket.is_gone {
                return;
            }
            let bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
            for seen in socket.take(&bytes) {
                self.account.add(self.now, Place::Peer(number), seen);
            }
            hub.handle(now, Event::Sent(conn, bytes.len()), commands);
        }
        panic!("bytes without an end for {conn}");
    }

    /// Lets a socket take again.
    pub(super) fn unstall(&mut self, number: usize) {
        self.sockets[number].is_stalled = false;
        let conn = self.sockets[number].conn;
        let mut commands = Commands::default();
        self.write(conn, &mut commands);
        self.follow(conn.shard(), commands);
    }

    /// Works off what sockets gave and, if they arrive at once, what shards sent each other.
    fn work(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let input = self.sockets.iter_mut().find_map(|socket| {
                // A reset is seen though nothing is read.
                let is_reset = matches!(socket.inputs.front(), Some(Input::End(End::Failed)));
                let may_be_read = !socket.is_gone && (!socket.is_paused || is_reset);
                let input = if may_be_read { socket.inputs.pop_front() } else { None };
                Some((socket.conn, input?))
            });
            if let Some((conn, input)) = input {
                match input {
                    Input::Bytes(mut bytes) => {
                        self.tell(conn.shard(), Event::Received(conn, &mut bytes));
                    }
                    Input::End(end) => self.tell(conn.shard(), Event::Ended(conn, end)),
                }
            } else if self.setup.parcels == Parcels::Prompt
                && let Some((from, to, parcel)) = self.parcels.pop_front()
            {
                self.tell(to, Event::Parcel(from, parcel));
            } else {
                return;
            }
        }
        panic!("no rest at {}", self.instant());
    }

    /// Lets what waits between two shards arrive.
    pub(super) fn deliver(&mut self, from: u8, to: u8) {
        let (arriving, others) = mem::take(&mut self.parcels)
            .into_iter()
            .partition(|waiting| (waiting.0, waiting.1) == (ShardId(from), ShardId(to)));
        self.parcels = others;
        let arriving: VecDeque<_> = arriving;
        for (from, to, parcel) in arriving {
            self.tell(to, Event::Parcel(from, parcel));
        }
    }

    /// Lets time pass, ticking whenever a hub asks for it.
    pub(super) fn advance(&mut self, until: u64) {
        for _ in 0..ROUNDS_MAX {
            let deadlines = self.hubs.iter().filter_map(Hub::next_deadline);
            let Some(due) = deadlines.map(Instant::as_nanos).min().filter(|due| *due <= until)
            else {
                self.now = until;
                return;
            };
            self.now = self.now.max(due);
            for index in 0..self.hubs.len() {
                let due = self.hubs[index].next_deadline();
                if due.is_some_and(|due| due.as_nanos() <= self.now) {
                    self.tell(ShardId(index as u8), Event::Tick);
                }
            }
            self.work();
        }
        panic!("ticks without an end at {}", self.instant());
    }

    /// A timer, as so many milliseconds from now.
    pub(super) fn set_timer(&mut self, via: u8, timer: Timer, millis: Option<u16>) {
        let after = |millis| self.instant() + Duration::from_millis(u64::from(millis));
        let at = millis.map(after);
        self.tell(ShardId(via), Event::SetTimer(timer, at));
    }

    /// The stream of a socket ends.
    pub(super) fn end(&mut self, number: usize, end: End) {
        let inputs = &mut self.sockets[number].inputs;
        if end == End::Failed {
            inputs.clear();
        }
        inputs.push_back(Input::End(end));
    }
}

/// Any: it keys the homes of topics.
pub(super) const SEED: u64 = 0x0fa1_11e4;
