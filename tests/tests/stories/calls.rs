//! Calls of a hub, also such as no driver of ours makes.

use std::{
    io::IoSlice,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fanlight_core::{
    Admission, Arrival, Audience, CloseCode, CloseReason, Command, Commands, Config, Drain, End,
    Event, Hub, Instant, Message, PeerAddr, Publish, Seat, Settings, ShardId, Timer, Topic,
};
use fanlight_sim::{Peer, frame::masked};

use super::{bench::Bench, close_frame, millis, secs};

#[test]
fn what_was_read_before_a_pause_took_hold_is_kept_for_the_decision() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.asking();
    let messages = [masked(0x81, b"one"), masked(0x81, b"two")].concat();
    let (head, tail) = messages.split_at(5);
    bench.receive(conn, head);
    bench.receive(conn, tail);
    assert!(bench.heard().is_empty());
    bench.tell(Event::Admit(conn, Admission::default()));
    assert_eq!(bench.heard(), ["one", "two"]);
}

#[test]
fn a_plain_request_cannot_be_admitted() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.accept(Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
    bench.receive(conn, &Peer::request("/", false));
    bench.tell(Event::Admit(conn, Admission::default()));
    assert!(bench.unsent(conn).starts_with(b"HTTP/1.1 426 "));
    assert!(!bench.hub.is_open(conn));
    bench.tell(Event::Ended(conn, End::Failed));
    assert_eq!(bench.end_of(conn), Some(&CloseReason::Refused(426)));
}

#[test]
fn who_has_said_its_last_while_it_was_decided_upon_is_not_opened() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.asking();
    bench.tell(Event::Ended(conn, End::Eof));
    assert_eq!(bench.end_of(conn), None, "a whole request is still answered");
    bench.tell(Event::Admit(conn, Admission::default()));
    assert_eq!(bench.end_of(conn), Some(&CloseReason::PeerGone));
    assert!(!bench.commands.others.contains(&Command::Opened(conn)));
    assert_eq!(bench.hub.stats().upgrading, 0);
}

#[test]
fn a_code_that_must_not_be_sent_is_left_out_and_so_it_is_told() {
    for code in [999, 1005, 1006, 1015] {
        let mut bench = Bench::new(Settings::default());
        let conn = bench.open();
        bench.tell(Event::Close(conn, close_frame(code)));
        assert_eq!(bench.unsent(conn), b"\x88\0");
        bench.tell(Event::Ended(conn, End::Failed));
        let reason = CloseReason::ServiceClosed(CloseCode::Status);
        assert_eq!(bench.end_of(conn), Some(&reason), "{code}");
    }
}

#[test]
fn a_socket_is_shown_as_many_frames_as_it_asks_for() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.open();
    for text in ["a", "b", "c"] {
        bench.tell(Event::Send(conn, Message::text(text)));
    }
    bench.tell(Event::Sent(conn, 2));
    for (room, shown) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3)] {
        let mut slices = vec![IoSlice::new(&[]); room];
        assert_eq!(bench.hub.unsent(conn, &mut slices), shown);
        let frames = [&b"a"[..], b"\x81\x01b", b"\x81\x01c"];
        assert!(slices.iter().zip(frames).all(|(slice, frame)| **slice == *frame));
    }
}

#[test]
fn a_tick_acts_on_everything_that_became_due_meanwhile() {
    let mut bench =
        Bench::new(Settings { inbound_frames_per_second_max: 1, ..Settings::default() });
    let conn = bench.open();
    // Three seconds' worth of frames, of which two may come at once.
    bench.receive(conn, &masked(0x8a, b"").repeat(3));
    assert!(bench.commands.others.contains(&Command::Pause(conn)));
    let timer = Timer::Connection(conn);
    bench.tell(Event::SetTimer(timer, Some(bench.now + millis(1_500))));
    bench.now = bench.now + millis(1_600);
    bench.tell(Event::Tick);
    assert!(bench.commands.others.contains(&Command::Resume(conn)));
    assert!(bench.commands.others.contains(&Command::Timer(timer)));
    assert!(bench.hub.next_deadline().unwrap() > bench.now);
    assert_eq!(bench.hub.stats().late_ticks, 0);
}

