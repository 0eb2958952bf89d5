//! What a journal shows to whoever looks for something in it.

use std::{
    fs,
    path::Path,
    process::Output,
    time::{Duration, SystemTime},
};

use fanlight_tests::victim::{self, Victim};
use tokio::time::sleep;

use crate::{
    Dir,
    crowd::{Peer, in_time},
    figure, text,
};

/// A server that is talked to by two peers, one after the other. The second stays.
fn talked_to(dir: &Dir) {
    let mut server = Victim::start(&dir.options("--shards 1"));
    let address = server.address();
    in_time(async {
        let mut first = Peer::connect(address, "/echo", 1).await.unwrap();
        first.say("tab\t and what nobody else may read").await.unwrap();
        assert!(first.hear().await.unwrap());
        first.close().await.unwrap();
        first.hear_to_the_end().await.unwrap();
        drop(first);
        // What was said so far is a block of its own by then.
        sleep(Duration::from_millis(60)).await;
        let mut second = Peer::connect(address, "/echo", 2).await.unwrap();
        second.say("what nobody else may read").await.unwrap();
        assert!(second.hear().await.unwrap());
        server.terminate();
        second.hear_to_the_end().await.unwrap();
    });
    assert_eq!(server.exit_code(), Some(0), "{}", server.log().escape_ascii());
}

fn replay(args: &[&str]) -> Output {
    victim::output(&[&["replay"], args].concat())
}

/// The inputs of a list: number and what stands behind the time.
fn listed(output: &Output) -> Vec<(u64, &str)> {
    text(&output.stdout)
        .lines()
        .filter_map(|line| {
            let (number, rest) = line.trim_start().split_once(' ')?;
            let number = number.parse().ok()?;
            let (time, what) = rest.trim_start().split_once("  ")?;
            let seconds = time.strip_suffix('s')?;
            assert_eq!(seconds.split_once('.').expect("seconds").1.len(), 3, "{line}");
            Some((number, what))
        })
        .collect()
}

/// The number of the first input that begins so, as it is listed.
fn first(list: &[(u64, &str)], what: &str) -> u64 {
    let found = list.iter().find(|(_, line)| line.starts_with(what));
    found.unwrap_or_else(|| panic!("no {what:?} in {list:?}")).0
}

#[test]
fn what_is_looked_for_is_found_or_said_to_be_nowhere() {
    let dir = Dir::new("shown");
    let before = SystemTime::now();
    talked_to(&dir);
    let file = &*dir.files(1)[0];

    let whole = replay(&[file]);
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let began = humantime::parse_rfc3339(figure(&whole, "began")).unwrap();
    let late = began.duration_since(before - Duration::from_millis(1)).unwrap();
    assert!(late < Duration::from_secs(60), "{late:?}");
    assert_eq!(figure(&replay(&["--summary", file]), "began"), figure(&whole, "began"));

    let output = replay(&["--list", file]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let list = listed(&output);
    let numbers: Vec<u64> = list.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(figure(&whole, "inputs replayed"), numbers.len().to_string());
    assert_eq!(figure(&output, "the end"), "complete");

    let accepted = list.iter().filter_map(|(number, line)| {
        let conn = line.strip_prefix("accept ")?.split_once(" from 127.0.0.1:")?.0;
        Some((*number, conn))
    });
    let [(first_accepted, gone), (second_accepted, stays)] = accepted.collect::<Vec<_>>()[..]
    else {
        panic!("two are accepted: {list:?}")
    };
    let output = replay(&["--list", "--conn", gone, file]);
    let own = listed(&output);
    assert_eq!(own[0].0, first_accepted);
    assert!(own.len() < list.len() && own.iter().all(|(_, line)| line.contains(gone)), "{own:?}");
    let closed = own.iter().find(|(_, line)| line.contains("closed")).expect("it ends").0;

    stopping_shows_what_was_said(file, &own, gone);
    let ended = format!("{gone} has ended, over input {closed}: peer_closed");
    is_absent(&["--conn", gone, file], &ended);
    let later = format!("{stays} is accepted only later, with input {second_accepted}");
    is_absent(&["--conn", stays, "--stop-at", "1", file], &later);
    for option in ["--conn", "--list"] {
        let args = |conn| {
            if option == "--list" {
                vec!["--list", "--conn", conn, file]
            } else {
                vec!["--conn", conn, file]
            }
        };
        is_absent(&args("3.1v1"), "3.1v1 is of another shard: this is the journal of shard 0 of 1");
        is_absent(&args("0.77v1"), "0.77v1 was never accepted");
    }

    let beyond = replay(&["--stop-at", "99999", file]);
    assert_eq!(beyond.status.code(), Some(2), "{beyond:?}");
    let count = format!("there are only {} inputs", numbers.len());
    assert!(text(&beyond.stderr).contains(&count), "{beyond:?}");
    let of_directory = replay(&[Path::new(file).parent().unwrap().to_str().unwrap()]);
    assert_eq!(of_directory.status.code(), Some(2));
    let hint = format!("is a directory: name one file of it, as {file}");
    assert!(text(&of_directory.stderr).contains(&hint), "{of_directory:?}");
}

fn is_absent(args: &[&str], why: &str) {
    let output = replay(args);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains(why), "no {why:?} in {output:?}");
}

