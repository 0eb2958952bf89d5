//! One direction of a virtual connection.

use std::{collections::VecDeque, time::Duration};

use fanlight_core::{End, Instant};
use fastrand::Rng;

use crate::nature::Nature;

/// Something under way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    Bytes(Vec<u8>),
    End(End),
}

/// How long packets take, and those that are under way, in order.
#[derive(Debug)]
pub(crate) struct Link {
    latency: Duration,
    jitter_max: Duration,
    bytes_per_second: Option<u32>,
    /// When the last byte sent will have left.
    busy_until: Instant,
    under_way: VecDeque<(Instant, Packet)>,
    bytes: usize,
}

impl Link {
    /// A link as `nature` has it, by the luck of `rng`.
    pub(crate) fn new(nature: &Nature, rng: &mut Rng) -> Self {
        let is_slow = nature.bytes_per_second_min > 0 && rng.u8(..100) < nature.slow_percent;
        let min = nature.bytes_per_second_min;
        Self {
            latency: up_to(nature.latency_max, rng),
            jitter_max: nature.jitter_max,
            bytes_per_second: is_slow.then(|| rng.u32(min..=min.saturating_mul(100))),
            busy_until: Instant::ZERO,
            under_way: VecDeque::new(),
            bytes: 0,
        }
    }

    /// From now on it carries this many bytes a second; `None` for any number.
    pub(crate) fn set_bytes_per_second(&mut self, bytes_per_second: Option<u32>) {
        self.bytes_per_second = bytes_per_second;
    }

    /// From now on it takes no time; what is under way is there.
    pub(crate) fn be_instant(&mut self, now: Instant) {
        for (at, _) in &mut self.under_way {
            *at = now.min(*at);
        }
        self.busy_until = now.min(self.busy_until);
        self.latency = Duration::ZERO;
        self.jitter_max = Duration::ZERO;
        self.bytes_per_second = None;
    }

    /// Whether a packet sent now is there at once.
    pub(crate) fn is_instant(&self) -> bool {
        self.under_way.is_empty()
            && self.latency.is_zero()
            && self.jitter_max.is_zero()
            && self.bytes_per_second.is_none()
    }

    /// Sends a packet, and says when it will be there: never before the one ahead of it.
    pub(crate) fn send(&mut self, now: Instant, packet: Packet, rng: &mut Rng) -> Instant {
        let length = match &packet {
            Packet::Bytes(bytes) => bytes.len(),
            Packet::End(_) => 0,
        };
        if let Some(bytes_per_second) = self.bytes_per_second {
            let nanos = length as u64 * 1_000_000_000 / u64::from(bytes_per_second.max(1));
            self.busy_until = self.busy_until.max(now) + Duration::from_nanos(nanos);
        }
        let at = self.busy_until.max(now) + self.latency + up_to(self.jitter_max, rng);
        let at = self.under_way.back().map_or(at, |(before, _)| at.max(*before));
        self.under_way.push_back((at, packet));
        self.bytes += length;
        at
    }

    /// Takes the next packet, if it is there by `now`.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Packet> {
        self.under_way.front().filter(|(at, _)| *at <= now)?;
        let (_, packet) = self.under_way.pop_front()?;
        if let Packet::Bytes(bytes) = &packet {
            self.bytes -= bytes.len();
        }
        Some(packet)
    }

    /// How many bytes are under way, or there and not taken.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Loses everything that is under way.
    pub(crate) fn clear(&mut self) {
        self.under_way.clear();
        self.bytes = 0;
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
}

/// A part of `max`.
pub(crate) fn up_to(max: Duration, rng: &mut Rng) -> Duration {
    let max = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
    if max == 0 { Duration::ZERO } else { Duration::from_nanos(rng.u64(0..=max)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Packet {
        Packet::Bytes(vec![0; length])
    }

    #[test]
    fn packets_keep_their_order_whatever_the_jitter() {
        let nature = Nature {
            latency_max: Duration::from_millis(10),
            jitter_max: Duration::from_secs(1),
            ..Nature::GENTLE
        };
        let mut rng = Rng::with_seed(1);
        let mut link = Link::new(&nature, &mut rng);
        let arrivals: Vec<_> =
            (0..100).map(|at| link.send(Instant::from_nanos(at), bytes(1), &mut rng)).collect();
        assert!(arrivals.is_sorted());
        assert_eq!(link.bytes(), 100);
        assert_eq!(link.take(Instant::ZERO), None);
        while link.take(arrivals[99]).is_some() {}
        assert_eq!((link.bytes(), link.is_empty()), (0, true));
    }

    #[test]
    fn a_slow_link_takes_its_time_for_each_byte() {
        let mut rng = Rng::with_seed(1);
        let mut link = Link::new(&Nature::GENTLE, &mut rng);
        assert!(link.is_instant());
        link.set_bytes_per_second(Some(100));
        let first = link.send(Instant::ZERO, bytes(50), &mut rng);
        let second = link.send(Instant::ZERO, bytes(50), &mut rng);
        assert_eq!(first - Instant::ZERO, Duration::from_millis(500));
        assert_eq!(second - Instant::ZERO, Duration::from_secs(1));
    }
}
