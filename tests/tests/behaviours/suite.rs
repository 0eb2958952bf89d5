//! Plays behaviours on platforms, and tells of it in a table.

use std::{
    any::Any,
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use crate::platform::{Platform, Play};

/// How many are played at once: most of them wait for the kernel most of the time. Together they
/// need fewer than 500 sockets.
const AT_ONCE: usize = 4;

/// Something that a server does, on whichever platform.
pub(crate) struct Behaviour {
    pub(crate) name: &'static str,
    pub(crate) play: fn(&'static dyn Platform) -> Play,
}

/// Behaviours by the names of their functions.
macro_rules! behaviours {
    ($($module:ident::$name:ident),+ $(,)?) => {
        [$($crate::suite::Behaviour {
            name: concat!(stringify!($module), "::", stringify!($name)),
            play: |platform| Box::pin($crate::$module::$name(platform)),
        }),+]
    };
}
pub(crate) use behaviours;

/// Plays the behaviours that one of `words` is in the name of, or all if there is none.
pub(crate) fn play(
    behaviours: &[Behaviour],
    platforms: &[&'static dyn Platform],
    words: &[String],
) -> ExitCode {
    // A line for each, as some are what a behaviour wants to see.
    panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let begun = Instant::now();
    let chosen: Vec<&Behaviour> = behaviours
        .iter()
        .filter(|behaviour| {
            words.is_empty() || words.iter().any(|word| behaviour.name.contains(word.as_str()))
        })
        .collect();
    let count = chosen.len() * platforms.len();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let (row, column) = (number / platforms.len(), number % platforms.len());
                    let (behaviour, platform) = (chosen[row], platforms[column]);
                    let played = catch_unwind(AssertUnwindSafe(|| {
                        platform.block_on((behaviour.play)(platform));
                    }));
                    if let Err(panic) = played {
                        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        failures.insert((row, column), said(&*panic));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    print_table(&chosen, platforms, &failures);
    let seconds = begun.elapsed().as_secs_f64();
    println!("\n{count} played in {seconds:.1} s, {} failed", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_table(
    behaviours: &[&Behaviour],
    platforms: &[&'static dyn Platform],
    failures: &BTreeMap<(usize, usize), String>,
) {
    let names: Vec<String> = behaviours
        .iter()
        .map(|behaviour| behaviour.name.replace("::", ": ").replace('_', " "))
        .collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let heads = platforms.iter().map(|platform| format!(" {} |", platform.name()));
    println!("\n| {:width$} |{}", "behaviour", heads.collect::<String>());
    let lines =
        platforms.iter().map(|platform| format!("{}|", "-".repeat(platform.name().len() + 2)));
    println!("|{}|{}", "-".repeat(width + 2), lines.collect::<String>());
    for (row, name) in names.iter().enumerate() {
        let cells = platforms.iter().enumerate().map(|(column, platform)| {
            let cell = if failures.contains_key(&(row, column)) { "FAILED" } else { "ok" };
            format!(" {cell:wide$} |", wide = platform.name().len())
        });
        println!("| {name:width$} |{}", cells.collect::<String>());
    }
    for ((row, column), why) in failures {
        println!("\n{} on {}:\n  {why}", names[*row], platforms[*column].name());
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_else(|| "it panicked without a word".to_owned())
}
