//! What to make of an error of a listener: whose it is, how long to wait, how often to tell.

use std::{
    io,
    time::{Duration, Instant},
};

/// Whether an error is about the peer that was to be accepted, so that the next may do better.
pub(super) fn is_of_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TimedOut
    )
}

/// How long to wait when descriptors or memory have run out: it takes others to free some.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
}

impl Pauses {
    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(100);

    pub(super) fn new() -> Self {
        Self { next: Self::SHORTEST }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(Self::LONGEST);
        pause
    }

    pub(super) fn end(&mut self) {
        self.next = Self::SHORTEST;
    }
}

/// When a trouble that lasts was last told of: the log is to show it, not to be filled by it.
#[derive(Debug, Default)]
pub(super) struct Telling(Option<Instant>);

impl Telling {
    const INTERVAL: Duration = Duration::from_secs(5);

    /// Whether it is to be told of now; if so, not again for an interval.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if self.0.is_some_and(|told| now - told < Self::INTERVAL) {
            return false;
        }
        self.0 = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_begin_anew_after_a_success() {
        let mut pauses = Pauses::new();
        let millis: Vec<_> = (0..6).map(|_| pauses.next().as_millis()).collect();
        assert_eq!(millis, [10, 20, 40, 80, 100, 100]);
        pauses.end();
        assert_eq!(pauses.next().as_millis(), 10);
    }

    #[test]
    fn a_lasting_trouble_is_told_once_in_a_while() {
        let (mut telling, start) = (Telling::default(), Instant::now());
        let seconds = |seconds| start + Duration::from_secs(seconds);
        let told: Vec<_> = [0, 1, 4, 5, 9, 10].map(|at| telling.is_due(seconds(at))).to_vec();
        assert_eq!(told, [true, false, false, true, false, true]);
    }

    #[test]
    fn out_of_descriptors_is_not_about_one_peer() {
        for code in [libc_codes::EMFILE, libc_codes::ENFILE, libc_codes::ENOMEM] {
            assert!(!is_of_one_peer(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(is_of_one_peer(&io::ErrorKind::ConnectionAborted.into()));
    }

    /// The same on all Unix systems.
    mod libc_codes {
        pub(super) const ENOMEM: i32 = 12;
        pub(super) const ENFILE: i32 = 23;
        pub(super) const EMFILE: i32 = 24;
    }
}
