//! What is going to happen, by time.

use std::{cmp::Reverse, collections::BinaryHeap};

use fanlight_core::{Instant, ShardId};

/// The place of a socket among all that ever were.
pub(crate) type Slot = u32;

/// One thing that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    /// A driver writes a connection once.
    Write(Slot),
    /// A driver reads a connection once.
    Read(Slot),
    /// What is under way to a hub's socket gets there.
    Inward(Slot),
    /// What is under way to a peer gets there.
    Outward(Slot),
    /// A parcel gets to the second shard.
    Parcel(ShardId, ShardId),
}

/// Happenings in order of time, and among those of one moment in the order of their coming, or,
/// where the world has it so, in any.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<(Instant, u64, Happening)>>,
    count: u64,
}

impl Queue {
    /// Adds a happening; `lot` decides its turn among those of its moment, 0 for all if the order
    /// of coming is to count.
    pub(crate) fn push(&mut self, at: Instant, lot: u32, what: Happening) {
        self.count += 1;
        let turn = u64::from(lot) << 32 | self.count & 0xffff_ffff;
        self.heap.push(Reverse((at, turn, what)));
    }

    /// When the next is due.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next, if it is due by `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Happening> {
        self.next_at().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse((.., what))| what)
    }
}
