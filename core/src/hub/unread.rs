//! What one read brought past what is made of it at once.
//!
//! A few KiB can inflate to many MiB of messages. So the wire stops in the midst of a read, what is
//! left is held here, and a tick goes on with it once the service has had its turn: unless it, or the
//! hub, wants no more of the peer for now.

use super::{
    Hub,
    connection::{Connection, Pause, State},
};
use crate::{command::Commands, id::ConnId, stats::Stats};

impl Hub {
    /// Goes on with what is held, as far as is made of a read at once.
    pub(super) fn read_on(&mut self, conn: ConnId, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        let mut bytes = connection.take_unread(&mut self.stats);
        self.received_frames(conn, &mut bytes, commands);
        if self.pool.get(conn).is_some_and(|connection| connection.unread.is_none()) {
            self.resume(conn, Pause::Unread, commands);
        }
    }

    /// Bytes that came although there is something unread: what was read before the pause, or what a
    /// connection that closes is read for.
    pub(super) fn received_behind_unread(
        &mut self,
        conn: ConnId,
        bytes: &[u8],
        commands: &mut Commands,
    ) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        connection.hold_unread(bytes, &mut self.stats);
        if self.stats.assembly_bytes > self.config.assembly_bytes_max as u64 {
            self.overflow_assembly(conn, commands);
        }
    }
}

impl Connection {
    /// Holds bytes that came, behind those that are held.
    pub(super) fn hold_unread(&mut self, bytes: &[u8], stats: &mut Stats) {
        let held = self.take_unread(stats);
        stats.assembly_bytes += (held.len() + bytes.len()) as u64;
        self.unread = Some([&held, bytes].concat().into());
    }

    pub(super) fn take_unread(&mut self, stats: &mut Stats) -> Box<[u8]> {
        let held = self.unread.take().unwrap_or_default();
        stats.assembly_bytes -= held.len() as u64;
        held
    }

    /// Whether the next tick goes on with what is held.
    pub(super) fn reads_on(&self) -> bool {
        let is_wanted = match self.state {
            State::Open => self.pauses == Pause::Unread as u8,
            // The peer's Close may be in it.
            State::Closing { await_close } => await_close,
            State::Upgrading(_) | State::Deciding(_) | State::Lingering { .. } => false,
        };
        is_wanted && self.unread.is_some()
    }
}
