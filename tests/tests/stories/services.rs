//! What a service is told and may ask for, and what a service that states nothing does.

use std::time::Duration;

use fanlight_core::{
    Arrival, CloseCode, CloseReason, Config, ConnId, Context, Drain, Event, Instant, Message,
    Negotiated, PeerAddr, Seq, Service, Settings, ShardId, Stats, Timer, Topic,
};
use fanlight_sim::{Nature, Peer, Setup, World};

use super::{ONE, close_frame, millis, secs};

/// A service that states nothing.
#[derive(Default)]
struct Silent;

impl Service for Silent {}

fn house<S: Service + Default>(shards: u8) -> World<S> {
    let config = Config::new(Settings::default()).unwrap();
    World::with_setup(Setup { seed: 7, shards, config, nature: Nature::GENTLE }, |_| S::default())
}

fn ask<S: Service>(world: &mut World<S>, request: &[u8]) -> ConnId {
    let arrival = Arrival::Fresh(PeerAddr::Unnamed);
    let conn = world.connect(ONE, Peer::asking(1), arrival).unwrap();
    world.peer_sends(conn, request);
    world.flow();
    conn
}

fn open<S: Service>(world: &mut World<S>, shard: ShardId) -> ConnId {
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    world.connect(shard, Peer::upgraded(1), arrival).unwrap()
}

fn say<S: Service>(world: &mut World<S>, conn: ConnId, text: &str) {
    world.peer_acts(conn, |peer, out| peer.say(text, out));
    world.flow();
}

fn with_origin(origin: &str) -> Vec<u8> {
    let request = String::from_utf8(Peer::request("/", true)).unwrap();
    request.replace("Host: sim\r\n", &format!("Host: sim\r\nOrigin: {origin}\r\n")).into_bytes()
}

#[test]
fn by_default_an_upgrade_is_admitted_unless_a_page_of_another_site_asks() {
    let mut world = house::<Silent>(1);
    for (request, status, is_open) in [
        (Peer::request("/", true), "101", true),
        (with_origin("https://sim"), "101", true),
        (with_origin("https://other.test"), "403", false),
        (Peer::request("/", false), "426", false),
    ] {
        let conn = ask(&mut world, &request);
        let answer = format!("HTTP/1.1 {status} ");
        assert!(world.socket(conn).outward().starts_with(answer.as_bytes()), "{status}");
        assert_eq!(world.hub(ONE).is_open(conn), is_open, "{status}");
    }
}

#[test]
fn by_default_everything_else_is_passed_over() {
    let mut world = house::<Silent>(1);
    let conn = ask(&mut world, &Peer::request("/", true));
    say(&mut world, conn, "anybody?");
    world.tell(ONE, Event::Subscribe(conn, "lobby".into()));
    world.tell(ONE, Event::Subscribe(conn, "".into()));
    world.tell(ONE, Event::SetTimer(Timer::Shard, Some(world.now() + secs(1))));
    world.advance(secs(2));
    assert_eq!(world.stats().members, 1);
    world.peer_acts(conn, |peer, out| peer.close(None, out));
    world.flow();
    assert_eq!(world.stats().connections, 0);
    assert_eq!(world.broken(), []);
}

/// Does what it is told through a context, and notes what that tells.
#[derive(Default)]
struct Curious {
    seen: Vec<(ShardId, Instant, u64)>,
    opened: u64,
    round_trip: Option<Duration>,
    taken: Vec<bool>,
    timers: Vec<(Instant, Timer)>,
    ended: Vec<CloseReason>,
}

