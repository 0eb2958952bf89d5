//! C: permessage-deflate in bad hands.

use std::thread;

use fanlight_sim::frame::{PING, Reader, Stream, TEXT, masked};
use fanlight_tests::victim::Victim;
use miniz_oxide::deflate::compress_to_vec;

use crate::{
    memory::Memory,
    peer::{Peer, SLACK},
    request::upgrade,
    room::Room,
    row::{Gets, Row, play, warm_up},
};

const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// What a message at the bound may cost: as it comes, inflated, and as it is echoed.
const MESSAGE_COST: u64 = 4 * MESSAGE_BYTES_MAX as u64;
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate";
const SERVER: &str = "--shards 1 --deflate-level 6 --deflate-bytes-min 0 --message-bytes-max 64KiB";

const PROTOCOL: Gets = Gets::Close(1002);
const INVALID: Gets = Gets::Close(1007);
const TOO_BIG: Gets = Gets::Close(1009);

/// A whole payload in one last block, and the empty one that must follow it: RFC 7692, section
/// 7.2.3.4.
fn deflated(payload: &[u8]) -> Vec<u8> {
    [compress_to_vec(payload, 9), vec![0]].concat()
}

/// A peer that agrees on permessage-deflate, sends these frames and no more.
fn row(name: &str, frames: &[Vec<u8>], gets: Gets) -> Row {
    let bytes = [upgrade(&[OFFER]), frames.concat()].concat();
    Row::request(name, bytes, gets).costs(MESSAGE_COST)
}

/// A peer whose compressed message comes to this end.
fn text(name: &str, payload: Vec<u8>, gets: Gets) -> Row {
    row(name, &[masked(0xc1, &payload)], gets)
}

#[test]
fn c1_a_bomb_costs_no_more_than_a_message() {
    let past = |bytes: usize| deflated(&vec![b'x'; bytes]);
    let bomb = past(16 << 20);
    assert!(bomb.len() < 20_000);
    let halves = bomb.split_at(bomb.len() / 2);
    let fragments = [masked(0x41, halves.0), masked(0x80, halves.1)];
    let rows = [
        text("C1 one byte past the limit", past(MESSAGE_BYTES_MAX + 1), TOO_BIG),
        text("C1 16 MiB in 16 KiB", bomb.clone(), TOO_BIG),
        row("C1 16 MiB in two fragments", &fragments, TOO_BIG),
        row("C1 one behind the other", &[masked(0xc1, &bomb), masked(0xc1, &bomb)], TOO_BIG),
        text("C1 more compressed bytes than it can be", vec![0; 80 << 10], TOO_BIG),
    ];
    play(&Victim::start(SERVER), &rows);
}

#[test]
fn c1_a_message_at_the_limit_is_echoed() {
    let victim = Victim::start(SERVER);
    let mut peer = Deflating::open(&victim);
    let payload = "x".repeat(MESSAGE_BYTES_MAX);
    peer.says_and_hears(&payload);
}

#[test]
fn c3_what_does_not_inflate_ends_the_connection_by_its_code() {
    let hello = deflated(b"Hello");
    let flipped = |at: usize| {
        let mut broken = deflated(&b"fanlight ".repeat(100));
        broken[at] ^= 0xff;
        broken
    };
    let begun = || masked(0x41, &hello[..3]);
    let rows = [
        text("C3 cut off", deflated(&b"fanlight ".repeat(100))[..9].to_vec(), INVALID),
        text("C3 a wrong kind of block", vec![7], INVALID),
        text("C3 a broken head of a block", flipped(0), INVALID),
        text("C3 back to before the beginning", b"\x03\x00\x02".to_vec(), INVALID),
        text("C3 a last block and nothing behind", compress_to_vec(b"Hello", 9), INVALID),
        text("C3 a last block and rubbish behind", [&hello[..], b"\xff\xff"].concat(), INVALID),
        text("C3 nothing at all", Vec::new(), INVALID),
        text("C3 text that is none", deflated(b"a\xff"), INVALID),
        text("C3 text that ends amid a character", deflated(b"a\xe2\x82"), INVALID),
        row("C3 RSV1 in mid-message", &[begun(), masked(0xc0, &hello[3..])], PROTOCOL),
        row("C3 RSV1 on a ping", &[masked(0xc9, b"x")], PROTOCOL),
        row("C3 RSV1 on a Close", &[masked(0xc8, b"")], PROTOCOL),
        row("C3 RSV2", &[masked(0xa1, b"x")], PROTOCOL),
        row("C3 RSV1 and RSV3", &[masked(0xd1, b"x")], PROTOCOL),
        row("C3 a message inside one", &[begun(), masked(0xc1, &hello)], PROTOCOL),
    ];
    play(&Victim::start(SERVER), &rows);
}

#[test]
fn c3_without_an_agreement_there_is_no_compressed_frame() {
    let bytes = [upgrade(&[]), masked(0xc1, &deflated(b"Hello"))].concat();
    play(&Victim::start(SERVER), &[Row::request("C3 not agreed on", bytes, PROTOCOL)]);
    let bytes = [upgrade(&[OFFER]), masked(0xc1, &deflated(b"Hello"))].concat();
    play(&Victim::start("--shards 1"), &[Row::request("C3 declined", bytes, PROTOCOL)]);
}

