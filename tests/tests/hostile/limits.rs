//! A12: more connections than there may be.

use std::{thread, time::Duration};

use fanlight_tests::victim::Victim;

use crate::{
    memory::Memory,
    peer::{Peer, SLACK},
    request::{get, upgrade},
    room::Room,
    row::{Gets, Row},
};

const CROWD: usize = 50;
const BUSY: Gets = Gets::Answer(503, &[("retry-after", "5")]);
const TOO_MANY_FROM_YOU: Gets = Gets::Answer(429, &[("retry-after", "5")]);

/// Fills `victim` with peers, has a crowd be refused, and lets one in once the first are gone.
fn overfill(victim: &Victim, holds: usize, hold: impl Fn(&Victim) -> Peer, gets: Gets) {
    let _room = Room::take(holds + CROWD);
    let memory = Memory::before(victim);
    let held: Vec<Peer> = (0..holds).map(|_| hold(victim)).collect();
    let refused = Row::request("A12", upgrade(&[]), gets);

    // Some ask at once, some wait for a word first, some never ask.
    let peers: Vec<Peer> = (0..CROWD).map(|_| refused.send_whole(victim)).collect();
    for peer in peers {
        refused.judge(&peer.listen()).unwrap();
    }
    let peers: Vec<Peer> = (0..CROWD).map(|_| Peer::connect(victim)).collect();
    thread::sleep(Duration::from_millis(20));
    for (n, mut peer) in peers.into_iter().enumerate() {
        if n % 2 == 0 {
            peer.send(&refused.bytes);
        }
        refused.judge(&peer.listen()).unwrap();
    }

    let declined = 2 * CROWD as u64;
    drop(held);
    memory.grew_by_at_most((holds + CROWD) as u64 * (16 << 10)).unwrap();
    let figures = victim.waits_until(SLACK, |stats| stats.is_empty()).unwrap();
    assert!(figures.get("refused") >= declined, "{figures}");
    assert_eq!(figures.get("upgrading"), 1, "{figures}");
    let taken = Row::request("A12", upgrade(&[]), Gets::Upgrade(&[]));
    taken.judge(&taken.send_whole(victim).listen()).unwrap();
}

#[test]
fn past_connections_max_it_is_503() {
    let victim = Victim::start("--shards 1 --connections-max 10");
    overfill(&victim, 10, |victim| Peer::open(victim, "/broadcast"), BUSY);
}

#[test]
fn past_upgrading_max_it_is_503() {
    let victim = Victim::start("--shards 1 --upgrading-max 5");
    let half_asks = |victim: &Victim| {
        let mut peer = Peer::connect(victim);
        peer.send(&get("/")[..20]);
        peer
    };
    overfill(&victim, 5, half_asks, BUSY);
    overfill(&victim, 5, Peer::connect, BUSY);
}

#[test]
fn past_connections_per_address_max_it_is_429() {
    let victim = Victim::start("--shards 1 --connections-per-address-max 7");
    overfill(&victim, 7, |victim| Peer::open(victim, "/echo"), TOO_MANY_FROM_YOU);
}

/// Memory and descriptors of connections that are opened and closed at once come back.
#[test]
fn who_comes_and_goes_leaves_nothing() {
    let victim = Victim::start("--shards 1");
    let _room = Room::take(50);
    let come_and_go = || {
        for _ in 0..40 {
            let peers: Vec<Peer> = (0..25).map(|_| Peer::connect(&victim)).collect();
            for (n, peer) in peers.into_iter().enumerate() {
                if n % 2 == 0 {
                    peer.reset();
                }
            }
        }
        victim.empties_within(SLACK).unwrap();
        victim.resident_bytes()
    };
    let before = come_and_go();
    let after = come_and_go().max(come_and_go());
    assert!(after <= before + (512 << 10), "{before} bytes, then {after}");
}
