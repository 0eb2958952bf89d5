//! From the first word of an end to the last byte.

use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::{
    Hub,
    connection::{Pause, State},
    frames::Kind,
    outbox::Lane,
};
use crate::{
    command::{Closed, Command, Commands},
    event::End,
    id::ConnId,
    planted::{Planted, planted},
    reason::CloseReason,
    wire::{Frame, Refusal},
};

#[cfg(test)]
mod tests;

impl Hub {
    /// The socket will give no more.
    pub(super) fn ended(&mut self, conn: ConnId, end: End, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return self.stale() };
        let is_owed_close = connection.last_word.is_some();
        let is_owed_answer = match connection.state {
            State::Deciding(_) => true,
            // An HTTP answer, not a Close.
            State::Closing { .. } => !connection.wire.close_sent(),
            State::Upgrading(_) | State::Open | State::Lingering { .. } => false,
        };
        match end {
            // A whole request is still answered, although its sender will say no more.
            End::Eof if is_owed_answer => connection.ended = true,
            // What ended the wire came before the end of the stream, and is answered before it.
            End::Eof if is_owed_close => {
                connection.ended = true;
                self.say_last_word(conn, false, commands);
            }
            End::Eof | End::Failed => self.finish(conn, CloseReason::PeerGone, commands),
        }
    }

    /// The service panicked over the connection.
    pub(super) fn panicked(&mut self, conn: Option<ConnId>, commands: &mut Commands) {
        self.stats.panics += 1;
        let Some(conn) = conn else { return };
        let Some(connection) = self.pool.get_mut(conn) else { return };
        commands.withdraw_deliveries(conn, &mut self.older);
        if connection.is_upgrading() {
            let refusal = Refusal::service_failed();
            self.answer(conn, &refusal, CloseReason::ServicePanicked, commands);
        } else {
            self.expel(conn, CloseReason::ServicePanicked, "internal error", commands);
        }
    }

    /// The service closes: after everything that is queued, or at once.
    pub(super) fn close(
        &mut self,
        conn: ConnId,
        frame: &CloseFrame,
        at_once: bool,
        commands: &mut Commands,
    ) {
        let Some(connection) = self.pool.get_mut(conn) else { return self.stale() };
        commands.withdraw_deliveries(conn, &mut self.older);
        if connection.is_upgrading() {
            let refusal = Refusal::unavailable();
            let reason = CloseReason::Refused(refusal.status());
            return self.answer(conn, &refusal, reason, commands);
        }
        if at_once && matches!(connection.state, State::Closing { .. }) {
            // It has lost patience with what it wanted to be sent first.
            return self.frames.clear_before_close(&mut connection.outbox);
        }
        let reason = CloseReason::ServiceClosed(frame.code);
        self.say_close(conn, frame, reason, at_once, commands);
    }

    /// The hub ends a connection at once, to keep a bound or a deadline.
    pub(super) fn expel(
        &mut self,
        conn: ConnId,
        reason: CloseReason,
        text: &str,
        commands: &mut Commands,
    ) {
        let code = reason.code().unwrap_or(CloseCode::Error);
        let frame = CloseFrame { code, reason: text.into() };
        self.say_close(conn, &frame, reason, true, commands);
    }

    /// Queues the Close that the wire demanded, if it did, and awaits nothing more: RFC 6455,
    /// sections 5.5.1 and 7.1.7.
    pub(super) fn say_last_word(&mut self, conn: ConnId, at_once: bool, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        let reason = connection.reason.as_deref().cloned().unwrap_or(CloseReason::PeerGone);
        if let Some(last_word) = connection.last_word.take() {
            let was_empty = connection.outbox.is_empty();
            if at_once || matches!(reason, CloseReason::PeerClosed(_)) {
                // Who has said farewell waits for no message; pongs are owed still.
                self.frames.clear_lane(&mut connection.outbox, Lane::Normal);
            }
            let close = self.frames.insert(last_word, Kind::Close);
            self.frames.push(&mut connection.outbox, Lane::Normal, close);
            if was_empty {
                connection.last_progress = self.now;
                commands.writes.push(conn);
            }
        }
        self.begin_closing(conn, reason, false, commands);
    }

    /// Queues our Close and awaits the peer's: RFC 6455, section 7.1.2.
    pub(super) fn say_close(
        &mut self,
        conn: ConnId,
        frame: &CloseFrame,
        mut reason: CloseReason,
        at_once: bool,
        commands: &mut Commands,
    ) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        if !connection.is_open() {
            return;
        }
        if connection.last_word.is_some() {
            return self.say_last_word(conn, at_once, commands);
        }
        self.scratch.clear();
        if connection.wire.close(Some(frame), &mut self.scratch).is_err() {
            // A code that must not be sent (RFC 6455, section 7.4.1): the end itself is what counts.
            connection.wire.close(None, &mut self.scratch).expect("an empty Close has no code");
            reason = reason.without_code();
        }
        let was_empty = connection.outbox.is_empty();
        if at_once {
            self.frames.clear(&mut connection.outbox);
        }
        let close = self.frames.insert(Frame::copy_of(&self.scratch), Kind::Close);
        let overtakes = planted(Planted::CloseOvertaken);
        let lane = if overtakes { Lane::Control } else { Lane::Normal };
        self.frames.push(&mut connection.outbox, lane, close);
        if was_empty {
            connection.last_progress = self.now;
            commands.writes.push(conn);
        }
        self.begin_closing(conn, reason, true, commands);
    }

    /// The last words are queued: whatever the connection was part of, it is not any more.
    pub(super) fn begin_closing(
        &mut self,
        conn: ConnId,
        reason: CloseReason,
        await_close: bool,
        commands: &mut Commands,
    ) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        let was_open = connection.is_open();
        if connection.is_upgrading() {
            self.census.upgraded();
        }
        connection.reason.get_or_insert_with(|| Box::new(reason));
        // The deadline counts from the first word, not from the last.
        if !matches!(connection.state, State::Closing { .. }) {
            connection.since = self.now;
        }
        connection.state = State::Closing { await_close };
        if was_open {
            self.stats.open -= 1;
            self.leave_all(conn, commands);
        }
        // The peer's Close, or its end, must be seen.
        for pause in Pause::ALL {
            self.resume(conn, pause, commands);
        }
        self.advance_closing(conn, commands);
    }

    /// Goes on to linger once all is said on both sides.
    pub(super) fn advance_closing(&mut self, conn: ConnId, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        let State::Closing { await_close } = connection.state else { return };
        if connection.outbox.is_empty() && !await_close {
            self.linger(conn, commands);
        } else {
            self.rearm(conn);
        }
    }

    /// Gives up on the peer's Close, and on what it has begun to say.
    pub(super) fn stop_waiting(&mut self, conn: ConnId, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        connection.discard_assembly(&mut self.stats);
        if let State::Closing { await_close } = &mut connection.state {
            *await_close = false;
        }
        self.advance_closing(conn, commands);
    }

    /// Shuts our half down and discards what still comes, so that no reset destroys our last words.
    pub(super) fn linger(&mut self, conn: ConnId, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        connection.discard_outbox(&mut self.frames);
        connection.discard_assembly(&mut self.stats);
        connection.state = State::Lingering { discarded: 0 };
        connection.since = self.now;
        let has_ended = connection.ended;
        commands.push(Command::Shutdown(conn));
        if has_ended {
            self.finish(conn, CloseReason::PeerGone, commands);
        } else {
            self.rearm(conn);
        }
    }

    /// The connection is gone: gives everything back, and says so for the last time.
    pub(super) fn finish(&mut self, conn: ConnId, reason: CloseReason, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        connection.discard_outbox(&mut self.frames);
        connection.discard_assembly(&mut self.stats);
        self.stats.open -= u64::from(connection.is_open());
        if connection.is_upgrading() {
            self.census.upgraded();
        }
        self.census.left(connection.address);
        self.ring.disarm(conn.index());
        if connection.is_paused(Pause::Credit) {
            self.accounts.forget(conn);
        }
        if !planted(Planted::MemberLeftBehind) {
            self.leave_all(conn, commands);
        }
        let Some(connection) = self.pool.remove(conn) else { return };
        self.stats.closed += 1;
        let reason = connection.reason.map_or(reason, |first| *first);
        commands.push(Command::Closed(Closed { conn, reason, was_known: connection.known }));
        commands.push(Command::Disconnect(conn));
    }

    /// Something was asked of, or reported about, a connection that is gone.
    pub(super) fn stale(&mut self) {
        self.stats.stale_events += 1;
    }
}
