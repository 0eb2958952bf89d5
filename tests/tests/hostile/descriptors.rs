//! A13: descriptors run out.

use std::{thread, time::Duration};

use fanlight_tests::victim::Victim;

use crate::{
    peer::{Peer, SLACK},
    request::get,
    room::Room,
    row::{Gets, Row},
};

const DESCRIPTORS_MAX: u32 = 64;
const CROWD: usize = 120;

#[test]
fn without_descriptors_it_waits_idly_and_recovers_by_itself() {
    let victim = Victim::start_with_descriptors(DESCRIPTORS_MAX, "--shards 1");
    let health = Row::request("A13", get("/healthz"), Gets::Answer(200, &[]));
    let _room = Room::take(CROWD + 1);
    // The system lets them all connect, but the server cannot take them all.
    let mut peers: Vec<Peer> = (0..CROWD).map(|_| Peer::connect(&victim)).collect();
    thread::sleep(Duration::from_millis(100));
    let mut waiting = health.send_whole(&victim);
    let before = victim.processor_time();
    assert!(!waiting.hears_within(Duration::from_millis(1000), |stream| stream.status.is_some()));
    let busy = victim.processor_time() - before;
    assert!(busy < Duration::from_millis(150), "it waited busily, for {busy:?} of 1 s");

    let log = String::from_utf8(victim.log()).unwrap();
    let told = log.lines().filter(|line| line.contains("cannot be accepted")).count();
    assert_eq!(told, 1, "in the first second it is told once: {log}");

    // Some leave, and whoever waited longest is served.
    peers.drain(..CROWD - 20);
    health.judge(&waiting.listen()).unwrap();
    health.judge(&health.send_whole(&victim).listen()).unwrap();
    drop(peers);
    victim.empties_within(SLACK).unwrap();
}
