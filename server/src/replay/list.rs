//! A line for each input.

use std::{
    fmt,
    io::{Read, Write},
};

use fanlight_core::{
    ConnId, Instant,
    journal::{Entry, Journal, Payloads, Replay, Step},
};

use super::{
    Failure,
    input::{Line, Wanted, is_wanted_of},
    report,
    whereabouts::Whereabouts,
};

/// Lists all inputs, or those of a connection. Whether the replay agrees and there was something to
/// show.
pub(super) fn list<R: Read>(
    journal: Journal<R>,
    conn: Option<ConnId>,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let _ = writeln!(out);
    match journal.prologue().payloads {
        Payloads::Kept => list_replayed(Replay::new(journal)?, conn, out),
        Payloads::Omitted => list_outlines(journal, conn, out),
    }
}

fn list_replayed<R: Read>(
    mut replay: Replay<R>,
    wanted: Option<ConnId>,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let seat = replay.journal().prologue().seat;
    let mut whereabouts = wanted.map(|conn| Whereabouts::new(conn, seat));
    let mut is_shown = false;
    let read = loop {
        let mut begun = None;
        match replay.step_with(|now, input| begun = Some((now, Line::of(input)))) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
        let Some((now, line)) = begun else { continue };
        if let Some(whereabouts) = &mut whereabouts {
            whereabouts.note(&replay);
        }
        let answer = replay.accepted();
        if wanted.is_some_and(|conn| {
            line.conn() != Some(conn)
                && answer != Some(Ok(conn))
                && !is_wanted_of(conn, replay.commands())
        }) {
            continue;
        }
        is_shown = true;
        let what = line.answered(answer);
        let wants = match Wanted(replay.commands()).to_string() {
            _ if replay.has_panicked() => " -> the hub panics".to_owned(),
            nothing if nothing.is_empty() => nothing,
            wants => format!(" -> {wants}"),
        };
        if !put(out, replay.inputs(), now, format_args!("{what}{wants}")) {
            return Ok(true);
        }
    };
    if let Some(whereabouts) = whereabouts.filter(|_| !is_shown) {
        let _ = writeln!(out, "{}", whereabouts.absent(replay.inputs()));
    }
    let _ = writeln!(out);
    let agrees = report::verdict(&replay, out);
    read?;
    Ok(agrees && (is_shown || wanted.is_none()))
}

fn list_outlines<R: Read>(
    mut journal: Journal<R>,
    wanted: Option<ConnId>,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    let seat = journal.prologue().seat;
    let mut is_shown = false;
    let read = loop {
        let number = journal.inputs() + 1;
        let (now, line) = match journal.step() {
            Ok(Step::Input(now, Entry::Outline(outline))) => (now, outline),
            Ok(Step::Input(_, Entry::Whole(_))) => {
                unreachable!("a journal without payloads has outlines")
            }
            Ok(Step::BlockEnd(_)) => continue,
            Ok(Step::End(tail)) => break Ok(tail),
            Err(error) => break Err(error),
        };
        if wanted.is_some_and(|conn| line.conn != Some(conn)) {
            continue;
        }
        is_shown = true;
        if !put(out, number, now, format_args!("{line}")) {
            return Ok(true);
        }
    };
    if let Some(conn) = wanted.filter(|_| !is_shown) {
        let whereabouts = Whereabouts::new(conn, seat);
        let _ = writeln!(out, "{}", whereabouts.unnamed(journal.inputs()));
    }
    let _ = match &read {
        Ok(tail) => writeln!(out, "\nthe end            {tail}"),
        Err(_) => writeln!(out, "\nthe end            not reached"),
    };
    read?;
    Ok(is_shown || wanted.is_none())
}

/// One line. Whether somebody still reads.
fn put(out: &mut impl Write, number: u64, now: Instant, what: fmt::Arguments<'_>) -> bool {
    writeln!(out, "{number:>8} {:>12}  {what}", now.to_string()).is_ok()
}
