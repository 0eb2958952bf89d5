//! Comparing by turns: whatever slows the machine down for a while slows down all.

use rustix::time::{ClockId, clock_gettime};

/// A name, and what takes a sample: it says of how many messages.
pub type Contender<'a> = (&'static str, Box<dyn FnMut() -> usize + 'a>);

/// What was compared, and how long each took.
#[derive(Debug)]
pub struct Row {
    /// What was done, and how much of it.
    pub name: String,
    /// Nanoseconds of processor time a message: each one's name and the median of its samples, ours first.
    pub medians_ns: Vec<(&'static str, f64)>,
}

impl Row {
    /// Times each in turn, so many rounds after one that is not counted.
    pub fn measure(name: String, rounds: usize, contenders: &mut [Contender<'_>]) -> Self {
        let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
        for round in 0..=rounds {
            for (samples, (_, sample)) in samples.iter_mut().zip(contenders.iter_mut()) {
                let begun = cpu_ns();
                let messages = sample();
                let ns = (cpu_ns() - begun) / messages as f64;
                if round > 0 {
                    samples.push(ns);
                }
            }
        }
        let medians_ns = samples.into_iter().map(|mut samples| {
            samples.sort_by(f64::total_cmp);
            samples[samples.len() / 2]
        });
        let names = contenders.iter().map(|(name, _)| *name);
        Self { name, medians_ns: names.zip(medians_ns).collect() }
    }

    /// Our time as a part of the fastest other's: below 1 we are faster.
    pub fn ratio(&self) -> f64 {
        let (ours, theirs) = self.medians_ns.split_first().expect("we are measured");
        ours.1 / theirs.iter().map(|(_, ns)| *ns).fold(f64::INFINITY, f64::min)
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
