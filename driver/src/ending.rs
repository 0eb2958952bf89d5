//! The end of a house, to be waited for.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use event_listener::EventListener;
use futures_lite::future::block_on;

use crate::{error::Stopped, house::Hall};

/// The end of a house, to be awaited; or waited for, with [`wait`](Self::wait), on a thread without a
/// runtime. Dropping it changes nothing.
///
/// It is `Ok` if all shards have drained, and otherwise the reason for which the house ended.
#[derive(Debug)]
pub struct Ending {
    hall: Arc<Hall>,
    changed: Option<EventListener>,
}

impl Ending {
    pub(crate) fn new(hall: &Arc<Hall>) -> Self {
        Self { hall: Arc::clone(hall), changed: None }
    }

    /// Blocks this thread until the house has ended: not for a task of a runtime, which would block
    /// whatever else its thread does.
    ///
    /// # Errors
    ///
    /// The reason, if it was not a drain that ended it.
    pub fn wait(self) -> Result<(), Stopped> {
        block_on(self)
    }
}

impl Future for Ending {
    type Output = Result<(), Stopped>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { hall, changed } = &mut *self;
        hall.fate.poll_end(changed, cx)
    }
}
