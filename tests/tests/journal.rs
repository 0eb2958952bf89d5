//! Journals of a real server: recorded under load, ended in every way, and replayed.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::{
    cell::Cell,
    env, fs, io,
    net::SocketAddr,
    path::PathBuf,
    process::{self, Output},
    rc::Rc,
    time::Duration,
};

use fanlight_core::{
    CloseCode, CloseFrame, ConnId, Event, Message,
    journal::{Entry, Input, Journal, Step},
    wire::{Incoming, Limits, Role, Wire},
};
use fanlight_tests::victim::{self, Victim};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{LocalSet, spawn_local, yield_now},
    time::{sleep, timeout},
};

/// How many connections the first test has; CI sets 1000.
const CONNECTIONS: &str = "FANLIGHT_JOURNAL_CONNECTIONS";
const PATIENCE: Duration = Duration::from_secs(60);
/// In every message.
const SAID: &str = "what nobody else may read";

/// How a peer ends.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    /// With a Close of its own.
    Close,
    /// With a reset.
    Reset,
    /// Without a word.
    Vanish,
    /// With the server.
    Stay,
}

impl Ending {
    const ALL: [Self; 4] = [Self::Close, Self::Reset, Self::Vanish, Self::Stay];
}

struct Peer {
    stream: TcpStream,
    wire: Wire,
    heard: usize,
    is_told_to_go: bool,
}

impl Peer {
    async fn connect(address: SocketAddr, path: &str, number: usize) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
        let role = Role::Client { mask_seed: number as u64 };
        let wire = Wire::new(role, Limits { message_bytes_max: 1 << 20 });
        Ok(Self { stream, wire, heard: 0, is_told_to_go: false })
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        let mut out = Vec::new();
        self.wire.send(&Message::text(text), &mut out);
        self.stream.write_all(&out).await
    }

    /// Hears what comes, once. Whether there may be more.
    async fn hear(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let length = self.stream.read(&mut buffer).await?;
        let (mut out, heard, go) = (Vec::new(), &mut self.heard, &mut self.is_told_to_go);
        self.wire
            .receive(&mut buffer[..length], &mut |incoming| match incoming {
                Incoming::Message(message) => {
                    assert!(message.as_text().is_some_and(|text| text.contains(SAID)));
                    *heard += 1;
                }
                Incoming::Reply(reply) => out.extend_from_slice(reply.frame),
                Incoming::Close(frame) => {
                    *go = matches!(frame, Some(CloseFrame { code: CloseCode::Away, .. }));
                }
                Incoming::Ping(_) | Incoming::Pong(_) => {}
            })
            .map_err(io::Error::other)?;
        self.stream.write_all(&out).await?;
        Ok(length > 0)
    }

    async fn hear_to_the_end(&mut self) -> io::Result<()> {
        while self.hear().await? {}
        Ok(())
    }
}

/// Connects, talks, and ends as it should. Whoever stays hears the server's Close.
async fn live(address: SocketAddr, number: usize, talked: Rc<Cell<usize>>) -> io::Result<()> {
    // Both services with every ending.
    let path = if (number / 4).is_multiple_of(2) { "/echo" } else { "/broadcast" };
    let mut peer = Peer::connect(address, path, number).await?;
    for length in [0, 10, 3000] {
        peer.say(&format!("{number} {SAID} {}", "x".repeat(length))).await?;
    }
    while peer.heard < 3 {
        assert!(peer.hear().await?, "it ends too early");
    }
    talked.set(talked.get() + 1);
    match Ending::ALL[number % 4] {
        Ending::Close => {
            let mut out = Vec::new();
            let frame = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
            peer.wire.close(Some(&frame), &mut out).map_err(io::Error::other)?;
            peer.stream.write_all(&out).await?;
            peer.hear_to_the_end().await
        }
        Ending::Reset => socket2::SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)),
        Ending::Vanish => Ok(()),
        Ending::Stay => {
            peer.hear_to_the_end().await?;
            assert!(peer.is_told_to_go);
            Ok(())
        }
    }
}

