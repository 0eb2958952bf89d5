//! Where a connection is that somebody asks for.

use std::{
    fmt,
    io::{Read, Write},
};

use fanlight_core::{CloseReason, Closed, Command, ConnId, Seat, journal::Replay};

/// Follows one connection through a replay, from its arrival to its end.
#[derive(Debug)]
pub(super) struct Whereabouts {
    conn: ConnId,
    seat: Seat,
    /// The input with which it was accepted.
    accepted: Option<u64>,
    /// The input over which it ended, and why.
    ended: Option<(u64, CloseReason)>,
}

/// Why there is nothing to see of a connection.
#[derive(Debug, PartialEq)]
enum Absence {
    /// It is not of the shard whose journal it is.
    Elsewhere(Seat),
    /// It ended before.
    Ended { at: u64, why: CloseReason },
    /// It is accepted after the place where the replay stopped.
    Later { at: u64 },
    /// It was not accepted up to this input, behind which nothing can be read.
    Never { up_to: u64 },
}

impl Whereabouts {
    pub(super) fn new(conn: ConnId, seat: Seat) -> Self {
        Self { conn, seat, accepted: None, ended: None }
    }

    /// Takes note of what the last input came to.
    pub(super) fn note<R: Read>(&mut self, replay: &Replay<R>) {
        if replay.accepted() == Some(Ok(self.conn)) {
            self.accepted = Some(replay.inputs());
        }
        for command in &replay.commands().others {
            if let Command::Closed(Closed { conn, reason, .. }) = command
                && *conn == self.conn
            {
                self.ended = Some((replay.inputs(), reason.clone()));
            }
        }
    }

    /// Shows the connection as it is now, or says why it is not there; whether it is. The replay
    /// goes on to find out, if it can.
    pub(super) fn show<R: Read>(
        mut self,
        replay: &mut Replay<R>,
        can_go_on: bool,
        out: &mut impl Write,
    ) -> bool {
        let conn = self.conn;
        let portrait = replay.hub().portrait(conn);
        let _ = match &portrait {
            Some(portrait) => writeln!(out, "\n{portrait}"),
            None => writeln!(out, "\n{conn} {}", self.absence(replay, can_go_on)),
        };
        portrait.is_some()
    }

    fn absence<R: Read>(&mut self, replay: &mut Replay<R>, can_go_on: bool) -> Absence {
        let known = self.absence_so_far(replay.inputs());
        if !can_go_on || !matches!(known, Absence::Never { .. }) {
            return known;
        }
        // Damage further on is as good as an end: nothing was asked of it.
        while self.accepted.is_none() && replay.step().is_ok_and(|is_more| is_more) {
            self.note(replay);
        }
        match self.accepted {
            Some(at) => Absence::Later { at },
            None => Absence::Never { up_to: replay.inputs() },
        }
    }

    /// Why no input has to do with it, in words, once the journal has been read up to `up_to`.
    pub(super) fn absent(&self, up_to: u64) -> String {
        format!("{} {}", self.conn, self.absence_so_far(up_to))
    }

    /// The same of a journal without payloads, which does not tell whom it accepts.
    pub(super) fn unnamed(&self, up_to: u64) -> String {
        match self.absence_so_far(up_to) {
            Absence::Never { up_to } => format!("no input up to {up_to} names {}", self.conn),
            known @ (Absence::Elsewhere(_) | Absence::Ended { .. } | Absence::Later { .. }) => {
                format!("{} {known}", self.conn)
            }
        }
    }

    /// As far as is known behind input `up_to`, if the connection is not there.
    fn absence_so_far(&self, up_to: u64) -> Absence {
        match &self.ended {
            Some((at, why)) => Absence::Ended { at: *at, why: why.clone() },
            None if self.conn.shard() != self.seat.shard => Absence::Elsewhere(self.seat),
            None => Absence::Never { up_to },
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere(Seat { shard, shards, .. }) => {
                write!(
                    f,
                    "is of another shard: this is the journal of shard {} of {shards}",
                    shard.0
                )
            }
            Self::Ended { at, why } => write!(f, "has ended, over input {at}: {why}"),
            Self::Later { at } => write!(f, "is accepted only later, with input {at}"),
            Self::Never { up_to } => write!(f, "was never accepted, up to input {up_to}"),
        }
    }
}
