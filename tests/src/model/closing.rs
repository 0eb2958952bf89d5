//! From the first word of an end to the last: design, section 6.

use fanlight_core::{CloseCode, CloseReason};

use super::{
    House, Place, Seen,
    connection::{Connection, State},
    outbox::Outbox,
};

/// Whether a close code may be sent: RFC 6455, section 7.4.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// What becomes of what waits when a Close is said.
#[derive(Clone, Copy, Debug)]
pub(super) enum WhatWaits {
    Leaves,
    PongsLeave,
    IsDropped,
}

impl House {
    /// The application closes, at once or gracefully.
    pub(super) fn close(&mut self, number: usize, code: u16, is_kick: bool) {
        let code = if may_be_sent(code) { code } else { 1005 };
        let reason = CloseReason::ServiceClosed(CloseCode::from(code));
        match self.connections[number].state {
            State::Open => self.begin_close(
                number,
                reason,
                code,
                if is_kick { WhatWaits::IsDropped } else { WhatWaits::Leaves },
            ),
            // The design does not say which answer goes to whom is closed before it is open.
            // It is a refusal by the service, and 503 says that nobody is at fault.
            State::Upgrading | State::Deciding => {
                self.refuse(number, CloseReason::Refused(503), 503);
            }
            // Whoever kicks what is closing has lost patience: the Close goes before what waits.
            State::Closing if is_kick => {
                let outbox = &mut self.connections[number].outbox;
                if outbox.close.is_some() {
                    outbox.messages.clear();
                    outbox.control.clear();
                }
            }
            State::Closing | State::Lingering | State::Gone => {}
        }
    }

    /// More waits than may.
    pub(super) fn overflow(&mut self, number: usize) {
        self.count("overflows");
        self.begin_close(number, CloseReason::OutboxFull, 1013, WhatWaits::IsDropped);
    }

    /// The service panics over a connection.
    pub(super) fn panic(&mut self, number: usize) {
        self.count("panics");
        match self.connections[number].state {
            State::Upgrading | State::Deciding => {
                self.refuse(number, CloseReason::ServicePanicked, 500);
            }
            State::Open => {
                self.begin_close(number, CloseReason::ServicePanicked, 1011, WhatWaits::IsDropped)
            }
            State::Closing | State::Lingering | State::Gone => {}
        }
    }

    /// Says a Close, after what waits or instead of it.
    pub(super) fn begin_close(
        &mut self,
        number: usize,
        reason: CloseReason,
        code: u16,
        what_waits: WhatWaits,
    ) {
        if let Some((reason, code)) = self.connections[number].last_word.take() {
            // A Close of the peer goes back instead of the messages that wait.
            let is_close = matches!(reason, CloseReason::PeerClosed(_));
            self.connections[number].peer_has_closed = true;
            let what_waits = match what_waits {
                WhatWaits::Leaves if !is_close => WhatWaits::Leaves,
                WhatWaits::Leaves | WhatWaits::PongsLeave | WhatWaits::IsDropped => {
                    WhatWaits::PongsLeave
                }
            };
            return self.begin_close(number, reason, code, what_waits);
        }
        self.leave_all(number);
        let now = self.now;
        let connection = &mut self.connections[number];
        connection.state = State::Closing;
        connection.since = now;
        connection.reason = Some(reason);
        connection.timer = None;
        // Its end must be seen.
        connection.is_paused = false;
        match what_waits {
            WhatWaits::Leaves => {}
            // Who has said farewell waits for no message; pongs are owed still.
            WhatWaits::PongsLeave => connection.outbox.messages.clear(),
            // The answer to the request is what the Close stands behind.
            WhatWaits::IsDropped => {
                connection.outbox.messages.clear();
                connection.outbox.control.clear();
            }
        }
        self.put(number, Seen::Close(code));
    }

    /// Answers the end that the peer has put to the wire, if it has.
    pub(super) fn say_last_word(&mut self, number: usize) {
        if let Some((reason, code)) = self.connections[number].last_word.clone() {
            self.begin_close(number, reason, code, WhatWaits::Leaves);
        }
    }

    /// Says an HTTP answer, and nothing after it.
    pub(super) fn refuse(&mut self, number: usize, reason: CloseReason, status: u16) {
        let now = self.now;
        let connection = &mut self.connections[number];
        connection.state = State::Closing;
        connection.since = now;
        connection.reason = Some(reason);
        connection.timer = None;
        connection.peer_has_closed = true;
        connection.has_closed = true;
        self.put(number, Seen::Status(status));
    }

    /// Goes on to lingering, once both sides have said all.
    pub(super) fn proceed(&mut self, number: usize) {
        let connection = &self.connections[number];
        if connection.state == State::Closing
            && connection.has_closed
            && connection.peer_has_closed
            && connection.outbox.is_empty()
        {
            self.linger(number);
        }
    }

    /// Our half is done.
    pub(super) fn linger(&mut self, number: usize) {
        let now = self.now;
        let connection = &mut self.connections[number];
        connection.state = State::Lingering;
        connection.since = now;
        connection.outbox =
            Outbox { is_stalled: connection.outbox.is_stalled, ..Outbox::default() };
        self.account.add(now, Place::Socket(number), Seen::Shutdown);
        if self.connections[number].has_ended {
            self.drop(number);
        }
    }

    /// The transport has ended without a Close, or nothing is left to say.
    pub(super) fn lose(&mut self, number: usize, reason: CloseReason) {
        let connection = &mut self.connections[number];
        // What the peer did to the wire came first, though it is not answered any more.
        let first = connection.last_word.take().map_or(reason, |(first, _)| first);
        connection.reason.get_or_insert(first);
        self.leave_all(number);
        self.drop(number);
    }

    /// The socket is dropped, and the end is told.
    pub(super) fn drop(&mut self, number: usize) {
        let now = self.now;
        self.count("closed");
        let Connection { reason, is_known, .. } = self.connections[number].clone();
        let reason = reason.expect("nobody goes without a reason");
        let seen = if is_known { Seen::Closed(reason) } else { Seen::Unheard(reason) };
        self.account.add(now, Place::Application(number), seen);
        self.account.add(now, Place::Socket(number), Seen::Dropped);
        let connection = &mut self.connections[number];
        connection.state = State::Gone;
        connection.timer = None;
        connection.outbox = Outbox::default();
        self.end_drain_if_empty(self.connections[number].shard);
    }
}
