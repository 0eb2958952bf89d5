//! A world in which a scenario is played.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use fanlight_core::{
    Admission, Arrival, Audience, CloseCode, CloseFrame, ConnId, Drain, Event, Instant, Message,
    Negotiated, PeerAddr, Publish, Refused, ShardId, Topic,
};

use fanlight_sim::{Peer, Setup, World};

use crate::{
    ending::Probe,
    op::{Greeting, Nth, Op, TOPICS, USERS, WITNESSED},
    script::{Heard, Script},
};

/// A world, the witnesses in it, and what the laws need to know besides.
///
/// A witness is a well-behaved connection for each of [`USERS`], a member of the first
/// [`WITNESSED`] of [`TOPICS`] all along: what it was sent is the order that all others must see.
#[derive(Debug)]
pub struct Stage {
    /// The world.
    pub world: World<Script>,
    /// For each of [`USERS`] its witness.
    pub witnesses: Vec<ConnId>,
    /// Memberships that shards raced for, so that only the hubs know what became of them.
    pub unclear: BTreeSet<(ConnId, Topic)>,
    /// Whether a hub was asked to drain.
    pub is_drained: bool,
    /// What each hub was asked when it was first asked to drain.
    pub drains: Vec<Asked>,
    /// Why arrivals were refused.
    pub refused: Vec<Refused>,
    /// How much later than its deadline a tick may come.
    pub tick_late_max: Duration,
    /// What was asked at the end of all ops, if anything could be.
    pub probe: Option<Probe>,
    pub(crate) words: u64,
}

/// What a hub was asked when it was asked to drain.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The hub.
    pub shard: ShardId,
    /// When.
    pub at: Instant,
    /// Over which time everybody is to be told.
    pub over: Duration,
    /// Within which time all are to be gone.
    pub timeout: Duration,
    /// Who was open then.
    pub open: Vec<ConnId>,
}

/// Where the peer of this number is: some have no address, some share one, and some an IPv6 prefix.
fn address(number: u64) -> PeerAddr {
    let ip = match number % 8 {
        // So the witnesses, who come first, are in nobody's way.
        0..=2 => return PeerAddr::Unnamed,
        host @ 3..=5 => IpAddr::from([10, 0, 0, host as u8]),
        _ => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, number as u16]),
    };
    std::net::SocketAddr::new(ip, 1024 + number as u16 % 1024).into()
}

impl Stage {
    /// A stage with its witnesses.
    pub fn with_setup(setup: Setup) -> Self {
        let tick_late_max = setup.nature.tick_late_max;
        let world = World::with_setup(setup, |_| Script::default());
        let mut stage = Self {
            world,
            witnesses: Vec::new(),
            unclear: BTreeSet::new(),
            is_drained: false,
            drains: Vec::new(),
            refused: Vec::new(),
            tick_late_max,
            probe: None,
            words: 0,
        };
        for (nth, user) in USERS.iter().enumerate() {
            let shard = stage.shard(nth as u8);
            let conn = stage.connect(shard, Greeting::Upgraded(Some(user)));
            let conn = conn.expect("the first two connections are not too many");
            stage.world.read_eagerly(conn);
            stage.witnesses.push(conn);
            for topic in &TOPICS[..WITNESSED] {
                stage.join(conn, &Topic::new(*topic), shard);
            }
        }
        stage.world.advance(Duration::from_secs(10));
        stage
    }

    pub(crate) fn shard(&self, number: u8) -> ShardId {
        ShardId(number % self.world.hub(ShardId(0)).seat().shards)
    }

    /// The nth live connection that is no witness.
    pub(crate) fn live(&self, nth: Nth) -> Option<ConnId> {
        let mut guests = self.world.live().to_vec();
        guests.retain(|conn| !self.witnesses.contains(conn));
        guests.get(usize::from(nth) % guests.len().max(1)).copied()
    }

    pub(crate) fn dead(&self, nth: Nth) -> Option<ConnId> {
        let dead = self.world.dead();
        dead.get(usize::from(nth) % dead.len().max(1)).copied()
    }

    /// One thing happens, and what comes of it at once.
    pub fn act(&mut self, op: &Op) {
        if let Op::Advance { .. } | Op::Sleep { .. } = op {
            self.world.set_behind(Duration::ZERO);
        }
        self.apply(op);
        self.world.flow();
        if let Op::TimeBackwards { ms } = op {
            self.world.set_behind(Duration::from_millis(u64::from(*ms)));
            for shard in self.world.shards() {
                self.world.tick(shard);
            }
        } else {
            self.world.set_behind(Duration::ZERO);
            self.world.advance(Duration::ZERO);
        }
    }

    pub(crate) fn via(&self, conn: ConnId, via: Option<u8>) -> ShardId {
        via.map_or(conn.shard(), |via| self.shard(via))
    }

