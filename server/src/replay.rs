//! Running a journal again, or summing it up.

use std::{
    fs::File,
    io::{self, BufReader, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use fanlight_tokio::{
    ConnId, Event, Instant,
    journal::{Input, Journal, JournalError, Replay, ReplayError, Summary, Tail},
};

/// What to do with a journal.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The journal of one shard.
    file: PathBuf,

    /// Count what is in it instead: also for a journal without payloads, which cannot be replayed.
    #[arg(long, conflicts_with_all = ["stop_at", "conn"])]
    summary: bool,

    /// Stop behind this input, counted from 1, and show it with what the hub wanted done.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    stop_at: Option<u64>,

    /// Show the state of this connection at the end, or where it stops: as it is named in a log, as
    /// in 0.5v1.
    #[arg(long, value_name = "ID")]
    conn: Option<ConnId>,
}

/// Why a journal was not replayed to its digest.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot be read: {0}")]
    Open(io::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{0}; --summary does that")]
    Replay(#[from] ReplayError),
    #[error("it has only {0} inputs")]
    TooShort(u64),
}

/// Of bytes that a peer sent, so many are shown.
const SHOWN_BYTES_MAX: usize = 256;

/// Replays the journal, or sums it up. The exit code is 0 if the replay agrees with the journal, 1 if it does not, 2 if the
/// file cannot be replayed.
pub(crate) fn replay(args: &ReplayArgs) -> ExitCode {
    let mut out = io::stdout().lock();
    match run(args, &mut out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            // What was found before comes first.
            let _ = out.flush();
            eprintln!("fanlight: {}: {failure}", args.file.display());
            ExitCode::from(2)
        }
    }
}

/// Whether the replay agrees.
fn run(args: &ReplayArgs, out: &mut impl Write) -> Result<bool, Failure> {
    let file = File::open(&args.file).map_err(Failure::Open)?;
    let mut journal = Journal::open(BufReader::with_capacity(1 << 16, file))?;
    let prologue = journal.prologue();
    let seat = prologue.seat;
    // Nobody has to be reading what is written here and below.
    let _ = writeln!(out, "recorded by        fanlight {}", prologue.package);
    let _ = writeln!(out, "shard              {} of {}", seat.shard.0, seat.shards);
    if args.summary {
        let _ = writeln!(out, "{}", Summary::read(&mut journal)?);
        return Ok(true);
    }
    let mut replay = Replay::new(journal)?;
    let stop_at = args.stop_at.unwrap_or(u64::MAX);
    let ran = play(&mut replay, stop_at, out);
    let agrees = report(&replay, out);
    if let Some(conn) = args.conn {
        let _ = match replay.hub().portrait(conn) {
            Some(portrait) => writeln!(out, "\n{portrait}"),
            None => writeln!(out, "\n{conn} is not there"),
        };
    }
    ran?;
    if args.stop_at.is_some() && replay.inputs() < stop_at {
        return Err(Failure::TooShort(replay.inputs()));
    }
    Ok(agrees)
}

fn play<R: io::Read>(
    replay: &mut Replay<R>,
    stop_at: u64,
    out: &mut impl Write,
) -> Result<(), JournalError> {
    while replay.inputs() + 1 < stop_at {
        if !replay.step()? {
            return Ok(());
        }
    }
    if replay.step_with(|now, input| show(stop_at, now, input, out))? {
        for command in &replay.commands().others {
            let _ = writeln!(out, "  wants            {command:?}");
        }
        for conn in &replay.commands().writes {
            let _ = writeln!(out, "  has bytes for    {conn}");
        }
    }
    Ok(())
}

fn show(number: u64, now: Instant, input: &Input<'_>, out: &mut impl Write) {
    let _ = writeln!(out, "input              {number} at {now}");
    let _ = match input {
        Input::Event(Event::Received(conn, bytes)) => {
            let shown = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
            let (length, shown) = (bytes.len(), shown.escape_ascii());
            writeln!(out, "  is               Received({conn}, {length} bytes \"{shown}\")")
        }
        Input::Event(event) => writeln!(out, "  is               {event:?}"),
        Input::Accept(arrival) => writeln!(out, "  is               {arrival:?}"),
        Input::Drawn => writeln!(out, "  is               a number drawn by the service"),
    };
}

/// Whether the replay agrees with the journal as far as it went.
fn report<R: io::Read>(replay: &Replay<R>, out: &mut impl Write) -> bool {
    let covered =
        Duration::from_millis(replay.covered().as_millis().try_into().unwrap_or(u64::MAX));
    let _ = writeln!(out, "inputs replayed    {}", replay.inputs());
    let _ = writeln!(out, "commands           {}", replay.commands_total());
    let _ = writeln!(out, "time covered       {}", humantime::format_duration(covered));
    let _ = writeln!(out, "connections left   {}", replay.hub().stats().connections);
    let _ = writeln!(out, "digest             {}", replay.digest());
    let _ = match replay.parted() {
        Some(parted) => writeln!(
            out,
            "digest agrees      no: from input {} to {} the journal came to {}, the replay to {}",
            parted.first, parted.last, parted.recorded, parted.replayed
        ),
        None => writeln!(out, "digest agrees      yes, up to input {}", replay.compared()),
    };
    let _ = match replay.tail() {
        _ if replay.has_panicked() => {
            writeln!(out, "the end            the hub panics over input {}", replay.inputs())
        }
        Some(tail @ (Tail::Ended | Tail::Full | Tail::Panicked | Tail::Cut)) => {
            writeln!(out, "the end            {tail}")
        }
        None => writeln!(out, "the end            not reached"),
    };
    replay.parted().is_none()
}
