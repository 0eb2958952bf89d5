//! The servers' clock: it stands still until a test says that time passes.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use fanlight_core::Instant;
use fanlight_driver::Runtime;

/// A clock that a test moves. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    nanos: AtomicU64,
    /// Who waits for a later time: one a runtime.
    sleepers: Mutex<Vec<Option<Waker>>>,
}

impl Clock {
    /// Has time pass for everyone who goes by this clock.
    pub(crate) fn pass(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap();
        self.0.nanos.fetch_add(nanos, Ordering::SeqCst);
        for sleeper in self.sleepers().iter_mut() {
            sleeper.take().into_iter().for_each(Waker::wake);
        }
    }

    /// A runtime that goes by this clock; to give way is `inner`'s.
    pub(crate) fn runtime<R>(&self, inner: R) -> Timed<R> {
        let mut sleepers = self.sleepers();
        sleepers.push(None);
        Timed { clock: self.clone(), place: sleepers.len() - 1, deadline: None, inner }
    }

    fn now(&self) -> Instant {
        Instant::ZERO + Duration::from_nanos(self.0.nanos.load(Ordering::SeqCst))
    }

    fn sleepers(&self) -> std::sync::MutexGuard<'_, Vec<Option<Waker>>> {
        self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a driver needs of a runtime, by a test's clock.
pub(crate) struct Timed<R> {
    clock: Clock,
    place: usize,
    deadline: Option<Instant>,
    inner: R,
}

impl<R: Runtime> Runtime for Timed<R> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn arm(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Looked at under the lock, so that time that passes meanwhile wakes.
        let mut sleepers = self.clock.sleepers();
        if self.deadline.is_some_and(|deadline| deadline <= self.clock.now()) {
            return Poll::Ready(());
        }
        sleepers[self.place] = Some(cx.waker().clone());
        Poll::Pending
    }

    fn yield_now(&mut self, cx: &mut Context<'_>) {
        self.inner.yield_now(cx);
    }
}

impl<R> fmt::Debug for Timed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
