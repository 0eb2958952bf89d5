//! How bytes and parcels move: cut anywhere, held up, ended at any time.

use std::io::IoSlice;

use fanlight_core::{ConnId, End, Event, Service, ShardId};

use crate::{
    link::Packet,
    peer::Peer,
    queue::{Happening, Slot},
    socket::Socket,
    world::World,
};

/// Most slices that a virtual driver asks for at once.
const SLICES_MAX: usize = 16;
/// Past this many happenings without the clock moving something runs in circles.
const HAPPENINGS_MAX: usize = 1_000_000;

impl<S: Service> World<S> {
    /// Lets everything happen that can without the clock moving.
    ///
    /// # Panics
    ///
    /// If that never ends.
    pub fn flow(&mut self) {
        for _ in 0..HAPPENINGS_MAX {
            self.write_eagerly();
            let Some(happening) = self.queue.pop_due(self.now) else { return };
            match happening {
                Happening::Write(slot) => self.write(slot),
                Happening::Read(slot) => self.read(slot),
                Happening::Inward(slot) => self.arrive_inward(slot),
                Happening::Outward(slot) => self.arrive_outward(slot),
                Happening::Parcel(from, to) => {
                    if self.mail.is_due(from, to, self.now) {
                        self.deliver(from, to);
                    }
                }
            }
        }
        panic!("still busy after {HAPPENINGS_MAX} happenings at {}", self.now);
    }

    fn will(&mut self, what: Happening) {
        let now = self.now;
        self.will_at(now, what);
    }

    pub(crate) fn will_at(&mut self, at: fanlight_core::Instant, what: Happening) {
        let lot = if self.nature.shuffles { self.rng.u32(..) } else { 0 };
        self.queue.push(at, lot, what);
    }

    /// Sees to it that a connection is written that can be.
    pub(crate) fn will_write(&mut self, slot: Slot) {
        let socket = self.sockets.at_mut(slot);
        if socket.can_write() && !std::mem::replace(&mut socket.will_write, true) {
            if socket.is_eager {
                self.eager.push(slot);
            }
            self.will(Happening::Write(slot));
        }
    }

    /// Sees to it that a connection is read that can be.
    pub(crate) fn will_read(&mut self, slot: Slot) {
        let socket = self.sockets.at_mut(slot);
        if socket.can_read() && !std::mem::replace(&mut socket.will_read, true) {
            self.will(Happening::Read(slot));
        }
    }

    /// From now on the peer of a connection reads what comes before anything else happens.
    pub fn read_eagerly(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(conn) {
            socket.is_eager = true;
            socket.inward_link.be_instant();
            socket.outward_link.be_instant();
        }
    }

    /// Lets those write whose peers read before anything else happens.
    pub fn write_eagerly(&mut self) {
        while let Some(slot) = self.eager.pop() {
            while self.sockets.at(slot).can_write() {
                self.write(slot);
            }
        }
    }

    /// Whether nothing is under way, to any hub or from any.
    pub fn is_quiet(&self) -> bool {
        self.mail.is_empty() && self.busy().is_none()
    }

    /// A connection of which something is under way.
    pub fn busy(&self) -> Option<&Socket> {
        let mut live = self.live.iter().filter_map(|conn| self.sockets.get(*conn));
        live.find(|socket| !socket.is_quiet())
    }

    /// Gives a shard the oldest parcel of another, and says whether there was one.
    pub fn deliver(&mut self, from: ShardId, to: ShardId) -> bool {
        match self.mail.take(from, to) {
            Some(parcel) => {
                self.tell(to, Event::Parcel(from, parcel));
                true
            }
            None => false,
        }
    }

    /// The socket takes once what it takes of what is unsent.
    fn write(&mut self, slot: Slot) {
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        let conn = self.sockets.at(slot).conn;
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let filled = self.hub(conn.shard()).unsent(conn, &mut slices);
        let socket = self.sockets.at(slot);
        let mut room = socket.room();
        for slice in &slices[..filled] {
            let part = &slice[..slice.len().min(room)];
            bytes.extend_from_slice(part);
            room -= part.len();
        }
        let cuts = self.nature.cuts;
        let socket = self.sockets.at_mut(slot);
        socket.will_write = false;
        if cuts && !bytes.is_empty() {
            let kept = socket.rng.usize(1..=bytes.len());
            bytes.truncate(kept);
        }
        if socket.can_write() && filled > 0 {
            self.take(slot, &bytes);
        }
        self.scratch = bytes;
        self.see_writes(slot);
    }

