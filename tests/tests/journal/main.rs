//! Journals of a real server: recorded under load, ended in every way, and replayed.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod crowd;
mod shown;

use std::{
    cell::Cell,
    env, fs,
    path::PathBuf,
    process::{self, Output},
    rc::Rc,
};

use fanlight_core::{
    ConnId, Event,
    journal::{Entry, Input, Journal, Step},
};
use fanlight_tests::victim::{self, Victim};
use tokio::task::{spawn_local, yield_now};

use crowd::{Peer, SAID, crowd, in_time};

/// How many connections the first test has; CI sets 1000.
const CONNECTIONS: &str = "FANLIGHT_JOURNAL_CONNECTIONS";

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

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
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
    let list = victim::output(&["replay", "--list", file]);
    assert_eq!(list.status.code(), Some(0), "{list:?}");
    let lines = text(&list.stdout).lines().filter(|line| line.ends_with(char::is_alphanumeric));
    let received = lines.filter(|line| line.contains("  received 0.")).count().to_string();
    assert_eq!(figure(&summary, "  received").split(',').next(), Some(&*received));
    assert!(!text(&list.stdout).contains("->"), "what was wanted is not known");
    let nobody = victim::output(&["replay", "--list", "--conn", "0.99v1", file]);
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
    assert!(text(&nobody.stdout).contains("names 0.99v1"), "{nobody:?}");
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
