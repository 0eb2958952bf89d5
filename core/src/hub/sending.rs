//! What is queued for a connection, and what its socket has taken.

use super::{
    Hub,
    connection::{Connection, State},
    forms::Forms,
    frames::{FrameId, Frames, Kind},
    outbox::Lane,
    timer::Ring,
};
use crate::{
    command::Commands,
    config::Config,
    id::ConnId,
    planted::{Planted, planted},
    reason::CloseReason,
    stats::Stats,
    time::Instant,
    wire::{Frame, Message},
};

/// Most deliveries that wait on one shard: the links between them are 32 bits long.
const QUEUED_MAX: usize = 1 << 31;

/// What queueing for many connections needs of a hub.
pub(super) struct Delivery<'a> {
    pub(super) frames: &'a mut Frames,
    pub(super) ring: &'a mut Ring,
    pub(super) config: &'a Config,
    pub(super) stats: &'a mut Stats,
    pub(super) now: Instant,
    pub(super) commands: &'a mut Commands,
    /// Those whose outbox could not take it.
    pub(super) overflowed: Vec<ConnId>,
}

impl Delivery<'_> {
    /// Queues a message for one open connection. No allocation, no lock, and of the connection only
    /// its own record is touched.
    pub(super) fn deliver(&mut self, conn: ConnId, connection: &mut Connection, forms: &mut Forms) {
        let frame = forms.of(connection.wire.deflate(), self.frames, self.config, self.stats);
        let outbox = &connection.outbox;
        // The control lane has a bound of its own.
        let bytes = outbox.normal_bytes() + self.frames.len_of(frame);
        let one_more = usize::from(planted(Planted::BoundOffByOne));
        if bytes > self.config.outbox_bytes_max
            || outbox.messages() >= self.config.outbox_messages_max + one_more
            || self.frames.queued() >= QUEUED_MAX
        {
            self.overflowed.push(conn);
            return;
        }
        self.stats.deliveries += 1;
        self.push(conn, connection, Lane::Normal, frame);
    }

    /// Queues a frame, whatever the bounds.
    pub(super) fn push(
        &mut self,
        conn: ConnId,
        connection: &mut Connection,
        lane: Lane,
        frame: FrameId,
    ) {
        if connection.outbox.is_empty() {
            connection.last_progress = self.now;
            self.commands.writes.push(conn);
            let stall = self.now + self.config.stall_timeout;
            if stall < connection.armed {
                connection.armed = stall;
                self.ring.arm(conn.index(), stall);
            }
        }
        self.frames.push(&mut connection.outbox, lane, frame);
    }
}

impl Hub {
    /// The parts of the hub that queueing needs, beside its pool.
    pub(super) fn delivery<'a>(
        &'a mut self,
        commands: &'a mut Commands,
    ) -> (&'a mut super::Pool, &'a mut super::Members, Delivery<'a>) {
        let delivery = Delivery {
            frames: &mut self.frames,
            ring: &mut self.ring,
            config: &self.config,
            stats: &mut self.stats,
            now: self.now,
            commands,
            overflowed: Vec::new(),
        };
        (&mut self.pool, &mut self.members, delivery)
    }

    /// Queues an HTTP answer, which no bound refuses. Nothing was sent before it, and all else
    /// comes after it.
    pub(super) fn enqueue_answer(&mut self, conn: ConnId, answer: &[u8], commands: &mut Commands) {
        let frame = self.frames.insert(Frame::copy_of(answer), Kind::Answer);
        let (pool, _, mut delivery) = self.delivery(commands);
        match pool.get_mut(conn) {
            Some(connection) => delivery.push(conn, connection, Lane::Control, frame),
            None => delivery.frames.release(frame),
        }
    }

    /// The service sends a message to one connection.
    pub(super) fn send(&mut self, conn: ConnId, message: Message, commands: &mut Commands) {
        if !self.fits(&message) {
            self.stats.unpublishable += 1;
            return;
        }
        if !self.is_open(conn) {
            return self.stale();
        }
        self.make_room(message.frame().len(), commands);
        let mut forms = Forms::new(message, &mut self.frames);
        let (pool, _, mut delivery) = self.delivery(commands);
        // Making room may have ended this very connection.
        if let Some(connection) = pool.get_mut(conn).filter(|connection| connection.is_open()) {
            delivery.deliver(conn, connection, &mut forms);
        }
        let overflowed = delivery.overflowed;
        forms.release(&mut self.frames);
        self.overflow(overflowed, commands);
    }

    /// Keeps what the shard has queued within its bound: those who are closing say their Close
    /// without what was to go before it, then those for whom the most waits pay. Only for a message
    /// that is for somebody here.
    pub(super) fn make_room(&mut self, bytes: usize, commands: &mut Commands) {
        if self.frames.has_room(bytes, &self.config) {
            return;
        }
        let mut waiting = Vec::new();
        for (conn, connection) in self.pool.iter_mut() {
            match connection.state {
                State::Closing { .. } => self.frames.clear_before_close(&mut connection.outbox),
                State::Open if !connection.outbox.is_empty() => {
                    waiting.push((connection.outbox.bytes(), conn));
                }
                State::Open
                | State::Upgrading(_)
                | State::Deciding(_)
                | State::Lingering { .. } => {}
            }
        }
        waiting.sort_unstable();
        while !self.frames.has_room(bytes, &self.config)
            && let Some((_, conn)) = waiting.pop()
        {
            self.overflow(vec![conn], commands);
        }
    }

    /// Ends those for whom too much waits.
    pub(super) fn overflow(&mut self, overflowed: Vec<ConnId>, commands: &mut Commands) {
        for conn in overflowed {
            self.stats.overflows += 1;
            self.expel(conn, CloseReason::OutboxFull, "too slow", commands);
        }
    }

    /// The socket took bytes.
    pub(super) fn sent(&mut self, conn: ConnId, bytes: usize, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return self.stale() };
        if bytes == 0 {
            return;
        }
        connection.last_progress = self.now;
        let before = connection.outbox.bytes();
        let Connection { outbox, heartbeat, .. } = connection;
        let now = self.now;
        self.frames.sent(outbox, bytes, |kind| match kind {
            Kind::Ping => heartbeat.ping_left(now),
            Kind::Answer | Kind::Message | Kind::Pong | Kind::Close => {}
        });
        self.stats.sent_bytes += (before - connection.outbox.bytes()) as u64;
        match connection.state {
            State::Closing { .. } => self.advance_closing(conn, commands),
            State::Upgrading(_) | State::Deciding(_) | State::Open | State::Lingering { .. } => {
                if !planted(Planted::TimerNotRearmed) {
                    self.rearm(conn);
                }
            }
        }
    }
}