/// A crowd of peers that live, while the server is told to end once all have talked.
fn crowd(server: &Victim, connections: usize) {
    let address = server.address();
    in_time(async move {
        let talked = Rc::new(Cell::new(0));
        let peers: Vec<_> = (0..connections)
            .map(|number| spawn_local(live(address, number, Rc::clone(&talked))))
            .collect();
        while talked.get() < connections && !peers.iter().all(|peer| peer.is_finished()) {
            sleep(Duration::from_millis(5)).await;
        }
        server.terminate();
        for peer in peers {
            peer.await.unwrap().unwrap();
        }
    });
}

fn in_time(what: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = LocalSet::new();
    local.block_on(&runtime, async { timeout(PATIENCE, what).await.expect("it takes too long") });
}

/// A directory of its own, which ends with its value.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = env::temp_dir().join(format!("fanlight-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&dir);
        Self(dir)
    }

    fn options(&self, more: &str) -> String {
        format!("--journal {} --drain-over 50ms {more}", self.0.display())
    }

    /// The journals, in the order of their shards.
    fn files(&self, shards: usize) -> Vec<String> {
        let name = |shard| self.0.join(format!("run-1-shard-{shard}.journal"));
        let files: Vec<_> = (0..shards).map(|shard| name(shard).display().to_string()).collect();
        assert_eq!(fs::read_dir(&self.0).unwrap().count(), shards);
        files
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // What is left of it is in the way of nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// What stands behind `name` in the output.
fn figure<'a>(output: &'a Output, name: &str) -> &'a str {
    let lines = text(&output.stdout).lines();
    lines
        .filter_map(|line| line.strip_prefix(name))
        .find_map(|rest| rest.strip_prefix("  "))
        .unwrap_or_else(|| panic!("no {name:?} in {output:?}"))
        .trim_start()
}

fn holds(file: &str, text: &str) -> bool {
    fs::read(file).unwrap().windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn a_journal_of_a_live_server_replays_to_the_live_digest() {
    let connections: usize =
        env::var(CONNECTIONS).map_or(100, |number| number.parse().expect("a number"));
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let dir = Dir::new("live");
    let mut server = Victim::start(&dir.options("--shards 2"));
    crowd(&server, connections);
    assert_eq!(server.exit_code(), Some(0), "{}", server.log().escape_ascii());

    let mut accepted = 0;
    for file in dir.files(2) {
        let replay = victim::output(&["replay", &file]);
        println!("{}", text(&replay.stdout));
        assert_eq!(replay.status.code(), Some(0), "{replay:?}");
        let inputs = figure(&replay, "inputs replayed");
        assert_eq!(figure(&replay, "digest agrees"), format!("yes, up to input {inputs}"));
        assert_eq!(figure(&replay, "the end"), "complete");
        assert_eq!(figure(&replay, "connections left"), "0");
        assert!(holds(&file, SAID));

        let summary = victim::output(&["replay", "--summary", &file]);
        assert_eq!(summary.status.code(), Some(0), "{summary:?}");
        assert_eq!(figure(&summary, "inputs"), inputs);
        accepted += figure(&summary, "connections").parse::<usize>().unwrap();
    }
    assert_eq!(accepted, connections);
    stops_where_it_is_told(&dir.files(2)[0]);
    is_seen_to_be_damaged(&dir.files(2)[0]);
}

/// The first bytes that the shard received, which are a request, and whose they are.
fn first_received(file: &str) -> (u64, ConnId) {
    let mut journal = Journal::open(fs::File::open(file).unwrap()).unwrap();
    let mut number = 0;
    loop {
        match journal.step().unwrap() {
            Step::Input(_, Entry::Whole(Input::Event(Event::Received(conn, _)))) => {
                return (number + 1, conn);
            }
            Step::Input(..) => number += 1,
            Step::BlockEnd(_) => {}
            Step::End(_) => panic!("nothing was received"),
        }
    }
}

fn stops_where_it_is_told(file: &str) {
    let (number, conn) = first_received(file);
    let number = number.to_string();
    let shown = victim::output(&["replay", "--stop-at", &number, file]);
    assert_eq!(figure(&shown, "inputs replayed"), number);
    let out = text(&shown.stdout);
    assert!(out.contains("GET /"), "{out}");
    assert!(out.contains(&format!("wants            Requested({conn}, ")), "{out}");
    let shown =
        victim::output(&["replay", "--stop-at", &number, "--conn", &conn.to_string(), file]);
    let (_, portrait) = text(&shown.stdout).split_once("\n\n").expect("a portrait");
    assert!(portrait.contains("deciding"), "{portrait}");

    let beyond = victim::output(&["replay", "--stop-at", "999999999", file]);
    assert_eq!(beyond.status.code(), Some(2), "{beyond:?}");
}

fn is_seen_to_be_damaged(file: &str) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
    let replay = victim::output(&["replay", file]);
    assert_eq!(replay.status.code(), Some(2), "{replay:?}");
    assert!(text(&replay.stderr).contains("is damaged"), "{replay:?}");
}

