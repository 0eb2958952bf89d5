//! Bounds and deadlines, each met to the last byte or moment.

use fanlight_core::{
    Arrival, CloseReason, Command, Config, End, Event, Hub, Message, PeerAddr, Refused, Seat,
    Settings, ShardId, Topic, wire::RequestFault,
};
use fanlight_sim::frame::masked;

use super::{bench::Bench, close_frame, secs};

#[test]
fn what_comes_behind_a_request_is_bounded_by_two_reads() {
    let settings = Settings { read_bytes_max: 1000, ..Settings::default() };
    let mut bench = Bench::new(settings);
    let conn = bench.asking();
    bench.receive(conn, &[0; 1000]);
    bench.receive(conn, &[0; 1000]);
    assert_eq!(bench.unsent(conn), b"", "two reads are kept");
    bench.receive(conn, &[0; 1]);
    assert!(bench.unsent(conn).starts_with(b"HTTP/1.1 431 "));
    bench.tell(Event::Ended(conn, End::Failed));
    let fault = CloseReason::BadRequest(RequestFault::HeadTooLong);
    assert_eq!(bench.end_of(conn), Some(&fault));
}

#[test]
fn a_socket_that_took_nothing_has_not_moved() {
    let mut bench = Bench::new(Settings { stall_timeout: secs(30), ..Settings::default() });
    let conn = bench.open();
    bench.tell(Event::Send(conn, Message::text("unread")));
    bench.pass(secs(20));
    bench.tell(Event::Sent(conn, 0));
    bench.pass(secs(10));
    assert_eq!(bench.end_of(conn), Some(&CloseReason::Stalled));
}

#[test]
fn no_pong_is_asked_for_while_the_socket_moves() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.open();
    bench.tell(Event::Send(conn, Message::binary(&[0; 100])));
    for _ in 0..10 {
        bench.pass(secs(10));
        bench.tell(Event::Sent(conn, 1));
    }
    assert!(bench.hub.is_open(conn));
    assert_eq!(bench.hub.stats().pings, 0);
    bench.tell(Event::Sent(conn, 92));
    bench.pass(secs(1));
    assert_eq!(bench.hub.stats().pings, 1, "it has been silent for long");
}

#[test]
fn a_shard_has_as_many_topics_as_it_may_wherever_their_homes_are() {
    let seat = Seat { shard: ShardId(0), shards: 2, seed: 7 };
    let config = Config::new(Settings { topics_max: 1, ..Settings::default() }).unwrap();
    let mut bench = Bench { hub: Hub::new(config, seat), ..Bench::new(Settings::default()) };
    let [first, second] = [bench.open(), bench.open()];
    let elsewhere = (0..100).map(|number| Topic::new(number.to_string()));
    let elsewhere = elsewhere.filter(|topic| seat.home(&topic.into()) == ShardId(1));
    let [one, other] = elsewhere.take(2).collect::<Vec<_>>().try_into().unwrap();
    for (conn, topic) in [(first, &one), (second, &one), (second, &other)] {
        bench.tell(Event::Subscribe(conn, topic.clone()));
    }
    assert_eq!(bench.hub.stats().members, 2);
    assert!(bench.commands.others.contains(&Command::SubscriptionRefused(second, other)));
}

#[test]
fn who_lingers_may_say_as_much_as_the_bound_and_no_more() {
    let mut bench = Bench::new(Settings { linger_bytes_max: 1000, ..Settings::default() });
    let conn = bench.open();
    bench.receive(conn, &masked(0x88, b""));
    bench.tell(Event::Sent(conn, 2));
    assert!(bench.commands.others.contains(&Command::Shutdown(conn)));
    bench.receive(conn, &[0; 400]);
    bench.receive(conn, &[0; 600]);
    assert_eq!(bench.end_of(conn), None);
    bench.receive(conn, &[0; 1]);
    assert_eq!(bench.end_of(conn), Some(&CloseReason::PeerClosed(None)));
}

#[test]
fn the_time_for_a_message_runs_from_its_first_byte_whatever_trickles_in() {
    let settings =
        Settings { message_timeout: secs(60), ping_interval: secs(600), ..Settings::default() };
    let mut bench = Bench::new(settings);
    let conn = bench.open();
    let message = masked(0x81, &[b'x'; 20]);
    let (first, rest) = message.split_at(10);
    bench.receive(conn, first);
    bench.pass(secs(50));
    // The end of one and the beginning of the next: its time begins now.
    bench.receive(conn, &[rest, first].concat());
    for byte in &rest[..5] {
        bench.pass(secs(10));
        bench.receive(conn, &[*byte]);
    }
    assert!(bench.hub.is_open(conn));
    bench.pass(secs(10));
    assert!(!bench.hub.is_open(conn));
    assert_eq!(bench.hub.stats().timeouts, 1);
    assert_eq!(bench.heard().len(), 1);
}

