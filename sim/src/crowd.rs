//! A workload: peers that come, say things, misbehave and go.

use std::{fmt, time::Duration};

use fanlight_core::{CloseFrame, ConnId, Service};
use fastrand::Rng;

use crate::{luck::Luck, peer::Peer, rudeness::Rudeness, world::World};

/// How often peers do what, as weights: of each kind so many in the sum of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manners {
    /// Say something.
    pub says: u32,
    /// Say something in fragments.
    pub fragments: u32,
    /// Say half of something, and the rest before the next.
    pub halves: u32,
    /// Close as RFC 6455 wants it.
    pub closes: u32,
    /// Break RFC 6455.
    pub faults: u32,
    /// End their half of the transport without a Close.
    pub ends: u32,
    /// Lose the transport.
    pub resets: u32,
    /// Vanish without a word.
    pub vanishes: u32,
    /// Read no more, or read on.
    pub stalls: u32,
    /// Get a slow way, or a quick one again.
    pub slows: u32,
    /// Everybody sleeps: the clock jumps, as on a laptop that was closed.
    pub sleeps: u32,
}

impl Manners {
    /// They speak and close, and do nothing else.
    pub const GOOD: Self = Self {
        says: 100,
        fragments: 0,
        halves: 0,
        closes: 3,
        faults: 0,
        ends: 0,
        resets: 0,
        vanishes: 0,
        stalls: 0,
        slows: 0,
        sleeps: 0,
    };

    /// Manners of its own for each seed: each kind of trouble is absent from half of all crowds.
    pub fn swarm(seed: u64) -> Self {
        let rng = &mut Luck::Manners.of(seed);
        let mut some = |max| if rng.bool() { rng.u32(0..=max) } else { 0 };
        Self {
            fragments: some(20),
            halves: some(10),
            closes: some(6),
            faults: some(4),
            ends: some(4),
            resets: some(4),
            vanishes: some(4),
            stalls: some(10),
            slows: some(6),
            sleeps: some(1),
            ..Self::GOOD
        }
    }

    /// One kind of thing by its weight: how many of the weights, in the order of the fields, are
    /// below the lot.
    fn draw(&self, rng: &mut Rng) -> usize {
        let Self { says, fragments, halves, closes, faults, .. } = *self;
        let Self { ends, resets, vanishes, stalls, slows, sleeps, .. } = *self;
        let weights = [
            says, fragments, halves, closes, faults, ends, resets, vanishes, stalls, slows, sleeps,
        ];
        let mut lot = rng.u32(..weights.iter().sum::<u32>().max(1));
        let taken = weights.iter().take_while(|weight| match lot.checked_sub(**weight) {
            Some(rest) => {
                lot = rest;
                true
            }
            None => false,
        });
        taken.count()
    }
}

/// What a crowd asks for: one path, or another for each peer.
///
/// A text is one path. [`Path::made`] makes another for each.
pub enum Path {
    /// Everybody asks for this.
    Same(String),
    /// Each asks for what this makes.
    Made(Box<dyn FnMut(&mut Rng) -> String>),
}

impl Path {
    /// A path for each peer, as `make` makes it.
    pub fn made(make: impl FnMut(&mut Rng) -> String + 'static) -> Self {
        Self::Made(Box::new(make))
    }

    fn next(&mut self, rng: &mut Rng) -> String {
        match self {
            Self::Same(path) => path.clone(),
            Self::Made(make) => make(rng),
        }
    }
}

impl From<&str> for Path {
    fn from(path: &str) -> Self {
        Self::Same(path.into())
    }
}

impl From<String> for Path {
    fn from(path: String) -> Self {
        Self::Same(path)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(path) => f.debug_tuple("Same").field(path).finish(),
            Self::Made(_) => f.debug_tuple("Made").finish_non_exhaustive(),
        }
    }
}

/// Peers that come, say things, misbehave and go, all as one seed has it.
///
/// What they say is made by `say`; whoever has gone is replaced.
///
/// ```
/// use fanlight_sim::{Crowd, Path};
///
/// let _guests = Crowd::new(8, "/lobby", |rng, _| format!("number {}", rng.u16(..)));
/// let path = Path::made(|rng| format!("/user/{}", rng.u8(..4)));
/// let _users = Crowd::new(8, path, |_, conn| format!("I am {conn}"));
/// ```
#[derive(Debug)]
pub struct Crowd<F> {
    /// How many there are at once, as far as the hubs admit them.
    pub peers: usize,
    /// What they ask for.
    pub path: Path,
    /// The longest time from one thing that any of them does to the next.
    pub pause_max: Duration,
    /// How they behave.
    pub manners: Manners,
    /// Makes the next thing that the peer of this connection says.
    pub say: F,
}

impl<F: FnMut(&mut Rng, ConnId) -> String> Crowd<F> {
    /// This many well-behaved peers, that ask for a path and do something every 10 ms or sooner.
    pub fn new(peers: usize, path: impl Into<Path>, say: F) -> Self {
        let pause_max = Duration::from_millis(10);
        Self { peers, path: path.into(), pause_max, manners: Manners::GOOD, say }
    }
}

impl<S: Service> World<S> {
    /// Somebody comes if there is room, somebody does something, and a moment passes.
    pub(crate) fn step<F>(&mut self, crowd: &mut Crowd<F>, rng: &mut Rng)
    where
        F: FnMut(&mut Rng, ConnId) -> String,
    {
        if self.live().len() < crowd.peers
            && let Ok(conn) = self.arrive()
        {
            self.peer_sends(conn, &Peer::request(&crowd.path.next(rng), true));
        }
        if let Some(last) = self.live().len().checked_sub(1) {
            let conn = self.live()[rng.usize(..=last)];
            self.misbehave(conn, crowd, rng);
        }
        let pause_max = u64::try_from(crowd.pause_max.as_nanos()).unwrap_or(u64::MAX);
        // The clock always moves on.
        self.advance(Duration::from_nanos(rng.u64(..=pause_max).max(1)));
    }

    /// One of a crowd does one thing.
    fn misbehave<F>(&mut self, conn: ConnId, crowd: &mut Crowd<F>, rng: &mut Rng)
    where
        F: FnMut(&mut Rng, ConnId) -> String,
    {
        match crowd.manners.draw(rng) {
            0 => {
                let text = (crowd.say)(rng, conn);
                self.peer_acts(conn, |peer, out| peer.say(&text, out));
            }
            1 => {
                let text = (crowd.say)(rng, conn);
                self.peer_acts(conn, |peer, out| peer.say_in_fragments(&text, out));
            }
            2 => {
                let text = (crowd.say)(rng, conn);
                self.peer_acts(conn, |peer, out| peer.say_half(&text, out));
            }
            3 => {
                let frame = CloseFrame { code: 1000.into(), reason: "".into() };
                self.peer_acts(conn, |peer, out| peer.close(Some(&frame), out));
            }
            4 => {
                let rudeness = Rudeness::ALL[rng.usize(..Rudeness::ALL.len())];
                self.peer_acts(conn, |peer, out| peer.break_rules(rudeness, out));
            }
            5 => self.peer_ends(conn),
            6 => self.reset(conn),
            7 => self.vanish(conn),
            8 => self.set_reads(conn, rng.bool()),
            9 => self.set_bytes_per_second(conn, rng.bool().then(|| rng.u32(20..20_000))),
            _ => self.sleep(Duration::from_millis(rng.u64(..60_000)), rng.bool()),
        }
    }
}
