//! Where a shard's journal goes: a file of its own, up to a bound.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use fanlight_core::{
    Config, Hub, Instant, Seat, ShardId,
    journal::{Payloads, TAIL_BYTES, Tail},
};
use tracing::{info, warn};

/// So much is written at once, in the middle of a turn too.
const WRITTEN_AT_ONCE: u64 = 64 * 1024;
/// Less waits so long: a process that is killed takes with it what waits, and a write for each turn
/// would cost more than the rest of the journal.
const WRITTEN_EVERY: Duration = Duration::from_millis(20);
/// More runs than one directory is left to collect.
const RUNS_MAX: u32 = 1_000_000;

/// How a house keeps a [journal](fanlight_core::journal) of all that its shards are told.
///
/// Each shard has a file of its own, `run-N-shard-S.journal`, where `N` is the first number that is
/// free. On Unix only the user of the process may read it. What piled up is written by the shard
/// itself every 20 ms, sooner if it is much, and at the end, also if that is a panic; the shard waits
/// for the file system meanwhile. Files of earlier runs are never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The directory of the files. It is made if it is not there.
    pub dir: PathBuf,
    /// No file grows longer. A journal that would is ended before, and the shard goes on without.
    pub journal_bytes_max: u64,
    /// Whether what is said is kept: without it a journal can be summarised and not replayed.
    pub payloads: Payloads,
}

impl Recording {
    /// The default of [`journal_bytes_max`](Self::journal_bytes_max): 1 GiB.
    pub const JOURNAL_BYTES_MAX_DEFAULT: u64 = 1 << 30;

    /// Journals in `dir` of up to 1 GiB a shard, which can be replayed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            journal_bytes_max: Self::JOURNAL_BYTES_MAX_DEFAULT,
            payloads: Payloads::Kept,
        }
    }

    /// A new file for each shard.
    pub(crate) fn open(&self, shards: u8) -> io::Result<Vec<JournalFile>> {
        fs::create_dir_all(&self.dir).map_err(|error| told_with(&error, &self.dir))?;
        let began = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        for run in 1..RUNS_MAX {
            let files: io::Result<Vec<_>> =
                (0..shards).map(|shard| self.create(run, ShardId(shard), began)).collect();
            match files {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                files => return files,
            }
        }
        Err(told_with(&io::ErrorKind::AlreadyExists.into(), &self.dir))
    }

    fn create(&self, run: u32, shard: ShardId, began: Duration) -> io::Result<JournalFile> {
        let path = self.dir.join(format!("run-{run}-shard-{}.journal", shard.0));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| told_with(&error, &path))?;
        Ok(JournalFile {
            file,
            path,
            payloads: self.payloads,
            began,
            bytes_max: self.journal_bytes_max,
            written: 0,
            written_at: Instant::ZERO,
            buffer: Vec::new(),
        })
    }
}

