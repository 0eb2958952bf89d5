//! Writes down what a hub is told, before the hub acts on it.

use std::{fmt, time::Duration};

use super::{
    block::{BLOCK_BYTES, Block, HEAD_BYTES},
    digest::{Digest, Fingerprint},
    encoding::{Encode, Sink},
    input::{ACCEPT, DRAWN, EVENT},
    outline::{InputKind, Outline},
    prologue::{Payloads, Prologue},
};
use crate::{
    command::Commands,
    config::Config,
    event::{Arrival, Event},
    hub::Refused,
    id::{ConnId, Seat},
    time::Instant,
};

/// How a journal came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The hub was given up: drained, or stopped.
    Ended,
    /// The journal reached its bound; the hub went on.
    Full,
    /// A panic cut the hub's last call short: that of the last input.
    Panicked,
    /// It just stops: the process was killed or the machine failed, or it is still being written.
    Cut,
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "complete",
            Self::Full => "its bound was reached; the hub went on",
            Self::Panicked => "a panic cut the last input short",
            Self::Cut => "cut: the process was killed, or it is still being written",
        })
    }
}

impl Tail {
    fn tag(self) -> Option<u8> {
        match self {
            Self::Ended => Some(0),
            Self::Full => Some(1),
            Self::Panicked => Some(2),
            Self::Cut => None,
        }
    }

    pub(super) fn of_tag(tag: u8) -> Option<Self> {
        [Self::Ended, Self::Full, Self::Panicked].into_iter().find(|tail| tail.tag() == Some(tag))
    }
}

/// How many bytes the end of a journal takes.
pub const TAIL_BYTES: usize = HEAD_BYTES + 1;

/// Keeps the journal of one hub, until it is taken away to be written somewhere.
#[derive(Debug)]
pub(crate) struct Recorder {
    payloads: Payloads,
    /// For the names in a journal without payloads.
    key: u64,
    /// What waits to be taken: whole blocks, and one that is still open.
    waiting: Vec<u8>,
    /// Where the open block begins, if there is one.
    open: Option<usize>,
    /// Inputs so far.
    inputs: u64,
    /// Inputs in the open block.
    block_inputs: u32,
    last: Instant,
    digest: Digest,
    accepted: u64,
    connections: u64,
    connections_peak: u64,
    /// How many of the caller's writes are older than the call under way.
    older_writes: usize,
}

impl Recorder {
    pub(crate) fn new(config: &Config, seat: Seat, payloads: Payloads, began: Duration) -> Self {
        let mut waiting = Vec::new();
        Prologue::new(config, seat, payloads, began).write(&mut waiting);
        Self {
            payloads,
            key: seat.seed,
            waiting,
            open: None,
            inputs: 0,
            block_inputs: 0,
            last: Instant::ZERO,
            digest: Digest::new(),
            accepted: 0,
            connections: 0,
            connections_peak: 0,
            older_writes: 0,
        }
    }

    pub(crate) fn arrival(&mut self, now: Instant, arrival: &Arrival, commands: &Commands) {
        self.begin(now, commands);
        match self.payloads {
            Payloads::Kept => {
                self.waiting.put_byte(ACCEPT);
                arrival.encode(&mut self.waiting);
            }
            Payloads::Omitted => Outline::of_arrival(arrival, self.key).encode(&mut self.waiting),
        }
    }

    pub(crate) fn event(&mut self, now: Instant, event: &Event<'_>, commands: &Commands) {
        self.begin(now, commands);
        match self.payloads {
            Payloads::Kept => {
                self.waiting.put_byte(EVENT);
                event.encode(&mut self.waiting);
            }
            Payloads::Omitted => Outline::of_event(event, self.key).encode(&mut self.waiting),
        }
    }

    pub(crate) fn drawn(&mut self, number: u64) {
        self.note(self.last);
        match self.payloads {
            Payloads::Kept => self.waiting.put_byte(DRAWN),
            Payloads::Omitted => Outline::bare(InputKind::Drawn).encode(&mut self.waiting),
        }
        self.digest.drawn(number);
        self.close_if_long();
    }

