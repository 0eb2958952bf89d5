//! What peers, and the ways between them and the hubs, are made to do.

use fanlight_core::{Arrival, ConnId, End, Event, PeerAddr, Refused, Service, ShardId};

use crate::{
    luck::Luck,
    peer::Peer,
    queue::Happening,
    scripted::ScriptedPeer,
    seen::Seen,
    socket::{Leave, Socket},
    world::World,
};

/// # Peers
///
/// Who comes, and what whoever is there does. [`open`](Self::open) and [`peer`](Self::peer) wait and
/// panic as a test wants it; all others do one thing and leave it to the world what comes of it.
impl<S: Service> World<S> {
    /// A new peer, whose upgrade to `path` is asked for and admitted.
    ///
    /// # Panics
    ///
    /// If it is refused.
    #[track_caller]
    pub fn open(&mut self, path: &str) -> ConnId {
        let conn = match self.arrive() {
            Ok(conn) => conn,
            Err(refused) => panic!("{refused} (seed {})", self.seed),
        };
        self.peer(conn).open(path);
        conn
    }

    /// The peer of a connection, to be scripted.
    ///
    /// # Panics
    ///
    /// If there never was such a connection.
    #[track_caller]
    pub fn peer(&mut self, conn: ConnId) -> ScriptedPeer<'_, S> {
        self.socket(conn);
        ScriptedPeer { world: self, conn }
    }

    /// A new socket comes to the shard that has the fewest, with a peer that has sent nothing yet.
    ///
    /// # Errors
    ///
    /// What the hub answers if it declines.
    pub fn arrive(&mut self) -> Result<ConnId, Refused> {
        let load = |shard: &ShardId| self.hub(*shard).stats().connections;
        let shard = self.shards().min_by_key(load).expect("a house has a shard");
        let peer = Peer::asking(self.rng.u64(..));
        self.connect(shard, peer, Arrival::Fresh(PeerAddr::Unnamed))
    }

    /// Gives a new socket with `peer` behind it to a shard.
    ///
    /// # Errors
    ///
    /// What the hub answers if it declines.
    ///
    /// # Panics
    ///
    /// If there is no such shard.
    #[track_caller]
    pub fn connect(
        &mut self,
        shard: ShardId,
        peer: Peer,
        arrival: Arrival,
    ) -> Result<ConnId, Refused> {
        let now = self.stamp(shard);
        let mut commands = std::mem::take(&mut self.commands);
        self.events += 1;
        let seen = Seen::new(&arrival, self.moment(shard));
        let accepted = self.shard_mut(shard).hub.accept(now, arrival, &mut commands);
        self.admission(shard, seen.address, &accepted);
        match accepted {
            Ok(conn) => {
                // Its luck is its own: it depends on nobody who came before.
                let luck = self.seed ^ (self.sockets.len() as u64 + 1).wrapping_mul(0x9e37_79b9);
                let rng = Luck::Socket.of(luck);
                let socket = Socket::new(conn, peer, seen, self.now, &self.nature, rng);
                if !self.sockets.insert(socket) {
                    self.broke("law 7", format!("{conn} was given out twice"));
                }
                self.live.push(conn);
                self.record.accepted.push(conn);
            }
            Err(_) => self.record.refused += 1,
        }
        self.carry_out(shard, now, commands);
        accepted
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
            let socket = self.sockets.at_mut(slot);
            socket.leave.get_or_insert(Leave::Ended);
            socket.peer.finish();
            self.end_inward(slot, End::Eof);
        }
    }

    /// The transport fails: what was under way is lost, and the hub is told at once.
    pub fn reset(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(conn)
            && !socket.is_gone
            && !socket.is_ended
        {
            socket.leave = Some(Leave::Reset);
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
            socket.leave = Some(Leave::Vanished);
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
        let now = self.now;
        if let Some(slot) = self.sockets.slot(conn) {
            let socket = self.sockets.at_mut(slot);
            socket.inward_link.be_instant(now);
            socket.outward_link.be_instant(now);
            self.will_at(now, Happening::Inward(slot));
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
}
