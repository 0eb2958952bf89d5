//! Operations made of bytes.
//!
//! A byte or two says what happens, so that a small input reaches far; where the bytes end, all is
//! drawn as if zeros followed.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use fanlight_sim::Rudeness;

use crate::op::{Ending, ForWhom, Greeting, Nth, Op, Speech, Stale, TOPICS, USERS};

/// Longer runs find little that shorter ones do not, and take long.
const OPS_MAX: usize = 200;

const PATHS: &[&str] = &["/", "/wait", "/user/u", "/user/v", "/refuse"];
const CODES: &[Option<u16>] = &[None, Some(1000), Some(1001), Some(3000)];
/// How long a thing may last: from at once to past most deadlines.
const TIMES_MS: &[u32] = &[0, 1, 10, 200, 1_000, 2_500, 5_100, 11_000, 40_000];

/// Operations until the bytes end.
pub(super) fn ops(bytes: &mut Unstructured<'_>) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    while !bytes.is_empty() && ops.len() < OPS_MAX {
        ops.push(op(bytes)?);
    }
    Ok(ops)
}

pub(super) fn ending(bytes: &mut Unstructured<'_>) -> Result<Ending> {
    Ok(match bytes.int_in_range(0..=3)? {
        0 => Ending::Vanish,
        1 => Ending::Reset,
        _ => {
            let over = Duration::from_millis(ms(bytes)?.into());
            Ending::Drain(over, over + Duration::from_millis(ms(bytes)?.into()))
        }
    })
}

fn op(bytes: &mut Unstructured<'_>) -> Result<Op> {
    Ok(match bytes.int_in_range(0..=2)? {
        0 => peer_op(bytes)?,
        1 => app_op(bytes)?,
        _ => world_op(bytes)?,
    })
}

fn peer_op(bytes: &mut Unstructured<'_>) -> Result<Op> {
    let nth: Nth = bytes.arbitrary()?;
    Ok(match bytes.int_in_range(0..=17)? {
        0 => Op::PeerSends(nth, speech(bytes)?),
        1 => Op::PeerSendsFragments(nth, speech(bytes)?),
        2 => Op::PeerSendsHalf(nth, speech(bytes)?),
        3 => Op::PeerFloods(nth, speech(bytes)?, count(bytes)?),
        4 => Op::PeerPings(nth, count(bytes)?),
        5 => Op::PeerPongs(nth),
        6 => Op::PeerCloses(nth, *bytes.choose(CODES)?),
        7 => Op::PeerFaults(nth, *bytes.choose(Rudeness::ALL)?),
        8 => Op::PeerEnds(nth),
        9 => Op::PeerResets(nth),
        10 => Op::PeerFallsSilent(nth),
        11 => Op::PeerVanishes(nth),
        12 => Op::PeerReads(nth, bytes.arbitrary()?),
        13 => Op::NetworkSlows(nth, bytes.int_in_range(20..=u16::MAX)?),
        14 => Op::SocketTakes(nth, bytes.int_in_range(0..=600)?),
        15 => Op::SocketStalls(nth),
        16 => Op::NetworkGives(nth, bytes.int_in_range(0..=200)?),
        _ => Op::NetworkHeals(nth),
    })
}

fn app_op(bytes: &mut Unstructured<'_>) -> Result<Op> {
    let conn: Nth = bytes.arbitrary()?;
    Ok(match bytes.int_in_range(0..=9)? {
        0 => Op::Subscribe { conn, topic: topic(bytes)?, via: via(bytes)? },
        1 => Op::Unsubscribe { conn, topic: topic(bytes)?, via: via(bytes)? },
        2 | 3 => Op::Publish {
            to: for_whom(bytes)?,
            via: conn,
            padding: padding(bytes)?,
            except: bytes.ratio(1, 4)?.then(|| bytes.arbitrary()).transpose()?,
            count: count(bytes)?,
        },
        4 => Op::Send { conn, via: via(bytes)?, padding: padding(bytes)? },
        5 => Op::Close { conn, via: via(bytes)? },
        6 => Op::Kick { conn, via: via(bytes)? },
        7 => Op::Admit { conn, user: user(bytes)? },
        8 if bytes.arbitrary()? => Op::Panicked(conn),
        8 => Op::Refuse(conn),
        _ => Op::SetTimer {
            conn: bytes.arbitrary::<bool>()?.then_some(conn),
            via: conn,
            after_ms: bytes.ratio(3, 4)?.then(|| ms(bytes)).transpose()?,
        },
    })
}

