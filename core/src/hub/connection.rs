//! One connection's facts.

use std::sync::Arc;

use super::{
    admission::AddressKey,
    frames::Frames,
    heartbeat::{Beat, Heartbeat},
    members::Memberships,
    outbox::Outbox,
    portrait::Phase,
};
use crate::{
    config::Config,
    event::PeerAddr,
    planted::{Planted, planted},
    reason::CloseReason,
    stats::Stats,
    time::Instant,
    wire::{Frame, Request, Upgrade, Wire},
};

/// Where a connection is in its life.
///
/// ```text
/// Upgrading -> Deciding -> Open -> Closing -> Lingering -> gone
///     |           |                   ^
///     +-----------+--- an answer -----+
/// ```
#[derive(Debug)]
pub(super) enum State {
    /// The request is coming in.
    Upgrading(Box<Upgrading>),
    /// The service is asked.
    Deciding(Box<Deciding>),
    /// Messages flow: RFC 6455, section 4.1's OPEN.
    Open,
    /// The last words are on their way, the peer's Close may be awaited: section 7.1.3's CLOSING.
    Closing {
        /// Whether the peer's Close is worth waiting for.
        await_close: bool,
    },
    /// Our half is shut down; the peer's input is discarded so that no reset destroys our last
    /// words.
    Lingering {
        /// Bytes discarded so far.
        discarded: usize,
    },
}

#[derive(Debug)]
pub(super) struct Upgrading {
    pub(super) upgrade: Upgrade,
    pub(super) peer: PeerAddr,
}

#[derive(Debug)]
pub(super) struct Deciding {
    pub(super) request: Arc<Request>,
    /// What was read behind the request head.
    pub(super) rest: Vec<u8>,
}

/// Why reading is paused; each a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    Deciding = 1,
    Credit = 2,
    Rate = 4,
    Service = 8,
    Unread = 16,
}

impl Pause {
    pub(super) const ALL: [Self; 5] =
        [Self::Deciding, Self::Credit, Self::Rate, Self::Service, Self::Unread];
}

/// What a connection's nearest deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Upgrade,
    Decision,
    LastWord,
    Unread,
    Ping,
    Pong,
    Stall,
    Message,
    Slowed,
    ServiceTimer,
    Close,
    Linger,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) state: State,
    /// When the state was entered.
    pub(super) since: Instant,
    pub(super) wire: Wire,
    /// What came and was not given to the wire yet.
    pub(super) unread: Option<Box<[u8]>>,
    pub(super) outbox: Outbox,
    /// When the socket last took a byte, or the outbox last turned non-empty.
    pub(super) last_progress: Instant,
    pub(super) heartbeat: Heartbeat,
    /// When the unfinished message began, if there is one.
    pub(super) message_begun: Instant,
    /// By when the frames received so far would have come at the rate allowed.
    pub(super) frames_due: Instant,
    /// The service's timer.
    pub(super) timer_at: Instant,
    /// The deadline in the ring. Invariant: never later than `deadline`.
    pub(super) armed: Instant,
    pub(super) memberships: Memberships,
    pub(super) address: AddressKey,
    /// Why the connection is ending, once that is known.
    pub(super) reason: Option<Box<CloseReason>>,
    /// The Close that the wire demands, while the service answers what came before its cause.
    pub(super) last_word: Option<Frame>,
    pub(super) pauses: u8,
    /// Whether the service was told of the connection.
    pub(super) known: bool,
    /// Whether the peer has said all it will, and is still owed an answer.
    pub(super) ended: bool,
}

