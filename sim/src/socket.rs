//! One virtual socket, with the peer at its other end.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use fanlight_core::{CloseReason, ConnId, End, Instant};
use fastrand::Rng;

use crate::{
    link::{Link, Packet},
    nature::Nature,
    peer::Peer,
    queue::Slot,
    seen::Seen,
    watch::Watch,
};

/// How a peer left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Nobody was told.
    Vanished,
    /// The transport failed.
    Reset,
    /// It ended its half of the transport.
    Ended,
}

/// A socket between one connection of a hub and its peer.
///
/// Kept after the connection has gone, as a record of it.
#[derive(Debug)]
pub struct Socket {
    /// The remote program.
    pub peer: Peer,
    pub(crate) conn: ConnId,
    /// Its own luck, so that one connection's does not change another's.
    pub(crate) rng: Rng,
    /// From the peer to the hub.
    pub(crate) inward_link: Link,
    /// From the hub to the peer.
    pub(crate) outward_link: Link,
    /// Bytes that have arrived and the hub has not been given.
    pub(crate) inward: VecDeque<u8>,
    /// How the transport ends behind those bytes.
    pub(crate) inward_end: Option<End>,
    /// How many more bytes the network lets through to the hub; `None` for all.
    pub(crate) gives: Option<usize>,
    /// How many more bytes the socket takes from the hub; `None` for all.
    pub(crate) takes: Option<usize>,
    /// How many bytes it takes before the peer has read any of them.
    pub(crate) window_bytes: usize,
    /// What it takes it takes before anything else happens.
    pub(crate) is_eager: bool,
    /// The peer does not read what is there.
    pub(crate) is_unread: bool,
    /// The peer sends nothing more: it has ended its side, or is not there any more.
    pub(crate) has_ended: bool,
    /// How its peer left it, if it did.
    pub(crate) leave: Option<Leave>,
    /// When and why the connection ended, once the hub has told that.
    pub(crate) ended: Option<(Instant, CloseReason)>,
    /// What was under way to the peer was lost.
    pub(crate) is_lost: bool,
    /// Every byte that the socket ever took.
    pub(crate) outward: Vec<u8>,
    /// The hub asked for no more input.
    pub(crate) is_paused: bool,
    /// The connection is in its driver's write set.
    pub(crate) is_writing: bool,
    /// A write of it is in the queue.
    pub(crate) will_write: bool,
    /// A read of it is in the queue.
    pub(crate) will_read: bool,
    /// The hub has shut down its half.
    pub(crate) is_shut: bool,
    /// It was shut down while it took nothing of what was left.
    pub(crate) is_cut_short: bool,
    /// The hub was told of the end of input.
    pub(crate) is_ended: bool,
    /// The hub has dropped the socket.
    pub(crate) is_gone: bool,
    pub(crate) born_at: Instant,
    pub(crate) gone_at: Option<Instant>,
    /// When something last moved, or was not supposed to.
    pub(crate) moved_at: Instant,
    /// When it was last seen open, or else accepted.
    pub(crate) open_at: Instant,
    /// When what happened to it.
    pub(crate) seen: Seen,
    /// What the laws want to know of it.
    pub(crate) watch: Watch,
}

impl Socket {
    pub(crate) fn new(
        conn: ConnId,
        peer: Peer,
        seen: Seen,
        now: Instant,
        nature: &Nature,
        mut rng: Rng,
    ) -> Self {
        Self {
            inward_link: Link::new(nature, &mut rng),
            outward_link: Link::new(nature, &mut rng),
            watch: Watch::new(peer.came_upgraded()),
            peer,
            seen,
            conn,
            rng,
            inward: VecDeque::new(),
            inward_end: None,
            gives: None,
            takes: None,
            window_bytes: nature.window_bytes,
            is_eager: false,
            is_unread: false,
            has_ended: false,
            leave: None,
            ended: None,
            is_lost: false,
            outward: Vec::new(),
            is_paused: false,
            is_writing: false,
            will_write: false,
            will_read: false,
            is_shut: false,
            is_cut_short: false,
            is_ended: false,
            is_gone: false,
            born_at: now,
            gone_at: None,
            moved_at: now,
            open_at: now,
        }
    }

    /// The connection that the hub knows it by.
    pub fn conn(&self) -> ConnId {
        self.conn
    }

    /// What the hub wrote to it, each frame once it was whole, and as if nothing were compressed.
    pub fn outward(&self) -> &[u8] {
        &self.outward
    }

    /// How long it was there, if it is gone.
    pub fn lived(&self) -> Duration {
        self.gone_at.map_or(Duration::ZERO, |gone_at| gone_at - self.born_at)
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

    /// Whether what was under way was lost: the transport failed, or the peer vanished.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether its peer has read all that the hub wrote.
    pub fn is_read(&self) -> bool {
        self.outward_link.is_empty() && !self.is_lost
    }

    /// Whether a driver would read from it now.
    pub(crate) fn can_read(&self) -> bool {
        !self.is_gone
            && !self.is_ended
            && !self.is_paused
            && self.gives != Some(0)
            && (!self.inward.is_empty() || self.inward_end.is_some())
    }

    /// How many bytes it takes now.
    pub(crate) fn room(&self) -> usize {
        let window = self.window_bytes.saturating_sub(self.outward_link.bytes());
        self.takes.unwrap_or(usize::MAX).min(window)
    }

    /// Whether a driver would write to it now.
    pub(crate) fn can_write(&self) -> bool {
        !self.is_gone && self.is_writing && self.room() > 0
    }

    /// Whether nothing is on its way to the hub, or from it.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.is_writing
            && !self.is_paused
            && self.inward.is_empty()
            && self.inward_link.is_empty()
            && (self.outward_link.is_empty() || self.is_unread)
    }

    /// A packet has arrived from the peer.
    pub(crate) fn arrived(&mut self, packet: Packet) {
        match packet {
            Packet::Bytes(bytes) => self.inward.extend(bytes),
            Packet::End(end) => _ = self.inward_end.get_or_insert(end),
        }
    }
}

/// All sockets there ever were, in the order of their acceptance.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    all: Vec<Socket>,
    slots: HashMap<ConnId, Slot>,
}

impl Sockets {
    /// Adds a socket, and says whether its connection is a new one.
    pub(crate) fn insert(&mut self, socket: Socket) -> bool {
        let slot = Slot::try_from(self.all.len()).expect("fewer sockets than a u32 counts");
        let is_new = self.slots.insert(socket.conn, slot).is_none();
        self.all.push(socket);
        is_new
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn slot(&self, conn: ConnId) -> Option<Slot> {
        self.slots.get(&conn).copied()
    }

    pub(crate) fn get(&self, conn: ConnId) -> Option<&Socket> {
        Some(self.at(self.slot(conn)?))
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Socket> {
        let slot = self.slot(conn)?;
        Some(self.at_mut(slot))
    }

    pub(crate) fn at(&self, slot: Slot) -> &Socket {
        &self.all[slot as usize]
    }

    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut Socket {
        &mut self.all[slot as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Socket> {
        self.all.iter()
    }
}