fn world_op(bytes: &mut Unstructured<'_>) -> Result<Op> {
    Ok(match bytes.int_in_range(0..=19)? {
        0..=7 => Op::Accept { shard: bytes.arbitrary()?, greeting: greeting(bytes)? },
        8..=12 => Op::Advance { ms: ms(bytes)? },
        13 => Op::Sleep { ms: ms(bytes)?, ticks_first: bytes.arbitrary()? },
        14 | 15 => {
            let (from, to) = (bytes.arbitrary()?, bytes.arbitrary()?);
            Op::DeliverParcels { from, to, count: bytes.int_in_range(1..=3)? }
        }
        16 | 17 => Op::StaleEvent(bytes.arbitrary()?, *bytes.choose(Stale::ALL)?),
        18 => Op::TimeBackwards { ms: ms(bytes)? },
        _ => {
            let over_ms = bytes.int_in_range(0..=3_000)?;
            Op::Drain { over_ms, timeout_ms: over_ms + bytes.int_in_range(0..=5_000)? }
        }
    })
}

fn greeting(bytes: &mut Unstructured<'_>) -> Result<Greeting> {
    Ok(match bytes.int_in_range(0..=12)? {
        0..=3 => Greeting::Upgraded(user(bytes)?),
        4 => Greeting::UpgradedMidway,
        5 | 6 => Greeting::Asks(bytes.choose(PATHS)?),
        7 => Greeting::AsksAndSpeaks(bytes.choose(PATHS)?),
        8 => Greeting::AsksForPage,
        9 => Greeting::AsksByHalf,
        10 => Greeting::Babbles,
        11 => Greeting::Offers(bytes.choose(PATHS)?, bytes.int_in_range(8..=15)?),
        _ => Greeting::IsSilent,
    })
}

fn speech(bytes: &mut Unstructured<'_>) -> Result<Speech> {
    Ok(match bytes.int_in_range(0..=6)? {
        0 => Speech::Say(topic(bytes)?),
        1 => Speech::Join(topic(bytes)?),
        2 => Speech::Echo,
        3 => Speech::SayToEveryone,
        4 => Speech::Chatter(padding(bytes)?),
        5 => Speech::Bye,
        _ => Speech::Kick,
    })
}

fn for_whom(bytes: &mut Unstructured<'_>) -> Result<ForWhom> {
    Ok(match bytes.int_in_range(0..=3)? {
        0 | 1 => ForWhom::Topic(topic(bytes)?),
        2 => ForWhom::Everyone,
        _ => ForWhom::User(bytes.choose(USERS)?),
    })
}

fn topic(bytes: &mut Unstructured<'_>) -> Result<&'static str> {
    bytes.choose(TOPICS).copied()
}

fn user(bytes: &mut Unstructured<'_>) -> Result<Option<&'static str>> {
    Ok(*bytes.choose(&[None, Some(USERS[0]), Some(USERS[1])])?)
}

fn via(bytes: &mut Unstructured<'_>) -> Result<Option<u8>> {
    bytes.ratio(1, 4)?.then(|| bytes.arbitrary()).transpose()
}

fn padding(bytes: &mut Unstructured<'_>) -> Result<u16> {
    if bytes.ratio(1, 3)? { bytes.int_in_range(0..=450) } else { Ok(0) }
}

fn count(bytes: &mut Unstructured<'_>) -> Result<u8> {
    if bytes.ratio(1, 8)? { bytes.int_in_range(2..=99) } else { Ok(1) }
}

fn ms(bytes: &mut Unstructured<'_>) -> Result<u32> {
    let least = *bytes.choose(TIMES_MS)?;
    Ok(least + u32::from(bytes.int_in_range(0..=15_u8)?))
}