#[test]
fn pings_that_trickle_in_are_no_message_that_takes_too_long() {
    let settings =
        Settings { message_timeout: secs(60), ping_interval: secs(600), ..Settings::default() };
    let mut bench = Bench::new(settings);
    let conn = bench.open();
    let ping = masked(0x89, b"hi");
    let (first, rest) = ping.split_at(3);
    bench.receive(conn, first);
    for _ in 0..5 {
        bench.pass(secs(40));
        // The end of one and the beginning of the next.
        bench.receive(conn, &[rest, first].concat());
        let waiting = bench.unsent(conn).len();
        bench.tell(Event::Sent(conn, waiting));
    }
    assert!(bench.hub.is_open(conn));
}

#[test]
fn pongs_fill_their_lane_to_the_last_byte() {
    // RFC 6455, section 5.5.3: the newest ping is answered.
    for (payload, room) in [(&b""[..], 2048), (&b"12"[..], 1024), (&[b'x'; 125], 32)] {
        let mut bench = Bench::new(Settings::default());
        let conn = bench.open();
        bench.receive(conn, &masked(0x89, payload).repeat(room));
        assert_eq!(bench.hub.stats().queued, room as u64);
        bench.receive(conn, &masked(0x89, payload));
        assert_eq!(bench.hub.stats().queued, room as u64);
    }
}

#[test]
fn nobody_pays_for_a_message_that_just_fits() {
    let settings = Settings {
        message_bytes_max: 1000,
        outbox_bytes_max: 2000,
        frames_bytes_max: 5012,
        ..Settings::default()
    };
    let mut bench = Bench::new(settings);
    let conns: Vec<_> = (0..6).map(|_| bench.open()).collect();
    for (conn, bytes) in conns.iter().zip([1012, 1000, 1000, 1000, 1000]) {
        bench.tell(Event::Send(*conn, Message::binary(&vec![0; bytes - 4])));
    }
    assert_eq!(bench.hub.stats().frame_bytes, 5012);
    assert_eq!(bench.hub.stats().overflows, 0);
    // The first pays, and its Close of 12 bytes takes the place of its 1012.
    bench.tell(Event::Send(conns[5], Message::binary(&[0; 996])));
    assert_eq!(bench.hub.stats().frame_bytes, 5012);
    assert_eq!(bench.hub.stats().overflows, 1);
    assert!(!bench.hub.is_open(conns[0]));
}

#[test]
fn who_came_upgraded_takes_no_place_among_the_upgrading() {
    let mut bench = Bench::new(Settings { upgrading_max: 1, ..Settings::default() });
    let fresh = || Arrival::Fresh(PeerAddr::Unnamed);
    let first = bench.accept(fresh()).unwrap();
    assert_eq!(bench.accept(fresh()), Err(Refused::Upgrading));
    bench.open();
    bench.tell(Event::Ended(first, End::Failed));
    assert!(bench.accept(fresh()).is_ok());
    assert_eq!(bench.hub.stats().refused, 1);
}

#[test]
fn whoever_is_out_of_time_is_counted_once() {
    let mut bench = Bench::new(Settings { stall_timeout: secs(5), ..Settings::default() });
    for count in 1..=2 {
        let [upgrading, deciding] =
            [bench.accept(Arrival::Fresh(PeerAddr::Unnamed)).unwrap(), bench.asking()];
        let [stalled, silent] = [bench.open(), bench.open()];
        bench.tell(Event::Send(stalled, Message::text("unread")));
        bench.pass(secs(26));
        // The ping has left, and is not answered.
        let ping = bench.unsent(silent).len();
        bench.tell(Event::Sent(silent, ping));
        bench.pass(secs(60));
        for conn in [upgrading, deciding, stalled, silent] {
            assert!(bench.end_of(conn).is_some());
        }
        assert_eq!(bench.hub.stats().timeouts, 4 * count);
    }
}

#[test]
fn who_is_closing_pays_before_who_is_open() {
    let mut bench = Bench::new(Settings {
        message_bytes_max: 1000,
        outbox_bytes_max: 2500,
        frames_bytes_max: 2500,
        ..Settings::default()
    });
    let [closing, slow, other] = [bench.open(), bench.open(), bench.open()];
    bench.tell(Event::Send(closing, Message::binary(&[0; 990])));
    bench.tell(Event::Send(closing, Message::binary(&[1; 990])));
    bench.tell(Event::Close(closing, close_frame(1000)));
    bench.tell(Event::Send(slow, Message::binary(&[2; 100])));
    bench.tell(Event::Send(other, Message::binary(&[3; 990])));
    assert!(bench.hub.is_open(slow) && bench.hub.is_open(other));
    assert_eq!(bench.hub.stats().overflows, 0);
    // Its Close goes without what was to go before it.
    assert_eq!(bench.unsent(closing)[..2], [0x88, 9]);
}
