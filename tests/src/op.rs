//! What can happen in a scenario, and how to draw it.

use std::time::Duration;

use fanlight_sim::{Nature, Rudeness};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::scenario::{Bounds, Scenario};

/// The topics of scenarios. Of the first [`WITNESSED`], witnesses are members all along.
pub const TOPICS: &[&str] = &["a", "b", "c", "d", "e", "f"];
/// How many of [`TOPICS`] have witnesses.
pub const WITNESSED: usize = 3;
/// The users of scenarios; a witness is each of them.
pub const USERS: &[&str] = &["u", "v"];

/// The nth connection of those at hand, counted round and round.
pub type Nth = u8;

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// Somebody else has upgraded it, with or without a user.
    Upgraded(Option<&'static str>),
    /// The same, with a message read behind the request.
    UpgradedMidway,
    /// It asks for this path.
    Asks(&'static str),
    /// It asks for this path, and offers permessage-deflate with a window of so many bits.
    Offers(&'static str, u8),
    /// It asks for this path, and speaks without waiting for the answer.
    AsksAndSpeaks(&'static str),
    /// It asks for a page.
    AsksForPage,
    /// It sends half a request.
    AsksByHalf,
    /// It sends something that is no request.
    Babbles,
    /// It sends nothing.
    IsSilent,
}

/// For whom a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForWhom {
    /// Every open connection.
    Everyone,
    /// The members of this one of [`TOPICS`].
    Topic(&'static str),
    /// This one of [`USERS`].
    User(&'static str),
}

/// What a peer says to the service; see [`Script`](crate::Script).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Publish to a topic.
    Say(&'static str),
    /// Publish to everyone.
    SayToEveryone,
    /// Send something back.
    Echo,
    /// Subscribe the peer.
    Join(&'static str),
    /// Close the peer's connection.
    Bye,
    /// Kick the peer.
    Kick,
    /// Nothing in particular, at this length.
    Chatter(u16),
}

/// An event for a connection that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the events of the core")]
pub enum Stale {
    Received,
    Sent,
    Eof,
    Failed,
    Panicked,
    Admit,
    Refuse,
    Subscribe,
    Unsubscribe,
    Send,
    Close,
    Kick,
    SetTimer,
}

impl Stale {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Received,
        Self::Sent,
        Self::Eof,
        Self::Failed,
        Self::Panicked,
        Self::Admit,
        Self::Refuse,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Send,
        Self::Close,
        Self::Kick,
        Self::SetTimer,
    ];
}

/// One thing that happens.
///
/// `via` is the shard that an application's wish is told to, if not the connection's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says what it does")]
pub enum Op {
    Accept { shard: u8, greeting: Greeting },
    PeerSends(Nth, Speech),
    PeerSendsFragments(Nth, Speech),
    PeerSendsHalf(Nth, Speech),
    PeerFloods(Nth, Speech, u8),
    PeerPings(Nth, u8),
    PeerPongs(Nth),
    PeerCloses(Nth, Option<u16>),
    PeerFaults(Nth, Rudeness),
    PeerEnds(Nth),
    PeerResets(Nth),
    PeerFallsSilent(Nth),
    PeerVanishes(Nth),
    PeerReads(Nth, bool),
    NetworkSlows(Nth, u16),
    SocketTakes(Nth, u16),
    SocketStalls(Nth),
    NetworkGives(Nth, u16),
    NetworkHeals(Nth),
    Subscribe { conn: Nth, topic: &'static str, via: Option<u8> },
    Unsubscribe { conn: Nth, topic: &'static str, via: Option<u8> },
    Publish { to: ForWhom, via: u8, padding: u16, except: Option<Nth>, count: u8 },
    Send { conn: Nth, via: Option<u8>, padding: u16 },
    Close { conn: Nth, via: Option<u8> },
    Kick { conn: Nth, via: Option<u8> },
    Admit { conn: Nth, user: Option<&'static str> },
    Refuse(Nth),
    Panicked(Nth),
    SetTimer { conn: Option<Nth>, via: u8, after_ms: Option<u32> },
    Advance { ms: u32 },
    Sleep { ms: u32, ticks_first: bool },
    DeliverParcels { from: u8, to: u8, count: u8 },
    StaleEvent(Nth, Stale),
    TimeBackwards { ms: u32 },
    Drain { over_ms: u16, timeout_ms: u16 },
}

/// How a scenario ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All hubs are drained over the first time, within the second.
    Drain(Duration, Duration),
    /// All peers fall silent and no socket takes a byte any more.
    Vanish,
    /// All transports fail.
    Reset,
}

fn via() -> impl Strategy<Value = Option<u8>> {
    option::weighted(0.25, any::<u8>())
}

fn topic() -> impl Strategy<Value = &'static str> {
    // Mostly few topics, so that many meet in one.
    prop_oneof![3 => Just(TOPICS[0]), 5 => select(TOPICS)]
}

fn padding() -> impl Strategy<Value = u16> {
    prop_oneof![5 => Just(0), 2 => 0..200_u16, 1 => 200..450_u16]
}

fn path() -> impl Strategy<Value = &'static str> {
    select(&["/", "/wait", "/refuse", "/user/u", "/user/v"][..])
}

fn count() -> impl Strategy<Value = u8> {
    prop_oneof![8 => Just(1), 1 => 2..100_u8]
}

fn greeting() -> impl Strategy<Value = Greeting> {
    prop_oneof![
        4 => option::of(select(USERS)).prop_map(Greeting::Upgraded),
        1 => Just(Greeting::UpgradedMidway),
        4 => path().prop_map(Greeting::Asks),
        3 => (path(), 8..=15_u8).prop_map(|(path, window_bits)| Greeting::Offers(path, window_bits)),
        2 => path().prop_map(Greeting::AsksAndSpeaks),
        1 => select(&[
            Greeting::AsksForPage,
            Greeting::AsksByHalf,
            Greeting::Babbles,
            Greeting::IsSilent,
        ][..]),
    ]
}

fn for_whom() -> impl Strategy<Value = ForWhom> {
    prop_oneof![
        1 => Just(ForWhom::Everyone),
        4 => topic().prop_map(ForWhom::Topic),
        1 => select(USERS).prop_map(ForWhom::User),
    ]
}

fn speech() -> impl Strategy<Value = Speech> {
    prop_oneof![
        4 => topic().prop_map(Speech::Say),
        1 => Just(Speech::SayToEveryone),
        2 => Just(Speech::Echo),
        2 => topic().prop_map(Speech::Join),
        1 => Just(Speech::Bye),
        1 => Just(Speech::Kick),
        4 => padding().prop_map(Speech::Chatter),
    ]
}

fn stale() -> impl Strategy<Value = Stale> {
    select(Stale::ALL)
}

fn ms() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0..50_u32, 3 => 50..3_000_u32, 1 => 3_000..40_000_u32]
}

fn peer_op() -> impl Strategy<Value = Op> {
    let nth = any::<Nth>;
    prop_oneof![
        12 => (nth(), speech()).prop_map(|(nth, speech)| Op::PeerSends(nth, speech)),
        3 => (nth(), speech()).prop_map(|(nth, speech)| Op::PeerSendsFragments(nth, speech)),
        2 => (nth(), speech()).prop_map(|(nth, speech)| Op::PeerSendsHalf(nth, speech)),
        2 => (nth(), speech(), count())
            .prop_map(|(nth, speech, count)| Op::PeerFloods(nth, speech, count)),
        2 => (nth(), count()).prop_map(|(nth, count)| Op::PeerPings(nth, count)),
        1 => nth().prop_map(Op::PeerPongs),
        1 => (nth(), option::of(select(&[1000, 1001, 3000][..])))
            .prop_map(|(nth, code)| Op::PeerCloses(nth, code)),
        1 => (nth(), select(Rudeness::ALL)).prop_map(|(nth, rude)| Op::PeerFaults(nth, rude)),
        1 => nth().prop_map(Op::PeerEnds),
        1 => nth().prop_map(Op::PeerResets),
        1 => nth().prop_map(Op::PeerFallsSilent),
        2 => (nth(), 0..600_u16).prop_map(|(nth, bytes)| Op::SocketTakes(nth, bytes)),
        1 => nth().prop_map(Op::PeerVanishes),
        1 => (nth(), any::<bool>()).prop_map(|(nth, reads)| Op::PeerReads(nth, reads)),
        1 => (nth(), 20..u16::MAX).prop_map(|(nth, rate)| Op::NetworkSlows(nth, rate)),
        3 => nth().prop_map(Op::SocketStalls),
        2 => (nth(), 0..200_u16).prop_map(|(nth, bytes)| Op::NetworkGives(nth, bytes)),
        2 => nth().prop_map(Op::NetworkHeals),
    ]
}

fn app_op() -> impl Strategy<Value = Op> {
    let nth = any::<Nth>;
    let timer = (option::weighted(0.8, nth()), any::<u8>(), option::weighted(0.8, 0..5_000_u32));
    prop_oneof![
        8 => (nth(), topic(), via())
            .prop_map(|(conn, topic, via)| Op::Subscribe { conn, topic, via }),
        4 => (nth(), topic(), via())
            .prop_map(|(conn, topic, via)| Op::Unsubscribe { conn, topic, via }),
        12 => (for_whom(), any::<u8>(), padding(), option::weighted(0.2, nth()), count()).prop_map(
            |(to, via, padding, except, count)| Op::Publish { to, via, padding, except, count }
        ),
        4 => (nth(), via(), padding())
            .prop_map(|(conn, via, padding)| Op::Send { conn, via, padding }),
        1 => (nth(), via()).prop_map(|(conn, via)| Op::Close { conn, via }),
        1 => (nth(), via()).prop_map(|(conn, via)| Op::Kick { conn, via }),
        3 => (nth(), option::of(select(USERS))).prop_map(|(conn, user)| Op::Admit { conn, user }),
        1 => nth().prop_map(Op::Refuse),
        1 => nth().prop_map(Op::Panicked),
        2 => timer.prop_map(|(conn, via, after_ms)| Op::SetTimer { conn, via, after_ms }),
    ]
}

fn world_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => ms().prop_map(|ms| Op::Advance { ms }),
        1 => (ms(), any::<bool>()).prop_map(|(ms, ticks_first)| Op::Sleep { ms, ticks_first }),
        4 => (any::<u8>(), any::<u8>(), 1..4_u8)
            .prop_map(|(from, to, count)| Op::DeliverParcels { from, to, count }),
        3 => (any::<Nth>(), stale()).prop_map(|(nth, stale)| Op::StaleEvent(nth, stale)),
        1 => ms().prop_map(|ms| Op::TimeBackwards { ms }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let drain = (0..3_000_u16, 0..5_000_u16)
        .prop_map(|(over_ms, more_ms)| Op::Drain { over_ms, timeout_ms: over_ms + more_ms });
    prop_oneof![
        60 => (any::<u8>(), greeting()).prop_map(|(shard, greeting)| Op::Accept { shard, greeting }),
        130 => peer_op(),
        130 => app_op(),
        80 => world_op(),
        1 => drain,
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    let drain = (0..5_000_u64, 0..10_000_u64).prop_map(|(over, more)| {
        Ending::Drain(Duration::from_millis(over), Duration::from_millis(over + more))
    });
    prop_oneof![3 => drain, 3 => Just(Ending::Vanish), 1 => Just(Ending::Reset)]
}

/// Draws a scenario in a house of so many shards.
pub fn scenario(shards: u8) -> impl Strategy<Value = Scenario> {
    let nature = prop_oneof![2 => Just(Nature::WILD), 1 => any::<u64>().prop_map(Nature::swarm)];
    let bounds = select(&[Bounds::Roomy, Bounds::Tight][..]);
    (any::<u64>(), nature, bounds, vec(op(), 1..120), ending()).prop_map(
        move |(seed, nature, bounds, ops, ending)| Scenario {
            seed,
            shards,
            nature,
            bounds,
            ops,
            ending,
        },
    )
}
