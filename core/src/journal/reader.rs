//! Reads a journal, whoever made it.

use std::io::Read;

use super::{
    block::{Block, HEAD_BYTES},
    encoding::{Decode, Malformed, Source},
    error::JournalError,
    input::Input,
    outline::Outline,
    prologue::{FORMAT_VERSION, MAGIC, PROLOGUE_BYTES_MAX, Payloads, Prologue},
    recorder::{Tail, unzigzag},
};
use crate::time::Instant;

/// A journal that is read from its beginning to its end.
///
/// It trusts nothing: a file that was changed or forged gives an error and never a panic, and no
/// more memory is taken than there are bytes to fill it. Reading stops for good at the first error.
#[derive(Debug)]
pub struct Journal<R> {
    file: R,
    prologue: Prologue,
    /// The blocks begun so far.
    blocks: u64,
    /// The block under way, if one is.
    block: Option<Block>,
    body: Vec<u8>,
    /// How much of the body has been read.
    at: usize,
    /// Inputs read so far.
    inputs: u64,
    /// The time of the last input.
    now: Instant,
    tail: Option<Tail>,
}

/// The next thing in a journal.
#[derive(Debug)]
pub enum Step<'a> {
    /// An input, at this time.
    Input(Instant, Entry<'a>),
    /// All inputs of this block have been read.
    BlockEnd(Block),
    /// There is no more.
    End(Tail),
}

/// An input as far as the journal has it.
#[derive(Debug)]
pub enum Entry<'a> {
    /// The whole of it.
    Whole(Input<'a>),
    /// All but what was said.
    Outline(Outline),
}

impl<R: Read> Journal<R> {
    /// Reads the beginning.
    ///
    /// # Errors
    ///
    /// If it is not one that this version understands.
    pub fn open(mut file: R) -> Result<Self, JournalError> {
        let mut body = Vec::new();
        if !fill(&mut file, MAGIC.len() as u64, &mut body)? || body != MAGIC {
            return Err(JournalError::NotAJournal);
        }
        let mut number = || -> Result<u32, JournalError> {
            let bytes = fill(&mut file, 4, &mut body)?.then(|| body.as_slice().try_into().ok());
            bytes.flatten().map(u32::from_le_bytes).ok_or(JournalError::Prologue)
        };
        let version = number()?;
        if version != FORMAT_VERSION {
            return Err(JournalError::Version(version));
        }
        let (length, sum) = (number()?, number()?);
        if length > PROLOGUE_BYTES_MAX
            || !fill(&mut file, length.into(), &mut body)?
            || crc32fast::hash(&body) != sum
        {
            return Err(JournalError::Prologue);
        }
        let prologue = Prologue::read(&mut body)?;
        body.clear();
        Ok(Self {
            file,
            prologue,
            blocks: 0,
            block: None,
            body,
            at: 0,
            inputs: 0,
            now: Instant::ZERO,
            tail: None,
        })
    }

    /// Whose journal it is.
    pub fn prologue(&self) -> &Prologue {
        &self.prologue
    }

    /// How many inputs have been read.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// How many blocks have been begun.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Reads on.
    ///
    /// # Errors
    ///
    /// If what follows is damaged, or nothing that a recorder writes.
    pub fn step(&mut self) -> Result<Step<'_>, JournalError> {
        if let Some(tail) = self.tail {
            return Ok(Step::End(tail));
        }
        let block = match self.block {
            Some(block) => block,
            None => match self.next_block()? {
                Some(block) => block,
                None => return Ok(Step::End(self.tail.unwrap_or(Tail::Cut))),
            },
        };
        let input = self.inputs + 1;
        if input == block.first + u64::from(block.inputs) {
            if self.at < self.body.len() {
                return Err(JournalError::Input { input });
            }
            self.block = None;
            return Ok(Step::BlockEnd(block));
        }
        let mut source = Source::new(&mut self.body[self.at..]);
        let before = source.len();
        let (delta, entry) = entry(&mut source, self.prologue.payloads)
            .map_err(|Malformed| JournalError::Input { input })?;
        self.at += before - source.len();
        self.inputs = input;
        self.now = Instant::from_nanos(self.now.as_nanos().wrapping_add(delta));
        Ok(Step::Input(self.now, entry))
    }

    /// Reads a block whole and checks it. None if there is no more, for which `tail` says the reason.
    fn next_block(&mut self) -> Result<Option<Block>, JournalError> {
        let number = self.blocks + 1;
        if !fill(&mut self.file, HEAD_BYTES as u64, &mut self.body)? {
            self.tail = Some(Tail::Cut);
            return Ok(None);
        }
        let damaged = JournalError::Checksum { block: number };
        let head = self.body.as_slice().try_into().ok().and_then(Block::read);
        let Some((block, sum)) = head else { return Err(damaged) };
        if !fill(&mut self.file, block.body_bytes, &mut self.body)? {
            self.tail = Some(Tail::Cut);
            return Ok(None);
        }
        if crc32fast::hash(&self.body) != sum {
            return Err(damaged);
        }
        self.blocks = number;
        self.at = 0;
        // At its bound a journal ends before what has no room in it.
        if block.inputs == 0 {
            let tail = match self.body[..] {
                [tag] => Tail::of_tag(tag),
                _ => None,
            };
            self.tail = Some(tail.ok_or(JournalError::Sequence { block: number })?);
            return Ok(None);
        }
        if block.first != self.inputs + 1 {
            return Err(JournalError::Sequence { block: number });
        }
        self.block = Some(block);
        Ok(Some(block))
    }
}

fn entry<'a>(source: &mut Source<'a>, payloads: Payloads) -> Result<(u64, Entry<'a>), Malformed> {
    let delta = unzigzag(source.number()?);
    let entry = match payloads {
        Payloads::Kept => Entry::Whole(Decode::decode(source)?),
        Payloads::Omitted => Entry::Outline(Decode::decode(source)?),
    };
    Ok((delta, entry))
}

/// Reads so many bytes, unless there are fewer. The buffer grows with what comes, not with what was
/// promised.
fn fill(file: &mut impl Read, bytes: u64, buffer: &mut Vec<u8>) -> Result<bool, JournalError> {
    buffer.clear();
    let read = file.take(bytes).read_to_end(buffer)?;
    Ok(read as u64 == bytes)
}
