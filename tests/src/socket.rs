//! One virtual socket, with the peer at its other end.

use std::collections::VecDeque;

use fanlight_core::{End, Instant};

use crate::peer::Peer;

/// A socket between one connection of a hub and its peer.
///
/// Kept after the connection has gone, as a record of it.
#[derive(Debug)]
pub struct Socket {
    /// The remote program.
    pub peer: Peer,
    /// Bytes that the peer sent and the hub has not been given.
    pub(crate) inward: VecDeque<u8>,
    /// How the transport ends behind those bytes.
    pub(crate) inward_end: Option<End>,
    /// How many more bytes the network lets through to the hub; `None` for all.
    pub(crate) gives: Option<usize>,
    /// How many more bytes the socket takes from the hub; `None` for all.
    pub(crate) takes: Option<usize>,
    /// What it takes it takes before anything else happens.
    pub(crate) is_eager: bool,
    /// Every byte that the socket ever took.
    pub(crate) outward: Vec<u8>,
    /// The hub asked for no more input.
    pub(crate) is_paused: bool,
    /// The connection is in its driver's write set.
    pub(crate) is_writing: bool,
    /// The hub has shut down its half.
    pub(crate) is_shut: bool,
    /// It was shut down while it took nothing of what was left.
    pub(crate) is_cut_short: bool,
    /// The hub was told of the end of input.
    pub(crate) is_ended: bool,
    /// The hub has dropped the socket.
    pub(crate) is_gone: bool,
    /// When something last moved, or was not supposed to.
    pub(crate) moved_at: Instant,
    /// When it was last seen open, or else accepted.
    pub(crate) open_at: Instant,
}

impl Socket {
    pub(crate) fn new(peer: Peer, now: Instant) -> Self {
        Self {
            peer,
            inward: VecDeque::new(),
            inward_end: None,
            gives: None,
            takes: None,
            is_eager: false,
            outward: Vec::new(),
            is_paused: false,
            is_writing: false,
            is_shut: false,
            is_cut_short: false,
            is_ended: false,
            is_gone: false,
            moved_at: now,
            open_at: now,
        }
    }

    /// Every byte that the hub wrote to it.
    pub fn outward(&self) -> &[u8] {
        &self.outward
    }

    /// Whether the hub has disconnected it.
    pub fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Whether the hub has shut down its half.
    pub fn is_shut(&self) -> bool {
        self.is_shut
    }

    /// Whether the hub shut down its half because the socket took nothing of what was left.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// Whether the hub asked for no more input.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Whether a driver would read from it now.
    pub(crate) fn can_read(&self) -> bool {
        !self.is_gone
            && !self.is_ended
            && !self.is_paused
            && self.gives != Some(0)
            && (!self.inward.is_empty() || self.inward_end.is_some())
    }

    /// Whether a driver would write to it now.
    pub(crate) fn can_write(&self) -> bool {
        !self.is_gone && self.is_writing && self.takes != Some(0)
    }
}
