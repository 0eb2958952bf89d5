//! Whether what a hub keeps up step by step is what it would be if counted anew.

use super::{
    Hub,
    connection::{Connection, Pause, State},
};
use crate::{id::ConnId, time::Instant};

#[cfg(test)]
mod tests;

/// An invariant: nothing if it holds, and if not, what is wrong.
pub(super) fn ensure(holds: bool, broken: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken()) }
}

impl Hub {
    /// Goes through the whole hub and recomputes everything that it keeps up step by step.
    ///
    /// To be called between two calls of [`accept`](Self::accept) and [`handle`](Self::handle);
    /// it changes nothing, and takes as long as the hub is large. Since every frame, membership,
    /// deadline and count must belong to a connection of the pool, nothing of them can be left
    /// when the pool is empty. Only with the feature `audit`.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold, as a sentence. It is this crate that is at fault.
    pub fn audit(&self) -> Result<(), String> {
        ensure(!self.is_busy, || "a panic cut a call short".to_owned())?;
        let connections = self.pool.audit()?;
        for (conn, connection) in &connections {
            self.audit_connection(*conn, connection)
                .map_err(|broken| format!("{conn}: {broken}"))?;
        }
        self.audit_ring(&connections)?;
        self.frames.audit(&connections, &self.config)?;
        self.members.audit(&connections, &self.config)?;
        self.members.audit_homes(&self.homes, self.seat)?;
        self.homes.audit(self.seat, &self.config)?;
        self.census.audit(&connections, &self.config)?;
        self.accounts.audit(&connections, self.seat.shard)?;
        self.audit_stats(&connections)
    }

    /// Compares the hubs of a house with each other, each being sound by itself.
    ///
    /// To be called when no parcel is under way between any two of them: then all credit that one
    /// shard has spent is owed by another, and homes and shards agree on who has members and on
    /// what was said last. Only with the feature `audit`.
    ///
    /// # Errors
    ///
    /// The first disagreement, as a sentence.
    pub fn audit_house(house: &[&Self]) -> Result<(), String> {
        for one in house {
            for other in house {
                let [a, b] = [one.seat.shard, other.seat.shard];
                let agree = |broken| format!("shard {} and shard {}: {broken}", a.0, b.0);
                one.accounts.agree(b, &other.accounts, a).map_err(agree)?;
                one.members.agree(a, one.seat, &other.homes, b).map_err(agree)?;
            }
        }
        Ok(())
    }

    fn audit_connection(&self, conn: ConnId, connection: &Connection) -> Result<(), String> {
        let (deadline, due) = connection.deadline(&self.config);
        // One that has passed when it is armed is for the next tick.
        let at_latest = deadline.max(self.now);
        ensure(connection.armed <= at_latest, || {
            format!("armed for {}, but {due:?} is due at {deadline}", connection.armed)
        })?;
        let in_ring = self.ring.armed(conn.index());
        ensure(in_ring.unwrap_or(Instant::NEVER) == connection.armed, || {
            format!("armed for {}, but in the ring for {in_ring:?}", connection.armed)
        })?;

        let Connection { state, outbox, wire, .. } = connection;
        let (is_deciding, is_open, is_ending) = match state {
            State::Upgrading(_) => (false, false, false),
            State::Deciding(_) => (true, false, false),
            State::Open => (false, true, false),
            State::Closing { .. } | State::Lingering { .. } => (false, false, true),
        };
        let is_lingering = matches!(state, State::Lingering { .. });
        let has_last_word = connection.last_word.is_some();
        for (holds, broken) in [
            (!is_lingering || outbox.is_empty(), "lingers with something to say"),
            (
                !is_lingering || connection.assembly_bytes() == 0,
                "lingers with an unfinished message",
            ),
            (connection.known || !(is_deciding || is_open), "unknown to the service"),
            (connection.is_paused(Pause::Deciding) == is_deciding, "paused for no decision"),
            (is_open || !connection.is_paused(Pause::Credit), "paused for credit"),
            (is_open || !connection.is_paused(Pause::Rate), "paused for its rate"),
            (is_open || !connection.is_paused(Pause::Service), "paused by the service"),
            (
                connection.is_paused(Pause::Unread) == (is_open && connection.unread.is_some()),
                "paused with nothing unread, or not paused with something",
            ),
            (connection.reason.is_some() == (is_ending || has_last_word), "ends without a reason"),
            (is_open || !has_last_word, "a last word was not said"),
            (!is_open || wire.close_sent() == has_last_word, "a Close was sent by an open one"),
            (!connection.ended || is_deciding || is_ending, "outlives its peer's end"),
            (
                !is_open || (connection.message_begun != Instant::NEVER) == wire.is_mid_message(),
                "a message has begun without a deadline, or a deadline without a message",
            ),
        ] {
            ensure(holds, || format!("{:?}: {broken}", connection.phase()))?;
        }
        Ok(())
    }

    fn audit_ring(&self, connections: &[(ConnId, &Connection)]) -> Result<(), String> {
        self.ring.audit(self.now)?;
        let armed = connections.iter().filter(|(_, live)| live.armed != Instant::NEVER).count();
        ensure(self.ring.len() == armed, || {
            format!("{} deadlines are armed, for {armed} connections", self.ring.len())
        })
    }

    fn audit_stats(&self, connections: &[(ConnId, &Connection)]) -> Result<(), String> {
        let count = |is_so: fn(&Connection) -> bool| {
            connections.iter().filter(|(_, connection)| is_so(connection)).count()
        };
        let assembled: usize = connections.iter().map(|(_, live)| live.assembly_bytes()).sum();
        let stats = &self.stats;
        for (name, counted, real) in [
            ("connections", stats.connections, connections.len()),
            ("upgrading", stats.upgrading, count(Connection::is_upgrading)),
            ("open", stats.open, count(Connection::is_open)),
            ("topics", stats.topics, self.members.topics()),
            ("homes", stats.homes, self.homes.len()),
            ("members", stats.members, connections.iter().map(|(_, c)| c.memberships.len()).sum()),
            ("frames", stats.frames, self.frames.len()),
            ("frame_bytes", stats.frame_bytes, self.frames.bytes()),
            ("queued", stats.queued, self.frames.queued()),
            ("assembly_bytes", stats.assembly_bytes, assembled),
        ] {
            ensure(counted == real as u64, || format!("stats.{name} is {counted}, not {real}"))?;
        }
        let assembly_bytes_max = self.config.assembly_bytes_max;
        ensure(assembled <= assembly_bytes_max, || {
            format!("{assembled} bytes of unfinished messages, past {assembly_bytes_max}")
        })?;
        let ever = stats.closed + stats.connections;
        ensure(stats.accepted == ever, || {
            format!("{} were accepted, but {ever} are here or have ended", stats.accepted)
        })?;
        let is_done = self.draining.as_ref().is_some_and(|draining| draining.is_done());
        ensure(!is_done || connections.is_empty(), || "drained, but not empty".to_owned())
    }
}
