//! Runs a journal in a hub of its own.

use std::{
    fmt,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use super::{
    block::Block,
    digest::Fingerprint,
    error::{JournalError, ReplayError},
    input::Input,
    prologue::{Payloads, Prologue},
    reader::{Entry, Journal, Step},
    recorder::Tail,
};
use crate::{
    command::Commands,
    hub::{Hub, Refused},
    id::ConnId,
    time::Instant,
};

/// A journal that is run again, input by input, with no socket, service or clock.
///
/// ```
/// use fanlight_core::{Commands, Config, Event, Hub, Instant, Seat};
/// use fanlight_core::journal::{Journal, Payloads, Replay, Tail};
///
/// let began = std::time::Duration::ZERO;
/// let mut hub = Hub::recorded(Config::default(), Seat::alone(7), Payloads::Kept, began);
/// hub.handle(Instant::ZERO, Event::Tick, &mut Commands::default());
/// let mut file = Vec::new();
/// hub.end_journal(Tail::Ended, &mut file);
///
/// let mut replay = Replay::new(Journal::open(&file[..])?)?;
/// while replay.step()? {}
/// assert_eq!(replay.inputs(), 1);
/// assert_eq!(replay.parted(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Replay<R> {
    journal: Journal<R>,
    hub: Hub,
    /// What the last input made the hub want.
    commands: Commands,
    /// What it answered, if the last input was an arrival.
    accepted: Option<Result<ConnId, Refused>>,
    commands_total: u64,
    /// The times of the first and the last input.
    span: Option<(Instant, Instant)>,
    /// The last input that ended a block.
    compared: u64,
    parted: Option<Parted>,
    tail: Option<Tail>,
    /// Over which input the hub panicked, if it did.
    panicked: Option<u64>,
    /// Whether the last input was not given to the hub, because no house could tell it that.
    refused: bool,
    scrap: Vec<u8>,
}

/// Where a replay was first seen to differ from the run that it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parted {
    /// The number of the first input of the block in which it happened.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// What differed.
    pub difference: Difference,
}

/// What differs between a replay and its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// What they had come to at the end of the block.
    Digest {
        /// What the run had come to.
        recorded: Fingerprint,
        /// What the replay has.
        replayed: Fingerprint,
    },
    /// The replay panicked, and the run went on.
    PanicNow,
    /// The run panicked, and the replay did not.
    PanicThen,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest { recorded, replayed } => {
                write!(f, "the journal came to {recorded}, the replay to {replayed}")
            }
            Self::PanicNow => f.write_str("the replay panics, and the run went on"),
            Self::PanicThen => f.write_str("the run panicked, and the replay does not"),
        }
    }
}

impl<R: Read> Replay<R> {
    /// A hub as the journal's was before its first input.
    ///
    /// # Errors
    ///
    /// If the journal has no payloads.
    pub fn new(journal: Journal<R>) -> Result<Self, ReplayError> {
        let prologue = journal.prologue();
        if prologue.payloads == Payloads::Omitted {
            return Err(ReplayError::PayloadsOmitted);
        }
        // The same code makes the digest here as there; what it writes down is thrown away.
        let Prologue { config, seat, began, .. } = prologue.clone();
        let hub = Hub::recorded(config, seat, Payloads::Kept, began);
        Ok(Self {
            journal,
            hub,
            commands: Commands::default(),
            accepted: None,
            commands_total: 0,
            span: None,
            compared: 0,
            parted: None,
            tail: None,
            panicked: None,
            refused: false,
            scrap: Vec::new(),
        })
    }

    /// Gives the hub the next input. Returns `false` when there is none, or the hub has panicked.
    ///
    /// # Errors
    ///
    /// If the journal is damaged from here on, or holds a parcel that no other shard of the house
    /// can have sent. What was replayed stays.
    pub fn step(&mut self) -> Result<bool, JournalError> {
        self.step_with(|_, _| {})
    }

    /// As [`step`](Self::step), and shows the input before the hub has it.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn step_with(
        &mut self,
        look: impl FnOnce(Instant, &Input<'_>),
    ) -> Result<bool, JournalError> {
        loop {
            if let Some(panicked) = self.panicked {
                return self.read_on(panicked);
            }
            if self.refused {
                return Err(JournalError::Parcel { input: self.journal.inputs() });
            }
            match self.journal.step()? {
                Step::Input(now, Entry::Whole(input)) => {
                    look(now, &input);
                    if let Input::Event(event) = &input
                        && !self.hub.could_be_told(event)
                    {
                        self.refused = true;
                        return Err(JournalError::Parcel { input: self.journal.inputs() });
                    }
                    self.commands.writes.clear();
                    self.commands.others.clear();
                    let (hub, commands) = (&mut self.hub, &mut self.commands);
                    // To meet the panic again may be what the journal is replayed for.
                    let told = catch_unwind(AssertUnwindSafe(|| tell(hub, now, input, commands)));
                    self.panicked = told.is_err().then(|| self.journal.inputs());
                    self.accepted = told.unwrap_or_default();
                    self.span = Some((self.span.map_or(now, |(first, _)| first), now));
                    self.commands_total +=
                        (self.commands.others.len() + self.commands.writes.len()) as u64;
                    return Ok(true);
                }
                Step::Input(_, Entry::Outline(_)) => {
                    unreachable!("a journal without payloads is not replayed")
                }
                Step::BlockEnd(block) => self.compare(&block),
                Step::End(tail) => {
                    self.tail = Some(tail);
                    if tail == Tail::Panicked {
                        let last = self.journal.inputs();
                        self.part(last, last, Difference::PanicThen);
                    }
                    return Ok(false);
                }
            }
        }
    }

