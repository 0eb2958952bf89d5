//! What is queued on this shard: each frame once, and who waits for it.

use std::io::IoSlice;

use slab::Slab;

use super::outbox::{Lane, Outbox, Queue};
use crate::{
    config::Config,
    planted::{Planted, overwritten, planted},
    wire::Frame,
};

#[cfg(any(test, feature = "audit"))]
mod audit;

/// What a queued frame is to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An HTTP answer.
    Answer,
    Message,
    Ping,
    Pong,
    Close,
}

/// A frame of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameId(u32);

/// Every frame that is queued on this shard, and the links of every queue.
///
/// A queue is a list of nodes in one arena: a message that one connection has not read costs it
/// one node, whatever its length, and neither queueing nor sending allocates once the arena has
/// grown.
#[derive(Debug, Default)]
pub(super) struct Frames {
    table: Slab<Entry>,
    nodes: Slab<Node>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    frame: Frame,
    kind: Kind,
    users: u32,
}

#[derive(Debug)]
struct Node {
    frame: FrameId,
    next: u32,
}

impl Frames {
    /// How many frames are queued, each counted once.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The bytes of those frames.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether so many more bytes may be queued.
    pub(super) fn has_room(&self, bytes: usize, config: &Config) -> bool {
        self.bytes + bytes <= config.frames_bytes_max
    }

    /// How many times a frame is queued.
    pub(super) fn queued(&self) -> usize {
        self.nodes.len()
    }

    /// Takes a frame that nobody waits for yet.
    pub(super) fn insert(&mut self, frame: Frame, kind: Kind) -> FrameId {
        self.bytes += frame.bytes().len();
        let entry = self.table.insert(Entry { frame, kind, users: 0 });
        FrameId(u32::try_from(entry).expect("bounded by the outboxes' messages"))
    }

    /// Forgets a frame if nobody waits for it.
    pub(super) fn release(&mut self, id: FrameId) {
        if self.table[id.0 as usize].users == 0 {
            let entry = self.table.remove(id.0 as usize);
            self.bytes -= entry.frame.bytes().len();
        }
    }

    /// The length of a frame.
    pub(super) fn len_of(&self, id: FrameId) -> usize {
        self.table[id.0 as usize].frame.bytes().len()
    }

    /// Puts a frame at the end of a lane.
    pub(super) fn push(&mut self, outbox: &mut Outbox, lane: Lane, id: FrameId) {
        let node = self.nodes.insert(Node { frame: id, next: Queue::END });
        let node = u32::try_from(node).expect("bounded by the outboxes' messages");
        let entry = &mut self.table[id.0 as usize];
        entry.users += 1;
        let length = entry.frame.bytes().len();
        let queue = outbox.lane_mut(lane);
        if queue.is_empty() {
            queue.head = node;
        } else {
            self.nodes[queue.tail as usize].next = node;
        }
        queue.tail = node;
        outbox.added(lane, length);
    }

    /// Puts `frame` in the place of the last of the control lane, if that is a pong that has not
    /// begun to leave. It is one whenever the lane is long: a ping of ours waits alone.
    pub(super) fn replace_last_pong(&mut self, outbox: &mut Outbox, frame: &Frame) -> bool {
        let Queue { head, tail } = outbox.lane(Lane::Control);
        if tail == Queue::END || (head == tail && outbox.is_under_way(Lane::Control)) {
            return false;
        }
        let old = self.nodes[tail as usize].frame;
        if self.table[old.0 as usize].kind != Kind::Pong {
            return false;
        }
        let new = self.insert(frame.clone(), Kind::Pong);
        self.table[new.0 as usize].users = 1;
        self.nodes[tail as usize].frame = new;
        outbox.removed(Lane::Control, self.len_of(old));
        outbox.added(Lane::Control, frame.bytes().len());
        self.drop_user(old);
        true
    }

