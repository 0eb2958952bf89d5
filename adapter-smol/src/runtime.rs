//! The clock and the timer of smol.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
    time,
};

use async_io::Timer;
use fanlight_core::Instant;
use fanlight_driver::Runtime;

/// What a driver needs of smol.
#[derive(Debug)]
pub struct SmolRuntime {
    epoch: time::Instant,
    timer: Timer,
}

impl SmolRuntime {
    /// A runtime that counts time from `epoch`: the same for all shards of a house.
    pub fn new(epoch: time::Instant) -> Self {
        Self { epoch, timer: Timer::never() }
    }
}

impl Runtime for SmolRuntime {
    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn arm(&mut self, deadline: Instant) {
        self.timer.set_at(self.epoch + time::Duration::from_nanos(deadline.as_nanos()));
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.timer).poll(cx).map(drop)
    }

    fn yield_now(&mut self, cx: &mut Context<'_>) {
        // Whoever polls the shard looks after the reactor before it does so again.
        cx.waker().wake_by_ref();
    }
}
