//! Finding dead peers: pings with jitter, pongs with a round trip.

use std::time::Duration;

use super::portrait::PingOutstanding;
use crate::{
    config::Config,
    planted::{Planted, planted},
    time::Instant,
};

/// What a hub knows of one peer's life.
#[derive(Debug)]
pub(super) struct Heartbeat {
    /// When the peer last said anything, down to a single byte.
    last_received: Instant,
    /// When the ping that was last answered for, or is waited for, had left.
    ping_sent: Instant,
    /// The payload of the last ping; 0 once its pong has come.
    nonce: u64,
    /// How long the peer may be silent this time.
    interval_micros: u32,
    round_trip_micros: u32,
    ping: Ping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    /// None, or the peer has spoken since.
    Idle,
    /// Waits in the outbox.
    Queued,
    /// Has left; the peer has been silent since.
    Sent,
}

/// What silence calls for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Ask the peer for a pong.
    Ping,
    /// Give the peer up.
    Dead,
}

impl Heartbeat {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last_received: now,
            ping_sent: now,
            nonce: 0,
            interval_micros: 0,
            round_trip_micros: u32::MAX,
            ping: Ping::Idle,
        }
    }

    /// Begins to count the peer's silence from `now`.
    pub(super) fn start(&mut self, now: Instant, config: &Config, rng: &mut fastrand::Rng) {
        self.draw_interval(config, rng);
        self.heard(now);
    }

    /// Any byte proves that the peer lives.
    pub(super) fn heard(&mut self, now: Instant) {
        self.last_received = now;
        if self.ping == Ping::Sent {
            self.ping = Ping::Idle;
        }
    }

    /// When the peer last said anything.
    pub(super) fn last_received(&self) -> Instant {
        self.last_received
    }

    /// The ping that the peer has been silent about.
    pub(super) fn outstanding(&self) -> PingOutstanding {
        match self.ping {
            Ping::Idle => PingOutstanding::None,
            Ping::Queued => PingOutstanding::Queued,
            Ping::Sent => PingOutstanding::Sent(self.ping_sent),
        }
    }

    /// A ping is queued; returns its payload.
    pub(super) fn ping_queued(&mut self, config: &Config, rng: &mut fastrand::Rng) -> [u8; 8] {
        self.draw_interval(config, rng);
        self.nonce = rng.u64(1..);
        self.ping = Ping::Queued;
        self.nonce.to_be_bytes()
    }

    /// The ping's last byte has left.
    pub(super) fn ping_left(&mut self, now: Instant) {
        self.ping = Ping::Sent;
        self.ping_sent = now;
    }

    /// A pong came; returns the round trip if it answers the last ping (RFC 6455, section 5.5.3).
    pub(super) fn pong(&mut self, now: Instant, payload: &[u8]) -> Option<Duration> {
        let is_ours = payload == self.nonce.to_be_bytes() || planted(Planted::PongOfAnotherPing);
        if self.nonce == 0 || self.ping == Ping::Queued || !is_ours {
            return None;
        }
        self.nonce = 0;
        let round_trip = now - self.ping_sent;
        self.round_trip_micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX - 1);
        Some(round_trip)
    }

    /// The last measured round trip.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        (self.round_trip_micros != u32::MAX)
            .then(|| Duration::from_micros(u64::from(self.round_trip_micros)))
    }

    /// When the peer's silence calls for something, and for what.
    pub(super) fn next(&self, config: &Config) -> (Instant, Beat) {
        match self.ping {
            Ping::Idle => {
                let interval = Duration::from_micros(u64::from(self.interval_micros));
                (self.last_received + interval, Beat::Ping)
            }
            // It has not left, so the stall deadline watches over it.
            Ping::Queued => (Instant::NEVER, Beat::Dead),
            Ping::Sent => (self.ping_sent + config.pong_timeout, Beat::Dead),
        }
    }

    fn draw_interval(&mut self, config: &Config, rng: &mut fastrand::Rng) {
        let whole = u64::try_from(config.ping_interval.as_micros()).unwrap_or(u64::MAX);
        let jitter = whole / 100 * config.ping_jitter_percent as u64;
        let interval = whole - rng.u64(0..=jitter);
        self.interval_micros = u32::try_from(interval).expect("at most an hour");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_that_comes_hours_late_is_still_a_round_trip() {
        let (config, mut rng) = (Config::default(), fastrand::Rng::with_seed(1));
        let mut heartbeat = Heartbeat::new(Instant::ZERO);
        let nonce = heartbeat.ping_queued(&config, &mut rng);
        assert_eq!(heartbeat.pong(Instant::ZERO, &nonce), None, "it has not left");
        heartbeat.ping_left(Instant::ZERO);
        // Meanwhile the peer spoke, and so was asked for no other.
        let hours = Duration::from_secs(2 * 3600);
        let now = Instant::ZERO + hours;
        heartbeat.heard(now);
        assert_eq!(heartbeat.pong(now, &[0; 8]), None, "another's");
        assert_eq!(heartbeat.round_trip(), None);
        assert_eq!(heartbeat.pong(now, &nonce), Some(hours));
        assert_eq!(heartbeat.pong(now, &nonce), None, "it counts once");
        let most = Duration::from_micros(u64::from(u32::MAX) - 1);
        assert_eq!(heartbeat.round_trip(), Some(most), "as much as is kept");
    }
}
