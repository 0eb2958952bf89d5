//! A small house whose hubs keep journals.

use std::{io::IoSlice, time::Duration};

use crate::{
    Admission, Arrival, CloseCode, Command, Commands, Config, ConnId, Context, End, Event,
    Fingerprint, Hub, Instant, Message, PeerAddr, Refusal, Request, Seat, Service, Settings,
    ShardId, Timer, Topic,
    journal::{Payloads, Tail},
    serve,
    wire::{Limits, Role, Wire},
};

/// Asks a hub for everything that a service can ask for.
struct Busy;

impl Service for Busy {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        cx.set_timer(Timer::Shard, Some(cx.now() + Duration::from_secs(1)));
    }

    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        match request.path() {
            "/page" => {
                let page = Refusal::new(200).unwrap().header("X-One", "1").unwrap();
                cx.refuse(conn, page.body("text/plain", "hidden page").unwrap());
            }
            _ => {
                let subprotocol = request.choose_subprotocol(&["chat"]);
                let user = Some(Topic::user(request.query().unwrap_or("nobody")));
                cx.admit(conn, Admission { subprotocol, user, never_deflate: false });
            }
        }
    }

    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        cx.subscribe(conn, "lobby");
        let room = cx.random() % 3;
        cx.subscribe(conn, format!("room {room}"));
        cx.set_timer(Timer::Connection(conn), Some(cx.now() + Duration::from_secs(2)));
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        match message.as_text() {
            Some("close") => cx.close(conn, CloseCode::Normal, "hidden goodbye"),
            Some("kick") => cx.kick(conn, CloseCode::Policy, "hidden kick"),
            Some("leave") => cx.unsubscribe(conn, "lobby"),
            Some("everyone") => drop(cx.publish_to_everyone(message)),
            Some("user") => drop(cx.publish(Topic::user("alice"), message)),
            Some("echo") => drop(cx.send(conn, message)),
            Some(_) | None => {
                let number = cx.random();
                cx.publish_except("lobby", Message::text(&number.to_string()), Some(conn));
                cx.publish("lobby", message);
            }
        }
    }

    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {
        if let Timer::Connection(conn) = timer {
            let text = Message::text(&cx.random().to_string());
            cx.send(conn, text);
        }
    }
}

/// When the journals began by the clock on the wall, since 1970.
pub(super) const BEGAN: Duration = Duration::from_nanos(1_795_384_087_880_000_001);

pub(super) struct House {
    hubs: Vec<Hub>,
    commands: Vec<Commands>,
    pub(super) now: Instant,
}

/// A peer in the client's role.
pub(super) struct Peer {
    pub(super) conn: ConnId,
    wire: Wire,
}

impl House {
    pub(super) fn new(shards: u8, payloads: Payloads) -> Self {
        let seat = Seat { shard: ShardId(0), shards, seed: 0x5eed };
        // Ten seconds pass in a run: who is silent is pinged, and lost.
        let config = Config::new(Settings {
            ping_interval: Duration::from_secs(3),
            pong_timeout: Duration::from_secs(2),
            ..Settings::default()
        });
        let config = config.unwrap();
        let hub = |shard| Hub::recorded(config.clone(), Seat { shard, ..seat }, payloads, BEGAN);
        let mut house = Self {
            hubs: seat.all().map(hub).collect(),
            commands: seat.all().map(|_| Commands::default()).collect(),
            now: Instant::from_nanos(1_000_000_007),
        };
        for (hub, commands) in house.hubs.iter_mut().zip(&mut house.commands) {
            Busy.on_start(&mut Context::new(hub, house.now, commands, None));
        }
        house.settle();
        house
    }

    pub(super) fn tell(&mut self, shard: ShardId, event: Event<'_>) {
        self.now = self.now + Duration::from_micros(17);
        self.hubs[shard.index()].handle(self.now, event, &mut self.commands[shard.index()]);
    }

