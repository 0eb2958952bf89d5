//! What kind of run a seed makes.

use std::time::Duration;

use fanlight_core::Config;
use fanlight_sim::{Nature, Rudeness, Setup};
use fastrand::Rng;

use crate::{
    op::{Ending, ForWhom, Greeting, Op, Speech, Stale, TOPICS, USERS},
    scenario::Bounds,
    stage::Stage,
};

const PATHS: &[&str] = &["/", "/wait", "/refuse", "/user/u", "/user/v"];

/// Makes the generator of a character another than whatever else is drawn from its seed.
const CHARACTER: u64 = 0x4528_21e6_38d0_1377;

/// The kinds of things that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Accept,
    Send,
    Fragments,
    Half,
    Flood,
    Ping,
    Pong,
    PeerClose,
    Fault,
    End,
    Reset,
    Silence,
    Vanish,
    Stall,
    Unread,
    Slow,
    Cut,
    Heal,
    Subscribe,
    Unsubscribe,
    Publish,
    Direct,
    Close,
    Kick,
    Decide,
    Panic,
    Timer,
    Sleep,
    Backwards,
    Stale,
    Drain,
}

impl Kind {
    /// All kinds, with how often each happens where it happens.
    const ALL: &[(Self, u32)] = &[
        (Self::Accept, 400),
        (Self::Send, 900),
        (Self::Fragments, 100),
        (Self::Half, 60),
        (Self::Flood, 20),
        (Self::Ping, 60),
        (Self::Pong, 60),
        (Self::PeerClose, 30),
        (Self::Fault, 20),
        (Self::End, 30),
        (Self::Reset, 30),
        (Self::Silence, 20),
        (Self::Vanish, 20),
        (Self::Stall, 60),
        (Self::Unread, 60),
        (Self::Slow, 20),
        (Self::Cut, 40),
        (Self::Heal, 120),
        (Self::Subscribe, 500),
        (Self::Unsubscribe, 150),
        (Self::Publish, 900),
        (Self::Direct, 150),
        (Self::Close, 30),
        (Self::Kick, 30),
        (Self::Decide, 40),
        (Self::Panic, 15),
        (Self::Timer, 60),
        (Self::Sleep, 4),
        (Self::Backwards, 4),
        (Self::Stale, 60),
        (Self::Drain, 1),
    ];

    /// Without these nothing else can happen.
    fn is_needed(self) -> bool {
        matches!(self, Self::Accept | Self::Publish | Self::Subscribe)
    }
}

/// What kind of run a seed makes, and how far it has come.
#[derive(Debug)]
pub(super) struct Character {
    seed: u64,
    rng: Rng,
    shards: u8,
    kinds: Vec<(Kind, u32)>,
    /// The sum of the weights of all kinds.
    weight: u32,
    /// How many connections are wanted.
    crowd: usize,
    /// How long it is from one thing to the next, at most.
    pause_max: Duration,
    ops_left: u32,
}

