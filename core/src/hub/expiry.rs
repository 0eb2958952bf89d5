//! Deadlines: only a tick lets one expire.

use super::{
    Hub,
    connection::{Connection, Due, Pause, State},
    frames::Kind,
    outbox::Lane,
};
use crate::{
    command::{Command, Commands},
    event::Timer,
    id::ConnId,
    reason::CloseReason,
    time::Instant,
    wire::{Frame, Refusal},
};

impl Hub {
    /// The clock has moved.
    pub(super) fn tick(&mut self, commands: &mut Commands) {
        if self.timer_at <= self.now {
            self.timer_at = Instant::NEVER;
            commands.push(Command::Timer(Timer::Shard));
        }
        self.tick_drain(commands);
        let mut due = Vec::new();
        self.ring.expire(self.now, &mut due);
        for slot in due {
            if let Some(conn) = self.pool.in_slot(slot) {
                self.expire(conn, commands);
            }
        }
    }

    /// Acts on every deadline of the connection that has passed, and arms the next.
    ///
    /// What it was armed for is not later than now and no more in the ring: so no act arms it, and
    /// it is armed once, when nothing is due any more.
    fn expire(&mut self, conn: ConnId, commands: &mut Commands) {
        while let Some(connection) = self.pool.get_mut(conn) {
            let (at, due) = connection.deadline(&self.config);
            if at > self.now {
                return self.rearm_expired(conn);
            }
            self.act(conn, due, commands);
            if due == Due::Unread {
                // One part a tick, however much there is.
                return self.rearm_expired(conn);
            }
        }
    }

    /// Arms the next deadline of a connection whose last one has left the ring.
    fn rearm_expired(&mut self, conn: ConnId) {
        if let Some(connection) = self.pool.get_mut(conn) {
            connection.armed = Instant::NEVER;
            self.rearm(conn);
        }
    }

    fn act(&mut self, conn: ConnId, due: Due, commands: &mut Commands) {
        match due {
            Due::Upgrade => {
                self.stats.timeouts += 1;
                self.time_out_upgrade(conn, CloseReason::UpgradeTimeout, commands);
            }
            Due::Decision => {
                self.stats.timeouts += 1;
                let refusal = Refusal::unavailable();
                self.answer(conn, &refusal, CloseReason::DecisionTimeout, commands);
            }
            Due::LastWord => self.say_last_word(conn, false, commands),
            Due::Unread => self.read_on(conn, commands),
            Due::Ping => self.ping(conn, commands),
            Due::Pong => {
                self.stats.timeouts += 1;
                self.finish(conn, CloseReason::HeartbeatTimeout, commands);
            }
            Due::Stall => {
                self.stats.timeouts += 1;
                self.finish(conn, CloseReason::Stalled, commands);
            }
            Due::Message => {
                self.stats.timeouts += 1;
                self.expel(conn, CloseReason::MessageTimeout, "message too slow", commands);
            }
            Due::Slowed => self.resume(conn, Pause::Rate, commands),
            Due::ServiceTimer => {
                if let Some(connection) = self.pool.get_mut(conn) {
                    connection.timer_at = Instant::NEVER;
                }
                commands.push(Command::Timer(Timer::Connection(conn)));
            }
            Due::Close => self.linger(conn, commands),
            Due::Linger => self.finish(conn, CloseReason::PeerGone, commands),
        }
    }

    /// Ends an upgrade: with an answer if a request had begun, else without a word.
    fn time_out_upgrade(&mut self, conn: ConnId, reason: CloseReason, commands: &mut Commands) {
        let Some(Connection { state: State::Upgrading(upgrading), .. }) = self.pool.get(conn)
        else {
            return;
        };
        if upgrading.upgrade.has_begun() {
            self.answer(conn, &Refusal::request_timeout(), reason, commands);
        } else {
            self.finish(conn, reason, commands);
        }
    }

    fn ping(&mut self, conn: ConnId, commands: &mut Commands) {
        let luck = &mut self.luck(conn);
        let Some(connection) = self.pool.get_mut(conn) else { return };
        let nonce = connection.heartbeat.ping_queued(&self.config, luck);
        self.scratch.clear();
        connection.wire.ping(&nonce, &mut self.scratch);
        let ping = self.frames.insert(Frame::copy_of(&self.scratch), Kind::Ping);
        if connection.outbox.is_empty() {
            connection.last_progress = self.now;
            commands.writes.push(conn);
        }
        self.frames.push(&mut connection.outbox, Lane::Control, ping);
        self.stats.pings += 1;
    }

    /// Makes the ring know of the connection's nearest deadline, if it is nearer than what it
    /// knows. A deadline that moved away is noticed when the old one is due.
    pub(super) fn rearm(&mut self, conn: ConnId) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        // A deadline that has passed already is for the next tick.
        let at = connection.deadline(&self.config).0.max(self.now);
        if at < connection.armed {
            connection.armed = at;
            self.ring.arm(conn.index(), at);
        }
    }

    /// The service sets one of its timers.
    pub(super) fn set_timer(&mut self, timer: Timer, at: Option<Instant>, commands: &mut Commands) {
        match timer {
            Timer::Shard => self.timer_at = self.timer_moment(at),
            Timer::Connection(conn) => {
                self.ask(conn, super::Asked::SetTimer(at), commands);
            }
        }
    }

    /// The service sets the timer of a connection of this shard.
    pub(super) fn set_connection_timer(&mut self, conn: ConnId, at: Option<Instant>) {
        let at = self.timer_moment(at);
        match self.pool.get_mut(conn) {
            Some(connection) => connection.timer_at = at,
            None => return self.stale(),
        }
        self.rearm(conn);
    }

    fn timer_moment(&self, at: Option<Instant>) -> Instant {
        at.map_or(Instant::NEVER, |at| self.clock.inward(at).max(self.now))
    }
}