fn told_with(error: &io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The journal of one shard.
#[derive(Debug)]
pub(crate) struct JournalFile {
    file: File,
    path: PathBuf,
    payloads: Payloads,
    /// When the files were made: the same for all shards of a run.
    began: Duration,
    bytes_max: u64,
    written: u64,
    written_at: Instant,
    buffer: Vec<u8>,
}

/// A journal that grows no longer. The shard goes on without.
#[derive(Debug)]
pub(crate) struct Over;

impl JournalFile {
    /// A hub whose journal goes here.
    pub(crate) fn hub(&self, config: Config, seat: Seat) -> Hub {
        Hub::recorded(config, seat, self.payloads, self.began)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what the hub has noted, if it is worth a write.
    pub(crate) fn keep_large(&mut self, hub: &mut Hub) -> Result<(), Over> {
        // A short file is filled in pieces too.
        let at_once = u64::min(WRITTEN_AT_ONCE, self.bytes_max / 16);
        if (hub.journal_bytes() as u64) < at_once { Ok(()) } else { self.keep(hub) }
    }

    /// Writes what the hub has noted, if it has waited for long.
    pub(crate) fn keep_in_time(&mut self, hub: &mut Hub, now: Instant) -> Result<(), Over> {
        if self.due(hub).is_none_or(|due| now < due) {
            return Ok(());
        }
        self.written_at = now;
        self.keep(hub)
    }

    /// When what the hub has noted is to be written at the latest.
    pub(crate) fn due(&self, hub: &Hub) -> Option<Instant> {
        (hub.journal_bytes() > 0).then(|| self.written_at + WRITTEN_EVERY)
    }

    /// Writes what the hub has noted.
    pub(crate) fn keep(&mut self, hub: &mut Hub) -> Result<(), Over> {
        if hub.journal_bytes() == 0 {
            return Ok(());
        }
        hub.take_journal(&mut self.buffer);
        let is_room = self.has_room_for(self.buffer.len() + TAIL_BYTES);
        if !is_room {
            info!(path = %self.path.display(), bytes = self.written, "the journal is full");
            hub.end_journal(Tail::Full, &mut self.buffer);
        }
        let written = self.write();
        if written.is_err() {
            hub.end_journal(Tail::Cut, &mut self.buffer);
        }
        if is_room { written } else { Err(Over) }
    }

    /// Writes what is left, and the end.
    pub(crate) fn end(&mut self, hub: &mut Hub) {
        if self.keep(hub).is_ok() {
            hub.end_journal(Tail::Ended, &mut self.buffer);
            // It was told of, and nothing is left to give up.
            let _ = self.write();
        }
    }

    fn has_room_for(&self, bytes: usize) -> bool {
        self.written.saturating_add(bytes as u64) <= self.bytes_max
    }

    fn write(&mut self) -> Result<(), Over> {
        // Where even an end has no room, there is none.
        if !self.has_room_for(self.buffer.len()) {
            return Err(Over);
        }
        match self.file.write_all(&self.buffer) {
            Ok(()) => {
                self.written += self.buffer.len() as u64;
                Ok(())
            }
            Err(error) => {
                warn!(path = %self.path.display(), %error, "the journal cannot be written any more");
                Err(Over)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fanlight_core::{
        Commands, Event,
        journal::{Journal, Replay, Step},
    };

    use super::*;

    fn dir(name: &str) -> PathBuf {
        let name = format!("fanlight-journal-{}-{name}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn recorded(file: &JournalFile) -> Hub {
        file.hub(Config::default(), Seat::alone(7))
    }

    fn replay(path: &Path) -> Replay<File> {
        let journal = Journal::open(File::open(path).unwrap()).unwrap();
        let mut replay = Replay::new(journal).unwrap();
        while replay.step().unwrap() {}
        assert_eq!(replay.parted(), None);
        replay
    }

    #[test]
    fn each_run_has_files_of_its_own() {
        let recording = Recording::new(dir("runs"));
        let first = recording.open(2).unwrap();
        let second = recording.open(2).unwrap();
        let name = |file: &JournalFile| file.path.file_name().unwrap().to_owned();
        assert_eq!(name(&first[1]), "run-1-shard-1.journal");
        assert_eq!(name(&second[0]), "run-2-shard-0.journal");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&first[0].path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::remove_dir_all(&recording.dir).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_is_told_with_its_name() {
        let path = dir("file");
        fs::write(&path, "").unwrap();
        let error = Recording::new(path.join("below")).open(1).unwrap_err().to_string();
        assert!(error.contains("below"), "{error}");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn it_stops_at_its_bound_and_replays_up_to_there() {
        let recording = Recording { journal_bytes_max: 10_000, ..Recording::new(dir("bound")) };
        let mut file = recording.open(1).unwrap().remove(0);
        let mut hub = recorded(&file);
        let mut kept = 0_u64;
        for nanos in 0.. {
            hub.handle(Instant::from_nanos(nanos), Event::Tick, &mut Commands::default());
            if file.keep(&mut hub).is_err() {
                break;
            }
            kept += 1;
        }
        assert_eq!(hub.digest(), None, "nothing is noted any more");
        let length = fs::metadata(&file.path).unwrap().len();
        assert!((9_000..=10_000).contains(&length), "{length}");
        let replay = replay(&file.path);
        assert_eq!((replay.inputs(), replay.tail()), (kept, Some(Tail::Full)));
        fs::remove_dir_all(&recording.dir).unwrap();
    }

    #[test]
    fn small_pieces_wait_and_the_end_is_written() {
        let recording = Recording::new(dir("end"));
        let mut file = recording.open(1).unwrap().remove(0);
        let mut hub = recorded(&file);
        hub.handle(Instant::ZERO, Event::Tick, &mut Commands::default());
        file.keep_large(&mut hub).unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().len(), 0);
        file.end(&mut hub);
        let replay = replay(&file.path);
        assert_eq!((replay.inputs(), replay.tail()), (1, Some(Tail::Ended)));
        fs::remove_dir_all(&recording.dir).unwrap();
    }

    #[test]
    fn what_waits_is_written_in_time() {
        let recording = Recording::new(dir("time"));
        let mut file = recording.open(1).unwrap().remove(0);
        let mut hub = recorded(&file);
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let mut lengths = Vec::new();
        for millis in [1_000, 1_001, 1_019, 1_020, 1_021] {
            hub.handle(at(millis), Event::Tick, &mut Commands::default());
            file.keep_in_time(&mut hub, at(millis)).unwrap();
            lengths.push(fs::metadata(&file.path).unwrap().len());
        }
        assert!(0 < lengths[0] && lengths[0] == lengths[2], "{lengths:?}");
        assert!(lengths[2] < lengths[3] && lengths[3] == lengths[4], "{lengths:?}");
        assert_eq!(file.due(&hub), Some(at(1_040)));
        fs::remove_dir_all(&recording.dir).unwrap();
    }

    #[test]
    fn a_file_that_takes_nothing_ends_the_journal_and_not_the_hub() {
        let recording = Recording::new(dir("broken"));
        let mut file = recording.open(1).unwrap().remove(0);
        // Open for reading, so that every write fails.
        file.file = File::open(&file.path).unwrap();
        let mut hub = recorded(&file);
        assert!(file.keep(&mut hub).is_err());
        hub.handle(Instant::ZERO, Event::Tick, &mut Commands::default());
        assert_eq!((hub.journal_bytes(), hub.digest()), (0, None));
        assert!(matches!(
            Journal::open(File::open(&file.path).unwrap())
                .map(|mut journal| { matches!(journal.step(), Ok(Step::End(_))) }),
            Err(fanlight_core::journal::JournalError::NotAJournal)
        ));
        fs::remove_dir_all(&recording.dir).unwrap();
    }
}