    /// Shows what a socket should take next, from the front. Returns how many slices were filled.
    pub(super) fn fill<'a>(&'a self, outbox: &Outbox, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        self.show(outbox, |bytes| {
            let Some(slice) = slices.get_mut(filled) else { return false };
            *slice = IoSlice::new(bytes);
            filled += 1;
            true
        });
        filled
    }

    /// Gives what waits to `show`, a frame at a time from the front, until that answers `false`.
    pub(super) fn show<'a>(&'a self, outbox: &Outbox, mut show: impl FnMut(&'a [u8]) -> bool) {
        let mut show = |node: u32, from: usize| {
            let Node { frame, next } = self.nodes[node as usize];
            show(&self.table[frame.0 as usize].frame.bytes()[from..]).then_some(next)
        };
        let mut heads = [outbox.lane(Lane::Control).head, outbox.lane(Lane::Normal).head];
        if let Some(lane) = outbox.under_way() {
            let head = &mut heads[lane as usize];
            match show(*head, outbox.taken()) {
                Some(next) => *head = next,
                None => return,
            }
        }
        for mut node in heads {
            while node != Queue::END {
                match show(node, 0) {
                    Some(next) => node = next,
                    None => return,
                }
            }
        }
    }

    /// The kind and whole length of each frame in a lane, from the front.
    pub(super) fn queued_in(
        &self,
        outbox: &Outbox,
        lane: Lane,
    ) -> impl Iterator<Item = (Kind, usize)> {
        let mut node = outbox.lane(lane).head;
        std::iter::from_fn(move || {
            let Node { frame, next } = self.nodes.get(node as usize)?;
            node = *next;
            let entry = &self.table[frame.0 as usize];
            Some((entry.kind, entry.frame.bytes().len()))
        })
    }

    /// Removes what a socket has taken, and tells the kind of each frame whose last byte has left.
    pub(super) fn sent(
        &mut self,
        outbox: &mut Outbox,
        mut bytes: usize,
        mut left: impl FnMut(Kind),
    ) {
        while bytes > 0 {
            let Some(lane) = outbox.next_lane() else { break };
            let frame = self.nodes[outbox.lane(lane).head as usize].frame;
            let rest = self.len_of(frame) - outbox.taken();
            if bytes < rest {
                outbox.take(lane, bytes);
                break;
            }
            bytes -= rest;
            left(self.table[frame.0 as usize].kind);
            self.pop(outbox, lane);
        }
    }

    /// Drops everything that has not begun to leave, but for the answer to the upgrade: without it
    /// the peer could not read what comes after.
    pub(super) fn clear(&mut self, outbox: &mut Outbox) {
        for lane in Lane::ALL {
            self.clear_lane(outbox, lane);
        }
    }

    /// The same for one lane.
    pub(super) fn clear_lane(&mut self, outbox: &mut Outbox, lane: Lane) {
        let head = outbox.lane(lane).head;
        let keep = outbox.is_under_way(lane) || self.is_answer(head);
        let mut node = if keep { self.nodes[head as usize].next } else { head };
        while node != Queue::END {
            let Node { frame, next } = self.nodes.remove(node as usize);
            outbox.removed(lane, self.len_of(frame));
            self.drop_user(frame);
            node = next;
        }
        let queue = outbox.lane_mut(lane);
        if keep {
            self.nodes[head as usize].next = Queue::END;
            queue.tail = head;
        } else {
            *queue = Queue::default();
        }
    }

    /// Drops everything that has not begun to leave ahead of a Close that waits, if one does.
    pub(super) fn clear_before_close(&mut self, outbox: &mut Outbox) {
        let Queue { head, tail } = outbox.lane(Lane::Normal);
        let Some(last) = self.nodes.get(tail as usize) else { return };
        let last = &self.table[last.frame.0 as usize];
        if last.kind != Kind::Close || (head == tail && outbox.is_under_way(Lane::Normal)) {
            return;
        }
        let close = last.frame.clone();
        self.clear(outbox);
        let close = self.insert(close, Kind::Close);
        self.push(outbox, Lane::Normal, close);
    }

    /// Drops everything, when the connection is gone.
    pub(super) fn discard(&mut self, outbox: &mut Outbox) {
        while let Some(lane) = outbox.next_lane() {
            self.pop(outbox, lane);
        }
    }

    fn is_answer(&self, node: u32) -> bool {
        let node = (node != Queue::END).then(|| &self.nodes[node as usize]);
        node.is_some_and(|node| self.table[node.frame.0 as usize].kind == Kind::Answer)
    }

    fn pop(&mut self, outbox: &mut Outbox, lane: Lane) {
        let queue = outbox.lane_mut(lane);
        let Node { frame, next } = self.nodes.remove(queue.head as usize);
        queue.head = next;
        if next == Queue::END {
            queue.tail = Queue::END;
        }
        outbox.popped(lane, self.len_of(frame));
        self.drop_user(frame);
    }

    fn drop_user(&mut self, id: FrameId) {
        let entry = &mut self.table[id.0 as usize];
        entry.users -= 1;
        if planted(Planted::FrameFreedEarly) && entry.users == 1 {
            entry.frame = overwritten(&entry.frame);
        }
        self.release(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pong_that_is_under_way_is_not_replaced() {
        let (mut frames, mut outbox) = (Frames::default(), Outbox::default());
        let pong = |text: &[u8]| Frame::copy_of(&[b"\x8a\x01", text].concat());
        assert!(!frames.replace_last_pong(&mut outbox, &pong(b"0")), "there is none");
        for text in [b"1", b"2"] {
            let frame = frames.insert(pong(text), Kind::Pong);
            frames.push(&mut outbox, Lane::Control, frame);
        }
        frames.sent(&mut outbox, 1, |_| {});
        assert!(frames.replace_last_pong(&mut outbox, &pong(b"3")), "the last has not begun");
        frames.sent(&mut outbox, 2, |_| {});
        frames.sent(&mut outbox, 1, |_| {});
        assert!(!frames.replace_last_pong(&mut outbox, &pong(b"4")));
        let mut slices = [IoSlice::new(&[])];
        assert_eq!(frames.fill(&outbox, &mut slices), 1);
        assert_eq!(&*slices[0], b"\x013");
    }

    #[test]
    fn only_a_pong_gives_its_place_to_a_pong() {
        let (mut frames, mut outbox) = (Frames::default(), Outbox::default());
        let ping = frames.insert(Frame::copy_of(b"\x89\0"), Kind::Ping);
        frames.push(&mut outbox, Lane::Control, ping);
        assert!(!frames.replace_last_pong(&mut outbox, &Frame::copy_of(b"\x8a\0")));
        assert_eq!((frames.len(), frames.bytes(), frames.queued()), (1, 2, 1));
    }
}
