//! How bytes and parcels move: cut anywhere, held up, ended at any time.

use std::{io::IoSlice, time::Duration};

use fanlight_core::{ConnId, End, Event, Service, ShardId};

use crate::{peer::Peer, socket::Socket, world::World};

/// Most slices that a virtual driver asks for.
const SLICES_MAX: usize = 256;
/// Past this many steps without the clock moving something runs in circles.
const STEPS_MAX: usize = 1_000_000;

/// How kind a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nature {
    /// Whether bytes are cut anywhere and things happen in any order.
    pub cuts: bool,
    /// The shortest that a parcel takes to another shard.
    pub parcel_delay_min: Duration,
    /// How much longer it may take.
    pub parcel_jitter_max: Duration,
}

impl Nature {
    /// Everything arrives at once, whole and in order.
    pub const GENTLE: Self =
        Self { cuts: false, parcel_delay_min: Duration::ZERO, parcel_jitter_max: Duration::ZERO };
    /// The same, but parcels wait to be delivered by hand.
    pub const HELD: Self =
        Self { parcel_delay_min: Duration::from_secs(1_000_000_000), ..Self::GENTLE };
    /// Nothing does.
    pub const WILD: Self = Self {
        cuts: true,
        parcel_delay_min: Duration::ZERO,
        parcel_jitter_max: Duration::from_secs(3),
    };
}

/// One thing that can happen without the clock moving.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write(ConnId),
    Read(ConnId),
    Deliver(ShardId, ShardId),
}

impl<S: Service> World<S> {
    /// Lets everything happen that can without the clock moving.
    ///
    /// # Panics
    ///
    /// If that never ends.
    pub fn flow(&mut self) {
        for _ in 0..STEPS_MAX {
            self.write_eagerly();
            let steps = self.steps();
            let Some(last) = steps.len().checked_sub(1) else { return self.nothing_waits_unseen() };
            let chosen = if self.nature.cuts { self.rng.usize(..=last) } else { 0 };
            match steps[chosen] {
                Step::Write(conn) => self.write(conn),
                Step::Read(conn) => self.read(conn),
                Step::Deliver(from, to) => _ = self.deliver(from, to),
            }
        }
        panic!("still busy after {STEPS_MAX} steps at {}", self.now);
    }

