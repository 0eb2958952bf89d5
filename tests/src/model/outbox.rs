//! What a connection was given and its socket has not taken: design, section 8.

use super::{House, Place, Seen, connection::State, speech::frame_bytes};

#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    pub(super) is_stalled: bool,
    /// The HTTP answer.
    pub(super) status: Option<u16>,
    /// Pings and pongs: nothing but the answer goes before them.
    pub(super) control: Vec<Seen>,
    /// Messages, in order.
    pub(super) messages: Vec<String>,
    /// The Close, after which nothing goes.
    pub(super) close: Option<u16>,
    /// When the socket last took something, or when the first of what waits was put here.
    pub(super) moved_at: u64,
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        usize::from(self.status.is_some())
            + self.control.len()
            + self.messages.len()
            + usize::from(self.close.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn message_bytes(&self) -> usize {
        self.messages.iter().map(|text| frame_bytes(text)).sum()
    }
}

impl House {
    /// Queues one thing for a connection, and lets its socket take it if it takes anything.
    pub(super) fn put(&mut self, number: usize, seen: Seen) {
        self.queue(number, seen);
        self.take(number);
    }

    /// Queues one thing for a connection.
    pub(super) fn queue(&mut self, number: usize, seen: Seen) {
        let now = self.now;
        let outbox = &mut self.connections[number].outbox;
        if outbox.is_empty() {
            outbox.moved_at = now;
        }
        match seen.clone() {
            Seen::Status(status) => outbox.status = Some(status),
            Seen::Ping | Seen::Pong(_) => outbox.control.push(seen),
            Seen::Message(text) => outbox.messages.push(text),
            Seen::Close(code) => {
                outbox.close = Some(code);
                self.connections[number].has_closed = true;
            }
            Seen::Requested(_)
            | Seen::Opened
            | Seen::Delivered(_)
            | Seen::Subscribed(..)
            | Seen::Declined(_)
            | Seen::Closed(_)
            | Seen::Unheard(_)
            | Seen::Timer
            | Seen::Drained
            | Seen::Broken(_)
            | Seen::Shutdown
            | Seen::Dropped => unreachable!("{seen:?} is nothing that is sent"),
        }
    }

    /// Lets every socket take what waits for it.
    pub(super) fn take_all(&mut self) {
        for number in 0..self.connections.len() {
            self.take(number);
        }
    }

    /// Lets the socket take all that waits, unless it is stalled.
    pub(super) fn take(&mut self, number: usize) {
        let now = self.now;
        let connection = &mut self.connections[number];
        let outbox = &mut connection.outbox;
        if outbox.is_stalled || outbox.is_empty() || connection.state == State::Gone {
            return;
        }
        let mut taken = Vec::new();
        taken.extend(outbox.status.take().map(Seen::Status));
        taken.append(&mut outbox.control);
        taken.extend(std::mem::take(&mut outbox.messages).into_iter().map(Seen::Message));
        taken.extend(outbox.close.take().map(Seen::Close));
        outbox.moved_at = now;
        if let Some(ping) = &mut connection.ping
            && taken.contains(&Seen::Ping)
        {
            ping.left_at = Some(now);
        }
        for seen in taken {
            self.account.add(now, Place::Peer(number), seen);
        }
        self.proceed(number);
    }

    /// Queues a message, unless that would break a bound.
    pub(super) fn give(&mut self, number: usize, text: &str) {
        let connection = &self.connections[number];
        if !connection.is_open() {
            return;
        }
        let outbox = &connection.outbox;
        let is_full = outbox.messages.len() >= self.settings.outbox_messages_max
            || outbox.message_bytes() + frame_bytes(text) > self.settings.outbox_bytes_max;
        if is_full {
            self.overflow(number);
        } else {
            self.count("deliveries");
            self.put(number, Seen::Message(text.into()));
        }
    }
}
