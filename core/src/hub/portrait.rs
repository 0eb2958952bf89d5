//! What an operator asks of one connection.

use std::{fmt, time::Duration};

use super::{
    Hub,
    connection::{Due, Pause, State},
    frames::Kind,
    outbox::Lane,
};
use crate::{id::ConnId, reason::CloseReason, time::Instant, topic::Topic};

#[cfg(test)]
mod tests;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The request is coming in.
    Upgrading,
    /// The service is asked.
    Deciding,
    /// Messages flow: RFC 6455, section 4.1.
    Open,
    /// The last words are on their way, or the peer's Close is awaited: RFC 6455, section 7.1.3.
    Closing,
    /// Our half is shut down; what the peer still sends is discarded.
    Lingering,
}

/// Everything that a hub knows of one connection, as plain facts.
///
/// Made by [`Hub::portrait`] for people: for an operator who wonders about a connection, for a
/// debugger, for whoever steps through a journal. Its [`Display`](fmt::Display) is a few lines,
/// and what is not the case is not on them. It allocates, and walks the outbox and the memberships
/// of the connection.
///
/// All moments are in the time of whoever calls the hub. One that lies before a time in which the
/// hub was not served is shown later by that time, so that distances are those that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portrait {
    /// The connection.
    pub conn: ConnId,
    /// The time of the hub's last call.
    pub now: Instant,
    /// Where the connection is in its life.
    pub phase: Phase,
    /// Since when.
    pub since: Instant,
    /// Whether the phase is [`Phase::Closing`] and the peer's Close is still worth waiting for.
    pub awaits_close: bool,
    /// Whether the service has heard of the connection.
    pub was_known: bool,
    /// Whether the peer has ended its half, and is still owed an answer.
    pub has_ended: bool,
    /// The nearest deadline: when, and the name of what happens then. It may have passed already,
    /// and is acted on by the next tick then.
    pub deadline: Option<(Instant, &'static str)>,
    /// Bytes that the socket has not taken, all lanes together.
    pub outbox_bytes: usize,
    /// Pings and pongs that wait, and the answer to the request.
    pub control: Waiting,
    /// Messages that wait, and the Close.
    pub normal: Waiting,
    /// When the socket last took a byte, or the outbox last turned non-empty.
    pub last_progress: Instant,
    /// Bytes of heap held for a frame or message that has begun and is not finished, and for what is
    /// unread.
    pub assembly_bytes: usize,
    /// When that message began.
    pub message_begun: Option<Instant>,
    /// When the peer last said anything, down to a byte.
    pub last_received: Instant,
    /// The ping that the peer has been silent about.
    pub ping: PingOutstanding,
    /// The last measured time between a ping and its pong.
    pub round_trip: Option<Duration>,
    /// What the connection is a member of, or waits to be: the latest first.
    pub memberships: Vec<Topic>,
    /// Why the peer is not read, by name: `deciding`, `credit`, `rate`, `service`.
    pub pauses: Vec<&'static str>,
    /// Why the connection is ending, once that is known.
    pub reason: Option<CloseReason>,
    /// When the service's timer of the connection expires.
    pub timer: Option<Instant>,
}

/// What waits in one lane of an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Frames that have not left whole.
    pub frames: usize,
    /// What is left of them, in bytes.
    pub bytes: usize,
    /// Whether one of them is a Close (RFC 6455, section 5.5.1).
    pub has_close: bool,
}

/// A ping of ours that was not answered by anything yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingOutstanding {
    /// There is none.
    None,
    /// It waits in the outbox.
    Queued,
    /// Its last byte left then.
    Sent(Instant),
}

impl Hub {
    /// All that is known of one connection, or `None` if it is gone.
    ///
    /// For people, not for programs: it changes nothing, costs an allocation or a few, and what it
    /// shows may grow.
    pub fn portrait(&self, conn: ConnId) -> Option<Portrait> {
        let connection = self.pool.get(conn)?;
        let outward = |at: Instant| self.clock.outward(at);
        let (at, due) = connection.deadline(&self.config);
        let pauses = Pause::ALL.into_iter().filter(|pause| connection.is_paused(*pause));
        Some(Portrait {
            conn,
            now: outward(self.now),
            phase: connection.phase(),
            since: outward(connection.since),
            awaits_close: matches!(connection.state, State::Closing { await_close: true }),
            was_known: connection.known,
            has_ended: connection.ended,
            deadline: at.if_ever().map(|at| (outward(at), due.name())),
            outbox_bytes: connection.outbox.bytes(),
            control: self.waiting(conn, Lane::Control),
            normal: self.waiting(conn, Lane::Normal),
            last_progress: outward(connection.last_progress),
            assembly_bytes: connection.assembly_bytes(),
            message_begun: connection.message_begun.if_ever().map(outward),
            last_received: outward(connection.heartbeat.last_received()),
            ping: match connection.heartbeat.outstanding() {
                PingOutstanding::Sent(at) => PingOutstanding::Sent(outward(at)),
                other @ (PingOutstanding::None | PingOutstanding::Queued) => other,
            },
            round_trip: connection.heartbeat.round_trip(),
            memberships: self.members.topics_of(connection.memberships),
            pauses: pauses.map(Pause::name).collect(),
            reason: connection.reason.as_deref().cloned(),
            timer: connection.timer_at.if_ever().map(outward),
        })
    }

