//! How bytes and parcels move: cut anywhere, held up, ended at any time.

use std::io::IoSlice;

use fanlight_core::{ConnId, End, Event, Service};

use crate::{
    link::Packet,
    queue::{Happening, Slot},
    world::World,
};

/// Most slices that a virtual driver asks for at once.
pub(crate) const SLICES_MAX: usize = 16;

impl<S: Service> World<S> {
    pub(crate) fn will(&mut self, what: Happening) {
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

    /// The socket takes once what it takes of what is unsent.
    pub(crate) fn write(&mut self, slot: Slot) {
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
        let now = self.moment(self.sockets.at(slot).conn.shard());
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
        socket.seen.taken_at = now;
        self.digest.bytes(conn, bytes);
        let pings = socket.watch.pings();
        let written = socket.watch.write(bytes, &mut socket.outward);
        if socket.watch.pings() > pings {
            socket.seen.pinged_at = Some(now);
        }
        if let Err(what) = written {
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

    pub(crate) fn peer_reads(&mut self, slot: Slot, bytes: &[u8]) {
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
    pub(crate) fn send_inward(&mut self, slot: Slot, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.send_packet(slot, Packet::Bytes(bytes));
        }
    }

    /// The peer ends its side of the transport, behind what it has sent.
    pub(crate) fn end_inward(&mut self, slot: Slot, end: End) {
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
    pub(crate) fn arrive_inward(&mut self, slot: Slot) {
        let now = self.now;
        let socket = self.sockets.at_mut(slot);
        while let Some(packet) = socket.inward_link.take(now) {
            socket.arrived(packet);
        }
        self.will_read(slot);
    }

    /// The hub is given some of what has arrived, or told of the end.
    pub(crate) fn read(&mut self, slot: Slot) {
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
        let now = self.moment(conn.shard());
        let settings = self.shards[usize::from(conn.shard().0)].hub.config();
        self.sockets.at_mut(slot).seen.hears(&bytes, now, settings);
        self.tell(conn.shard(), Event::Received(conn, &mut bytes));
        self.reading_is_bounded(slot);
        self.will_read(slot);
    }

    /// Whether a connection has something for its socket.
    pub(crate) fn has_unsent(&self, conn: ConnId) -> bool {
        self.hub(conn.shard()).unsent(conn, &mut [IoSlice::new(&[])]) > 0
    }
}
