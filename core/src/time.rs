//! Time as an argument.

use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

/// A moment, as nanoseconds since an epoch that the adapter chooses.
///
/// The core never asks what time it is: every input carries its `Instant`. All hubs of a process
/// share one epoch.
///
/// ```
/// use std::time::Duration;
/// use fanlight_core::Instant;
///
/// let later = Instant::ZERO + Duration::from_millis(1_500);
/// assert_eq!(later - Instant::ZERO, Duration::from_millis(1_500));
/// assert_eq!(later.to_string(), "1.500s");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The epoch itself.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens (584 years); stands for "never" inside the core.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`, or zero if `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// `self`, or `None` if it is [`NEVER`](Self::NEVER).
    pub(crate) fn if_ever(self) -> Option<Self> {
        (self != Self::NEVER).then_some(self)
    }
}

/// `duration` in nanoseconds, at most 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1_000_000_000, self.0 / 1_000_000 % 1_000)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_printed_in_seconds() {
        for (nanos, printed) in [(0, "0.000s"), (1_999_999, "0.001s"), (61_500_000_000, "61.500s")]
        {
            assert_eq!(Instant::from_nanos(nanos).to_string(), printed);
            assert_eq!(format!("{:?}", Instant::from_nanos(nanos)), printed);
        }
    }

    #[test]
    fn time_ends_where_it_cannot_be_counted() {
        let late = Instant::from_nanos(u64::MAX - 1);
        assert_eq!(late + Duration::from_secs(1), Instant::NEVER);
        assert_eq!(Instant::ZERO + Duration::MAX, Instant::NEVER);
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
        assert_eq!(Instant::ZERO - late, Duration::ZERO);
        assert_eq!(Instant::NEVER.if_ever(), None);
        assert_eq!(late.if_ever(), Some(late));
    }
}
