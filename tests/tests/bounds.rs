//! Bounds that hold for all connections of a hub together, told to a hub event by event.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::{net::SocketAddr, time::Duration};

use fanlight_core::{
    Arrival, Audience, CloseCode, CloseFrame, CloseReason, Command, Commands, Config, ConnId, End,
    Event, Hub, Instant, Message, Negotiated, PeerAddr, Publish, Refused, Seat, Settings, Topic,
};

/// A hub, what it wanted so far, and the time.
struct Bench {
    hub: Hub,
    commands: Commands,
    now: Instant,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let hub = Hub::new(Config::new(settings).unwrap(), Seat::alone(7));
        Self { hub, commands: Commands::default(), now: Instant::ZERO }
    }

    fn open(&mut self) -> ConnId {
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
        self.hub.accept(self.now, arrival, &mut self.commands).unwrap()
    }

    fn arrive(&mut self, address: &str) -> Result<ConnId, Refused> {
        let address: SocketAddr = address.parse().unwrap();
        self.hub.accept(self.now, Arrival::Fresh(address.into()), &mut self.commands)
    }

    fn tell(&mut self, event: Event<'_>) {
        self.hub.handle(self.now, event, &mut self.commands);
    }

    /// The peer sends bytes.
    fn receive(&mut self, conn: ConnId, bytes: &[u8]) {
        self.tell(Event::Received(conn, &mut bytes.to_vec()));
    }

    /// Time passes, with a tick at each deadline.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.hub.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.tell(Event::Tick);
        }
        self.now = end;
    }

    fn is_paused(&self, conn: ConnId) -> bool {
        let (pause, resume) = (Command::Pause(conn), Command::Resume(conn));
        let last = self.commands.others.iter().rfind(|it| [&pause, &resume].contains(it));
        last == Some(&pause)
    }

    fn end_of(&self, conn: ConnId) -> Option<&CloseReason> {
        self.commands.others.iter().find_map(|command| {
            let Command::Closed(closed) = command else { return None };
            (closed.conn == conn).then_some(&closed.reason)
        })
    }
}