    /// The socket of `conn` took these bytes, which the event of the call under way reports.
    pub(crate) fn bytes(&mut self, conn: ConnId, bytes: &[u8]) {
        self.digest.bytes(conn, bytes);
    }

    /// The call under way is over. `older` of the other commands were there before it.
    pub(crate) fn end(
        &mut self,
        older: usize,
        commands: &Commands,
        answer: Option<Result<ConnId, Refused>>,
        connections: u64,
    ) {
        for command in commands.others.range(older..) {
            self.digest.command(command);
        }
        for conn in &commands.writes[self.older_writes..] {
            self.digest.write(*conn);
        }
        if let Some(answer) = answer {
            self.digest.accepted(answer);
            self.accepted += u64::from(answer.is_ok());
        }
        self.connections = connections;
        self.connections_peak = self.connections_peak.max(connections);
        self.close_if_long();
    }

    pub(crate) fn digest(&self) -> Fingerprint {
        match self.payloads {
            Payloads::Kept => self.digest.finish(),
            // Who can guess what was said could see in it whether the guess is right.
            Payloads::Omitted => Digest::new().finish(),
        }
    }

    /// How many bytes wait to be taken.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting.len()
    }

    /// Closes the open block, and gives away all that waits, in exchange for an empty buffer.
    pub(crate) fn take(&mut self, out: &mut Vec<u8>) {
        self.close();
        out.clear();
        std::mem::swap(&mut self.waiting, out);
    }

    /// Appends the end of the journal to what was taken.
    pub(crate) fn tail(&self, tail: Tail, out: &mut Vec<u8>) {
        let Some(tag) = tail.tag() else { return };
        let start = out.len();
        out.resize(start + HEAD_BYTES, 0);
        let block = self.block(1, 0);
        block.write(&[tag], &mut out[start..]);
        out.push(tag);
    }

    fn begin(&mut self, now: Instant, commands: &Commands) {
        self.older_writes = commands.writes.len();
        self.note(now);
    }

    /// Begins an input with its time, as far as it is from the last one.
    fn note(&mut self, now: Instant) {
        if self.open.is_none() {
            self.open = Some(self.waiting.len());
            self.waiting.resize(self.waiting.len() + HEAD_BYTES, 0);
        }
        self.inputs += 1;
        self.block_inputs += 1;
        self.waiting.put_number(zigzag(now.as_nanos().wrapping_sub(self.last.as_nanos())));
        self.last = now;
    }

    fn close_if_long(&mut self) {
        if self.open.is_some_and(|start| self.waiting.len() - start >= BLOCK_BYTES) {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(start) = self.open.take() else { return };
        let body = start + HEAD_BYTES;
        let block = self.block(self.waiting.len() - body, self.block_inputs);
        let (head, body) = self.waiting[start..].split_at_mut(HEAD_BYTES);
        block.write(body, head);
        self.block_inputs = 0;
        self.connections_peak = self.connections;
    }

    fn block(&self, body_bytes: usize, inputs: u32) -> Block {
        Block {
            body_bytes: body_bytes as u64,
            inputs,
            first: self.inputs - u64::from(inputs) + 1,
            digest: self.digest(),
            accepted: self.accepted,
            connections_peak: u32::try_from(self.connections_peak).unwrap_or(u32::MAX),
        }
    }
}

/// A difference that may be negative, so that small ones are small numbers.
fn zigzag(difference: u64) -> u64 {
    let difference = difference.cast_signed();
    (difference << 1 ^ difference >> 63).cast_unsigned()
}

pub(super) fn unzigzag(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_come_back() {
        for difference in [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1, 1_000_000_007] {
            assert_eq!(unzigzag(zigzag(difference)), difference);
        }
        assert_eq!((zigzag(0), zigzag(u64::MAX), zigzag(1)), (0, 1, 2));
    }
}