    fn waiting(&self, conn: ConnId, lane: Lane) -> Waiting {
        let mut waiting = Waiting::default();
        let Some(connection) = self.pool.get(conn) else { return waiting };
        for (kind, bytes) in self.frames.queued_in(&connection.outbox, lane) {
            waiting.frames += 1;
            waiting.bytes += bytes;
            waiting.has_close |= kind == Kind::Close;
        }
        if connection.outbox.is_under_way(lane) {
            waiting.bytes -= connection.outbox.taken();
        }
        waiting
    }
}

impl Phase {
    /// All phases, in the order in which a connection goes through them.
    pub const ALL: [Self; 5] =
        [Self::Upgrading, Self::Deciding, Self::Open, Self::Closing, Self::Lingering];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upgrading => "Upgrading",
            Self::Deciding => "Deciding",
            Self::Open => "Open",
            Self::Closing => "Closing",
            Self::Lingering => "Lingering",
        })
    }
}

impl Due {
    fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade_timeout",
            Self::Decision => "decision_timeout",
            Self::LastWord => "last_word",
            Self::Unread => "unread",
            Self::Ping => "ping_interval",
            Self::Pong => "pong_timeout",
            Self::Stall => "stall_timeout",
            Self::Message => "message_timeout",
            Self::Slowed => "rate_pause",
            Self::ServiceTimer => "service_timer",
            Self::Close => "close_timeout",
            Self::Linger => "linger_timeout",
        }
    }
}

impl Pause {
    fn name(self) -> &'static str {
        match self {
            Self::Deciding => "deciding",
            Self::Credit => "credit",
            Self::Rate => "rate",
            Self::Service => "service",
            Self::Unread => "unread",
        }
    }
}

impl fmt::Display for Portrait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} since {}", self.conn, self.phase, ago(self.since, self.now))?;
        for (note, is_so) in [
            ("awaits the peer's Close", self.awaits_close),
            ("unknown to the service", !self.was_known),
            ("the peer has ended its half", self.has_ended),
        ] {
            if is_so {
                write!(f, ", {note}")?;
            }
        }
        if let Some(reason) = &self.reason {
            write!(f, "\n  ends:      {reason}")?;
        }
        if let Some((at, name)) = self.deadline {
            write!(f, "\n  deadline:  {name} {}", ahead(at, self.now))?;
        }
        if self.outbox_bytes > 0 {
            let Self { control, normal, .. } = self;
            write!(
                f,
                "\n  outbox:    {} B: control {control}, normal {normal}",
                self.outbox_bytes
            )?;
            write!(f, "; last moved {}", ago(self.last_progress, self.now))?;
        }
        if self.assembly_bytes > 0 {
            write!(f, "\n  assembly:  {} B", self.assembly_bytes)?;
            if let Some(begun) = self.message_begun {
                write!(f, ", begun {}", ago(begun, self.now))?;
            }
        }
        write!(f, "\n  heartbeat: last heard {}", ago(self.last_received, self.now))?;
        match self.ping {
            PingOutstanding::None => {}
            PingOutstanding::Queued => write!(f, ", a ping waits")?,
            PingOutstanding::Sent(at) => write!(f, ", a ping left {}", ago(at, self.now))?,
        }
        if let Some(round_trip) = self.round_trip {
            // Finer: most are shorter than the shortest time that is waited for.
            write!(f, ", round trip {:.6}s", round_trip.as_secs_f64())?;
        }
        if !self.memberships.is_empty() {
            let names: Vec<_> = self.memberships.iter().map(Topic::to_string).collect();
            write!(f, "\n  member of: {}", names.join(", "))?;
        }
        if !self.pauses.is_empty() {
            write!(f, "\n  paused:    {}", self.pauses.join(", "))?;
        }
        if let Some(timer) = self.timer {
            write!(f, "\n  timer:     {}", ahead(timer, self.now))?;
        }
        Ok(())
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let close = if self.has_close { " with a Close" } else { "" };
        write!(f, "{} ({} B){close}", self.frames, self.bytes)
    }
}

/// A moment of the past, and how far away it is.
fn ago(at: Instant, now: Instant) -> String {
    format!("{at} ({} ago)", Instant::ZERO + (now - at))
}

/// A moment to come, and how far away it is.
fn ahead(at: Instant, now: Instant) -> String {
    if at > now { format!("{at} (in {})", Instant::ZERO + (at - now)) } else { "now".to_owned() }
}
