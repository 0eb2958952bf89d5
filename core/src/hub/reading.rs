//! What a peer has sent.

use super::{
    Hub,
    connection::{Connection, Pause, State},
    frames::{Frames, Kind},
    outbox::Lane,
};
use crate::{
    command::{Command, Commands},
    id::ConnId,
    planted::{Planted, planted},
    reason::CloseReason,
    time::Instant,
    wire::{Frame, Incoming, ReplyKind},
};

/// Most bytes of pings and pongs that wait for one connection; past it the newest pong replaces
/// the last (RFC 6455, section 5.5.3, allows to answer only the newest ping).
pub(super) const CONTROL_BYTES_MAX: usize = 4096;

impl Hub {
    /// How many bytes to read at once from the socket of `conn`: `read_bytes_max`, and in the midst of
    /// a frame what that lacks as well, together at most
    /// [`LONG_READS`](crate::wire::Wire::LONG_READS) times `read_bytes_max`.
    pub fn read_bytes(&self, conn: ConnId) -> usize {
        let read_bytes_max = self.config.read_bytes_max;
        let connection = self.pool.get(conn);
        connection.map_or(read_bytes_max, |connection| connection.wire.read_bytes(read_bytes_max))
    }

    /// The socket gave bytes.
    pub(super) fn received(&mut self, conn: ConnId, bytes: &mut [u8], commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return self.stale() };
        self.stats.received_bytes += bytes.len() as u64;
        connection.heartbeat.heard(self.now);
        match &mut connection.state {
            State::Upgrading(_) => self.received_head(conn, bytes, commands),
            State::Deciding(_) => self.received_behind_head(conn, bytes, commands),
            // The wire has ended, and the service has had its turn since.
            State::Open if connection.last_word.is_some() => {
                self.say_last_word(conn, false, commands);
            }
            State::Open | State::Closing { await_close: true } => {
                if connection.unread.is_none() {
                    self.received_frames(conn, bytes, commands);
                } else {
                    self.received_behind_unread(conn, bytes, commands);
                }
            }
            // An answer is on its way; what else the peer wants is not read (RFC 9112, 9.6).
            State::Closing { await_close: false } => {}
            State::Lingering { discarded } => {
                *discarded += bytes.len();
                if *discarded > self.config.linger_bytes_max {
                    self.finish(conn, CloseReason::PeerGone, commands);
                }
            }
        }
    }

    /// Bytes of frames.
    pub(super) fn received_frames(
        &mut self,
        conn: ConnId,
        bytes: &mut [u8],
        commands: &mut Commands,
    ) {
        let Self { pool, frames, stats, now, inflater, .. } = self;
        let Some(connection) = pool.get_mut(conn) else { return };
        let frames_before = connection.wire.frames_received();
        let assembly_before = connection.wire.assembly_bytes();
        let was_empty = connection.outbox.is_empty();
        let is_open = connection.is_open();
        let had_message = connection.wire.has_partial_message();
        let [mut messages, mut controls] = [0; 2];
        let mut peer_close = None;

        let Connection { wire, outbox, heartbeat, last_word, .. } = connection;
        let received = wire.receive_with(inflater, bytes, &mut |incoming| match incoming {
            Incoming::Message(message) => {
                messages += 1;
                if is_open {
                    commands.push(Command::Deliver(conn, message));
                }
            }
            Incoming::Ping(_) => controls += 1,
            Incoming::Pong(payload) => {
                controls += 1;
                if let Some(round_trip) = heartbeat.pong(*now, payload) {
                    stats.round_trips += 1;
                    stats.round_trip_micros += round_trip.as_micros() as u64;
                }
            }
            Incoming::Close(frame) => peer_close = Some(frame.map(Box::new)),
            Incoming::Reply(reply) => match reply.kind {
                ReplyKind::Pong => push_pong(frames, outbox, Frame::copy_of(reply.frame)),
                ReplyKind::Close => *last_word = Some(Frame::copy_of(reply.frame)),
            },
        });

        let unread = received.map_or(0, |taken| bytes.len() - taken);
        if unread > 0 {
            connection.hold_unread(&bytes[bytes.len() - unread..], stats);
        }

        stats.received_messages += messages;
        if !connection.wire.is_mid_message() {
            connection.message_begun = Instant::NEVER;
        } else if messages > 0
            // What was unfinished was that control frame; something else has begun.
            || !had_message && controls > 0
            || connection.message_begun == Instant::NEVER
            || planted(Planted::MessageTimeRenewed)
        {
            connection.message_begun = *now;
        }
        stats.assembly_bytes += connection.wire.assembly_bytes() as u64;
        stats.assembly_bytes -= assembly_before as u64;
        let grew = connection.assembly_bytes() > assembly_before;
        let is_over = stats.assembly_bytes > self.config.assembly_bytes_max as u64;
        let frames_seen = connection.wire.frames_received().wrapping_sub(frames_before);
        let is_too_fast = connection.is_too_fast(&self.config, *now, u64::from(frames_seen));
        if was_empty && !connection.outbox.is_empty() {
            connection.last_progress = *now;
            commands.writes.push(conn);
        }

        let end = match (received, peer_close) {
            (Err(fault), _) => Some(CloseReason::Fault(fault)),
            (Ok(_), Some(close)) => Some(CloseReason::PeerClosed(close)),
            (Ok(_), None) => None,
        };
        let assembly_is_full = grew && is_over;
        match end {
            Some(reason) => {
                let is_first =
                    connection.reason.is_none() && matches!(reason, CloseReason::Fault(_));
                self.stats.faults += u64::from(is_first);
                connection.reason.get_or_insert_with(|| Box::new(reason));
                // However the bytes were cut, what came before the end is answered before it.
                if is_open && messages > 0 {
                    self.rearm(conn);
                } else {
                    self.say_last_word(conn, false, commands);
                }
            }
            None if assembly_is_full => self.overflow_assembly(conn, commands),
            None => {
                if unread > 0 && is_open {
                    self.pause(conn, Pause::Unread, commands);
                }
                if is_too_fast && is_open {
                    self.stats.rate_pauses += 1;
                    self.pause(conn, Pause::Rate, commands);
                }
                self.rearm(conn);
            }
        }
    }

    /// What is unfinished and unread on this shard is more than may be, and this connection made it so.
    pub(super) fn overflow_assembly(&mut self, conn: ConnId, commands: &mut Commands) {
        self.stats.overflows += 1;
        if self.is_open(conn) {
            let text = "too many unfinished messages";
            self.expel(conn, CloseReason::AssemblyFull, text, commands);
        }
        // Its Close is not worth waiting for at this price.
        self.stop_waiting(conn, commands);
    }
}

/// Queues a pong within the control lane's bound.
fn push_pong(frames: &mut Frames, outbox: &mut super::outbox::Outbox, pong: Frame) {
    let is_full = outbox.control_bytes() + pong.bytes().len() > CONTROL_BYTES_MAX;
    if is_full && frames.replace_last_pong(outbox, &pong) {
        return;
    }
    let pong = frames.insert(pong, Kind::Pong);
    frames.push(outbox, Lane::Control, pong);
}