impl Service for Curious {
    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        self.seen.push((cx.shard(), cx.now(), cx.random()));
        let Stats { opened, .. } = *cx.stats();
        self.opened = opened;
        self.round_trip = cx.round_trip(conn);
        let news = Message::text("news");
        match message.as_text().unwrap() {
            "join" => cx.subscribe(conn, "lobby"),
            "leave" => cx.unsubscribe(conn, "lobby"),
            "all" => self.taken.push(cx.publish_to_everyone(news)),
            "lobby" => self.taken.push(cx.publish("lobby", news)),
            "others" => self.taken.push(cx.publish_except("lobby", news, Some(conn))),
            "back" => self.taken.push(cx.send(conn, news)),
            "nobody" => self.taken.push(cx.publish("", news)),
            "too long" => {
                let long = Message::binary(&vec![0; 4 << 20]);
                self.taken.push(cx.send(conn, long.clone()));
                self.taken.push(cx.publish("lobby", long));
            }
            "later" => cx.set_timer(Timer::Connection(conn), Some(cx.now() + millis(300))),
            "later still" => cx.set_timer(Timer::Shard, Some(cx.now() + millis(400))),
            "close" => cx.close(conn, CloseCode::Normal, "bye"),
            "kick" => cx.kick(conn, CloseCode::Policy, "out"),
            "drain" => {
                let farewell = close_frame(1001);
                cx.drain(Drain { over: secs(0), timeout: secs(9), farewell });
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {
        self.timers.push((cx.now(), timer));
    }

    fn on_close(&mut self, _cx: &mut Context<'_>, _conn: ConnId, reason: &CloseReason) {
        self.ended.push(reason.clone());
    }
}

const TWO: ShardId = ShardId(1);

#[test]
fn a_context_tells_where_and_when_it_is_and_draws_other_numbers_each_time() {
    let mut world = house::<Curious>(2);
    let conns = [open(&mut world, ONE), open(&mut world, TWO)];
    world.advance(secs(26));
    for conn in conns {
        say(&mut world, conn, "look");
        say(&mut world, conn, "look");
    }
    let mut numbers = Vec::new();
    for shard in [ONE, TWO] {
        let service = world.service(shard);
        let [first, second] = service.seen[..] else { panic!("{:?}", service.seen) };
        for (here, now, number) in [first, second] {
            assert_eq!((here, now), (shard, world.now()));
            numbers.push(number);
        }
        assert_eq!(service.opened, 1);
        assert!(service.round_trip.is_some(), "a ping was answered meanwhile");
        assert_eq!(service.round_trip, world.hub(shard).round_trip(conns[shard.0 as usize]));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 4, "no shard draws what another draws");
}

#[test]
fn what_a_service_publishes_reaches_whom_it_is_for() {
    let mut world = house::<Curious>(2);
    let [near, other, far] = [ONE, ONE, TWO].map(|shard| open(&mut world, shard));
    let heard = |world: &World<Curious>| {
        [near, other, far].map(|conn| world.socket(conn).peer.texts().len())
    };
    say(&mut world, near, "all");
    assert_eq!(heard(&world), [1, 1, 1]);
    say(&mut world, near, "join");
    say(&mut world, far, "join");
    say(&mut world, near, "lobby");
    assert_eq!(heard(&world), [2, 1, 2]);
    say(&mut world, near, "others");
    assert_eq!(heard(&world), [2, 1, 3]);
    say(&mut world, near, "back");
    assert_eq!(heard(&world), [3, 1, 3]);
    say(&mut world, far, "leave");
    say(&mut world, near, "lobby");
    assert_eq!(heard(&world), [4, 1, 3]);
    assert_eq!(world.service(ONE).taken, [true; 5]);
    say(&mut world, near, "nobody");
    say(&mut world, near, "too long");
    assert_eq!(world.service(ONE).taken[5..], [false; 3]);
    assert_eq!(heard(&world), [4, 1, 3]);
    assert_eq!(world.broken(), []);
}

#[test]
fn a_service_ends_connections_and_its_shard() {
    let mut world = house::<Curious>(1);
    let [closed, kicked, last] = [(); 3].map(|()| open(&mut world, ONE));
    say(&mut world, closed, "close");
    say(&mut world, kicked, "kick");
    say(&mut world, last, "drain");
    world.advance(secs(1));
    let codes = [closed, kicked, last].map(|conn| {
        let frame = world.socket(conn).peer.closed().unwrap().unwrap();
        (u16::from(frame.code), frame.reason.to_string())
    });
    let told = [(1000, "bye"), (1008, "out"), (1001, "because")];
    assert_eq!(codes, told.map(|(code, reason)| (code, reason.to_owned())));
    assert_eq!(
        world.service(ONE).ended,
        [
            CloseReason::ServiceClosed(CloseCode::Normal),
            CloseReason::ServiceClosed(CloseCode::Policy),
            CloseReason::Drained(CloseCode::Away),
        ]
    );
    assert_eq!(world.stats().connections, 0);
}

#[test]
fn a_service_sets_timers() {
    let mut world = house::<Curious>(1);
    let conn = open(&mut world, ONE);
    say(&mut world, conn, "later");
    say(&mut world, conn, "later still");
    world.advance(secs(2));
    let timers = [(300, Timer::Connection(conn)), (400, Timer::Shard)];
    let expected = timers.map(|(due, timer)| (Instant::ZERO + millis(due), timer));
    assert_eq!(world.service(ONE).timers, expected);
}

/// Joins at "+" and leaves at "-", and counts what it is told of that.
#[derive(Default)]
struct Fickle {
    subscribed: usize,
}

impl Service for Fickle {
    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        if message.as_text() == Some("+") {
            cx.subscribe(conn, "room");
        } else {
            cx.unsubscribe(conn, "room");
        }
    }
    fn on_subscribed(&mut self, _: &mut Context<'_>, _: ConnId, _: &Topic, _: Seq) {
        self.subscribed += 1;
    }
}

#[test]
fn a_membership_that_has_ended_is_not_told_of() {
    let mut world = house::<Fickle>(1);
    let conn = open(&mut world, ONE);
    world.peer_acts(conn, |peer, out| {
        peer.say("+", out);
        peer.say("-", out);
    });
    world.flow();
    assert_eq!(world.service(ONE).subscribed, 0);
    say(&mut world, conn, "+");
    assert_eq!(world.service(ONE).subscribed, 1);
}

/// Says something once a second on the topic's home, while somebody listens.
#[derive(Default)]
struct Herald {
    said: Vec<Instant>,
}

const NEWS: &str = "news";

impl Service for Herald {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        if cx.is_home(&NEWS.into()) {
            cx.set_timer(Timer::Shard, Some(cx.now() + secs(1)));
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        if message.as_text() == Some("+") {
            cx.subscribe(conn, NEWS);
        } else {
            cx.unsubscribe(conn, NEWS);
        }
    }

    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {
        cx.set_timer(timer, Some(cx.now() + secs(1)));
        if cx.has_members(&NEWS.into()) {
            self.said.push(cx.now());
            assert!(cx.publish(NEWS, Message::text("oyez")));
        }
    }
}

#[test]
fn the_home_of_a_topic_knows_whether_anybody_in_the_house_listens() {
    let mut world = house::<Herald>(3);
    let conns: Vec<ConnId> = world.shards().map(|shard| open(&mut world, shard)).collect();
    let said = |world: &World<Herald>| -> Vec<usize> {
        world.shards().map(|shard| world.service(shard).said.len()).collect()
    };
    world.advance(secs(3));
    assert_eq!(said(&world), [0, 0, 0], "nobody listens");
    for (round, conn) in conns.iter().enumerate() {
        say(&mut world, *conn, "+");
        world.advance(secs(2));
        say(&mut world, *conn, "-");
        world.advance(secs(3));
        assert_eq!(said(&world).iter().sum::<usize>(), 2 * (round + 1), "on whichever shard");
        assert_eq!(world.socket(*conn).peer.texts(), ["oyez"; 2]);
    }
    assert_eq!(said(&world).iter().filter(|said| **said > 0).count(), 1, "and one shard says it");
}
