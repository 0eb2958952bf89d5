//! A journal in a few lines, with or without what was said.

use std::{collections::BTreeSet, fmt, io::Read, time::Duration};

use super::{
    error::JournalError,
    outline::{InputKind, Outline},
    prologue::Payloads,
    reader::{Entry, Journal, Step},
    recorder::Tail,
};
use crate::time::Instant;

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
    /// How it ends.
    pub tail: Tail,
}

/// Different names are counted up to this number.
pub const NAMES_MAX: usize = 100_000;

impl Summary {
    /// Reads a journal to its end.
    ///
    /// # Errors
    ///
    /// If it is damaged.
    pub fn read<R: Read>(journal: &mut Journal<R>) -> Result<Self, JournalError> {
        let payloads = journal.prologue().payloads;
        let key = journal.prologue().seat.seed;
        let mut kinds: Vec<_> = InputKind::ALL.iter().map(|kind| (*kind, 0, 0_u64)).collect();
        let mut span: Option<(Instant, Instant)> = None;
        let mut names = BTreeSet::new();
        let (mut accepted, mut connections_peak) = (0, 0);
        loop {
            match journal.step()? {
                Step::Input(now, entry) => {
                    let outline = match entry {
                        Entry::Whole(input) => Outline::of(&input, key),
                        Entry::Outline(outline) => outline,
                    };
                    let (_, count, bytes) = &mut kinds[outline.kind as usize];
                    *count += 1;
                    // A forged journal may claim any number.
                    *bytes = bytes.saturating_add(outline.bytes);
                    span = Some((span.map_or(now, |(first, _)| first), now));
                    names.extend(outline.name.filter(|_| names.len() < NAMES_MAX));
                }
                Step::BlockEnd(block) => {
                    accepted = block.accepted;
                    connections_peak = connections_peak.max(block.connections_peak);
                }
                Step::End(tail) => {
                    let covered = span.map_or(Duration::ZERO, |(first, last)| last - first);
                    let names = names.len();
                    return Ok(Self {
                        payloads,
                        kinds,
                        covered,
                        accepted,
                        connections_peak,
                        names,
                        tail,
                    });
                }
            }
        }
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> u64 {
        self.kinds.iter().map(|(_, count, _)| count).sum()
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
        writeln!(f, "time covered       {:?}", self.covered)?;
        write!(f, "the end            {}", self.tail)
    }
}