    /// The socket takes bytes.
    fn take(&mut self, slot: Slot, bytes: &[u8]) {
        let socket = self.sockets.at_mut(slot);
        let (conn, count) = (socket.conn, bytes.len());
        if let Some(takes) = &mut socket.takes {
            *takes -= count;
        }
        if socket.is_shut {
            socket.is_writing = false;
            return self.broke("law 4", format!("{conn} writes {count} bytes after its end"));
        }
        socket.moved_at = self.now;
        socket.outward.extend_from_slice(bytes);
        self.digest.bytes(conn, bytes);
        if let Err(what) = socket.watch.write(bytes) {
            self.broke("law 4", format!("on {conn}: {what}"));
        }
        let socket = self.sockets.at_mut(slot);
        if socket.outward_link.is_instant() && !socket.is_unread {
            self.peer_reads(slot, bytes);
        } else {
            let packet = Packet::Bytes(bytes.to_vec());
            let at = socket.outward_link.send(self.now, packet, &mut socket.rng);
            self.will_at(at, Happening::Outward(slot));
        }
        self.tell(conn.shard(), Event::Sent(conn, count));
    }

    /// A connection leaves the write set when nothing is unsent, else it is written again.
    fn see_writes(&mut self, slot: Slot) {
        let conn = self.sockets.at(slot).conn;
        if self.has_unsent(conn) {
            self.will_write(slot);
        } else {
            self.sockets.at_mut(slot).is_writing = false;
        }
    }

    fn peer_reads(&mut self, slot: Slot, bytes: &[u8]) {
        let socket = self.sockets.at_mut(slot);
        let mut replies = Vec::new();
        socket.peer.read(bytes, &mut replies);
        self.send_inward(slot, replies);
    }

    /// What was under way to a peer gets there.
    pub(crate) fn arrive_outward(&mut self, slot: Slot) {
        while !self.sockets.at(slot).is_unread
            && let Some(packet) = self.sockets.at_mut(slot).outward_link.take(self.now)
        {
            match packet {
                Packet::Bytes(bytes) => self.peer_reads(slot, &bytes),
                Packet::End(_) => self.peer_finishes(slot),
            }
        }
        self.will_write(slot);
    }

    /// The hub has shut down its half, and the peer sees that.
    pub(crate) fn peer_finishes(&mut self, slot: Slot) {
        let socket = self.sockets.at_mut(slot);
        if socket.peer.answers() {
            socket.peer.finish();
            self.end_inward(slot, End::Eof);
        }
    }

