//! Running a journal again, listing it, or summing it up.

mod input;
mod list;
mod report;
mod stop;
mod stream;
mod whereabouts;

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

use clap::Args;
use fanlight_core::{
    ConnId,
    journal::{Journal, JournalError, Prologue, Replay, ReplayError, Tally},
};

use whereabouts::Whereabouts;

/// What to do with a journal.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The journal of one shard, as journals/run-1-shard-0.journal.
    file: PathBuf,

    /// Count what is in it instead: also for a journal without payloads, which cannot be replayed.
    #[arg(long, conflicts_with_all = ["list", "stop_at", "conn"])]
    summary: bool,

    /// List the inputs instead, one a line: its number, when it was, what it was and, behind an
    /// arrow, what the hub wanted done. With --conn, those that have to do with that connection. Also
    /// for a journal without payloads, which does not say what the hub wanted.
    #[arg(long, conflicts_with = "stop_at")]
    list: bool,

    /// Stop behind this input, counted from 1, and show it with what the hub wanted done.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    stop_at: Option<u64>,

    /// Show the state of this connection at the end, or where it stops: as it is named in a log, as
    /// in 0.5v1. If it is not there, that is said, and why.
    #[arg(long, value_name = "ID")]
    conn: Option<ConnId>,
}

/// Why a journal was not replayed to its digest.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot be read: {0}")]
    Open(io::Error),
    #[error("is a directory: name one file of it, as {}", .0.display())]
    Directory(PathBuf),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{0}; --summary and --list do without")]
    Replay(#[from] ReplayError),
    #[error("--stop-at is {asked}, and there {}", inputs(*.there))]
    TooShort { asked: u64, there: u64 },
}

fn inputs(there: u64) -> String {
    if there == 1 { "is only 1 input".to_owned() } else { format!("are only {there} inputs") }
}

/// Replays the journal, lists it, or sums it up. The exit code is 0 if the replay agrees with the journal and what was
/// asked for was shown, 1 if not, 2 if the file cannot be read to its end or replayed.
pub(crate) fn replay(args: &ReplayArgs) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let done = run(args, &mut out);
    // Nobody has to be reading. What was found before an error comes first.
    let _ = out.flush();
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("fanlight: {}: {failure}", args.file.display());
            ExitCode::from(2)
        }
    }
}

/// Whether the replay agrees, and what was asked for could be shown.
fn run(args: &ReplayArgs, out: &mut impl Write) -> Result<bool, Failure> {
    let mut journal = Journal::open(BufReader::with_capacity(1 << 16, open(&args.file)?))?;
    show_prologue(journal.prologue(), out);
    if args.summary {
        let mut tally = Tally::new(journal.prologue().payloads);
        let read = tally.read(&mut journal);
        // Nobody has to be reading what is written here and below.
        let _ = writeln!(out, "{}", tally.summary());
        read?;
        return Ok(true);
    }
    if args.list {
        return list::list(journal, args.conn, out);
    }
    let seat = journal.prologue().seat;
    let mut replay = Replay::new(journal)?;
    let mut whereabouts = args.conn.map(|conn| Whereabouts::new(conn, seat));
    let played = stop::play(&mut replay, args.stop_at, whereabouts.as_mut(), out);
    let agrees = report::report(&replay, out);
    let there = replay.inputs();
    let is_shown =
        whereabouts.is_none_or(|whereabouts| whereabouts.show(&mut replay, played.is_ok(), out));
    played?;
    match args.stop_at {
        Some(asked) if there < asked => Err(Failure::TooShort { asked, there }),
        Some(_) | None => Ok(agrees && is_shown),
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    if path.is_dir() {
        return Err(Failure::Directory(first_journal(path)));
    }
    File::open(path).map_err(Failure::Open)
}

/// The first file of the directory that is named as a journal is, or how it would be named.
fn first_journal(dir: &Path) -> PathBuf {
    let paths = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let journals = paths.filter(|path| path.extension().is_some_and(|end| end == "journal"));
    journals.min().unwrap_or_else(|| dir.join("run-1-shard-0.journal"))
}

fn show_prologue(prologue: &Prologue, out: &mut impl Write) {
    let Prologue { package, seat, began, .. } = prologue;
    let _ = writeln!(out, "recorded by        fanlight {package}");
    let _ = writeln!(out, "shard              {} of {}", seat.shard.0, seat.shards);
    let _ = writeln!(
        out,
        "began              {}",
        humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + *began)
    );
}
