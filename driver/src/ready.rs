//! How a socket says that it is ready, and how a shard is woken.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use atomic_waker::AtomicWaker;
use concurrent_queue::ConcurrentQueue;
use fanlight_core::ConnId;

/// Which half of a socket is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Read,
    Write,
}

/// Where the sockets of one shard that woke are noted, and how the shard itself is woken.
#[derive(Debug)]
pub(crate) struct Ready {
    woken: ConcurrentQueue<(ConnId, Half)>,
    shard: AtomicWaker,
}

impl Ready {
    pub(crate) fn new() -> Self {
        Self { woken: ConcurrentQueue::unbounded(), shard: AtomicWaker::new() }
    }

    /// To be called at the start of a turn, before anything is looked at: what comes later wakes.
    pub(crate) fn register(&self, waker: &Waker) {
        self.shard.register(waker);
    }

    pub(crate) fn wake(&self) {
        self.shard.wake();
    }

    /// The next socket that woke. It may be gone, and may be named twice.
    pub(crate) fn next(&self) -> Option<(ConnId, Half)> {
        self.woken.pop().ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.woken.len()
    }
}

/// The waker of one half of one socket.
///
/// However often the half wakes, it is noted once until it is polled again.
pub(crate) struct HalfWaker {
    noted: Arc<Note>,
    waker: Waker,
}

struct Note {
    ready: Arc<Ready>,
    conn: ConnId,
    half: Half,
    queued: AtomicBool,
}

impl HalfWaker {
    pub(crate) fn new(ready: &Arc<Ready>, conn: ConnId, half: Half) -> Self {
        let noted =
            Arc::new(Note { ready: Arc::clone(ready), conn, half, queued: AtomicBool::new(false) });
        Self { waker: Waker::from(Arc::clone(&noted)), noted }
    }

    /// The waker to poll with, at once: from now on a wake is noted again.
    ///
    /// The flag is cleared before the poll, so that a wake in between is not lost.
    pub(crate) fn for_poll(&self) -> &Waker {
        self.noted.queued.swap(false, Ordering::AcqRel);
        &self.waker
    }
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel)
            && self.ready.woken.push((self.conn, self.half)).is_ok()
        {
            self.ready.wake();
        }
    }
}

impl fmt::Debug for HalfWaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Note { ready: _, conn, half, queued } = &*self.noted;
        write!(f, "HalfWaker({conn} {half:?} queued: {queued:?})")
    }
}