    /// Whether the run ended where the replay panicked: the rest of the journal says so.
    fn read_on(&mut self, panicked: u64) -> Result<bool, JournalError> {
        while self.tail.is_none() {
            let went_on = match self.journal.step()? {
                Step::Input(..) => true,
                Step::BlockEnd(_) => false,
                Step::End(tail) => {
                    self.tail = Some(tail);
                    // A process that is killed may have been so by a panic.
                    tail == Tail::Ended || tail == Tail::Full
                }
            };
            if went_on {
                self.part(panicked, panicked, Difference::PanicNow);
            }
        }
        Ok(false)
    }

    fn part(&mut self, first: u64, last: u64, difference: Difference) {
        self.parted.get_or_insert(Parted { first, last, difference });
    }

    fn compare(&mut self, block: &Block) {
        self.compared = self.journal.inputs();
        self.hub.take_journal(&mut self.scrap);
        let Some(replayed) = self.hub.digest() else { return };
        let recorded = block.digest;
        if replayed != recorded {
            self.part(block.first, self.compared, Difference::Digest { recorded, replayed });
        }
    }

    /// How many inputs were replayed.
    pub fn inputs(&self) -> u64 {
        self.panicked.unwrap_or(self.journal.inputs()) - u64::from(self.refused)
    }

    /// How many of them were followed by a digest of the run, which was compared.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// How many commands the hub has given, those of [`Commands::writes`] included.
    pub fn commands_total(&self) -> u64 {
        self.commands_total
    }

    /// What the last input made the hub want.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// What the hub answered to the last input, if that was [`Input::Accept`]: the connection's id, or
    /// why it was declined.
    pub fn accepted(&self) -> Option<Result<ConnId, Refused>> {
        self.accepted
    }

    /// The time from the first input to the last.
    pub fn covered(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(first, last)| last - first)
    }

    /// Where the replay was first seen to differ from the run, if it was.
    pub fn parted(&self) -> Option<Parted> {
        self.parted
    }

    /// How the journal ends, once that has been reached.
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// Whether the hub panicked over the last input, as it may have in the run.
    pub fn has_panicked(&self) -> bool {
        self.panicked.is_some()
    }

    /// What the replay has come to so far.
    pub fn digest(&self) -> Fingerprint {
        self.hub.digest().unwrap_or(Fingerprint::from_u128(0))
    }

    /// The hub as it is now, to look at.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Whose journal it is.
    pub fn journal(&self) -> &Journal<R> {
        &self.journal
    }
}

fn tell(
    hub: &mut Hub,
    now: Instant,
    input: Input<'_>,
    commands: &mut Commands,
) -> Option<Result<ConnId, Refused>> {
    match input {
        // Declined again, if it was.
        Input::Accept(arrival) => return Some(hub.accept(now, arrival, commands)),
        Input::Drawn => drop(hub.random()),
        Input::Event(event) => hub.handle(now, event, commands),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Event, Publish},
        id::{Seat, ShardId},
        journal::Summary,
        topic::Audience,
        wire::Message,
    };

    #[test]
    fn a_panic_is_met_again() {
        let seat = Seat { shard: ShardId(1), shards: 2, seed: 7 };
        let mut hub = Hub::recorded(Default::default(), seat, Payloads::Kept, Duration::ZERO);
        hub.handle(Instant::ZERO, Event::Tick, &mut Commands::default());
        let digest = hub.digest();
        hub.lose_accounts();
        let publish = Publish::new(Audience::Everyone, Message::text("x"));
        let told = catch_unwind(AssertUnwindSafe(|| {
            hub.handle(Instant::ZERO, Event::Publish(publish), &mut Commands::default());
        }));
        assert!(told.is_err() && hub.is_poisoned());
        let mut file = Vec::new();
        hub.end_journal(Tail::Ended, &mut file);

        let mut replay = Replay::new(Journal::open(&file[..]).unwrap()).unwrap();
        replay.hub.lose_accounts();
        while replay.step().unwrap() {}
        assert!(replay.has_panicked());
        assert_eq!((replay.parted(), replay.tail()), (None, Some(Tail::Panicked)));
        assert_eq!((replay.inputs(), Some(replay.digest())), (2, digest));
        let mut journal = Journal::open(&file[..]).unwrap();
        assert_eq!(Summary::read(&mut journal).unwrap().tail, Some(Tail::Panicked));

        let mut replay = Replay::new(Journal::open(&file[..]).unwrap()).unwrap();
        while replay.step().unwrap() {}
        assert!(!replay.has_panicked());
        assert!(replay.parted().is_some(), "the run panicked");
    }

    #[test]
    fn a_panic_that_the_run_did_not_meet_is_a_difference() {
        let seat = Seat { shard: ShardId(1), shards: 2, seed: 7 };
        let mut hub = Hub::recorded(Default::default(), seat, Payloads::Kept, Duration::ZERO);
        let publish = Publish::new(Audience::Everyone, Message::text("x"));
        for event in [Event::Tick, Event::Publish(publish), Event::Tick] {
            hub.handle(Instant::ZERO, event, &mut Commands::default());
        }
        let mut file = Vec::new();
        hub.end_journal(Tail::Ended, &mut file);

        let mut replay = Replay::new(Journal::open(&file[..]).unwrap()).unwrap();
        replay.hub.lose_accounts();
        while replay.step().unwrap() {}
        assert_eq!((replay.inputs(), replay.tail()), (2, Some(Tail::Ended)));
        let difference = Difference::PanicNow;
        assert_eq!(replay.parted(), Some(Parted { first: 2, last: 2, difference }));
    }
}