#[test]
fn a_hub_that_was_cut_short_by_a_panic_says_so() {
    let seats = [0, 1].map(|shard| Seat { shard: ShardId(shard), shards: 2, seed: 7 });
    let [mut near, mut far] = seats.map(|seat| Hub::new(Config::default(), seat));
    let mut commands = Commands::default();
    let to_all = Publish::new(Audience::Everyone, Message::text("hear"));
    near.handle(Instant::ZERO, Event::Publish(to_all), &mut commands);
    let Some(Command::Forward(_, parcel)) = commands.others.pop_front() else {
        panic!("the other shard has a part in it")
    };
    assert!(!far.is_poisoned());
    // Whoever carries parcels has lost its mind: there is no such shard.
    let event = Event::Parcel(ShardId(200), parcel);
    let call = AssertUnwindSafe(|| far.handle(Instant::ZERO, event, &mut commands));
    assert!(catch_unwind(call).is_err());
    assert!(far.is_poisoned());
}

#[test]
fn a_hub_tells_its_settings_and_its_seat() {
    let settings = Settings { connections_max: 17, ..Settings::default() };
    let hub = Hub::new(Config::new(settings).unwrap(), Seat::alone(3));
    assert_eq!(hub.config().connections_max, 17);
    assert_eq!(hub.seat(), Seat::alone(3));
}

#[test]
fn who_is_not_open_yet_is_counted_as_upgrading() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.asking();
    bench.accept(Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
    assert_eq!(bench.hub.stats().upgrading, 2);
    bench.tell(Event::Admit(conn, Admission::default()));
    assert_eq!(bench.hub.stats().upgrading, 1);
}

#[test]
fn a_fault_behind_a_message_is_answered_at_the_next_tick() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.open();
    // The second is of a reserved opcode: RFC 6455, section 5.2.
    bench.receive(conn, &[masked(0x81, b"question"), masked(0x83, b"")].concat());
    assert_eq!(bench.heard(), ["question"]);
    bench.tell(Event::Send(conn, Message::text("answer")));
    assert!(bench.hub.next_deadline().is_some_and(|deadline| deadline <= bench.now));
    bench.tell(Event::Tick);
    assert!(!bench.hub.is_open(conn));
    assert!(bench.unsent(conn).starts_with(b"\x81\x06answer\x88"));
}

#[test]
fn a_drain_answers_the_request_that_has_begun_and_no_other() {
    let mut bench = Bench::new(Settings::default());
    let [begun, silent] =
        [(); 2].map(|()| bench.accept(Arrival::Fresh(PeerAddr::Unnamed)).unwrap());
    bench.receive(begun, b"GET / HT");
    let farewell = close_frame(1001);
    bench.tell(Event::Drain(Drain { over: secs(1), timeout: secs(2), farewell }));
    assert!(bench.unsent(begun).starts_with(b"HTTP/1.1 503 "));
    assert_eq!(bench.end_of(silent), Some(&CloseReason::Drained(CloseCode::Away)));
    assert_eq!(bench.hub.stats().connections, 1);
}

#[test]
fn a_name_that_no_topic_can_have_is_not_told_of_a_connection_that_is_gone() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.open();
    bench.tell(Event::Ended(conn, End::Failed));
    bench.commands = Commands::default();
    bench.tell(Event::Subscribe(conn, Topic::new("")));
    assert_eq!(bench.commands, Commands::default());
    assert_eq!(bench.hub.stats().stale_events, 1);
}

#[test]
fn an_id_is_printed_as_its_shard_its_slot_and_its_turn() {
    let mut bench = Bench::new(Settings::default());
    let first = bench.open();
    bench.tell(Event::Ended(first, End::Failed));
    let second = bench.open();
    assert_eq!([first, second].map(|conn| conn.to_string()), ["0.1v1", "0.1v3"]);
    assert_eq!(format!("{first:?}"), "0.1v1");
}

#[test]
fn a_timer_runs_while_a_request_is_decided_upon() {
    let mut bench = Bench::new(Settings { decision_timeout: secs(10), ..Settings::default() });
    let conns = [bench.asking(), bench.asking()];
    for (conn, due) in conns.into_iter().zip([3, 11]) {
        bench.tell(Event::SetTimer(Timer::Connection(conn), Some(Instant::ZERO + secs(due))));
    }
    bench.pass(secs(3));
    let told = |bench: &Bench, conn| {
        bench.commands.others.contains(&Command::Timer(Timer::Connection(conn)))
    };
    assert!(told(&bench, conns[0]));
    bench.pass(secs(7));
    assert!(conns.iter().all(|conn| bench.unsent(*conn).starts_with(b"HTTP/1.1 503 ")));
    bench.pass(secs(10));
    assert!(!told(&bench, conns[1]), "it ended with its connection");
}
