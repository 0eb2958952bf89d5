//! A journal in a few lines, with or without what was said.

use std::{collections::BTreeSet, fmt, io::Read, time::Duration};

use super::{
    error::JournalError,
    outline::{InputKind, Outline},
    prologue::Payloads,
    reader::{Entry, Journal, Step},
    recorder::Tail,
};
use crate::{id::Seat, time::Instant};

/// What is in a journal: counts, and nothing that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whether it could be replayed.
    pub payloads: Payloads,
    /// How many inputs of each kind there are, in the order of [`InputKind::ALL`], and how many
    /// bytes they carry.
    pub kinds: Vec<(InputKind, u64, u64)>,
    /// The time from the first input to the last.
    pub covered: Duration,
    /// Connections accepted.
    pub accepted: u64,
    /// The most connections that were in the pool at once.
    pub connections_peak: u32,
    /// How many different names and addresses there are; counted up to [`NAMES_MAX`].
    pub names: usize,
    /// How it ends; `None` before the end has been read.
    pub tail: Option<Tail>,
}

/// Different names are counted up to this number.
pub const NAMES_MAX: usize = 100_000;

/// Reads a journal and keeps count, so that what stands before damage is counted too.
#[derive(Debug)]
pub struct Tally {
    summary: Summary,
    span: Option<(Instant, Instant)>,
    names: BTreeSet<u64>,
}

impl Summary {
    /// Reads a journal to its end.
    ///
    /// # Errors
    ///
    /// If it is damaged. [`Tally`] has what stands before.
    pub fn read<R: Read>(journal: &mut Journal<R>) -> Result<Self, JournalError> {
        let mut tally = Tally::new(journal.prologue().payloads);
        tally.read(journal)?;
        Ok(tally.summary())
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> u64 {
        self.kinds.iter().map(|(_, count, _)| count).sum()
    }
}

impl Tally {
    /// Of nothing yet.
    pub fn new(payloads: Payloads) -> Self {
        let summary = Summary {
            payloads,
            kinds: InputKind::ALL.iter().map(|kind| (*kind, 0, 0)).collect(),
            covered: Duration::ZERO,
            accepted: 0,
            connections_peak: 0,
            names: 0,
            tail: None,
        };
        Self { summary, span: None, names: BTreeSet::new() }
    }

    /// Reads to the end.
    ///
    /// # Errors
    ///
    /// If the journal is damaged. What stands before is counted.
    pub fn read<R: Read>(&mut self, journal: &mut Journal<R>) -> Result<(), JournalError> {
        let Seat { seed: key, .. } = journal.prologue().seat;
        while self.summary.tail.is_none() {
            match journal.step()? {
                Step::Input(now, Entry::Whole(input)) => self.count(now, Outline::of(&input, key)),
                Step::Input(now, Entry::Outline(outline)) => self.count(now, outline),
                Step::BlockEnd(block) => {
                    self.summary.accepted = block.accepted;
                    let peak = &mut self.summary.connections_peak;
                    *peak = block.connections_peak.max(*peak);
                }
                Step::End(tail) => self.summary.tail = Some(tail),
            }
        }
        Ok(())
    }

    fn count(&mut self, now: Instant, outline: Outline) {
        let (_, count, bytes) = &mut self.summary.kinds[outline.kind as usize];
        *count += 1;
        // A forged journal may claim any number.
        *bytes = bytes.saturating_add(outline.bytes);
        self.span = Some((self.span.map_or(now, |(first, _)| first), now));
        let is_room = self.names.len() < NAMES_MAX;
        self.names.extend(outline.name.filter(|_| is_room));
    }

    /// What has been counted.
    pub fn summary(self) -> Summary {
        let covered = self.span.map_or(Duration::ZERO, |(first, last)| last - first);
        Summary { covered, names: self.names.len(), ..self.summary }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payloads = match self.payloads {
            Payloads::Kept => "kept",
            Payloads::Omitted => "left out: it cannot be replayed",
        };
        writeln!(f, "payloads           {payloads}")?;
        writeln!(f, "inputs             {}", self.inputs())?;
        for (kind, count, bytes) in self.kinds.iter().filter(|(_, count, _)| *count > 0) {
            write!(f, "  {:<16} {count}", kind.name())?;
            if *bytes > 0 {
                write!(f, ", {bytes} bytes")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "connections        {}", self.accepted)?;
        writeln!(f, "at once            {}", self.connections_peak)?;
        writeln!(f, "names, addresses   {}", self.names)?;
        writeln!(f, "time covered       {}", Instant::ZERO + self.covered)?;
        match self.tail {
            Some(tail) => write!(f, "the end            {tail}"),
            None => write!(f, "the end            not reached"),
        }
    }
}