/// A masked frame (by zeros) with as much of its payload as is given.
fn frame(first: u8, length: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

fn close(code: CloseCode) -> CloseFrame {
    CloseFrame { code, reason: "".into() }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_address_gets_its_places_back() {
    for address in ["10.0.0.1:1", "[::1]:1", "[2001:db8::1]:1"] {
        let mut bench =
            Bench::new(Settings { connections_per_address_max: 2, ..Settings::default() });
        let first = bench.arrive(address).unwrap();
        bench.arrive(address).unwrap();
        assert_eq!(bench.arrive(address), Err(Refused::Address), "{address}");
        bench.tell(Event::Ended(first, End::Failed));
        assert!(bench.arrive(address).is_ok(), "{address}");
    }
}

#[test]
fn a_message_that_no_outbox_can_hold_harms_nobody() {
    let settings =
        Settings { message_bytes_max: 100, outbox_bytes_max: 1000, ..Settings::default() };
    let mut bench = Bench::new(settings);
    let conns = [bench.open(), bench.open()];
    let long = Message::binary(&[0; 1000]);
    bench.tell(Event::Publish(Publish {
        audience: Audience::Everyone,
        message: long.clone(),
        except: None,
    }));
    bench.tell(Event::Send(conns[0], long));
    assert!(conns.iter().all(|conn| bench.hub.is_open(*conn)));
    assert_eq!(bench.hub.stats().unpublishable, 2);
    assert_eq!(bench.hub.stats().frames, 0);
}

#[test]
fn what_a_shard_has_queued_is_bounded_and_the_largest_pay() {
    let settings = Settings {
        message_bytes_max: 100,
        outbox_bytes_max: 2000,
        frames_bytes_max: 5000,
        ..Settings::default()
    };
    let mut bench = Bench::new(settings);
    let conns: Vec<_> = (0..10).map(|_| bench.open()).collect();
    // Nobody reads. The first is given the most, and no outbox is full.
    bench.tell(Event::Send(conns[0], Message::binary(&[0; 1000])));
    for conn in &conns {
        bench.tell(Event::Send(*conn, Message::binary(&[0; 490])));
        assert!(bench.hub.stats().frame_bytes <= 5000);
    }
    assert!(!bench.hub.is_open(conns[0]), "the largest");
    assert_eq!(bench.hub.stats().overflows, 1);
    assert!(conns[1..].iter().all(|conn| bench.hub.is_open(*conn)), "all others");
}

#[test]
fn a_message_that_nobody_is_given_ends_nobody() {
    let settings = Settings {
        message_bytes_max: 140,
        outbox_bytes_max: 1600,
        frames_bytes_max: 4000,
        ..Settings::default()
    };
    let mut bench = Bench::new(settings);
    let gone = bench.open();
    bench.tell(Event::Ended(gone, End::Failed));
    // Pongs have a bound of their own, past which no message has room.
    let conn = bench.open();
    let ping = [&[0x89, 0x80 | 125][..], &[0; 4 + 125]].concat();
    bench.receive(conn, &ping.repeat(32));
    assert!(bench.hub.stats().frame_bytes > 4000);
    let publish = |audience: Audience, except| {
        Event::Publish(Publish { audience, message: Message::text("late"), except })
    };
    bench.tell(Event::Subscribe(conn, Topic::new("a")));
    bench.tell(Event::Send(gone, Message::text("late")));
    bench.tell(publish(Topic::new("a").into(), Some(conn)));
    bench.tell(publish(Audience::Everyone, Some(conn)));
    assert!(bench.hub.is_open(conn), "none of it was for it");
    assert_eq!(bench.hub.stats().overflows, 0);
    assert_eq!(bench.hub.stats().stale_events, 1);

    bench.tell(Event::Send(conn, Message::text("for it")));
    assert!(!bench.hub.is_open(conn), "this was");
    assert_eq!((bench.hub.stats().overflows, bench.hub.stats().stale_events), (1, 1));
}

#[test]
fn what_is_unfinished_is_bounded_while_connections_close_too() {
    let settings =
        Settings { message_bytes_max: 60_000, assembly_bytes_max: 100_000, ..Settings::default() };
    let mut bench = Bench::new(settings);
    let conns: Vec<_> = (0..50).map(|_| bench.open()).collect();
    for conn in &conns {
        bench.receive(*conn, &frame(0x82, 50_000, &[0; 1000]));
        bench.tell(Event::Kick(*conn, close(CloseCode::Policy)));
    }
    for conn in &conns {
        bench.receive(*conn, &[0; 40_000]);
        assert!(bench.hub.stats().assembly_bytes <= 100_000 + 50_000);
    }
    // Whoever is past the bound is not waited for, and gives everything back.
    bench.pass(10 * SECOND);
    assert_eq!(bench.hub.stats().connections, 0);
    assert_eq!(bench.hub.stats().assembly_bytes, 0);
}

#[test]
fn a_pause_does_not_renew_the_time_for_a_message() {
    let settings = Settings {
        message_timeout: 5 * SECOND,
        inbound_frames_per_second_max: 10,
        ..Settings::default()
    };
    let mut bench = Bench::new(settings);
    let conn = bench.open();
    // The first fragment is whole, the last never comes.
    bench.receive(conn, &frame(0x02, 200, &[0; 200]));
    let pong = [0x8a, 0x80, 0, 0, 0, 0];
    for _ in 0..600 {
        if !bench.is_paused(conn) {
            bench.receive(conn, &pong.repeat(3));
        }
        bench.pass(SECOND / 10);
    }
    assert_eq!(bench.end_of(conn), Some(&CloseReason::MessageTimeout));
    assert!(bench.hub.stats().rate_pauses > 0);
}

#[test]
fn a_peer_far_past_its_rate_is_heard_again_soon() {
    let settings = Settings { inbound_frames_per_second_max: 1, ..Settings::default() };
    let mut bench = Bench::new(settings);
    let conn = bench.open();
    bench.receive(conn, &[0x8a, 0x80, 0, 0, 0, 0].repeat(10_000));
    assert!(bench.commands.others.contains(&Command::Pause(conn)));
    bench.pass(6 * SECOND);
    assert!(bench.commands.others.contains(&Command::Resume(conn)));
}

#[test]
fn the_peers_close_does_not_renew_the_time_to_close() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.open();
    bench.tell(Event::Send(conn, Message::text("unread")));
    bench.tell(Event::Close(conn, close(CloseCode::Normal)));
    bench.pass(4 * SECOND);
    bench.receive(conn, &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
    bench.pass(SECOND);
    assert!(bench.commands.others.contains(&Command::Shutdown(conn)), "5 s after the first word");
}

#[test]
fn a_flood_of_pings_costs_no_more_than_its_bytes() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.open();
    let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(10_000);
    bench.receive(conn, &pings);
    assert!(bench.hub.stats().queued <= 2048);
    assert!(bench.hub.stats().frame_bytes <= 4096);
    // The newest ping is answered whatever was left out.
    bench.receive(conn, &[0x89, 0x81, 0, 0, 0, 0, b'!']);
    let mut slices = [std::io::IoSlice::new(&[]); 2100];
    let filled = bench.hub.unsent(conn, &mut slices);
    assert_eq!(&*slices[filled - 1], b"\x8a\x01!");
}

#[test]
fn a_stale_id_of_a_shard_that_is_not_there_is_harmless() {
    let other_house = Seat { shard: fanlight_core::ShardId(9), shards: 10, seed: 7 };
    let mut other = Hub::new(Config::default(), other_house);
    let arrival = Arrival::Fresh(PeerAddr::Unnamed);
    let stranger = other.accept(Instant::ZERO, arrival, &mut Commands::default()).unwrap();
    let mut bench = Bench::new(Settings::default());
    let mut cx = fanlight_core::Context::new(&mut bench.hub, bench.now, &mut bench.commands, None);
    cx.send(stranger, Message::text("nobody"));
    cx.close(stranger, CloseCode::Normal, "");
    assert_eq!(bench.hub.stats().stale_events, 2);
    assert_eq!(bench.commands, Commands::default());
}

/// Kicks whoever speaks, and ends its shard at once.
#[derive(Default)]
struct Impatient {
    heard: usize,
}

impl fanlight_core::Service for Impatient {
    fn on_message(&mut self, cx: &mut fanlight_core::Context<'_>, conn: ConnId, _: Message) {
        self.heard += 1;
        cx.kick(conn, CloseCode::Policy, "");
        let farewell = close(CloseCode::Away);
        cx.drain(fanlight_core::Drain { over: Duration::ZERO, timeout: Duration::ZERO, farewell });
    }
}

#[test]
fn who_was_kicked_is_heard_no_more_even_when_it_is_gone() {
    let mut bench = Bench::new(Settings::default());
    let conn = bench.open();
    bench.receive(conn, &[0x81, 0x81, 0, 0, 0, 0, b'x'].repeat(3));
    let mut service = Impatient::default();
    let Bench { hub, commands, now } = &mut bench;
    while let Some(command) = commands.others.pop_front() {
        fanlight_core::serve(&mut service, hub, *now, command, commands);
    }
    assert_eq!(service.heard, 1);
    assert_eq!(bench.hub.stats().connections, 0);
}
