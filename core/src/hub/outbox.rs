//! What one connection has been given and its socket has not taken.

/// A part of an outbox, by urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Pings and pongs, behind the answer to the request.
    Control,
    /// Everything else.
    Normal,
}

impl Lane {
    pub(super) const ALL: [Self; 2] = [Self::Control, Self::Normal];
}

/// A list of nodes in the frame table's arena.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    pub(super) head: u32,
    pub(super) tail: u32,
}

impl Queue {
    pub(super) const END: u32 = u32::MAX;

    pub(super) fn is_empty(self) -> bool {
        self.head == Self::END
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self { head: Self::END, tail: Self::END }
    }
}

/// The books of one connection's lanes; the queues' nodes are in [`Frames`](super::frames::Frames).
///
/// Frames of two messages cannot mix (RFC 6455, section 5.4), so a frame that has begun to leave
/// is finished before anything else, whatever its lane.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lanes: [Queue; 2],
    /// Bytes that the socket has not taken, all lanes together.
    bytes: usize,
    control_bytes: u32,
    messages: u32,
    /// How much of the frame under way the socket has taken; 0 if none is.
    taken: u32,
    lane_under_way: u8,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Those of the normal lane.
    pub(super) fn normal_bytes(&self) -> usize {
        let taken = if self.is_under_way(Lane::Control) { self.taken() } else { 0 };
        self.bytes + taken - self.control_bytes()
    }

    pub(super) fn control_bytes(&self) -> usize {
        self.control_bytes as usize
    }

    /// How many frames wait in the normal lane.
    pub(super) fn messages(&self) -> usize {
        self.messages as usize
    }

    pub(super) fn lane(&self, lane: Lane) -> Queue {
        self.lanes[lane as usize]
    }

    pub(super) fn lane_mut(&mut self, lane: Lane) -> &mut Queue {
        &mut self.lanes[lane as usize]
    }

    /// The lane whose first frame has left in part.
    pub(super) fn under_way(&self) -> Option<Lane> {
        (self.taken > 0).then(|| Lane::ALL[usize::from(self.lane_under_way)])
    }

    pub(super) fn is_under_way(&self, lane: Lane) -> bool {
        self.taken > 0 && self.lane_under_way == lane as u8
    }

    /// How much of the frame under way has left.
    pub(super) fn taken(&self) -> usize {
        self.taken as usize
    }

    /// The lane whose first frame leaves next.
    pub(super) fn next_lane(&self) -> Option<Lane> {
        self.under_way().or_else(|| Lane::ALL.into_iter().find(|lane| !self.lane(*lane).is_empty()))
    }

    /// The socket took `bytes` of the first frame of `lane`, but not all of it.
    pub(super) fn take(&mut self, lane: Lane, bytes: usize) {
        self.taken += u32::try_from(bytes).expect("a frame is shorter than 4 GiB");
        self.lane_under_way = lane as u8;
        self.bytes -= bytes;
    }

    pub(super) fn added(&mut self, lane: Lane, length: usize) {
        self.bytes += length;
        match lane {
            Lane::Control => self.control_bytes += length as u32,
            Lane::Normal => self.messages += 1,
        }
    }

    /// A frame that had not begun to leave was dropped.
    pub(super) fn removed(&mut self, lane: Lane, length: usize) {
        self.bytes -= length;
        match lane {
            Lane::Control => self.control_bytes -= length as u32,
            Lane::Normal => self.messages -= 1,
        }
    }

    /// The first frame of `lane` has left, or was under way and is dropped with its connection.
    pub(super) fn popped(&mut self, lane: Lane, length: usize) {
        let taken = if self.is_under_way(lane) { self.taken() } else { 0 };
        // `take` has accounted for what left before.
        self.bytes += taken;
        self.removed(lane, length);
        if taken > 0 {
            self.taken = 0;
        }
    }
}