    /// From now on the peer of a connection reads what comes before anything else happens.
    pub fn read_eagerly(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.is_eager = true;
        }
    }

    /// Lets those write whose peers read before anything else happens.
    pub(crate) fn write_eagerly(&mut self) {
        let is_due = |socket: &Socket| socket.is_eager && socket.can_write();
        while let Some(conn) = self.live.iter().find(|conn| is_due(self.socket(**conn))) {
            self.write(*conn);
        }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for conn in self.live() {
            let socket = self.socket(*conn);
            if socket.can_write() {
                steps.push(Step::Write(*conn));
            }
            if socket.can_read() {
                steps.push(Step::Read(*conn));
            }
        }
        steps.extend(self.mail.due(self.now).map(|(from, to)| Step::Deliver(from, to)));
        steps
    }

    /// Whether nothing is under way, to any hub or from any.
    pub fn is_quiet(&self) -> bool {
        let is_quiet =
            |socket: &Socket| !socket.is_writing && !socket.is_paused && socket.inward.is_empty();
        self.mail.next_arrival().is_none()
            && self.live.iter().all(|conn| is_quiet(self.socket(*conn)))
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

    /// The socket takes once what it takes of what is unsent, and its peer reads it.
    fn write(&mut self, conn: ConnId) {
        let unsent = self.unsent(conn);
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        if unsent.is_empty() {
            socket.is_writing = false;
            return;
        }
        let mut count = socket.takes.unwrap_or(usize::MAX).min(unsent.len());
        if self.nature.cuts {
            count = self.rng.usize(1..=count);
        }
        if let Some(takes) = &mut socket.takes {
            *takes -= count;
        }
        if socket.is_shut {
            socket.is_writing = false;
            let what = format!("{conn} writes {count} bytes after its end");
            self.broke("law 4", what);
            return;
        }
        socket.moved_at = self.now;
        socket.outward.extend_from_slice(&unsent[..count]);
        let mut replies = Vec::new();
        socket.peer.read(&unsent[..count], &mut replies);
        socket.inward.extend(replies);
        self.tell(conn.shard(), Event::Sent(conn, count));
        self.see_writes(conn);
    }

    /// A connection leaves the write set when nothing is unsent.
    fn see_writes(&mut self, conn: ConnId) {
        let waits = self.waits(conn);
        if let Some(socket) = self.sockets.get_mut(&conn)
            && waits == 0
        {
            socket.is_writing = false;
        }
    }

    /// The hub is given some of what has arrived, or told of the end.
    fn read(&mut self, conn: ConnId) {
        let read_bytes_max = self.hub(conn.shard()).config().read_bytes_max;
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        socket.moved_at = self.now;
        if socket.inward.is_empty() {
            let end = socket.inward_end.expect("a socket is read only if something is there");
            socket.is_ended = true;
            self.tell(conn.shard(), Event::Ended(conn, end));
            return;
        }
        let gives = socket.gives.unwrap_or(usize::MAX);
        let mut count = socket.inward.len().min(gives).min(read_bytes_max);
        if self.nature.cuts {
            count = self.rng.usize(1..=count);
        }
        if let Some(gives) = &mut socket.gives {
            *gives -= count;
        }
        let mut bytes: Vec<u8> = socket.inward.drain(..count).collect();
        self.tell(conn.shard(), Event::Received(conn, &mut bytes));
    }

    /// What a connection has for its socket.
    pub fn unsent(&self, conn: ConnId) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let filled = self.hub(conn.shard()).unsent(conn, &mut slices);
        slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    /// How many bytes a connection has for its socket.
    pub(crate) fn waits(&self, conn: ConnId) -> usize {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let filled = self.hub(conn.shard()).unsent(conn, &mut slices);
        slices[..filled].iter().map(|slice| slice.len()).sum()
    }

    /// A hub must have said of every connection that something waits for it.
    fn nothing_waits_unseen(&mut self) {
        for conn in self.live.clone() {
            let socket = self.socket(conn);
            let (is_writing, is_shut) = (socket.is_writing, socket.is_shut);
            if !is_writing && !is_shut && self.waits(conn) > 0 {
                self.broke("law 4", format!("{conn} has bytes that its driver was not told of"));
            }
        }
    }

    /// The peer of a live connection does something.
    pub fn peer_acts(&mut self, conn: ConnId, act: impl FnOnce(&mut Peer, &mut Vec<u8>)) {
        if let Some(socket) = self.sockets.get_mut(&conn)
            && socket.inward_end.is_none()
        {
            let mut bytes = Vec::new();
            act(&mut socket.peer, &mut bytes);
            socket.inward.extend(bytes);
        }
    }

    /// The peer of a live connection sends bytes of any kind.
    pub fn peer_sends(&mut self, conn: ConnId, bytes: &[u8]) {
        self.peer_acts(conn, |_, out| out.extend_from_slice(bytes));
    }

    /// The peer ends its half of the transport.
    pub fn peer_ends(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.peer.finish();
            socket.inward_end.get_or_insert(End::Eof);
        }
    }

    /// The transport fails: what was under way is lost, and the hub is told at once.
    pub fn reset(&mut self, conn: ConnId) {
        if let Some(socket) = self.sockets.get_mut(&conn)
            && !socket.is_gone
            && !socket.is_ended
        {
            socket.peer.finish();
            socket.inward.clear();
            socket.is_ended = true;
            self.tell(conn.shard(), Event::Ended(conn, End::Failed));
        }
    }

    /// How many more bytes the socket takes from the hub; `None` for all.
    pub fn set_takes(&mut self, conn: ConnId, takes: Option<usize>) {
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.takes = takes;
        }
    }

    /// How many more bytes the network lets through to the hub; `None` for all.
    pub fn set_gives(&mut self, conn: ConnId, gives: Option<usize>) {
        if let Some(socket) = self.sockets.get_mut(&conn) {
            socket.gives = gives;
        }
    }
}