    pub(crate) fn connect(&mut self, shard: ShardId, greeting: Greeting) -> Option<ConnId> {
        self.words += 1;
        let seed = self.words;
        let here = address(seed);
        let (peer, arrival, bytes) = match greeting {
            Greeting::Upgraded(user) => {
                let admission = Admission { user: user.map(Topic::user), ..Admission::default() };
                let arrival = Arrival::Upgraded(here, admission.into(), Vec::new());
                (Peer::upgraded(seed), arrival, Vec::new())
            }
            Greeting::UpgradedMidway => {
                let mut peer = Peer::upgraded(seed);
                let mut bytes = Vec::new();
                peer.say("echo #0", &mut bytes);
                (peer, Arrival::Upgraded(here, Negotiated::default(), bytes), Vec::new())
            }
            Greeting::Asks(path) => {
                (Peer::asking(seed), Arrival::Fresh(here), Peer::request(path, true))
            }
            Greeting::Offers(path, window_bits) => {
                let peer = Peer::offering(seed, window_bits);
                let request = peer.asks(path);
                (peer, Arrival::Fresh(here), request)
            }
            Greeting::AsksAndSpeaks(path) => {
                let mut peer = Peer::impatient(seed);
                let mut bytes = Peer::request(path, true);
                peer.say("echo #0", &mut bytes);
                peer.ping(b"early", &mut bytes);
                (peer, Arrival::Fresh(here), bytes)
            }
            Greeting::AsksForPage => {
                (Peer::asking(seed), Arrival::Fresh(here), Peer::request("/", false))
            }
            Greeting::AsksByHalf => {
                let mut request = Peer::request("/", true);
                request.truncate(request.len() / 2);
                (Peer::asking(seed), Arrival::Fresh(here), request)
            }
            Greeting::Babbles => (Peer::asking(seed), Arrival::Fresh(here), b"\0\r\n\r\n".to_vec()),
            Greeting::IsSilent => (Peer::asking(seed), Arrival::Fresh(here), Vec::new()),
        };
        let conn = match self.world.connect(shard, peer, arrival) {
            Ok(conn) => conn,
            Err(refused) => {
                self.refused.push(refused);
                return None;
            }
        };
        self.world.peer_sends(conn, &bytes);
        Some(conn)
    }

    pub(crate) fn join(&mut self, conn: ConnId, topic: &Topic, via: ShardId) {
        if via != conn.shard() {
            self.unclear.insert((conn, topic.clone()));
        } else if self.world.hub(via).is_open(conn) {
            self.world.service_mut(via).note(conn, Heard::Joined(topic.clone()));
        }
        self.world.tell(via, Event::Subscribe(conn, topic.clone()));
    }

    pub(crate) fn leave(&mut self, conn: ConnId, topic: &Topic, via: ShardId) {
        if via != conn.shard() {
            self.unclear.insert((conn, topic.clone()));
        } else if self.world.hub(via).is_open(conn) {
            let count = self.world.messages_queued(conn);
            self.world.service_mut(via).note(conn, Heard::Left(topic.clone(), count));
        }
        self.world.tell(via, Event::Unsubscribe(conn, topic.clone()));
    }

    /// Publishes as a handle would, not at all while the shard is short of credit. Returns the text
    /// if it was taken.
    pub(crate) fn publish(
        &mut self,
        via: ShardId,
        audience: &Audience,
        padding: usize,
        except: Option<ConnId>,
    ) -> Option<String> {
        if self.is_drained || self.world.hub(via).is_short_of_credit() {
            return None;
        }
        let label = Script::label(audience);
        let mut said = self.world.service_mut(via).compose(via, label, padding);
        said.except = except;
        let message = Message::text(&said.text);
        let publish = Publish { except, ..Publish::new(audience.clone(), message) };
        self.world.tell(via, Event::Publish(publish));
        self.world.write_eagerly();
        let text = said.text.clone();
        self.world.service_mut(via).note_said(said);
        Some(text)
    }

    pub(crate) fn drain(&mut self, over: Duration, timeout: Duration) {
        let is_first = !std::mem::replace(&mut self.is_drained, true);
        for shard in self.world.shards() {
            if is_first {
                let mut open = self.world.live().to_vec();
                open.retain(|conn| conn.shard() == shard && self.world.hub(shard).is_open(*conn));
                let at = self.world.now();
                self.drains.push(Asked { shard, at, over, timeout, open });
            }
            self.world.service_mut(shard).fall_mute();
            let farewell = CloseFrame { code: CloseCode::Away, reason: "drained".into() };
            self.world.tell(shard, Event::Drain(Drain { over, timeout, farewell }));
        }
    }
}
