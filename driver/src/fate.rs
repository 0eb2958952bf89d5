//! Whether a house runs, drains or has ended: known to all its shards and handles.

use std::{
    pin::Pin,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use event_listener::{Event, EventListener};

use crate::error::Stopped;

/// The state that all shards of a house share. It only ever moves forward.
#[derive(Debug)]
pub(crate) struct Fate {
    shards: usize,
    draining: AtomicBool,
    drained: AtomicUsize,
    end: OnceLock<Result<(), Stopped>>,
    changed: Event,
}

impl Fate {
    pub(crate) fn new(shards: u8) -> Self {
        Self {
            shards: usize::from(shards),
            draining: AtomicBool::new(false),
            drained: AtomicUsize::new(0),
            end: OnceLock::new(),
            changed: Event::new(),
        }
    }

    /// How the house ended, if it has.
    pub(crate) fn end(&self) -> Option<Result<(), Stopped>> {
        self.end.get().copied()
    }

    /// Whether nobody is let in any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.draining.load(Ordering::Acquire) || self.end.get().is_some()
    }

    pub(crate) fn begin_drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.changed.notify(usize::MAX);
    }

    /// Counts one shard as drained. Each shard says so once; with the last one the house ends, and
    /// the answer is whether this was that one.
    #[must_use]
    pub(crate) fn shard_drained(&self) -> bool {
        let is_last = self.drained.fetch_add(1, Ordering::AcqRel) + 1 == self.shards;
        is_last && self.set_end(Ok(()))
    }

    /// Ends the house early. Whether this was the first end; a later one changes nothing.
    #[must_use]
    pub(crate) fn stop(&self, why: Stopped) -> bool {
        self.set_end(Err(why))
    }

    fn set_end(&self, end: Result<(), Stopped>) -> bool {
        let is_first = self.end.set(end).is_ok();
        self.changed.notify(usize::MAX);
        is_first
    }

    /// Waits until nobody is let in any more.
    pub(crate) async fn closed(&self) {
        while !self.is_closed() {
            let listener = self.changed.listen();
            // What changed before the listener began to listen is not told to it.
            if self.is_closed() {
                return;
            }
            listener.await;
        }
    }

    /// Ready with the house's end. `changed` is the caller's, and empty at first.
    pub(crate) fn poll_end(
        &self,
        changed: &mut Option<EventListener>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Stopped>> {
        loop {
            if let Some(end) = self.end() {
                return Poll::Ready(end);
            }
            match changed {
                Some(listener) => {
                    ready!(Pin::new(listener).poll(cx));
                    *changed = None;
                }
                // It may have ended since, of which a new listener is not told.
                None => *changed = Some(self.changed.listen()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fanlight_core::ShardId;
    use futures_lite::future::{block_on, poll_once};

    use super::*;

    #[test]
    fn the_last_drained_shard_ends_the_house() {
        let fate = Fate::new(2);
        fate.begin_drain();
        assert!(fate.is_closed());
        assert!(!fate.shard_drained());
        assert_eq!(fate.end(), None);
        assert!(fate.shard_drained());
        assert_eq!(fate.end(), Some(Ok(())));
    }

    #[test]
    fn the_first_end_stays() {
        let fate = Fate::new(1);
        assert!(fate.stop(Stopped::Panicked(ShardId(0))));
        assert!(!fate.stop(Stopped::Dropped(ShardId(0))));
        assert!(!fate.shard_drained());
        assert_eq!(fate.end(), Some(Err(Stopped::Panicked(ShardId(0)))));
    }

    #[test]
    fn who_waits_is_told() {
        let fate = Fate::new(1);
        block_on(async {
            let mut changed = None;
            let mut ended = std::future::poll_fn(|cx| fate.poll_end(&mut changed, cx));
            let mut closed = std::pin::pin!(fate.closed());
            assert_eq!(poll_once(&mut ended).await, None);
            assert_eq!(poll_once(&mut closed).await, None);
            fate.begin_drain();
            assert_eq!(poll_once(&mut closed).await, Some(()));
            assert_eq!(poll_once(&mut ended).await, None);
            assert!(fate.shard_drained());
            assert_eq!(poll_once(&mut ended).await, Some(Ok(())));
        });
    }
}