    /// The peer sends bytes.
    fn send_inward(&mut self, slot: Slot, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.send_packet(slot, Packet::Bytes(bytes));
        }
    }

    /// The peer ends its side of the transport, behind what it has sent.
    fn end_inward(&mut self, slot: Slot, end: End) {
        if !std::mem::replace(&mut self.sockets.at_mut(slot).has_ended, true) {
            self.send_packet(slot, Packet::End(end));
        }
    }

    fn send_packet(&mut self, slot: Slot, packet: Packet) {
        let socket = self.sockets.at_mut(slot);
        if socket.is_gone {
            return;
        }
        if socket.inward_link.is_instant() {
            socket.arrived(packet);
            self.will_read(slot);
        } else {
            let at = socket.inward_link.send(self.now, packet, &mut socket.rng);
            self.will_at(at, Happening::Inward(slot));
        }
    }

    /// What was under way to a hub's socket gets there.
    fn arrive_inward(&mut self, slot: Slot) {
        let now = self.now;
        let socket = self.sockets.at_mut(slot);
        while let Some(packet) = socket.inward_link.take(now) {
            socket.arrived(packet);
        }
        self.will_read(slot);
    }

    /// The hub is given some of what has arrived, or told of the end.
    fn read(&mut self, slot: Slot) {
        let cuts = self.nature.cuts;
        let read_bytes_max = self.read_bytes_max;
        let socket = self.sockets.at_mut(slot);
        socket.will_read = false;
        if !socket.can_read() {
            return;
        }
        let conn = socket.conn;
        socket.moved_at = self.now;
        if socket.inward.is_empty() {
            let end = socket.inward_end.expect("a socket is read only if something is there");
            socket.is_ended = true;
            return self.tell(conn.shard(), Event::Ended(conn, end));
        }
        let gives = socket.gives.unwrap_or(usize::MAX);
        let mut count = socket.inward.len().min(gives).min(read_bytes_max);
        if cuts {
            count = socket.rng.usize(1..=count);
        }
        if let Some(gives) = &mut socket.gives {
            *gives -= count;
        }
        let mut bytes: Vec<u8> = socket.inward.drain(..count).collect();
        self.tell(conn.shard(), Event::Received(conn, &mut bytes));
        self.will_read(slot);
    }

    /// What a connection has for its socket.
    pub fn unsent(&self, conn: ConnId) -> Vec<u8> {
        let hub = self.hub(conn.shard());
        let mut slices = vec![IoSlice::new(&[]); SLICES_MAX];
        let mut filled = hub.unsent(conn, &mut slices);
        while filled == slices.len() {
            slices.resize(2 * filled, IoSlice::new(&[]));
            filled = hub.unsent(conn, &mut slices);
        }
        slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    /// How many messages a connection has ever been queued.
    pub fn messages_queued(&self, conn: ConnId) -> usize {
        self.socket(conn).watch.messages_with(&self.unsent(conn))
    }

    /// Whether a connection has something for its socket.
    pub(crate) fn has_unsent(&self, conn: ConnId) -> bool {
        self.hub(conn.shard()).unsent(conn, &mut [IoSlice::new(&[])]) > 0
    }

    /// The peer of a live connection does something.
    pub fn peer_acts(&mut self, conn: ConnId, act: impl FnOnce(&mut Peer, &mut Vec<u8>)) {
        if let Some(slot) = self.sockets.slot(conn)
            && !self.sockets.at(slot).has_ended
        {
            let mut bytes = Vec::new();
            act(&mut self.sockets.at_mut(slot).peer, &mut bytes);
            self.send_inward(slot, bytes);
        }
    }

    /// The peer of a live connection sends bytes of any kind.
    pub fn peer_sends(&mut self, conn: ConnId, bytes: &[u8]) {
        self.peer_acts(conn, |_, out| out.extend_from_slice(bytes));
    }

    /// The peer ends its half of the transport.
    pub fn peer_ends(&mut self, conn: ConnId) {
        if let Some(slot) = self.sockets.slot(conn) {
            self.sockets.at_mut(slot).peer.finish();
            self.end_inward(slot, End::Eof);
        }
    }

    /// The transport fails: what was under way is lost, and the hub is told at once.
    pub fn reset(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(conn)
            && !socket.is_gone
            && !socket.is_ended
        {
            socket.peer.finish();
            socket.has_ended = true;
            socket.inward_link.clear();
            socket.outward_link.clear();
            socket.is_lost = true;
            socket.inward.clear();
            socket.is_ended = true;
            self.tell(conn.shard(), Event::Ended(conn, End::Failed));
        }
    }

    /// The peer is not there any more, and nobody says so: what was under way is lost, and what
    /// comes later is never read or answered.
    pub fn vanish(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(conn) {
            socket.peer.fall_silent();
            socket.has_ended = true;
            socket.is_unread = true;
            socket.is_lost = true;
            socket.inward_link.clear();
        }
    }

    /// Whether the peer of a connection reads what comes.
    pub fn set_reads(&mut self, conn: ConnId, reads: bool) {
        if let Some(slot) = self.sockets.slot(conn)
            && !self.sockets.at(slot).is_lost
        {
            self.sockets.at_mut(slot).is_unread = !reads;
            if reads {
                self.will(Happening::Outward(slot));
            }
        }
    }

    /// The way of a connection is free and quick from now on, and its peer reads, if it is there.
    pub fn heal(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(conn) {
            socket.inward_link.be_instant();
            socket.outward_link.be_instant();
        }
        self.set_takes(conn, None);
        self.set_gives(conn, None);
        self.set_reads(conn, true);
    }

    /// How many bytes a second a connection carries each way; `None` for any number.
    pub fn set_bytes_per_second(&mut self, conn: ConnId, bytes_per_second: Option<u32>) {
        if let Some(socket) = self.sockets.get_mut(conn) {
            socket.inward_link.set_bytes_per_second(bytes_per_second);
            socket.outward_link.set_bytes_per_second(bytes_per_second);
        }
    }

    /// How many more bytes the socket takes from the hub; `None` for all.
    pub fn set_takes(&mut self, conn: ConnId, takes: Option<usize>) {
        if let Some(slot) = self.sockets.slot(conn) {
            self.sockets.at_mut(slot).takes = takes;
            self.will_write(slot);
        }
    }

    /// How many more bytes the network lets through to the hub; `None` for all.
    pub fn set_gives(&mut self, conn: ConnId, gives: Option<usize>) {
        if let Some(slot) = self.sockets.slot(conn) {
            self.sockets.at_mut(slot).gives = gives;
            self.will_read(slot);
        }
    }
}
