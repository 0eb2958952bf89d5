//! D6, D7, D9, and peers that end in unusual ways.

use std::{
    thread,
    time::{Duration, Instant},
};

use fanlight_sim::frame::masked;
use fanlight_tests::victim::Victim;

use crate::{
    memory::Memory,
    peer::{End, Peer, SLACK},
    request::{get, upgrade, upgrade_of},
    room::Room,
    row::{Gets, Row, bye},
};

const CROWD: usize = 50;

/// What we have said last must be read even by a peer that goes on talking before it listens.
#[test]
fn d6_last_words_survive_input_that_is_not_read() {
    let victim = Victim::start("--shards 1 --linger-timeout 1s");
    let _room = Room::take(CROWD + 1);
    let junk = [0xff; 30_000];
    let rows = [
        Row::frames("D6 a fault", masked(0x83, b"x"), Gets::Close(1002)),
        Row::frames("D6 bad text", masked(0x81, b"\xff"), Gets::Close(1007)),
        Row::frames("D6 a Close", bye(), Gets::Close(1000)),
        Row::request("D6 a 400", upgrade(&["Host"]), Gets::Answer(400, &[])),
        Row::request("D6 a 404", upgrade_of("/x"), Gets::Answer(404, &[])),
        Row::request("D6 a page", get("/"), Gets::Answer(200, &[])),
    ];
    for row in rows {
        let memory = Memory::before(&victim);
        let mut peers: Vec<Peer> = (0..CROWD).map(|_| row.send_whole(&victim)).collect();
        for part in junk.chunks(10_000) {
            peers.iter_mut().for_each(|peer| assert!(peer.send(part), "{}", row.name));
            thread::sleep(Duration::from_millis(20));
        }
        for peer in peers {
            row.judge(&peer.listen()).unwrap_or_else(|why| panic!("{}: {why}", row.name));
        }
        victim.empties_within(SLACK).unwrap();
        memory.grew_by_at_most(CROWD as u64 * row.memory_bytes_max).unwrap();
    }
}

#[test]
fn a_whole_request_is_answered_though_its_sender_will_say_no_more() {
    let victim = Victim::start("--shards 1");
    let _room = Room::take(CROWD + 1);
    let rows = [
        Row::request("a page", get("/healthz"), Gets::Answer(200, &[])),
        Row::request("a 404", upgrade_of("/x"), Gets::Answer(404, &[])),
        Row::request("a 426", get("/echo"), Gets::Answer(426, &[])),
        Row::request("a 400", upgrade(&["Host"]), Gets::Answer(400, &[])),
    ];
    for row in rows {
        let peers: Vec<Peer> = (0..CROWD).map(|_| row.send_whole(&victim)).collect();
        peers.iter().for_each(Peer::half_close);
        for peer in peers {
            row.judge(&peer.listen()).unwrap_or_else(|why| panic!("{}: {why}", row.name));
        }
        victim.empties_within(SLACK).unwrap();
    }
}

#[test]
fn half_a_request_and_the_end_is_the_end() {
    let victim = Victim::start("--shards 1");
    let _room = Room::take(CROWD + 1);
    for bytes in [&b""[..], b"GET / HT", &upgrade(&[])[..100]] {
        let half = |_| {
            let mut peer = Peer::connect(&victim);
            peer.send(bytes);
            peer.half_close();
            peer
        };
        for peer in (0..CROWD).map(half).collect::<Vec<_>>() {
            let heard = peer.listen();
            assert!(heard.bytes.is_empty() && heard.end == Some(End::Eof), "{}", heard.shown());
        }
        victim.empties_within(SLACK).unwrap();
    }
}

#[test]
fn resets_at_any_point_leave_nothing() {
    let victim = Victim::start("--shards 2");
    let _room = Room::take(CROWD + 1);
    let bytes = masked(0x02, &[7; 1000]);
    let bytes = [bytes, masked(0x89, b"ping"), masked(0x80, &[7; 1000]), bye()].concat();
    for length in [0, 1, 7, 8, 500, 1008, 1010, 1013, 1018, bytes.len() - 1, bytes.len()] {
        for path in ["/echo", "/broadcast"] {
            let mut peers: Vec<Peer> = (0..CROWD).map(|_| Peer::open(&victim, path)).collect();
            peers.iter_mut().for_each(|peer| assert!(peer.send(&bytes[..length])));
            peers.into_iter().for_each(Peer::reset);
            victim.empties_within(SLACK).unwrap_or_else(|why| panic!("after {length}: {why}"));
        }
    }
    let figures = victim.figures().unwrap();
    assert_eq!(figures.get("accepted"), figures.get("closed") + 1, "{figures}");
}

