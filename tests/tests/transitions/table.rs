//! The table, as text that can be read and compared.

use std::fmt::Write;

use crate::{event, outcome::Outcome, state};

/// A section for each state, a line for each event: the phase afterwards, the commands, and in
/// brackets what then waits for the socket if that has changed.
pub(crate) fn render() -> String {
    let mut table = String::from(HEAD);
    for state in state::ALL {
        writeln!(table, "\n== {}", state.name).unwrap();
        for happening in event::ALL {
            let outcome = Outcome::of(state, happening, false);
            let name = match outcome.deadline {
                Some(deadline) if happening.name == event::TICK => {
                    format!("{}: {deadline}", event::TICK)
                }
                _ => happening.name.to_owned(),
            };
            let line = format!("{name:<34}{outcome}");
            writeln!(table, "{}", line.trim_end()).unwrap();
        }
    }
    table
}

const HEAD: &str = "\
What comes of every event in every state. Generated; see main.rs.
What an application asks from another shard is answered as from here.

event                             afterwards commands, and [what then waits for the socket]
";
