//! One connection as the model sees it.

use std::collections::VecDeque;

use fanlight_core::{CloseReason, Settings};

use super::{Name, Speech, outbox::Outbox};

/// Where a connection is in its life: design, section 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Upgrading,
    Deciding,
    Open,
    Closing,
    Lingering,
    Gone,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    LastWord,
    Upgrade,
    Decision,
    Ping,
    Pong,
    Stall,
    Message,
    Close,
    Linger,
    Timer,
}

/// A ping of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ping {
    /// When its last byte was taken.
    pub(super) left_at: Option<u64>,
    /// Whether anything has come since it was sent.
    pub(super) is_answered: bool,
    /// Whether its own pong has come.
    pub(super) has_pong: bool,
}

/// What has come and is not read.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// What was said in one read, by which operation, and how long it is.
    Read(Vec<Speech>, usize, usize),
    Eof,
}

#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) shard: u8,
    /// Where the shard's pool keeps it, as its id tells.
    pub(super) slot: usize,
    pub(super) address: u8,
    pub(super) state: State,
    /// When it came into its state.
    pub(super) since: u64,
    /// Whether half a request has come.
    pub(super) has_begun: bool,
    /// Whether the request was for an upgrade.
    pub(super) is_upgrade: bool,
    /// Whether the application has heard of it.
    pub(super) is_known: bool,
    /// What came in one read with the request, and by which operation.
    pub(super) behind: Option<(Speech, usize)>,
    /// How the peer ended the wire, while the service is given what came before that.
    pub(super) last_word: Option<(CloseReason, u16)>,
    /// Whether the peer has ended its half.
    pub(super) has_ended: bool,
    /// Whether the application has it read no more, and what has come while it was not read.
    pub(super) is_paused: bool,
    pub(super) held: VecDeque<Held>,
    /// Whether the peer has ended its half, be it seen or not.
    pub(super) is_silent: bool,
    /// The topics that it is a member of, or will be when their homes have answered.
    pub(super) memberships: Vec<Name>,
    pub(super) outbox: Outbox,
    /// When the peer was last heard.
    pub(super) heard_at: u64,
    pub(super) ping: Option<Ping>,
    /// The message that has begun, and when.
    pub(super) message: Option<(String, u64)>,
    pub(super) timer: Option<u64>,
    /// Why it ends, once it does.
    pub(super) reason: Option<CloseReason>,
    /// Whether a Close of ours was queued, and whether one of the peer came.
    pub(super) has_closed: bool,
    pub(super) peer_has_closed: bool,
    /// How many bytes were read and discarded.
    pub(super) discarded: usize,
}

pub(super) fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("hours at most")
}

impl Connection {
    pub(super) fn new(shard: u8, address: u8, now: u64) -> Self {
        Self {
            shard,
            slot: 0,
            address,
            state: State::Upgrading,
            since: now,
            has_begun: false,
            is_upgrade: false,
            is_known: false,
            behind: None,
            last_word: None,
            has_ended: false,
            is_paused: false,
            held: VecDeque::new(),
            is_silent: false,
            memberships: Vec::new(),
            outbox: Outbox::default(),
            heard_at: now,
            ping: None,
            message: None,
            timer: None,
            reason: None,
            has_closed: false,
            peer_has_closed: false,
            discarded: 0,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub(super) fn is_upgrading(&self) -> bool {
        matches!(self.state, State::Upgrading | State::Deciding)
    }

    /// Whether what comes is read: not while the service decides, nor while it wants no more.
    pub(super) fn is_read(&self) -> bool {
        !self.is_paused && self.state != State::Deciding
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// What it waits for, and until when: design, section 6.
    pub(super) fn deadlines(&self, settings: &Settings) -> Vec<(u64, Wait)> {
        let mut deadlines = Vec::new();
        // It can be set earlier, but runs from the request on. Of two deadlines at one moment the
        // design does not say which comes first: the application's, and an end before a ping.
        if matches!(self.state, State::Deciding | State::Open) {
            deadlines.extend(self.timer.map(|at| (at, Wait::Timer)));
        }
        let since = |timeout| self.since + nanos(timeout);
        match self.state {
            State::Upgrading => deadlines.push((since(settings.upgrade_timeout), Wait::Upgrade)),
            State::Deciding => deadlines.push((since(settings.decision_timeout), Wait::Decision)),
            State::Open => {
                if self.last_word.is_some() {
                    // Before anything else that is due.
                    deadlines.push((0, Wait::LastWord));
                }
                if !self.outbox.is_empty() {
                    let stalled_at = self.outbox.moved_at + nanos(settings.stall_timeout);
                    deadlines.push((stalled_at, Wait::Stall));
                }
                if let Some((_, begun_at)) = self.message.as_ref().filter(|_| !self.is_paused) {
                    deadlines.push((begun_at + nanos(settings.message_timeout), Wait::Message));
                }
                match self.ping.filter(|ping| !ping.is_answered) {
                    // The silence of a peer that is not read says nothing.
                    _ if self.is_paused => {}
                    // While something waits it is for the stall to end this.
                    None if !self.outbox.is_empty() => {}
                    None => {
                        let ping_at = self.heard_at + nanos(settings.ping_interval);
                        deadlines.push((ping_at, Wait::Ping));
                    }
                    Some(Ping { left_at: Some(left_at), .. }) => {
                        deadlines.push((left_at + nanos(settings.pong_timeout), Wait::Pong));
                    }
                    // It waits itself.
                    Some(Ping { left_at: None, .. }) => {}
                }
            }
            State::Closing => deadlines.push((since(settings.close_timeout), Wait::Close)),
            State::Lingering => deadlines.push((since(settings.linger_timeout), Wait::Linger)),
            State::Gone => {}
        }
        deadlines
    }
}