    pub(super) fn open(&mut self, shard: u8, target: &str) -> Peer {
        let shard = ShardId(shard);
        let peer = PeerAddr::Inet("192.0.2.7:4711".parse().unwrap());
        let (hub, commands) = (&mut self.hubs[shard.index()], &mut self.commands[shard.index()]);
        let conn = hub.accept(self.now, Arrival::Fresh(peer), commands).unwrap();
        let mut head = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Protocol: chat\r\nCookie: hidden cookie\r\n\r\n"
        )
        .into_bytes();
        let (first, second) = head.split_at_mut(40);
        self.tell(shard, Event::Received(conn, first));
        self.tell(shard, Event::Received(conn, second));
        self.settle();
        let limits = Limits { message_bytes_max: 1 << 20, ..Limits::default() };
        Peer { conn, wire: Wire::new(Role::Client { mask_seed: [7; 32] }, limits) }
    }

    /// Has the peer say all of these in one read.
    pub(super) fn say(&mut self, peer: &mut Peer, texts: &[&str]) {
        let mut bytes = Vec::new();
        for text in texts {
            peer.wire.send(&Message::text(text), &mut bytes);
        }
        self.tell(peer.conn.shard(), Event::Received(peer.conn, &mut bytes));
        self.settle();
    }

    pub(super) fn end(&mut self, peer: &Peer, end: End) {
        self.tell(peer.conn.shard(), Event::Ended(peer.conn, end));
        self.settle();
    }

    /// Lets time pass, and deadlines with it.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, shard)) = (0..self.hubs.len())
            .filter_map(|shard| Some((self.hubs[shard].next_deadline()?, shard)))
            .min()
            .filter(|(at, _)| *at <= until)
        {
            self.now = self.now.max(at);
            self.hubs[shard].handle(self.now, Event::Tick, &mut self.commands[shard]);
            self.settle();
        }
        self.now = self.now.max(until);
    }

    /// Everything that is to be done, a socket taking a few bytes first and then the rest.
    pub(super) fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            for shard in 0..self.hubs.len() {
                while let Some(command) = self.commands[shard].others.pop_front() {
                    is_quiet = false;
                    let (hub, commands) = (&mut self.hubs[shard], &mut self.commands[shard]);
                    let undone = serve(&mut Busy, hub, self.now, command, commands);
                    if let Some(Command::Forward(to, parcel)) = undone {
                        let from = ShardId(u8::try_from(shard).unwrap());
                        self.tell(to, Event::Parcel(from, parcel));
                    }
                }
                for conn in std::mem::take(&mut self.commands[shard].writes) {
                    is_quiet = false;
                    for bytes_max in [3, usize::MAX] {
                        let mut slices = [IoSlice::new(&[]); 64];
                        let filled = self.hubs[shard].unsent(conn, &mut slices);
                        let bytes: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
                        self.tell(conn.shard(), Event::Sent(conn, bytes.min(bytes_max)));
                    }
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    /// The journals, each with the digest of its hub.
    pub(super) fn journals(mut self, tail: Tail) -> Vec<(Vec<u8>, Fingerprint)> {
        let end = |hub: &mut Hub| {
            let digest = hub.digest().unwrap();
            let mut file = Vec::new();
            hub.end_journal(tail, &mut file);
            (file, digest)
        };
        self.hubs.iter_mut().map(end).collect()
    }

    pub(super) fn hub(&self, shard: usize) -> &Hub {
        &self.hubs[shard]
    }
}

/// A run in which everything happens: two shards, or as many as there are.
pub(super) fn eventful(shards: u8, payloads: Payloads) -> House {
    let mut house = House::new(shards, payloads);
    let mut peers: Vec<Peer> =
        (0..6).map(|number| house.open(number % shards, "/hidden?alice")).collect();
    house.open(0, "/page");
    for peer in &mut peers {
        house.say(peer, &["hidden words", "echo", "everyone", "user"]);
    }
    // What is said after a Close in the same read is taken back from the service.
    house.say(&mut peers[0], &["close", "never heard", "nor this"]);
    house.say(&mut peers[1], &["leave", "kick", "never heard"]);
    house.end(&peers[2], End::Failed);
    house.end(&peers[3], End::Eof);
    house.tell(ShardId(0), Event::Panicked(Some(peers[4].conn)));
    house.tell(ShardId(0), Event::Tick);
    house.settle();
    house.pass(Duration::from_secs(10));
    let farewell = crate::CloseFrame { code: CloseCode::Away, reason: "hidden farewell".into() };
    for shard in 0..shards {
        let over = Duration::from_millis(10);
        let drain =
            crate::Drain { over, timeout: Duration::from_secs(5), farewell: farewell.clone() };
        house.tell(ShardId(shard), Event::Drain(drain));
    }
    house.settle();
    house.pass(Duration::from_secs(10));
    house
}
