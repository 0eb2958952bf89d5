//! Law 1: same inputs, same commands; and the half of law 7 that is about time.

use super::{Judged, broken};
use crate::{scenario::Scenario, stage::Stage};

/// Two houses given the same say equal commands at equal times and write equal bytes.
///
/// # Errors
///
/// The first difference.
pub fn same_inputs_same_commands(scenario: &Scenario, stage: &Stage) -> Judged {
    same("law 1, same inputs, same commands,", stage, &scenario.play())
}

/// A house that is told an earlier time does what it does when told the last one again.
///
/// # Errors
///
/// The first difference.
pub fn time_never_runs_backwards(scenario: &Scenario, stage: &Stage) -> Judged {
    same("law 7, time never runs backwards,", stage, &scenario.play_monotonic())
}

fn same(law: &'static str, one: &Stage, other: &Stage) -> Judged {
    let (one, other) = (&one.world, &other.world);
    let lines = one.record().lines.iter().zip(&other.record().lines);
    for (nth, (mine, theirs)) in lines.enumerate() {
        if mine != theirs {
            return broken(law, format!("by line {nth}: {mine:?}, then {theirs:?}"));
        }
    }
    if one.record() != other.record() {
        return broken(law, "by a record that is longer".into());
    }
    for (mine, theirs) in one.sockets().zip(other.sockets()) {
        if mine.outward() != theirs.outward() {
            return broken(law, format!("by the bytes of {}", mine.conn()));
        }
    }
    if one.digest() != other.digest() {
        return broken(law, "by the digest alone".into());
    }
    if one.stats() != other.stats() {
        return broken(law, format!("by the counters {:?}, {:?}", one.stats(), other.stats()));
    }
    Ok(())
}
