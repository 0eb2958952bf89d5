//! The log: which lines of it are wanted, and how they get to standard error.

use std::{
    fmt,
    io::{self, IsTerminal},
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    filter::{LevelFilter, ParseError, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Most lines that wait for standard error; past it lines are dropped and counted.
const LINES_MAX: usize = 4096;

/// Why a filter was not taken. The caller is at fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    #[error("{0:?} is no level: off, error, warn, info, debug or trace")]
    Level(String),
    #[error("{0:?} is no part of a program, as fanlight_driver is")]
    Target(String),
    #[error(transparent)]
    Other(#[from] ParseError),
}

/// Reads a filter as in `warn,fanlight_driver=debug`.
///
/// The crate's own reading takes a misspelt level for a part of the program, and any text for the
/// name of one.
///
/// # Errors
///
/// The first word that is neither a level nor a part of a program with its level.
pub(crate) fn filter(text: &str) -> Result<Targets, FilterError> {
    for rule in text.split(',') {
        let level = match rule.split_once('=') {
            Some((target, level)) if is_path(target) => level,
            Some((target, _)) => return Err(FilterError::Target(target.to_owned())),
            None => rule,
        };
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err(FilterError::Level(level.to_owned()));
        }
    }
    Ok(text.parse()?)
}

/// Whether `target` is a path of Rust modules.
fn is_path(target: &str) -> bool {
    target
        .split("::")
        .all(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// The log of this process. What waits is written when this is dropped, if it takes no longer than
/// about a second.
pub(crate) struct Log {
    dropped: ErrorCounter,
    _writer: WorkerGuard,
}

impl Log {
    /// Sends the lines that `filter` lets through to standard error, from a thread of their own:
    /// whoever logs never waits for whoever reads.
    ///
    /// # Panics
    ///
    /// If the process has a log already, or the system does not give the thread.
    pub(crate) fn start(filter: Targets) -> Self {
        let (lines, writer) = write_aside(io::stderr());
        let dropped = lines.error_counter();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(lines)
            .with_ansi(io::stderr().is_terminal());
        tracing_subscriber::registry().with(filter).with(layer).init();
        Self { dropped, _writer: writer }
    }

    /// Counts the lines that were dropped so far.
    pub(crate) fn dropped(&self) -> Dropped {
        Dropped(self.dropped.clone())
    }
}

/// Has a thread of its own write to `out`, which is behind by so many lines at most.
fn write_aside(out: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_MAX)
        .lossy(true)
        .thread_name("log")
        .finish(out)
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("dropped", &self.dropped).finish_non_exhaustive()
    }
}

/// How many lines of the log were dropped because standard error was not read.
#[derive(Clone, Debug)]
pub(crate) struct Dropped(ErrorCounter);

impl Dropped {
    pub(crate) fn lines(&self) -> u64 {
        self.0.dropped_lines() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
        time::Instant,
    };

    use super::*;

    /// Stalls while the test holds the lock.
    #[derive(Clone, Default)]
    struct Reader(Arc<Mutex<Vec<u8>>>);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_nobody_reads_is_dropped_and_counted_and_holds_nobody_up() {
        let reader = Reader::default();
        let (mut lines, writer) = write_aside(reader.clone());
        let stalled = reader.0.lock().unwrap();
        for _ in 0..LINES_MAX + 10 {
            lines.write_all(b"x").unwrap();
        }
        // One may be in the writer's hand.
        let dropped = Dropped(lines.error_counter()).lines();
        assert!((9..=10).contains(&dropped), "{dropped}");
        let begun = Instant::now();
        drop(writer);
        assert!(begun.elapsed().as_secs() < 10, "the end does not wait for the reader");
        drop(stalled);
    }

    #[test]
    fn what_waits_is_written_at_the_end() {
        let reader = Reader::default();
        let (mut lines, writer) = write_aside(reader.clone());
        for _ in 0..1000 {
            lines.write_all(b"x").unwrap();
        }
        drop(writer);
        assert_eq!(reader.0.lock().unwrap().len(), 1000);
    }

    #[test]
    fn levels_and_parts_with_levels_are_filters() {
        for text in ["off", "warn", "INFO", "warn,fanlight_driver=debug", "fanlight::run=off,error"]
        {
            assert!(filter(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_by_name() {
        for (text, word) in [
            ("", "\"\""),
            ("verbose", "\"verbose\""),
            ("warn,", "\"\""),
            ("warn fanlight=info", "\"warn fanlight\""),
            ("fanlight=loud", "\"loud\""),
            ("fanlight=", "\"\""),
            ("=info", "\"\""),
            ("fanlight=info=debug", "\"info=debug\""),
            ("fanlight_driver", "\"fanlight_driver\""),
        ] {
            let refused = filter(text).unwrap_err().to_string();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }
}
