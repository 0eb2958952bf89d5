//! What a hub was told, kept so that it can be told again.
//!
//! A hub made by [`Hub::recorded`](crate::Hub::recorded) writes down its config, its seat, when it began and every
//! `(now, input)`, each before it acts on it. Whoever drives it takes the bytes away with
//! [`Hub::take_journal`](crate::Hub::take_journal) and keeps them. [`Replay`] gives the same inputs
//! to another hub, which by law 1 wants the same: a [`Digest`] of everything that it wanted, and of
//! the bytes that its sockets took, stands at the end of every block of inputs, so a replay says
//! whether that is so, and if not, in which block two runs part.
//!
//! ```text
//! magic, format version | length, checksum, package, payloads, seat, when it began, settings by name | block | block ..
//!
//! block:  bytes, inputs, number of the first, digest at the end, accepted, peak, two checksums | inputs
//! input:  time since the last one | what happened
//! ```
//!
//! Only whole blocks are given away, so a process that is killed leaves a journal that replays up to
//! its last block. A journal that holds [`Payloads::Kept`] holds everything that peers said; one
//! that has them [`Payloads::Omitted`] holds lengths, times and kinds, and can only be summarised.

mod block;
mod digest;
mod encoding;
mod error;
mod input;
mod outline;
mod prologue;
mod reader;
mod recorder;
mod replay;
mod summary;
#[cfg(test)]
mod tests;
mod values;

pub use block::Block;
pub use digest::{Digest, Fingerprint};
pub use error::{JournalError, ReplayError};
pub use input::Input;
pub use outline::{InputKind, Outline};
use prologue::FORMAT_VERSION;
pub use prologue::{Payloads, Prologue};
pub use reader::{Entry, Journal, Step};
pub(crate) use recorder::Recorder;
pub use recorder::{TAIL_BYTES, Tail};
pub use replay::{Difference, Parted, Replay};
pub use summary::{NAMES_MAX, Summary, Tally};
