//! The clock and the timer of tokio.

use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use fanlight_core::Instant;
use fanlight_driver::Runtime;
use tokio::{task, time};

/// What a driver needs of tokio. Follows tokio's clock, so a test may pause it.
pub struct TokioRuntime {
    epoch: time::Instant,
    timer: Option<Pin<Box<time::Sleep>>>,
}

impl TokioRuntime {
    /// A runtime that counts time from `epoch`: the same for all shards of a house.
    pub fn new(epoch: time::Instant) -> Self {
        Self { epoch, timer: None }
    }
}

impl Runtime for TokioRuntime {
    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn arm(&mut self, deadline: Instant) {
        let deadline = self.epoch + Duration::from_nanos(deadline.as_nanos());
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(deadline),
            None => self.timer = Some(Box::pin(time::sleep_until(deadline))),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    fn yield_now(&mut self, cx: &mut Context<'_>) {
        // Its first poll leaves the waker with the scheduler, which wakes it after it has looked at
        // its sockets and timers; nothing is left to poll it for.
        let deferred = pin!(task::yield_now()).poll(cx);
        debug_assert!(deferred.is_pending(), "the first poll gives way");
    }
}

impl fmt::Debug for TokioRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioRuntime").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}
