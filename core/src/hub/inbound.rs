//! How fast a peer may send frames.

use std::time::Duration;

use super::connection::Connection;
use crate::{config::Config, time::Instant};

/// How much of its rate a peer may use at once.
pub(super) const BURST: Duration = Duration::from_secs(2);
/// The longest pause, however far a peer went past its rate: it must be heard now and then, or its
/// death would not be noticed.
const PAUSE_MAX: Duration = Duration::from_secs(5);

impl Connection {
    /// Counts `frames` received at `now`; returns whether the peer must be read more slowly.
    ///
    /// One moment serves as the whole bucket: the time by which all frames so far would have come
    /// at the allowed rate.
    pub(super) fn is_too_fast(&mut self, config: &Config, now: Instant, frames: u64) -> bool {
        let per_frame = 1_000_000_000 / config.inbound_frames_per_second_max as u64;
        let cost = Duration::from_nanos(per_frame.saturating_mul(frames));
        let latest = now + BURST + PAUSE_MAX;
        self.frames_due = (self.frames_due.max(now) + cost).min(latest);
        self.frames_due.since(now) > BURST
    }
}