impl Character {
    pub(super) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ CHARACTER);
        let mut kinds = Vec::new();
        for (kind, weight) in Kind::ALL {
            // Two kinds of three happen in a run, some of them much more than usual.
            if kind.is_needed() || rng.u8(..3) > 0 {
                let factor = [1, 1, 1, 4][rng.usize(..4)];
                kinds.push((*kind, weight * factor));
            }
        }
        Self {
            seed,
            shards: [1, 1, 2, 3, 4][rng.usize(..5)],
            weight: kinds.iter().map(|(_, weight)| weight).sum(),
            kinds,
            crowd: [3, 10, 30, 100][rng.usize(..4)],
            pause_max: Duration::from_millis([0, 1, 20, 300, 3_000][rng.usize(..5)]),
            ops_left: rng.u32(100..3_000),
            rng,
        }
    }

    pub(super) fn setup(&mut self) -> Setup {
        let config: Config = Bounds::Drawn(self.rng.u64(..)).config();
        let nature = Nature::swarm(self.rng.u64(..));
        Setup { seed: self.seed, shards: self.shards, config, nature }
    }

    /// How many events there are between two looks through the whole pool: fewer where it is small.
    pub(super) fn inspect_every(&self) -> u64 {
        match self.crowd {
            ..10 => 1,
            10..30 => 16,
            30..100 => 64,
            100.. => 512,
        }
    }

    /// Ends after so many ops at the latest.
    pub(super) fn limit_ops(&mut self, ops_max: u32) {
        self.ops_left = self.ops_left.min(ops_max);
    }

    pub(super) fn ending(&mut self) -> Ending {
        let ms = |rng: &mut Rng, max| Duration::from_millis(rng.u64(..max));
        match self.rng.u8(..3) {
            0 => Ending::Drain(ms(&mut self.rng, 5_000), ms(&mut self.rng, 20_000)),
            1 => Ending::Vanish,
            _ => Ending::Reset,
        }
    }

    /// The next thing that happens, and how long after the last.
    pub(super) fn next_op(&mut self, stage: &Stage) -> Option<(Op, Duration)> {
        self.ops_left = self.ops_left.checked_sub(1)?;
        let nanos_max = self.pause_max.as_nanos() as u64;
        // Often several things at one moment.
        let after = if self.rng.bool() { self.rng.u64(0..=nanos_max) } else { 0 };
        let kind = if stage.world.live().len() < self.crowd.min(3) {
            Kind::Accept
        } else {
            self.kind(stage.world.live().len() < self.crowd)
        };
        Some((self.op(kind), Duration::from_nanos(after)))
    }

    fn kind(&mut self, has_room: bool) -> Kind {
        let mut lot = self.rng.u32(..self.weight);
        for (kind, weight) in &self.kinds {
            match lot.checked_sub(*weight) {
                Some(rest) => lot = rest,
                None if *kind == Kind::Accept && !has_room => return Kind::Publish,
                None => return *kind,
            }
        }
        Kind::Publish
    }

    fn op(&mut self, kind: Kind) -> Op {
        let rng = &mut self.rng;
        let nth = rng.u8(..);
        match kind {
            Kind::Accept => Op::Accept { shard: nth, greeting: greeting(rng) },
            Kind::Send => Op::PeerSends(nth, speech(rng)),
            Kind::Fragments => Op::PeerSendsFragments(nth, speech(rng)),
            // Long ones, for what all peers together have not finished is bounded too.
            Kind::Half if rng.bool() => Op::PeerSendsHalf(nth, Speech::Chatter(rng.u16(100..450))),
            Kind::Half => Op::PeerSendsHalf(nth, speech(rng)),
            Kind::Flood => Op::PeerFloods(nth, speech(rng), rng.u8(..60)),
            Kind::Ping => Op::PeerPings(nth, rng.u8(1..40)),
            Kind::Pong => Op::PeerPongs(nth),
            Kind::PeerClose => Op::PeerCloses(nth, [None, Some(1000), Some(3000)][rng.usize(..3)]),
            Kind::Fault => Op::PeerFaults(nth, Rudeness::ALL[rng.usize(..Rudeness::ALL.len())]),
            Kind::End => Op::PeerEnds(nth),
            Kind::Reset => Op::PeerResets(nth),
            Kind::Silence => Op::PeerFallsSilent(nth),
            Kind::Vanish => Op::PeerVanishes(nth),
            Kind::Stall => Op::SocketStalls(nth),
            Kind::Unread => Op::PeerReads(nth, false),
            Kind::Slow => Op::NetworkSlows(nth, rng.u16(20..)),
            Kind::Cut => Op::NetworkGives(nth, rng.u16(..200)),
            Kind::Heal => Op::NetworkHeals(nth),
            Kind::Subscribe => Op::Subscribe { conn: nth, topic: topic(rng), via: via(rng) },
            Kind::Unsubscribe => Op::Unsubscribe { conn: nth, topic: topic(rng), via: via(rng) },
            Kind::Publish => Op::Publish {
                to: for_whom(rng),
                via: rng.u8(..),
                padding: padding(rng),
                except: rng.bool().then_some(nth),
                count: if rng.u8(..20) == 0 { rng.u8(2..80) } else { 1 },
            },
            Kind::Direct => Op::Send { conn: nth, via: via(rng), padding: padding(rng) },
            Kind::Close => Op::Close { conn: nth, via: via(rng) },
            Kind::Kick => Op::Kick { conn: nth, via: via(rng) },
            Kind::Decide if rng.bool() => Op::Refuse(nth),
            Kind::Decide => Op::Admit { conn: nth, user: rng.bool().then_some(USERS[0]) },
            Kind::Panic => Op::Panicked(nth),
            Kind::Timer => Op::SetTimer {
                conn: (rng.u8(..5) > 0).then_some(nth),
                via: rng.u8(..),
                after_ms: (rng.u8(..5) > 0).then(|| rng.u32(..5_000)),
            },
            Kind::Sleep => Op::Sleep { ms: rng.u32(..40_000), ticks_first: rng.bool() },
            Kind::Backwards => Op::TimeBackwards { ms: rng.u32(..20_000) },
            Kind::Stale => Op::StaleEvent(nth, Stale::ALL[rng.usize(..Stale::ALL.len())]),
            Kind::Drain => Op::Drain { over_ms: rng.u16(..5_000), timeout_ms: rng.u16(..20_000) },
        }
    }
}

fn topic(rng: &mut Rng) -> &'static str {
    TOPICS[if rng.u8(..3) == 0 { 0 } else { rng.usize(..TOPICS.len()) }]
}

fn via(rng: &mut Rng) -> Option<u8> {
    (rng.u8(..4) == 0).then(|| rng.u8(..))
}

fn padding(rng: &mut Rng) -> u16 {
    if rng.u8(..3) == 0 { rng.u16(..450) } else { 0 }
}

fn for_whom(rng: &mut Rng) -> ForWhom {
    match rng.u8(..6) {
        0 => ForWhom::Everyone,
        1 => ForWhom::User(USERS[rng.usize(..USERS.len())]),
        _ => ForWhom::Topic(topic(rng)),
    }
}

fn speech(rng: &mut Rng) -> Speech {
    match rng.u8(..20) {
        0 => Speech::Bye,
        1 => Speech::Kick,
        2 | 3 => Speech::SayToEveryone,
        4..=6 => Speech::Echo,
        7..=9 => Speech::Join(topic(rng)),
        10..=13 => Speech::Chatter(padding(rng)),
        _ => Speech::Say(topic(rng)),
    }
}

fn greeting(rng: &mut Rng) -> Greeting {
    let path = PATHS[rng.usize(..PATHS.len())];
    match rng.u8(..20) {
        0..=4 => Greeting::Upgraded(rng.bool().then(|| USERS[rng.usize(..USERS.len())])),
        5 => Greeting::UpgradedMidway,
        6..=9 => Greeting::Asks(path),
        10 | 11 => Greeting::AsksAndSpeaks(path),
        12 => Greeting::AsksForPage,
        13 => Greeting::AsksByHalf,
        14 => Greeting::Babbles,
        15..=18 => Greeting::Offers(path, rng.u8(8..=15)),
        _ => Greeting::IsSilent,
    }
}
