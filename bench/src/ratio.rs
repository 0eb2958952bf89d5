//! Comparing by turns: whatever slows the machine down for a while slows down all.

use rustix::time::{ClockId, clock_gettime};

/// What our names begin with.
const OURS: &str = "fanlight";

/// A name, and what takes a sample: it says of how many messages.
pub type Contender = (&'static str, Box<dyn FnMut() -> usize>);

/// What was compared, and how long each took.
#[derive(Debug)]
pub struct Row {
    /// What was done, and how much of it.
    pub name: String,
    /// Nanoseconds of processor time a message: each one's name and the median of its samples, ours first.
    pub medians_ns: Vec<(&'static str, f64)>,
}

impl Row {
    /// Times each in turn, so many rounds, and each time after a sample that is not counted.
    ///
    /// Each round makes its contenders anew: where their buffers come to lie, to each other and to
    /// the bytes that come, can cost a third of a copy.
    pub fn measure(
        name: String,
        rounds: usize,
        mut contenders: impl FnMut() -> Vec<Contender>,
    ) -> Self {
        let mut samples: Vec<(&'static str, Vec<f64>)> = Vec::new();
        for _ in 0..rounds {
            for (place, (name, mut sample)) in contenders().into_iter().enumerate() {
                sample();
                let begun = cpu_ns();
                let messages = sample();
                let ns = (cpu_ns() - begun) / messages as f64;
                if samples.len() == place {
                    samples.push((name, Vec::with_capacity(rounds)));
                }
                samples[place].1.push(ns);
            }
        }
        let medians_ns = samples.into_iter().map(|(name, mut samples)| {
            samples.sort_by(f64::total_cmp);
            (name, samples[samples.len() / 2])
        });
        Self { name, medians_ns: medians_ns.collect() }
    }

    /// Our time as a part of the fastest other's, each at its best: below 1 we are faster.
    pub fn ratio(&self) -> f64 {
        let (ours, theirs): (Vec<_>, Vec<_>) =
            self.medians_ns.iter().partition(|(name, _)| name.starts_with(OURS));
        let fastest =
            |of: Vec<(_, f64)>| of.into_iter().map(|(_, ns)| ns).fold(f64::INFINITY, f64::min);
        fastest(ours) / fastest(theirs)
    }
}

/// Processor time of this thread, so that other programs are nobody's cost.
fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Prints rows that have the same contenders, and returns the largest ratio.
pub fn print(title: &str, rows: &[Row]) -> f64 {
    let Some(first) = rows.first() else { return 0.0 };
    println!(
        "\n{title}: ns of processor time a message, and ours as a part of the fastest other's\n"
    );
    let names: Vec<&str> = first.medians_ns.iter().map(|(name, _)| *name).collect();
    println!("| {:<24} | {} | ratio |", "", names.join(" | "));
    println!("|---|{}", "--:|".repeat(names.len() + 1));
    for row in rows {
        let times = row.medians_ns.iter().map(|(name, ns)| format!("{ns:>0$.1}", name.len()));
        println!(
            "| {:<24} | {} | {:>5.2} |",
            row.name,
            times.collect::<Vec<_>>().join(" | "),
            row.ratio()
        );
    }
    rows.iter().map(Row::ratio).fold(0.0, f64::max)
}