impl Connection {
    pub(super) fn new(now: Instant, state: State, wire: Wire, address: AddressKey) -> Self {
        Self {
            state,
            since: now,
            wire,
            unread: None,
            outbox: Outbox::default(),
            last_progress: now,
            heartbeat: Heartbeat::new(now),
            message_begun: Instant::NEVER,
            frames_due: now,
            timer_at: Instant::NEVER,
            armed: Instant::NEVER,
            memberships: Memberships::default(),
            address,
            reason: None,
            last_word: None,
            pauses: 0,
            known: false,
            ended: false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(super) fn is_upgrading(&self) -> bool {
        matches!(self.state, State::Upgrading(_) | State::Deciding(_))
    }

    pub(super) fn is_paused(&self, why: Pause) -> bool {
        self.pauses & why as u8 != 0
    }

    pub(super) fn phase(&self) -> Phase {
        match self.state {
            State::Upgrading(_) => Phase::Upgrading,
            State::Deciding(_) => Phase::Deciding,
            State::Open => Phase::Open,
            State::Closing { .. } => Phase::Closing,
            State::Lingering { .. } => Phase::Lingering,
        }
    }

    /// The nearest deadline and what it is for: the table of the connection's life. Of two at one
    /// moment the service's own timer comes first, then whichever stands first here.
    pub(super) fn deadline(&self, config: &Config) -> (Instant, Due) {
        match self.state {
            State::Upgrading(_) => (self.since + config.upgrade_timeout, Due::Upgrade),
            State::Deciding(_) => {
                let decision = (self.since + config.decision_timeout, Due::Decision);
                let timer = (self.timer_at, Due::ServiceTimer);
                if timer.0 <= decision.0 { timer } else { decision }
            }
            // The next tick comes after the service has had its turn.
            State::Open if self.last_word.is_some() => (Instant::ZERO, Due::LastWord),
            State::Open | State::Closing { .. } if self.reads_on() => (Instant::ZERO, Due::Unread),
            State::Open => self.open_deadline(config),
            State::Closing { .. } => (self.since + config.close_timeout, Due::Close),
            State::Lingering { .. } => (self.since + config.linger_timeout, Due::Linger),
        }
    }

    fn open_deadline(&self, config: &Config) -> (Instant, Due) {
        let mut nearest = (self.timer_at, Due::ServiceTimer);
        let mut consider = |at: Instant, due: Due| {
            if at < nearest.0 {
                nearest = (at, due);
            }
        };
        if !self.outbox.is_empty() {
            // While something waits for the peer its socket is watched, not its voice.
            consider(self.last_progress + config.stall_timeout, Due::Stall);
        }
        let is_ours = self.is_paused(Pause::Credit) || self.is_paused(Pause::Service);
        if self.message_begun != Instant::NEVER && !is_ours {
            consider(self.message_begun + config.message_timeout, Due::Message);
        }
        if self.is_paused(Pause::Rate) {
            consider(self.frames_due - super::inbound::BURST, Due::Slowed);
        }
        // The silence of a peer that we do not read says nothing.
        if self.pauses == 0 {
            let (at, beat) = self.heartbeat.next(config);
            match beat {
                Beat::Ping if self.outbox.is_empty() => consider(at, Due::Ping),
                Beat::Ping => {}
                Beat::Dead if planted(Planted::PongTimeoutOfPing) && at != Instant::NEVER => {
                    consider(at - config.pong_timeout + config.ping_interval, Due::Pong);
                }
                Beat::Dead => consider(at, Due::Pong),
            }
        }
        nearest
    }

    /// Bytes of heap held for what is unfinished, and for what is unread.
    pub(super) fn assembly_bytes(&self) -> usize {
        self.wire.assembly_bytes() + self.unread.as_ref().map_or(0, |bytes| bytes.len())
    }

    /// Drops the message that has begun, and whatever else is unfinished or unread.
    pub(super) fn discard_assembly(&mut self, stats: &mut Stats) {
        self.take_unread(stats);
        stats.assembly_bytes -= self.wire.assembly_bytes() as u64;
        self.wire.discard();
    }

    /// Gives back what the connection holds of the frame table.
    pub(super) fn discard_outbox(&mut self, frames: &mut Frames) {
        frames.discard(&mut self.outbox);
    }
}
