//! A world moved by hand: what only a test of the hub itself wants.

use std::{io::IoSlice, time::Duration};

use fanlight_core::{Commands, ConnId, Event, Service, ShardId, Stats};

use crate::{
    clock::Alarm,
    flow::SLICES_MAX,
    socket::Socket,
    world::{Shard, World},
};

/// # For tests of the hub itself
///
/// A service needs none of this: single events, ticks and parcels, the exact bytes that a socket
/// takes and gives, and the laws about what only a hub can do.
impl<S: Service> World<S> {
    /// Gives an event to a shard and does what comes of it.
    ///
    /// # Panics
    ///
    /// If there is no such shard.
    #[track_caller]
    pub fn tell(&mut self, shard: ShardId, event: Event<'_>) {
        let now = self.stamp(shard);
        let mut commands = std::mem::take(&mut self.commands);
        self.events += 1;
        let is_tick = matches!(event, Event::Tick);
        self.shard_mut(shard).hub.handle(now, event, &mut commands);
        // Before the service is served, which may set a timer that is due at once.
        let Shard { hub, told, .. } = self.shard(shard);
        if let (true, Some(deadline), told) = (is_tick, hub.next_deadline(), *told)
            && deadline <= told
        {
            self.broke("law 6", format!("ticked at {told}, and a deadline at {deadline} is left"));
        }
        self.carry_out(shard, now, commands);
    }

    /// Ticks one hub. Law 6: afterwards no deadline at or before now is left.
    ///
    /// # Panics
    ///
    /// If there is no such shard.
    #[track_caller]
    pub fn tick(&mut self, shard: ShardId) {
        self.tell(shard, Event::Tick);
    }

    /// Ticks every hub whose timer has gone off.
    pub fn tick_due(&mut self) {
        for shard in self.shards() {
            if self.alarm(shard).is_some_and(|at| at <= self.now) {
                self.shard_mut(shard).alarm = Alarm::default();
                self.tick(shard);
            }
        }
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

    /// Lets the next events happen at an earlier time than the clock's, until it is set back to 0.
    pub fn set_behind(&mut self, behind: Duration) {
        self.time.behind = behind;
        // To a hub that was told nothing lately the clock will seem to jump.
        self.time.was_late |= !behind.is_zero();
    }

    /// From now on no hub is told an earlier time than it was told before.
    pub fn keep_monotonic(&mut self) {
        self.time.is_monotonic = true;
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

    /// From now on the peer of a connection reads what comes before anything else happens.
    pub fn read_eagerly(&mut self, conn: ConnId) {
        let now = self.now;
        if let Some(socket) = self.sockets.get_mut(conn) {
            socket.is_eager = true;
            socket.inward_link.be_instant(now);
            socket.outward_link.be_instant(now);
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

    /// Law 7: an event for a connection that is gone changes a counter and nothing else.
    ///
    /// # Panics
    ///
    /// If the connection that it is about is not gone.
    pub fn stale_is_harmless(&mut self, conn: ConnId, event: Event<'_>) {
        assert!(self.socket(conn).is_gone(), "{conn} is not gone");
        let shard = conn.shard();
        let now = self.stamp(shard);
        let hub = self.hub_mut(shard);
        let (mut before, deadline) = (*hub.stats(), hub.next_deadline());
        let mut commands = Commands::default();
        let what = format!("{event:?}");
        if matches!(event, Event::Panicked(_)) {
            before.panics += 1;
        } else {
            before.stale_events += 1;
        }
        hub.handle(now, event, &mut commands);
        let (after, deadline_after) = (*hub.stats(), hub.next_deadline());
        if commands != Commands::default() {
            self.broke("law 7", format!("a stale {what} made {commands:?}"));
        }
        if before != after {
            self.broke("law 7", format!("a stale {what} made {after:?} of {before:?}"));
        }
        if deadline != deadline_after {
            self.broke("law 7", format!("a stale {what} moved {deadline:?} {deadline_after:?}"));
        }
    }

    /// Law 2: at the end nothing is left: no connection, member, timer, frame or queued byte; and
    /// everybody who was accepted was told closed and gone.
    pub fn nothing_left(&mut self) {
        for shard in self.shards() {
            let hub = self.hub(shard);
            let stats = *hub.stats();
            let left = Stats {
                connections: stats.connections,
                upgrading: stats.upgrading,
                open: stats.open,
                topics: stats.topics,
                homes: stats.homes,
                members: stats.members,
                frames: stats.frames,
                frame_bytes: stats.frame_bytes,
                queued: stats.queued,
                assembly_bytes: stats.assembly_bytes,
                ..Stats::default()
            };
            let deadline = hub.next_deadline();
            if left != Stats::default() {
                self.broke("law 2", format!("on {shard:?} this is left: {left:?}"));
            }
            if let Some(deadline) = deadline {
                self.broke("law 2", format!("on {shard:?} a deadline is left: {deadline}"));
            }
        }
        let is_left = |socket: &&Socket| !socket.watch.is_over();
        let left: Option<ConnId> = self.sockets.iter().find(is_left).map(Socket::conn);
        if let Some(conn) = left {
            self.broke("law 2", format!("{conn} was never told closed and gone"));
        }
        let (stats, accepted) = (self.stats(), self.sockets.len() as u64);
        let refused = self.record().refused;
        if (stats.accepted, stats.closed, stats.refused) != (accepted, accepted, refused) {
            let what = format!("{accepted} were accepted and {refused} refused, but {stats:?}");
            self.broke("law 2", what);
        }
    }
}
