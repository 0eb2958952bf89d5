//! What a hub has its recorder write down, if it has one.

use std::time::Duration;

use super::{Hub, Refused};
use crate::{
    command::Commands,
    config::Config,
    event::{Arrival, Event},
    id::{ConnId, Seat},
    journal::{Fingerprint, Payloads, Recorder, Tail},
    time::Instant,
};

impl Hub {
    /// A hub as [`new`](Self::new) makes it, that keeps a [journal](crate::journal) of all that it
    /// is told. `began` is the time of its beginning by the clock on the wall, since 1970, for whoever reads it:
    /// nothing that the hub does depends on it.
    ///
    /// Whoever drives it takes the journal away with [`take_journal`](Self::take_journal): it grows
    /// until then.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn recorded(config: Config, seat: Seat, payloads: Payloads, began: Duration) -> Self {
        let recorder = Recorder::new(&config, seat, payloads, began);
        Self { recorder: Some(Box::new(recorder)), ..Self::new(config, seat) }
    }

    /// How many bytes of the journal wait to be taken away; 0 if none is kept.
    pub fn journal_bytes(&self) -> usize {
        self.recorder.as_ref().map_or(0, |recorder| recorder.waiting_bytes())
    }

    /// Replaces what is in `out` by what the journal has grown by since it was last taken away.
    pub fn take_journal(&mut self, out: &mut Vec<u8>) {
        match &mut self.recorder {
            Some(recorder) => recorder.take(out),
            None => out.clear(),
        }
    }

    /// As [`take_journal`](Self::take_journal), with the end of the journal, and keeps none from
    /// here on. A panic that cut a call short is the end, whatever `tail` says.
    pub fn end_journal(&mut self, tail: Tail, out: &mut Vec<u8>) {
        self.take_journal(out);
        let tail = if self.is_poisoned() { Tail::Panicked } else { tail };
        if let Some(recorder) = self.recorder.take() {
            recorder.tail(tail, out);
        }
    }

    /// The digest of what the hub has wanted, and its sockets have taken, so far; `None` if no
    /// journal is kept.
    pub fn digest(&self) -> Option<Fingerprint> {
        self.recorder.as_ref().map(|recorder| recorder.digest())
    }

    pub(super) fn record_arrival(&mut self, now: Instant, arrival: &Arrival, commands: &Commands) {
        if let Some(recorder) = &mut self.recorder {
            self.older = commands.others.len();
            recorder.arrival(now, arrival, commands);
        }
    }

    pub(super) fn record_event(&mut self, now: Instant, event: &Event<'_>, commands: &Commands) {
        if let Some(recorder) = &mut self.recorder {
            self.older = commands.others.len();
            recorder.event(now, event, commands);
            if let Event::Sent(conn, count) = event {
                self.record_bytes(*conn, *count);
            }
        }
    }

    pub(super) fn record_drawn(&mut self, number: u64) {
        if let Some(recorder) = &mut self.recorder {
            recorder.drawn(number);
        }
    }

    pub(super) fn record_end(
        &mut self,
        answer: Option<Result<ConnId, Refused>>,
        commands: &Commands,
    ) {
        if let Some(recorder) = &mut self.recorder {
            recorder.end(self.older, commands, answer, self.stats.connections);
        }
    }

    /// The hub panics when it next speaks to another shard: no input does that, as far as is known.
    #[cfg(test)]
    pub(crate) fn lose_accounts(&mut self) {
        self.accounts = super::credit::Accounts::new(0, 0);
    }

    /// The first `count` bytes of what waits, which the socket has taken.
    fn record_bytes(&mut self, conn: ConnId, count: usize) {
        let Some(recorder) = &mut self.recorder else { return };
        let Some(connection) = self.pool.get(conn) else { return };
        let mut left = count;
        self.frames.show(&connection.outbox, |bytes| {
            let taken = &bytes[..bytes.len().min(left)];
            if !taken.is_empty() {
                recorder.bytes(conn, taken);
            }
            left -= taken.len();
            left > 0
        });
    }
}
