//! What waits for one shard: parcels and orders of the house, and what handles asked.

use std::sync::{
    Arc, Mutex, PoisonError, TryLockError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use concurrent_queue::ConcurrentQueue;
use fanlight_core::{Drain, Event, Parcel, ShardId, Stats};

use crate::{error::HandleError, ready::Ready};

/// What is always taken: bounded by the hubs themselves, by the credit between two shards.
#[derive(Debug)]
pub(crate) enum Mail {
    Parcel(ShardId, Parcel),
    Drain(Drain),
}

/// What a handle asked for, and how much of the mailbox it fills.
#[derive(Debug)]
struct Request {
    event: Event<'static>,
    bytes: usize,
}

/// One shard's mailbox, and what the others may know of the shard. It never blocks and never drops.
#[derive(Debug)]
pub(crate) struct Mailbox {
    ready: Arc<Ready>,
    mail: ConcurrentQueue<Mail>,
    requests: ConcurrentQueue<Request>,
    request_bytes: AtomicUsize,
    request_bytes_max: usize,
    /// Sockets that the shard has, or that wait for it.
    load: AtomicUsize,
    /// Sockets dropped because too many waited already.
    turned_away: AtomicU64,
    stats: Mutex<Stats>,
}

impl Mailbox {
    pub(crate) fn new(request_bytes_max: usize) -> Self {
        Self {
            ready: Arc::new(Ready::new()),
            mail: ConcurrentQueue::unbounded(),
            requests: ConcurrentQueue::unbounded(),
            request_bytes: AtomicUsize::new(0),
            request_bytes_max,
            load: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
            stats: Mutex::default(),
        }
    }

    pub(crate) fn ready(&self) -> &Arc<Ready> {
        &self.ready
    }

    pub(crate) fn put(&self, mail: Mail) {
        self.mail.push(mail).expect("an unbounded queue that nobody closes takes everything");
        self.ready.wake();
    }

    pub(crate) fn take(&self) -> Option<Mail> {
        self.mail.pop().ok()
    }

    /// Puts a request in, if it fits. `payload_bytes` is what it holds beside its own few words.
    pub(crate) fn ask(
        &self,
        event: Event<'static>,
        payload_bytes: usize,
    ) -> Result<(), HandleError> {
        let bytes = size_of::<Request>().saturating_add(payload_bytes);
        let fits = |waiting: usize| {
            waiting.checked_add(bytes).filter(|&after| after <= self.request_bytes_max)
        };
        self.request_bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fits)
            .map_err(|_| HandleError::Full)?;
        self.requests
            .push(Request { event, bytes })
            .expect("an unbounded queue that nobody closes takes everything");
        self.ready.wake();
        Ok(())
    }

    pub(crate) fn take_request(&self) -> Option<Event<'static>> {
        let Request { event, bytes } = self.requests.pop().ok()?;
        self.request_bytes.fetch_sub(bytes, Ordering::AcqRel);
        Some(event)
    }

    pub(crate) fn has_mail(&self) -> bool {
        !self.mail.is_empty()
    }

    pub(crate) fn has_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    pub(crate) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    pub(crate) fn add_load(&self) {
        self.load.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn take_load(&self) {
        self.load.fetch_sub(1, Ordering::Relaxed);
    }

    /// The shard lets nobody in any more: any other is to be preferred from now on.
    pub(crate) fn set_load_endless(&self) {
        self.load.store(usize::MAX / 2, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = *self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.refused += self.turned_away.load(Ordering::Relaxed);
        stats
    }

    /// A socket was dropped at the door.
    pub(crate) fn turn_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells the others what the shard has counted. Never waits: if one of them is reading just
    /// now the answer is `false`, and it is to be told again.
    pub(crate) fn set_stats(&self, stats: &Stats) -> bool {
        match self.stats.try_lock() {
            Ok(mut told) => *told = *stats,
            Err(TryLockError::Poisoned(told)) => *told.into_inner() = *stats,
            Err(TryLockError::WouldBlock) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_in_bytes_and_come_out_in_order() {
        let own = size_of::<Request>();
        let mailbox = Mailbox::new(2 * own + 10);
        assert_eq!(mailbox.ask(Event::Tick, 10), Ok(()));
        assert_eq!(mailbox.ask(Event::Tick, 1), Err(HandleError::Full));
        let drain = Drain {
            over: std::time::Duration::ZERO,
            timeout: std::time::Duration::ZERO,
            farewell: fanlight_core::CloseFrame {
                code: fanlight_core::CloseCode::Away,
                reason: "".into(),
            },
        };
        assert_eq!(mailbox.ask(Event::Drain(drain), 0), Ok(()));
        assert!(matches!(mailbox.take_request(), Some(Event::Tick)));
        assert_eq!(mailbox.ask(Event::Tick, 10), Ok(()));
        assert!(matches!(mailbox.take_request(), Some(Event::Drain(_))));
        assert!(matches!(mailbox.take_request(), Some(Event::Tick)));
        assert!(mailbox.take_request().is_none());
        assert!(!mailbox.has_requests());
    }

    #[test]
    fn a_request_of_any_length_cannot_overflow_the_count() {
        let mailbox = Mailbox::new(usize::MAX);
        assert_eq!(mailbox.ask(Event::Tick, usize::MAX / 2), Ok(()));
        assert_eq!(mailbox.ask(Event::Tick, usize::MAX), Err(HandleError::Full));
    }
}