#[test]
fn c6_what_zlib_cannot_do_is_declined() {
    let offers = [
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; mystery",
        "permessage-bzip2",
        "x-webkit-deflate-frame",
    ];
    let rows: Vec<Row> = offers
        .iter()
        .map(|offer| {
            let line = format!("Sec-WebSocket-Extensions: {offer}");
            let gets = Gets::Upgrade(&["sec-websocket-extensions"]);
            Row::request(format!("C6 {offer}"), upgrade(&[&line]), gets)
        })
        .collect();
    play(&Victim::start(SERVER), &rows);
}

#[test]
fn c6_an_offer_that_breaks_the_grammar_is_no_request() {
    let offers = [
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate server_max_window_bits=10",
        "permessage-deflate, permessage-deflate; =10",
        ";permessage-deflate",
    ];
    let rows: Vec<Row> = offers
        .iter()
        .map(|offer| {
            let line = format!("Sec-WebSocket-Extensions: {offer}");
            Row::request(format!("C6 {offer}"), upgrade(&[&line]), Gets::Answer(400, &[]))
        })
        .collect();
    play(&Victim::start(SERVER), &rows);
}

#[test]
fn c6_an_offer_that_can_be_taken_is_taken_behind_those_that_cannot() {
    let victim = Victim::start(SERVER);
    let _room = Room::take(1);
    let mut peer = Peer::connect(&victim);
    peer.send(&upgrade(&[
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8, \
         permessage-deflate; server_max_window_bits=\"10\", permessage-deflate",
    ]));
    peer.send(&masked(0x88, b""));
    let heard = peer.listen();
    assert_eq!(
        heard.header("sec-websocket-extensions").unwrap(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
         server_max_window_bits=10"
    );
}

/// A peer that has agreed on permessage-deflate, and inflates what it hears.
struct Deflating {
    peer: Peer,
    reader: Reader,
    plain: Vec<u8>,
}

impl Deflating {
    fn open(victim: &Victim) -> Self {
        let mut peer = Peer::connect(victim);
        peer.send(&upgrade(&[OFFER]));
        Self { peer, reader: Reader::new(false), plain: Vec::new() }
    }

    fn says_and_hears(&mut self, text: &str) {
        self.peer.send(&masked(0xc1, &deflated(text.as_bytes())));
        let heard = || {
            let came = self.peer.takes_some(SLACK);
            self.reader.read(&came, &mut self.plain).unwrap();
            let stream = Stream::read(&self.plain, false).ok()?;
            stream.frames.last().and_then(|frame| frame.text()).map(|heard| heard == text)
        };
        let mut heard = heard;
        let is_same = (0..1_000).find_map(|_| heard());
        assert_eq!(is_same, Some(true));
    }
}

/// A window and a compressor would be 300 KiB and more for each.
#[test]
fn c2_who_has_agreed_and_is_idle_owns_no_context() {
    const CROWD: usize = 150;
    let options = "--shards 1 --deflate-level 6 --deflate-bytes-min 0";
    let victim = Victim::start_that_gives_back(options);
    warm_up(&victim);
    let _room = Room::take(CROWD);
    // What inflating and compressing need for a moment is there before it is measured.
    Deflating::open(&victim).says_and_hears(&"fanlight ".repeat(1000));
    let memory = Memory::before(&victim);
    let mut crowd: Vec<Deflating> = (0..CROWD).map(|_| Deflating::open(&victim)).collect();
    for peer in &mut crowd {
        peer.says_and_hears(&"fanlight ".repeat(1000));
    }
    memory.grew_by_at_most(CROWD as u64 * (8 << 10)).unwrap();
}

/// Small frames that inflate to much are work, and count as such: others do not wait for them.
#[test]
fn c4_inflating_is_bounded_a_second_and_others_do_not_wait() {
    const MESSAGES: usize = 600;
    let options = "--shards 1 --deflate-level 1 --inbound-frames-per-second-max 1000 \
                   --message-bytes-max 64KiB --outbox-bytes-max 64MiB";
    let victim = Victim::start(options);
    let _room = Room::take(2);
    let mut honest = Peer::open(&victim, "/echo");
    let costly = masked(0xc2, &deflated(&vec![0; MESSAGE_BYTES_MAX]));
    let mut flood = Peer::connect(&victim);
    flood.send(&upgrade(&[OFFER]));
    thread::scope(|scope| {
        scope.spawn(|| {
            flood.send(&costly.repeat(MESSAGES));
            // As 17 frames each they take 10 s at this rate, but for the allowance of two seconds.
            assert!(!flood.hears(|stream| stream.frames.len() >= MESSAGES));
        });
        for round in 0..20 {
            let said = format!("still there, {round}?");
            let begun = std::time::Instant::now();
            honest.say(&said);
            assert!(honest.hears_text(&said));
            assert!(begun.elapsed() < SLACK / 2, "{:?}", begun.elapsed());
        }
    });
}

#[test]
fn a_fragmented_message_with_a_ping_inside_is_inflated() {
    let victim = Victim::start(SERVER);
    let _room = Room::take(1);
    let hello = deflated(b"Hello");
    let mut peer = Peer::connect(&victim);
    peer.send(&upgrade(&[OFFER]));
    peer.send(&[masked(0x41, &hello[..3]), masked(0x89, b"?"), masked(0x80, &hello[3..])].concat());
    peer.send(&masked(0x88, b""));
    let heard = peer.listen();
    let (mut reader, mut plain) = (Reader::new(false), Vec::new());
    reader.read(&heard.bytes, &mut plain).unwrap();
    let stream = Stream::read(&plain, false).unwrap();
    let frames: Vec<_> = stream.frames.iter().map(|frame| (frame.opcode, frame.payload)).collect();
    assert_eq!(frames[..2], [(PING + 1, &b"?"[..]), (TEXT, b"Hello")]);
}