const DRAIN_TIMEOUT: Duration = Duration::from_millis(1500);

/// A server with peers in every state, told to stop.
#[test]
fn d9_a_signal_tells_everyone_and_ends_in_time_whatever_they_do() {
    let options = "--shards 2 --drain-over 300ms --drain-timeout 1500ms --upgrade-timeout 20s \
                   --close-timeout 20s --linger-timeout 200ms";
    let mut victim = Victim::start(options);
    let _room = Room::take(70);
    let polite: Vec<Peer> = (0..40)
        .map(|n| Peer::open(&victim, if n % 2 == 0 { "/echo" } else { "/broadcast" }))
        .collect();
    let mut half_said = Peer::open(&victim, "/echo");
    half_said.send(&masked(0x01, b"half a message"));
    let mut deaf: Vec<Peer> =
        (0..5).map(|_| Peer::connect_narrow(&victim).upgraded("/echo")).collect();
    for peer in &mut deaf {
        peer.send(&masked(0x82, &[0; 1 << 20]));
    }
    let mut half_asked = Peer::connect(&victim);
    half_asked.send(b"GET / HTTP/1.1\r\n");
    let silent = Peer::connect(&victim);
    victim.waits_until(SLACK, |stats| stats.get("connections") == 49).unwrap();

    victim.terminate();
    let begun = Instant::now();
    thread::scope(|scope| {
        for mut peer in polite {
            scope.spawn(move || {
                assert!(peer.hears(|stream| stream.close_code() == Some(1001)));
                peer.send(&masked(0x88, &1001_u16.to_be_bytes()));
                assert_eq!(peer.listen().end, Some(End::Eof));
            });
        }
    });
    assert!(half_said.hears(|stream| stream.close_code() == Some(1001)));
    let heard = half_asked.listen();
    assert_eq!(heard.stream().unwrap().status, Some(503), "{}", heard.shown());
    assert_eq!(heard.header("retry-after").as_deref(), Some("5"), "{}", heard.shown());
    let heard = silent.listen();
    assert!(heard.bytes.is_empty() && heard.end.is_some(), "{}", heard.shown());

    // Those who do not answer hold it up until the deadline, and no longer.
    assert_eq!(victim.exit_code(), Some(0));
    let took = begun.elapsed();
    assert!(took >= DRAIN_TIMEOUT - Duration::from_millis(20), "it did not wait: {took:?}");
    assert!(took <= DRAIN_TIMEOUT + SLACK, "it waited for {took:?}");
    drop((deaf, half_said));
}

#[test]
fn d9_goodbyes_are_spread_and_the_end_comes_with_the_last_answer() {
    let mut victim = Victim::start("--shards 1 --drain-over 1s --drain-timeout 20s");
    let _room = Room::take(40);
    let mut peers: Vec<Peer> = (0..40).map(|_| Peer::open(&victim, "/broadcast")).collect();
    victim.terminate();
    let begun = Instant::now();
    let mut told: Vec<Duration> = thread::scope(|scope| {
        let told = |peer: &mut Peer| {
            assert!(peer.hears(|stream| stream.close_code() == Some(1001)));
            peer.send(&masked(0x88, &1001_u16.to_be_bytes()));
            begun.elapsed()
        };
        let told: Vec<_> = peers.iter_mut().map(|peer| scope.spawn(move || told(peer))).collect();
        told.into_iter().map(|told| told.join().unwrap()).collect()
    });
    told.sort();
    let [first, middle, last] = [told[0], told[20], told[39]];
    assert!(first < Duration::from_millis(300), "{told:?}");
    assert!(middle > Duration::from_millis(300), "{told:?}");
    assert!(last > Duration::from_millis(700), "{told:?}");
    drop(peers);
    assert_eq!(victim.exit_code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(1) + SLACK, "{:?}", begun.elapsed());
}
