//! Who is sent what compressed, and how often that is done.

use std::time::Duration;

use fanlight_core::{
    Admission, Arrival, CloseCode, CloseFrame, CloseReason, Command, ConnId, Event, Negotiated,
    PeerAddr, Phase, Settings, ShardId,
    http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS},
    wire::{Deflate, Deflater, Fault, Limits, Role, Wire},
};
use fanlight_sim::{Peer, frame::masked};
use fanlight_tests::agreed;

use super::{
    ONE, Story, bench::Bench, ended, house, open, publish, say, send, settled, subscribe, texts,
};

fn deflating() -> Settings {
    Settings { deflate_level: 6, deflate_bytes_min: 100, ..Settings::default() }
}

/// A connection whose peer offered permessage-deflate and asked for this window.
fn offering(world: &mut Story, shard: ShardId, window_bits: u8) -> ConnId {
    let peer = Peer::offering(u64::from(window_bits), window_bits);
    let request = peer.asks("/");
    let conn = world.connect(shard, peer, Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
    world.peer_sends(conn, &request);
    world.flow();
    conn
}

fn sent_bytes(world: &Story) -> u64 {
    world.stats().sent_bytes
}

#[test]
fn a_publish_is_compressed_once_a_shard_however_many_receive_it() {
    let mut world = house(2, deflating());
    let shards = [ShardId(0), ShardId(1)];
    let mut members = Vec::new();
    for shard in shards {
        members.extend((0..20).map(|_| offering(&mut world, shard, 15)));
        members.push(open(&mut world, shard));
    }
    for conn in &members {
        subscribe(&mut world, *conn, "lobby");
    }
    let before = sent_bytes(&world);
    let text = "the same again and again, ".repeat(400);
    publish(&mut world, ONE, "lobby", &text);
    for conn in &members {
        assert_eq!(texts(&world, *conn), [&text]);
    }
    assert_eq!(world.stats().deflated, 2, "once on each shard");
    let sent = sent_bytes(&world) - before;
    assert!(sent < 2 * text.len() as u64 + 40 * 300, "{sent}");
    assert_eq!(world.stats().frames, 0);
    settled(&world);
}

#[test]
fn a_smaller_window_is_one_form_more_and_only_for_what_does_not_fit_it() {
    let mut world = house(1, deflating());
    let members = [15, 9, 12, 9, 15].map(|bits| offering(&mut world, ONE, bits));
    for conn in members {
        subscribe(&mut world, conn, "lobby");
    }
    let long = (0..2_000).map(|n| format!("{} ", n % 700)).collect::<String>();
    publish(&mut world, ONE, "lobby", &long);
    assert_eq!(world.stats().deflated, 3);
    let short = "abc ".repeat(100);
    publish(&mut world, ONE, "lobby", &short);
    assert_eq!(world.stats().deflated, 4);
    for conn in members {
        assert_eq!(texts(&world, conn), [&long, &short]);
    }
    settled(&world);
}

#[test]
fn what_is_short_is_sent_as_it_is() {
    let mut world = house(1, deflating());
    let conn = offering(&mut world, ONE, 15);
    let before = sent_bytes(&world);
    send(&mut world, conn, &"a".repeat(99));
    assert_eq!((world.stats().deflated, sent_bytes(&world) - before), (0, 101));
    send(&mut world, conn, &"a".repeat(100));
    assert_eq!(world.stats().deflated, 1);
    assert_eq!(texts(&world, conn).len(), 2);
    settled(&world);
}

#[test]
fn nothing_is_agreed_on_unless_the_config_and_the_service_want_it() {
    let answered = |world: &Story, conn| {
        let head = world.socket(conn).outward().to_ascii_lowercase();
        String::from_utf8_lossy(&head).contains("sec-websocket-extensions")
    };
    let mut world = house(1, Settings::default());
    let conn = offering(&mut world, ONE, 15);
    assert!(!answered(&world, conn));

    let mut world = house(1, deflating());
    let conn = offering(&mut world, ONE, 15);
    assert!(answered(&world, conn));
    let conn = offering(&mut world, ONE, 8);
    assert!(!answered(&world, conn), "zlib has no window of 8 bits");

    let peer = Peer::offering(1, 15);
    let request = peer.asks("/wait");
    let conn = world.connect(ONE, peer, Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
    world.peer_sends(conn, &request);
    world.flow();
    world.tell(ONE, Event::Admit(conn, Admission { never_deflate: true, ..Admission::default() }));
    world.flow();
    assert!(!answered(&world, conn));
    send(&mut world, conn, &"a".repeat(1_000));
    assert_eq!((world.stats().deflated, texts(&world, conn).len()), (0, 1));
    settled(&world);
}

#[test]
fn a_bomb_ends_its_connection_and_is_never_made_whole() {
    let settings = Settings { message_bytes_max: 10_000, ..deflating() };
    let mut world = house(1, settings);
    let (hostile, other) = (offering(&mut world, ONE, 15), offering(&mut world, ONE, 15));
    say(&mut world, hostile, &"a".repeat(10_000));
    assert_eq!(ended(&world, hostile), None);
    say(&mut world, hostile, &"a".repeat(10_001));
    world.advance(super::secs(10));
    let reason = ended(&world, hostile).map(|(_, reason)| reason);
    assert_eq!(reason, Some(CloseReason::Fault(Fault::MessageTooBig)));
    say(&mut world, other, "echo still here");
    assert_eq!(ended(&world, other), None);
    settled(&world);
}

const BOMB_BYTES: usize = 100_000;
/// So many begin before 256 KiB have been made.
const BOMBS_A_PART: usize = 3;

/// A hub, a connection for which deflate was agreed on, and ten numbered messages that are 1 MiB
/// together and about 1 KiB on the way.
fn bombed() -> (Bench, ConnId, Vec<u8>) {
    let settings = Settings { inbound_frames_per_second_max: 1_000_000, ..deflating() };
    let mut bench = Bench::new(settings);
    let negotiated = Negotiated { deflate: Some(agreed(15)), ..Negotiated::default() };
    let conn = bench.accept(Arrival::Upgraded(PeerAddr::Unnamed, negotiated, Vec::new())).unwrap();
    let mut peer = Wire::new(Role::Client { mask_seed: [7; 32] }, Limits::default());
    peer.set_deflate(Some(agreed(15)));
    let mut bytes = Vec::new();
    for number in 0..10 {
        let text = number.to_string().repeat(BOMB_BYTES);
        peer.send_deflated(&*text, Deflater { level: 9, bytes_min: 0 }, &mut bytes);
    }
    assert!(bytes.len() < 2_000, "{}", bytes.len());
    (bench, conn, bytes)
}

fn numbers(bench: &Bench) -> String {
    bench.heard().iter().map(|text| &text[..1]).collect()
}

#[test]
fn of_what_a_read_inflates_to_a_part_is_told_a_tick() {
    let (mut bench, conn, bytes) = bombed();
    bench.receive(conn, &bytes);
    assert_eq!(numbers(&bench), "012");
    assert_eq!(bench.commands.others.back(), Some(&Command::Pause(conn)));
    let unread = bench.hub.portrait(conn).unwrap();
    assert_eq!((unread.pauses, unread.deadline.unwrap().1), (vec!["unread"], "unread"));
    assert_eq!(bench.hub.stats().assembly_bytes, unread.assembly_bytes as u64);
    assert!(unread.assembly_bytes > 100);
    for told in ["012345", "012345678", "0123456789"] {
        assert_eq!(bench.hub.next_deadline(), Some(bench.now), "the next turn goes on");
        bench.tell(Event::Tick);
        assert_eq!(numbers(&bench), told);
    }
    assert_eq!(bench.commands.others.back(), Some(&Command::Resume(conn)));
    assert_eq!(bench.hub.stats().assembly_bytes, 0);
    assert!(bench.hub.next_deadline() > Some(bench.now));
}

#[test]
fn what_is_unread_waits_while_the_service_wants_no_more() {
    let (mut bench, conn, bytes) = bombed();
    bench.receive(conn, &bytes);
    bench.tell(Event::Pause(conn));
    bench.pass(Duration::from_secs(600));
    assert_eq!(numbers(&bench), "012");
    // What a driver had read before it was told to pause comes behind it.
    bench.receive(conn, &bytes);
    bench.tell(Event::Resume(conn));
    bench.pass(Duration::ZERO);
    assert_eq!(numbers(&bench), "0123456789".repeat(2));
    let turns = bench
        .commands
        .others
        .iter()
        .filter(|command| matches!(command, Command::Pause(_) | Command::Resume(_)));
    assert_eq!(turns.collect::<Vec<_>>(), [&Command::Pause(conn), &Command::Resume(conn)]);
}

#[test]
fn a_close_of_the_peer_is_found_in_what_is_unread() {
    let (mut bench, conn, bytes) = bombed();
    bench.receive(conn, &[bytes, masked(0x88, &1001_u16.to_be_bytes())].concat());
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    bench.tell(Event::Close(conn, frame));
    let heard = numbers(&bench).len();
    assert!(heard <= BOMBS_A_PART);
    bench.pass(Duration::ZERO);
    assert_eq!(numbers(&bench).len(), heard, "nothing is told of a connection that closes");
    assert_eq!(bench.hub.stats().assembly_bytes, 0);
    bench.tell(Event::Sent(conn, 4));
    // Else it would still await the peer's.
    assert_eq!(bench.hub.portrait(conn).unwrap().phase, Phase::Lingering);
}

#[test]
fn what_is_unread_keeps_the_bound_of_what_is_unfinished() {
    let (mut bench, conn, bytes) = bombed();
    bench.receive(conn, &bytes);
    bench.tell(Event::Pause(conn));
    let long = vec![0; bench.hub.config().assembly_bytes_max];
    bench.receive(conn, &long);
    assert_eq!((bench.hub.stats().overflows, bench.hub.stats().assembly_bytes), (1, 0));
    assert!(!bench.hub.is_open(conn));
}

#[test]
fn what_others_agreed_on_holds_for_a_connection_that_came_upgraded() {
    let mut headers = HeaderMap::new();
    let answer = "permessage-deflate; server_no_context_takeover";
    headers.insert(SEC_WEBSOCKET_EXTENSIONS, answer.parse().unwrap());
    let deflate = Deflate::answered(&headers).unwrap();
    let mut bench = Bench::new(deflating());
    for (deflate, first) in [(deflate, 0xc1), (None, 0x81)] {
        let negotiated = Negotiated { deflate, ..Negotiated::default() };
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, negotiated, Vec::new());
        let conn = bench.accept(arrival).unwrap();
        bench.tell(Event::Send(conn, "a".repeat(1_000).as_str().into()));
        assert_eq!(bench.unsent(conn)[0], first);
    }
}
