use std::{cell::Cell, io::IoSlice, time::Duration};

use fanlight_core::{Arrival, Commands, Config, Event, Hub, Instant, PeerAddr, Seat, Stats, serve};

use super::*;
use crate::centrifugo::Access;

const LOCAL: &str = "127.0.0.1:50000";
const REMOTE: &str = "192.0.2.1:50000";

thread_local! {
    /// How often this test's service has asked for the figures.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// A hub with the service on it and no sockets.
struct Stage {
    hub: Hub,
    commands: Commands,
    site: Site<fn() -> Figures>,
}

impl Stage {
    fn new(origins: Origins) -> Self {
        Self {
            hub: Hub::new(Config::default(), Seat::alone(1)),
            commands: Commands::default(),
            site: Site::new(
                origins,
                || {
                    CALLS.set(CALLS.get() + 1);
                    let shard = Stats { open: 7, ..Stats::default() };
                    Figures { shards: vec![shard], log_lines_dropped: 0 }
                },
                Centrifugo::new(&Config::default(), Access::Anonymous),
            ),
        }
    }

    fn accept(&mut self, peer: &str) -> ConnId {
        let peer = PeerAddr::Inet(peer.parse().unwrap());
        self.hub.accept(Instant::ZERO, Arrival::Fresh(peer), &mut self.commands).unwrap()
    }

    /// Gives the hub an event and the service what comes of it.
    fn handle(&mut self, event: Event<'_>) {
        self.handle_at(Instant::ZERO, event);
    }

    fn handle_at(&mut self, now: Instant, event: Event<'_>) {
        self.hub.handle(now, event, &mut self.commands);
        while let Some(command) = self.commands.others.pop_front() {
            serve(&mut self.site, &mut self.hub, now, command, &mut self.commands);
        }
    }

    /// What the peer is sent in answer to `bytes`.
    fn receive(&mut self, conn: ConnId, bytes: &[u8]) -> Vec<u8> {
        self.handle(Event::Received(conn, &mut bytes.to_vec()));
        self.sent(conn)
    }

    fn sent(&mut self, conn: ConnId) -> Vec<u8> {
        let mut sent = Vec::new();
        loop {
            let mut slices = [IoSlice::new(&[]); 8];
            let filled = self.hub.unsent(conn, &mut slices);
            let next: Vec<u8> =
                slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect();
            if next.is_empty() {
                return sent;
            }
            self.handle(Event::Sent(conn, next.len()));
            sent.extend(next);
        }
    }

    fn answer(&mut self, peer: &str, request: &str) -> String {
        let conn = self.accept(peer);
        String::from_utf8(self.receive(conn, request.as_bytes())).unwrap()
    }

    fn open(&mut self, path: &str) -> ConnId {
        let conn = self.accept(LOCAL);
        let answer = self.receive(conn, upgrade(path, "").as_bytes());
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
        conn
    }
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

fn upgrade(path: &str, header: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n"
    )
}

/// A text frame of a client whose mask is zero.
fn text(payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0x81, 0x80 | length, 0, 0, 0, 0], payload.as_bytes()].concat()
}

