//! What waits for one shard: parcels and orders of the house, and what handles asked.

use std::sync::{
    Arc, Mutex, PoisonError, TryLockError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use concurrent_queue::ConcurrentQueue;
use event_listener::Event as Signal;
use fanlight_core::{Arrival, ConnId, Drain, Event, Parcel, Seq, ShardId, Stats, Topic};

use crate::{
    ask::Reply, connection::Exchange, error::HandleError, ready::Ready, round::Round,
    transport::Stream,
};

/// What is always taken: bounded by the hubs themselves, by the credit between two shards; or by
/// what was taken from a handle, or by the number of connections.
#[derive(Debug)]
pub(crate) enum Mail {
    Parcel(ShardId, Parcel),
    Drain(Drain),
    /// It comes from another shard.
    Round(Round),
    /// The task of a connection wants something. In the mailbox once at most.
    Attend(Arc<Exchange>),
}

/// What a handle asks for.
pub(crate) enum Wish {
    /// What the hub is told as it stands.
    Tell(Event<'static>),
    /// A membership, and whether it came to be.
    Subscribe(ConnId, Topic, Reply<Seq>),
    /// The answer to a request, and whether it was still waited for.
    Decide(ConnId, Event<'static>, Reply<()>),
    /// A stream to be let in.
    Attach(Box<dyn Stream>, Arrival, Reply<ConnId>),
    /// What all shards are to be asked or told, beginning here.
    Round(Round),
}

/// What a handle asked for, and how much of the mailbox it fills.
#[derive(Debug)]
struct Request {
    wish: Wish,
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
    /// Told to one of those who wait for each request that leaves.
    room: Signal,
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
            room: Signal::new(),
            load: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
            stats: Mutex::default(),
        }
    }

    pub(crate) fn ready(&self) -> &Arc<Ready> {
        &self.ready
    }

    pub(crate) fn put(&self, mail: Mail) {
        // A shard that has ended takes its house with it: whoever waits for an answer is told.
        if self.mail.push(mail).is_ok() {
            self.ready.wake();
        }
    }

    pub(crate) fn take(&self) -> Option<Mail> {
        self.mail.pop().ok()
    }

    /// Keeps room for a request, if there is any. `payload_bytes` is what it holds beside its own
    /// few words; the answer is for [`ask`](Self::ask).
    pub(crate) fn reserve(&self, payload_bytes: usize) -> Result<usize, HandleError> {
        let bytes = size_of::<Request>().saturating_add(payload_bytes);
        if bytes > self.request_bytes_max {
            return Err(HandleError::TooLong);
        }
        let fits = |waiting: usize| {
            waiting.checked_add(bytes).filter(|&after| after <= self.request_bytes_max)
        };
        self.request_bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fits)
            .map(|_| bytes)
            .map_err(|_| HandleError::Full)
    }

    /// Puts a request in for which room was kept.
    pub(crate) fn ask(&self, wish: Wish, bytes: usize) -> Result<(), HandleError> {
        self.requests.push(Request { wish, bytes }).map_err(|_| HandleError::Stopped)?;
        self.ready.wake();
        Ok(())
    }

    pub(crate) fn take_request(&self) -> Option<Wish> {
        let Request { wish, bytes } = self.requests.pop().ok()?;
        self.request_bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.room.notify_additional(1);
        Some(wish)
    }

    /// To be listened to by whoever waits for room. Who has listened must try once more before it
    /// waits.
    pub(crate) fn room(&self) -> &Signal {
        &self.room
    }

    /// The shard has ended: nothing is taken any more, and what waits is dropped. So whoever waits
    /// for an answer, or for room, is told.
    pub(crate) fn close(&self) {
        self.mail.close();
        self.requests.close();
        while self.mail.pop().is_ok() {}
        while self.requests.pop().is_ok() {}
        self.room.notify(usize::MAX);
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

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tell(_) => "Tell",
            Self::Subscribe(..) => "Subscribe",
            Self::Decide(..) => "Decide",
            Self::Attach(..) => "Attach",
            Self::Round(_) => "Round",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(mailbox: &Mailbox, event: Event<'static>, bytes: usize) -> Result<(), HandleError> {
        mailbox.ask(Wish::Tell(event), mailbox.reserve(bytes)?)
    }

    #[test]
    fn requests_are_bounded_in_bytes_and_come_out_in_order() {
        let own = size_of::<Request>();
        let mailbox = Mailbox::new(2 * own + 10);
        assert_eq!(ask(&mailbox, Event::Tick, 10), Ok(()));
        assert_eq!(ask(&mailbox, Event::Tick, 1), Err(HandleError::Full));
        assert_eq!(ask(&mailbox, Event::Tick, own + 11), Err(HandleError::TooLong));
        let drain = Drain {
            over: std::time::Duration::ZERO,
            timeout: std::time::Duration::ZERO,
            farewell: fanlight_core::CloseFrame {
                code: fanlight_core::CloseCode::Away,
                reason: "".into(),
            },
        };
        assert_eq!(ask(&mailbox, Event::Drain(drain), 0), Ok(()));
        assert!(matches!(mailbox.take_request(), Some(Wish::Tell(Event::Tick))));
        assert_eq!(ask(&mailbox, Event::Tick, 10), Ok(()));
        assert!(matches!(mailbox.take_request(), Some(Wish::Tell(Event::Drain(_)))));
        assert!(matches!(mailbox.take_request(), Some(Wish::Tell(Event::Tick))));
        assert!(mailbox.take_request().is_none());
        assert!(!mailbox.has_requests());
    }

    #[test]
    fn a_request_of_any_length_cannot_overflow_the_count() {
        let mailbox = Mailbox::new(usize::MAX);
        assert_eq!(ask(&mailbox, Event::Tick, usize::MAX / 2), Ok(()));
        assert_eq!(ask(&mailbox, Event::Tick, usize::MAX - 1), Err(HandleError::Full));
    }

    #[test]
    fn whoever_waits_when_the_shard_ends_is_told() {
        let mailbox = Mailbox::new(size_of::<Request>());
        assert_eq!(ask(&mailbox, Event::Tick, 0), Ok(()));
        let waiting = mailbox.room().listen();
        mailbox.close();
        futures_lite::future::block_on(waiting);
        assert!(mailbox.take_request().is_none());
        assert_eq!(mailbox.ask(Wish::Tell(Event::Tick), 0), Err(HandleError::Stopped));
    }
}
