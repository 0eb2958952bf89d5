//! What a run left behind, to be judged and to be compared with another run.

use fanlight_core::{Command, ConnId, Instant, ShardId};

/// One thing that a hub said, in the order in which it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// It has something for the socket of this connection.
    Write(ConnId),
    /// Everything else.
    Command(Command),
}

/// What all hubs of a world said, with when and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// In order of time.
    pub lines: Vec<(Instant, ShardId, Line)>,
    /// Every connection that was accepted, in order.
    pub accepted: Vec<ConnId>,
    /// How many were refused.
    pub refused: u64,
}

impl Record {
    /// The commands about one connection, in order.
    pub fn about(&self, conn: ConnId) -> impl Iterator<Item = &Command> {
        self.commands().filter(move |command| command.connection() == Some(conn))
    }

    /// All commands, in order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.lines.iter().filter_map(|(_, _, line)| match line {
            Line::Command(command) => Some(command),
            Line::Write(_) => None,
        })
    }

    /// When the first command arrived that `is_it`.
    pub fn when(&self, mut is_it: impl FnMut(&Command) -> bool) -> Option<Instant> {
        self.lines.iter().find_map(|(at, _, line)| match line {
            Line::Command(command) => is_it(command).then_some(*at),
            Line::Write(_) => None,
        })
    }
}
