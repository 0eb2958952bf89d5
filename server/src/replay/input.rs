//! An input in a line, with what the hub wanted.

use std::fmt::{self, Write};

use fanlight_core::{
    Command, Commands, ConnId, PeerAddr, Refused, Timer,
    journal::{Input, Outline},
};

/// What an input was, as far as a line of it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    outline: Outline,
    peer: Option<PeerAddr>,
}

impl Line {
    /// Of an input that is there whole: names need no hash.
    pub(super) fn of(input: &Input<'_>) -> Self {
        let peer = match input {
            Input::Accept(arrival) => Some(arrival.peer()),
            Input::Drawn | Input::Event(_) => None,
        };
        Self { outline: Outline { name: None, ..Outline::of(input, 0) }, peer }
    }

    /// The input, if it was an arrival with what the hub answered.
    pub(super) fn answered(mut self, answer: Option<Result<ConnId, Refused>>) -> String {
        let declined = match answer {
            Some(Ok(conn)) => {
                self.outline.conn = Some(conn);
                None
            }
            Some(Err(refused)) => Some(refused),
            None => None,
        };
        let mut line = self.outline.to_string();
        if let Some(peer) = self.peer {
            let _ = write!(line, " from {peer}");
        }
        if let Some(refused) = declined {
            let _ = write!(line, ", declined: {refused}");
        }
        line
    }

    /// The connection that the input names; an arrival names none.
    pub(super) fn conn(&self) -> Option<ConnId> {
        self.outline.conn
    }
}

/// What the hub wanted, each kind once, with its connection or how many there were.
#[derive(Debug)]
pub(super) struct Wanted<'a>(pub(super) &'a Commands);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<(&str, Option<ConnId>, usize)> = Vec::new();
        let others = self.0.others.iter().map(|command| (name(command), command.connection()));
        let writes = self.0.writes.iter().map(|conn| ("write", Some(*conn)));
        for (name, conn) in others.chain(writes) {
            match kinds.iter_mut().find(|(known, ..)| *known == name) {
                Some((.., count)) => *count += 1,
                None => kinds.push((name, conn, 1)),
            }
        }
        for (at, (name, conn, count)) in kinds.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            match conn {
                _ if *count > 1 => write!(f, "{comma}{name} x{count}")?,
                Some(conn) => write!(f, "{comma}{name} {conn}")?,
                None => write!(f, "{comma}{name}")?,
            }
        }
        Ok(())
    }
}

/// Whether a command has to do with the connection, or something waits for it.
pub(super) fn is_wanted_of(conn: ConnId, commands: &Commands) -> bool {
    commands.writes.contains(&conn)
        || commands.others.iter().any(|command| command.connection() == Some(conn))
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Pause(_) => "pause",
        Command::Resume(_) => "resume",
        Command::Shutdown(_) => "shutdown",
        Command::Disconnect(_) => "disconnect",
        Command::Requested(..) => "requested",
        Command::Opened(_) => "opened",
        Command::Deliver(..) => "deliver",
        Command::Subscribed(..) => "subscribed",
        Command::SubscriptionRefused(..) => "subscription_refused",
        Command::Closed(_) => "closed",
        Command::Timer(Timer::Shard) => "shard_timer",
        Command::Timer(Timer::Connection(_)) => "timer",
        Command::Drained => "drained",
        Command::Forward(..) => "forward",
    }
}
