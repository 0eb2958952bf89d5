//! What can be wrong with a journal.

use std::io;

use crate::config::ConfigError;

/// Why a journal cannot be read, or not any further. What stands before is still right.
///
/// A journal that merely stops, because its process was killed, is none of these: see
/// [`Tail::Cut`](crate::journal::Tail::Cut).
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be read: the system's fault.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It does not begin as a journal does.
    #[error("not a journal of Fanlight")]
    NotAJournal,
    /// Another version of Fanlight wrote it, in a format that this one does not know.
    #[error("its format is version {0}, and this program reads version {known}", known = crate::journal::FORMAT_VERSION)]
    Version(u32),
    /// Its beginning is damaged or cut.
    #[error("its beginning is damaged")]
    Prologue,
    /// It was recorded by a version of the package that had other settings.
    #[error("it has {settings} settings of version {package}, which had others than this one")]
    Settings {
        /// The version that recorded it.
        package: String,
        /// How many settings are in it.
        settings: usize,
    },
    /// It has settings that no hub can have.
    #[error("its settings are wrong: {0}")]
    Config(#[from] ConfigError),
    /// A checksum is wrong: the file was damaged in this block, counted from 1.
    #[error("block {block} is damaged")]
    Checksum {
        /// The block, counted from 1.
        block: u64,
    },
    /// The block's checksum is right, but it does not follow the one before it.
    #[error("block {block} does not follow the one before it")]
    Sequence {
        /// The block, counted from 1.
        block: u64,
    },
    /// The block's checksum is right, but this input in it is nothing that a recorder writes.
    #[error("input {input} is malformed")]
    Input {
        /// The input, counted from 1.
        input: u64,
    },
    /// This input is a parcel that no other shard can have sent to a hub that stands as the replayed
    /// one does: the file was changed, or the sender has a bug. Only a replay finds it.
    #[error("input {input} is a parcel that no other shard can have sent")]
    Parcel {
        /// The input, counted from 1.
        input: u64,
    },
}

/// Why a journal cannot be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// What was said is not in it.
    #[error("its payloads were left out, so it can be summarised and not replayed")]
    PayloadsOmitted,
}
