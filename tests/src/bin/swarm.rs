//! Plays the runs of many seeds on all cores, with all laws checked, until the time is over.

use std::{
    num::ParseIntError,
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use fanlight_sim::Broken;
use fanlight_tests::swarm::{self, Run};

/// Of how many runs one is played twice, to see that it comes to the same.
const TWICE_EVERY: u64 = 16;
/// No run has more ops.
const OPS_MAX: u32 = 3_000;

/// Plays the runs of many seeds on all cores, with all laws checked.
#[derive(Debug, Parser)]
struct Options {
    /// How long, in minutes.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// The first seed; the others follow it. Decimal, or hexadecimal behind 0x.
    #[arg(long, default_value = "0", value_parser = number)]
    from: u64,
    /// Plays this one run only, and tells what it came to.
    #[arg(long, value_parser = number)]
    seed: Option<u64>,
    /// Plays no more than so many of each run's ops.
    #[arg(long, default_value_t = u32::MAX)]
    ops: u32,
    /// Plays so many runs one after the other, and tells what each came to.
    #[arg(long)]
    seeds: Option<u64>,
    /// How many threads; by default one a core.
    #[arg(long)]
    threads: Option<usize>,
}

fn number(text: &str) -> Result<u64, ParseIntError> {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16))
}

/// What all runs of a thread came to.
#[derive(Debug, Default)]
struct Sum {
    runs: u64,
    events: u64,
    connection_time: Duration,
    broken: Vec<(u64, Broken)>,
}

impl Sum {
    fn add(&mut self, seed: u64, played: Result<Run, Broken>) {
        self.runs += 1;
        match played {
            Ok(run) => {
                self.events += run.events;
                self.connection_time += run.connection_time;
            }
            Err(broken) => self.broken.push((seed, broken)),
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    match (options.seed, options.seeds) {
        (Some(seed), _) => one(seed, options.ops),
        (None, Some(seeds)) => each(options.from, seeds, options.ops),
        (None, None) => many(&options),
    }
}

/// Plays the run of a seed twice. Law 1: it comes to the same.
fn one(seed: u64, ops: u32) -> ExitCode {
    match play_twice(seed, ops) {
        Ok(Run { events, connection_time, digest }) => {
            println!("seed             {seed}");
            println!("events           {events}");
            println!("connection-hours {:.1}", hours(connection_time));
            println!("digest           {digest}");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            tell(seed, ops, &broken);
            ExitCode::FAILURE
        }
    }
}

fn each(from: u64, seeds: u64, ops: u32) -> ExitCode {
    for seed in (0..seeds).map(|nth| from.wrapping_add(nth)) {
        match swarm::play_ops(seed, ops) {
            Ok(run) => println!("{seed} {} {}", run.events, run.digest),
            Err(broken) => {
                tell(seed, ops, &broken);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Tells of a broken law, and how to see it again: with as few ops as halving finds.
fn tell(seed: u64, ops: u32, broken: &Broken) {
    println!("\n{broken}\nto repeat it: {}", command(seed, ops));
    let (mut lawful, mut found) = (0, (ops.min(OPS_MAX), None));
    while found.0 - lawful > 1 {
        let middle = lawful + (found.0 - lawful) / 2;
        match play_twice(seed, middle) {
            Ok(_) => lawful = middle,
            Err(broken) => found = (middle, Some(broken)),
        }
    }
    if let (ops, Some(broken)) = found {
        println!("\nwith fewer ops: {broken}\nto repeat it: {}", command(seed, ops));
    }
}

fn command(seed: u64, ops: u32) -> String {
    let ops = if ops == u32::MAX { String::new() } else { format!(" --ops {ops}") };
    format!("cargo run --release -p fanlight-tests --bin swarm -- --seed {seed}{ops}")
}

fn many(options: &Options) -> ExitCode {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads.unwrap_or(cores).max(1);
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(options.minutes.max(0.0) * 60.0);
    let (next, is_broken) = (AtomicU64::new(options.from), AtomicBool::new(false));
    println!("from seed        {}", options.from);
    let work = || {
        let mut sum = Sum::default();
        while Instant::now() < until && !is_broken.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let played = play(seed, options.ops);
            is_broken.fetch_or(played.is_err(), Ordering::Relaxed);
            sum.add(seed, played);
        }
        sum
    };
    let sums: Vec<Sum> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a run's panic is caught")).collect()
    });
    report(&sums, begun.elapsed(), options.ops)
}

/// Plays a run, and some of them twice.
fn play(seed: u64, ops: u32) -> Result<Run, Broken> {
    if seed.is_multiple_of(TWICE_EVERY) {
        play_twice(seed, ops)
    } else {
        swarm::play_ops(seed, ops)
    }
}

/// Plays a run twice. Law 1: it comes to the same.
fn play_twice(seed: u64, ops: u32) -> Result<Run, Broken> {
    let run = swarm::play_ops(seed, ops)?;
    if swarm::play_ops(seed, ops)?.digest != run.digest {
        return Err(Broken { law: "law 1", what: "by a second run, which is another".into() });
    }
    Ok(run)
}

fn report(sums: &[Sum], elapsed: Duration, ops: u32) -> ExitCode {
    let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let runs: u64 = sums.iter().map(|sum| sum.runs).sum();
    let events: u64 = sums.iter().map(|sum| sum.events).sum();
    let time: Duration = sums.iter().map(|sum| sum.connection_time).sum();
    let rate = events as f64 / seconds;
    println!("seeds            {runs}, {:.1} a second", runs as f64 / seconds);
    println!(
        "events           {events}, {rate:.0} a second, {:.0} a core",
        rate / sums.len() as f64
    );
    println!("connection-hours {:.0}", hours(time));
    let broken: Vec<_> = sums.iter().flat_map(|sum| &sum.broken).collect();
    for (seed, broken) in &broken {
        tell(*seed, ops, broken);
    }
    println!("violations       {}", broken.len());
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn hours(time: Duration) -> f64 {
    time.as_secs_f64() / 3600.0
}