fn stopping_shows_what_was_said(file: &str, own: &[(u64, &str)], conn: &str) {
    let at = |number: u64| replay(&["--stop-at", &number.to_string(), file]);
    let accept = at(own[0].0);
    assert!(figure(&accept, "  is").starts_with(&format!("accept {conn} from 127.0.0.1:")));
    // The message comes behind the request.
    let message = own.iter().find(|(_, line)| line.contains("deliver")).expect("it is heard").0;
    let shown = at(message);
    assert!(figure(&shown, "  is").starts_with(&format!("received {conn}, ")), "{shown:?}");
    let said = r#"text, 34 bytes "tab\t and what nobody else may read""#;
    assert_eq!(figure(&shown, "  says"), said);
    // A block ends where it was written, so perhaps just here.
    let agrees = figure(&shown, "digest agrees");
    let compared = format!("yes, up to input {message}");
    assert!(
        agrees == compared
            || agrees.ends_with(", the end of the last whole block")
            || agrees.starts_with("not known yet"),
        "{agrees}"
    );
    let asked = first(own, "received");
    assert!(figure(&at(asked), "  says").starts_with("request, "));
}

#[test]
fn what_stands_before_damage_is_shown() {
    let dir = Dir::new("damaged");
    talked_to(&dir);
    let file = &*dir.files(1)[0];
    let whole = listed(&replay(&["--list", file])).len();
    let mut bytes = fs::read(file).unwrap();
    // Before the end, which is a block of 57 bytes, stands the last input.
    let last = bytes.len() - 58;
    bytes[last] ^= 1;
    fs::write(file, bytes).unwrap();
    for option in ["--summary", "--list"] {
        let output = replay(&[option, file]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains("is damaged"), "{output:?}");
        assert_eq!(figure(&output, "the end"), "not reached");
    }
    let summed: usize = figure(&replay(&["--summary", file]), "inputs").parse().unwrap();
    let output = replay(&["--list", file]);
    let listed = listed(&output).len();
    assert_eq!(listed, summed);
    assert!(0 < listed && listed < whole, "{listed} of {whole}");
}

#[test]
fn a_server_says_where_its_journals_are() {
    let dir = Dir::new("greeting");
    for (shards, where_they_are) in [
        (1, "It keeps a journal in DIR/run-1-shard-0.journal."),
        (3, "It keeps journals in DIR/run-2-shard-0.journal to DIR/run-2-shard-2.journal."),
    ] {
        let said = Victim::start(&dir.options(&format!("--shards {shards}"))).greeting();
        let line = where_they_are.replace("DIR", dir.path());
        assert_eq!(said.lines().filter(|said| *said == line).count(), 1, "{said}");
    }
}