#[test]
fn a_killed_server_leaves_a_journal_that_replays_up_to_there() {
    let dir = Dir::new("killed");
    let server = Victim::start(&dir.options("--shards 2"));
    let address = server.address();
    in_time(async move {
        let heard = Rc::new(Cell::new(0));
        let talkers: Vec<_> = (0..20)
            .map(|number| {
                let heard = Rc::clone(&heard);
                spawn_local(async move {
                    let mut peer = Peer::connect(address, "/echo", number).await.unwrap();
                    while peer.say(SAID).await.is_ok() && matches!(peer.hear().await, Ok(true)) {
                        heard.set(heard.get() + 1);
                    }
                })
            })
            .collect();
        while heard.get() < 4000 {
            yield_now().await;
        }
        server.kill();
        for talker in talkers {
            talker.await.unwrap();
        }
    });
    let mut inputs = 0;
    for file in dir.files(2) {
        let replay = victim::output(&["replay", &file]);
        assert_eq!(replay.status.code(), Some(0), "{replay:?}");
        assert!(figure(&replay, "digest agrees").starts_with("yes"), "{replay:?}");
        assert!(figure(&replay, "the end").starts_with("cut"), "{replay:?}");
        inputs += figure(&replay, "inputs replayed").parse::<u64>().unwrap();
    }
    // At least three for each echo that was heard, but for those of the last moment.
    assert!(inputs > 3 * 2000, "{inputs}");
}

#[test]
fn without_payloads_a_journal_tells_nothing_that_was_said() {
    let dir = Dir::new("omitted");
    let mut server = Victim::start(&dir.options("--shards 1 --journal-payloads omit"));
    crowd(&server, 24);
    assert_eq!(server.exit_code(), Some(0));
    let file = &dir.files(1)[0];
    for secret in [SAID, "enough", "/broadcast", "127.0.0.1", "sec-websocket"] {
        assert!(!holds(file, secret), "{secret}");
    }
    let replay = victim::output(&["replay", file]);
    assert_eq!(replay.status.code(), Some(2), "{replay:?}");
    assert!(text(&replay.stderr).contains("--summary"), "{replay:?}");
    let summary = victim::output(&["replay", "--summary", file]);
    assert_eq!(summary.status.code(), Some(0), "{summary:?}");
    assert!(figure(&summary, "payloads").contains("cannot be replayed"));
    assert_eq!(figure(&summary, "connections"), "24");
    assert_eq!(figure(&summary, "  accept"), "24");
}

#[test]
fn a_full_journal_ends_and_the_server_goes_on() {
    let dir = Dir::new("full");
    let more = "--shards 1 --journal-bytes-max 64KiB --log info";
    let mut server = Victim::start(&dir.options(more));
    crowd(&server, 24);
    assert_eq!(server.exit_code(), Some(0));
    let log = server.log();
    assert_eq!(text(&log).matches("the journal is full").count(), 1, "{}", text(&log));
    let file = &dir.files(1)[0];
    assert!(fs::metadata(file).unwrap().len() <= 64 * 1024);
    let replay = victim::output(&["replay", file]);
    assert_eq!(replay.status.code(), Some(0), "{replay:?}");
    assert!(figure(&replay, "the end").contains("bound"), "{replay:?}");
}