#[test]
fn each_path_has_its_answer() {
    let mut stage = Stage::new(Origins::SameHost);
    for (request, status) in [
        (get("/", "localhost"), 200),
        (get("/?from=here", "localhost"), 200),
        (get("/page/client.js", "localhost"), 200),
        (get("/page/", "localhost"), 404),
        (get("/healthz", "localhost"), 200),
        (get("/stats", "localhost"), 200),
        (get("/echo", "localhost"), 426),
        (get("/broadcast", "localhost"), 426),
        (get("/nowhere", "localhost"), 404),
        (get("/echo/more", "localhost"), 404),
        (upgrade("/echo", ""), 101),
        (upgrade("/echo?token=x", ""), 101),
        (upgrade("/broadcast", ""), 101),
        (upgrade("/", ""), 404),
        (upgrade("/page/client.js", ""), 404),
        (upgrade("/stats", ""), 404),
        (upgrade("/nowhere", ""), 404),
    ] {
        let answer = stage.answer(LOCAL, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
    }
}

#[test]
fn figures_are_for_this_machine_only() {
    let mut stage = Stage::new(Origins::SameHost);
    let answer = stage.answer(LOCAL, &get("/stats", "127.0.0.1:9000"));
    assert!(answer.contains("\nopen 7\n"), "{answer}");
    for (peer, host) in [(REMOTE, "localhost"), (REMOTE, "192.0.2.7"), (LOCAL, "example.com")] {
        let answer = stage.answer(peer, &get("/stats", host));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{peer} asks {host}: {answer}");
    }
    let answer = stage.answer("[::ffff:127.0.0.1]:50000", &get("/stats", "[::1]:9000"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn origins_decide_over_upgrades() {
    let listed = "https://example.com".parse().map(|origin| Origins::Listed([origin].into()));
    for (origins, origin, status) in [
        (Origins::SameHostHere, "", 101),
        (Origins::SameHostHere, "Origin: http://localhost\r\n", 101),
        (Origins::SameHostHere, "Origin: https://example.com\r\n", 403),
        (Origins::SameHostHere, "Origin: null\r\n", 403),
        (Origins::SameHost, "", 101),
        (Origins::SameHost, "Origin: http://localhost\r\n", 101),
        (Origins::SameHost, "Origin: https://example.com\r\n", 403),
        (Origins::SameHost, "Origin: null\r\n", 403),
        (listed.clone().unwrap(), "", 101),
        (listed.clone().unwrap(), "Origin: https://example.com\r\n", 101),
        (listed.clone().unwrap(), "Origin: http://localhost\r\n", 403),
        (listed.clone().unwrap(), "Origin: null\r\n", 403),
        (Origins::Any, "Origin: null\r\n", 101),
        (Origins::Any, "Origin: https://example.com\r\n", 101),
    ] {
        let answer = Stage::new(origins).answer(REMOTE, &upgrade("/echo", origin));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}{answer}");
    }
}

#[test]
fn a_page_whose_name_was_turned_to_this_machine_is_not_of_this_machine() {
    let listed = Origins::Listed(["http://example.com".parse().unwrap()].into());
    for (origins, host, origin, status) in [
        (Origins::SameHostHere, "example.com", Some("http://example.com"), 403),
        (Origins::SameHostHere, "example.com:9000", Some("http://example.com:9000"), 403),
        (Origins::SameHostHere, "127.0.0.1:9000", Some("http://127.0.0.1:9000"), 101),
        (Origins::SameHostHere, "[::1]:9000", Some("http://[::1]:9000"), 101),
        (Origins::SameHostHere, "example.com", None, 101),
        (Origins::SameHost, "example.com", Some("http://example.com"), 101),
        (listed, "example.com", Some("http://example.com"), 101),
        (Origins::Any, "example.com", Some("http://example.com"), 101),
    ] {
        let header = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        let request =
            upgrade("/echo", &header).replace("Host: localhost\r\n", &format!("Host: {host}\r\n"));
        let answer = Stage::new(origins).answer(LOCAL, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
    }
}

#[test]
fn an_origin_that_cannot_be_judged_is_not_a_missing_one() {
    let twice = "Origin: https://example.com\r\nOrigin: https://example.net\r\n";
    let listed = Origins::Listed(["https://example.com".parse().unwrap()].into());
    for (origins, header) in [
        (listed.clone(), twice.as_bytes()),
        (listed, b"Origin: \xff\r\n"),
        (Origins::SameHost, twice.as_bytes()),
        (Origins::SameHost, b"Origin: \xff\r\n"),
        (Origins::SameHost, b"Origin: http://localhost\r\nOrigin: https://example.net\r\n"),
    ] {
        let mut stage = Stage::new(origins);
        let conn = stage.accept(LOCAL);
        let request = upgrade("/echo", "");
        let head = request.strip_suffix("\r\n").unwrap();
        let answer = stage.receive(conn, &[head.as_bytes(), header, b"\r\n"].concat());
        let shown = answer.escape_ascii();
        assert!(answer.starts_with(b"HTTP/1.1 4"), "{}: {shown}", header.escape_ascii());
    }
}

#[test]
fn an_echo_comes_back_and_a_broadcast_reaches_everyone_there() {
    let mut stage = Stage::new(Origins::SameHost);
    let [echo, one, two] = ["/echo", "/broadcast", "/broadcast"].map(|path| stage.open(path));
    assert_eq!(stage.receive(echo, &text("me")), b"\x81\x02me");
    assert_eq!(stage.sent(one), b"");
    assert_eq!(stage.receive(one, &text("all")), b"\x81\x03all");
    assert_eq!(stage.sent(two), b"\x81\x03all");
    assert_eq!(stage.sent(echo), b"");
}

#[test]
fn a_slot_forgets_what_its_last_connection_came_for() {
    let mut stage = Stage::new(Origins::SameHost);
    let first = stage.open("/broadcast");
    stage.handle(Event::Ended(first, fanlight_core::End::Failed));
    let second = stage.open("/echo");
    assert_eq!(first.index(), second.index());
    let other = stage.open("/broadcast");
    assert_eq!(stage.receive(second, &text("me")), b"\x81\x02me");
    assert_eq!(stage.sent(other), b"");
}

#[test]
fn figures_are_told_once_a_second_and_only_while_somebody_listens() {
    let mut stage = Stage::new(Origins::SameHost);
    let hub = &mut stage.hub;
    stage.site.on_start(&mut Context::new(hub, Instant::ZERO, &mut stage.commands, None));
    let conn = stage.open("/connection/websocket");
    stage.receive(conn, &text(r#"{"id":1,"connect":{}}"#));
    let mut second = 0;
    let mut told = |stage: &mut Stage| {
        second += 1;
        let now = Instant::ZERO + Duration::from_secs(second);
        let calls = CALLS.get();
        stage.handle_at(now, Event::Tick);
        stage.handle_at(now, Event::Tick);
        (CALLS.get() - calls, String::from_utf8_lossy(&stage.sent(conn)).into_owned())
    };
    assert_eq!(told(&mut stage), (0, String::new()), "nobody listens");

    stage.receive(conn, &text(r#"{"id":2,"subscribe":{"channel":"fanlight:stats"}}"#));
    for _ in 0..2 {
        let (calls, sent) = told(&mut stage);
        assert_eq!((calls, sent.matches("fanlight:stats").count()), (1, 1), "{sent}");
        assert!(sent.contains(r#""shards":[{"open":7,"#), "{sent}");
    }
    let refused = r#"{"id":3,"publish":{"channel":"fanlight:stats","data":1}}"#;
    let answer = String::from_utf8_lossy(&stage.receive(conn, &text(refused))).into_owned();
    assert!(answer.contains(r#""code":103"#), "{answer}");

    stage.receive(conn, &text(r#"{"id":4,"unsubscribe":{"channel":"fanlight:stats"}}"#));
    assert_eq!(told(&mut stage), (0, String::new()), "nobody listens any more");
}
