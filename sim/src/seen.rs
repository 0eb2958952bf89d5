//! When what happened to one connection, as the world saw it and not as its hub tells it.

use std::time::Duration;

use fanlight_core::{Arrival, CloseReason, Command, Instant, PeerAddr, Settings};

use crate::intake::Intake;

/// How much of its rate a peer may use at once: twice what it may send in a second.
const BURST: Duration = Duration::from_secs(2);
/// However far a peer went past its rate, after so long it is heard again.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Moments of one connection. Times in which no hub was served are left out of them.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) address: PeerAddr,
    pub(crate) intake: Intake,
    pub(crate) born_at: Instant,
    /// When the hub was last given a byte.
    pub(crate) heard_at: Instant,
    /// When the socket last took a byte.
    pub(crate) taken_at: Instant,
    /// When the hub last had something to write after it had nothing.
    pub(crate) asked_at: Instant,
    /// When the last ping had left.
    pub(crate) pinged_at: Option<Instant>,
    pub(crate) requested_at: Option<Instant>,
    pub(crate) opened_at: Option<Instant>,
    pub(crate) shut_at: Option<Instant>,
    /// When it was first looked at and found closing.
    pub(crate) closing_at: Option<Instant>,
    paused_at: Option<Instant>,
    pub(crate) resumed_at: Instant,
    /// How long it was paused while what it says now was unfinished.
    paused: Duration,
    /// By when the frames so far would have come at the rate allowed.
    frames_due: Instant,
    lingered_bytes: usize,
}

impl Seen {
    pub(crate) fn new(arrival: &Arrival, now: Instant) -> Self {
        let (is_upgraded, rest): (_, &[u8]) = match arrival {
            Arrival::Fresh(_) => (false, &[]),
            Arrival::Upgraded(_, _, rest) => (true, rest),
        };
        let mut intake = Intake::new(is_upgraded);
        intake.read(rest, now);
        Self {
            address: arrival.peer(),
            intake,
            born_at: now,
            heard_at: now,
            taken_at: now,
            asked_at: now,
            pinged_at: None,
            requested_at: None,
            opened_at: None,
            shut_at: None,
            closing_at: None,
            paused_at: None,
            resumed_at: now,
            paused: Duration::ZERO,
            frames_due: now,
            lingered_bytes: 0,
        }
    }

    /// The hub said something of the connection. Law 6, the other way round: nobody is given up
    /// before its time.
    pub(crate) fn see(
        &mut self,
        command: &Command,
        now: Instant,
        settings: &Settings,
    ) -> Result<(), String> {
        match command {
            Command::Requested(..) => self.requested_at = Some(now),
            Command::Opened(_) => self.opened_at = Some(now),
            Command::Pause(_) => self.paused_at = Some(now),
            Command::Resume(_) => {
                let begun = self.paused_at.take().unwrap_or(now);
                self.paused += now.since(begun);
                self.resumed_at = now;
            }
            Command::Shutdown(_) => self.shut_at = Some(now),
            Command::Closed(closed) => return self.has_cause(&closed.reason, now, settings),
            Command::Disconnect(_)
            | Command::Deliver(..)
            | Command::Subscribed(..)
            | Command::SubscriptionRefused(..)
            | Command::Timer(_)
            | Command::Drained
            | Command::Forward(..) => {}
        }
        Ok(())
    }

    /// Whether a timeout that ended the connection can have passed.
    fn has_cause(
        &self,
        reason: &CloseReason,
        now: Instant,
        settings: &Settings,
    ) -> Result<(), String> {
        let stuck_at = self.taken_at.max(self.asked_at);
        let (lasted, timeout) = match reason {
            CloseReason::UpgradeTimeout => (now.since(self.born_at), settings.upgrade_timeout),
            CloseReason::DecisionTimeout => {
                (now.since(self.requested_at.unwrap_or(now)), settings.decision_timeout)
            }
            CloseReason::HeartbeatTimeout => {
                let quiet_at = self.pinged_at.unwrap_or(now).max(self.heard_at);
                (now.since(quiet_at), settings.pong_timeout)
            }
            CloseReason::Stalled => (now.since(stuck_at), settings.stall_timeout),
            CloseReason::MessageTimeout => (self.intake.longest(now), settings.message_timeout),
            CloseReason::PeerClosed(_)
            | CloseReason::PeerGone
            | CloseReason::BadRequest(_)
            | CloseReason::Fault(_)
            | CloseReason::OutboxFull
            | CloseReason::AssemblyFull
            | CloseReason::Refused(_)
            | CloseReason::ServiceClosed(_)
            | CloseReason::ServicePanicked
            | CloseReason::Drained(_) => return Ok(()),
        };
        if lasted >= timeout {
            return Ok(());
        }
        Err(format!("{reason} after {lasted:?}, but the timeout is {timeout:?}"))
    }

    /// The hub is given bytes.
    pub(crate) fn hears(&mut self, bytes: &[u8], now: Instant, settings: &Settings) {
        self.heard_at = now;
        if self.shut_at.is_some() {
            self.lingered_bytes += bytes.len();
        }
        let begun = self.intake.begun();
        let frames = self.intake.read(bytes, now);
        if begun != self.intake.begun() {
            self.paused = Duration::ZERO;
        }
        let per_frame = 1_000_000_000 / settings.inbound_frames_per_second_max as u64;
        let cost = Duration::from_nanos(per_frame.saturating_mul(frames));
        self.frames_due = (self.frames_due.max(now) + cost).min(now + BURST + PAUSE_MAX);
    }

    /// Whether an open connection must not be read any more for now.
    pub(crate) fn is_too_fast(&self, now: Instant) -> bool {
        self.frames_due.since(now) > BURST
    }

    /// How many bytes were read since our half was shut down.
    pub(crate) fn lingered_bytes(&self) -> usize {
        self.lingered_bytes
    }

    /// Whether control frames have come between the pieces of what is unfinished.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.intake.is_interrupted()
    }

    /// How long what it says has been unfinished, without the time in which it was not read.
    pub(crate) fn unfinished(&self, now: Instant) -> Duration {
        self.intake
            .begun()
            .map_or(Duration::ZERO, |begun| now.since(begun) - self.paused.min(now.since(begun)))
    }
}
