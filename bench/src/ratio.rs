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
    /// Our time as a part of the fastest other's, each at its best: below 1 we are faster. It is the
    /// median of what it was in each round, since a machine that is slow for a while is not equally
    /// slow to all.
    pub ratio: f64,
}

impl Row {
    /// Times each in turn, so many rounds, and each time after a sample that is not counted.
    ///
    /// Each round makes its contenders anew: where their buffers come to lie, to each other and to
    /// the bytes that come, can cost a third of a copy. And in each another one is first.
    pub fn measure(
        name: String,
        rounds: usize,
        mut contenders: impl FnMut() -> Vec<Contender>,
    ) -> Self {
        let mut samples: Vec<(&'static str, Vec<f64>)> = Vec::new();
        for round in 0..rounds {
            let mut contenders = contenders();
            samples.resize_with(contenders.len(), Default::default);
            for turn in 0..contenders.len() {
                let place = (round + turn) % contenders.len();
                let (name, sample) = &mut contenders[place];
                sample();
                let begun = cpu_ns();
                let messages = sample();
                samples[place].0 = *name;
                samples[place].1.push((cpu_ns() - begun) / messages as f64);
            }
        }
        let medians_ns: Vec<_> =
            samples.iter().map(|(name, samples)| (*name, median(samples.clone()))).collect();
        let best = |is_ours: bool| {
            let those = (0..samples.len()).filter(|at| samples[*at].0.starts_with(OURS) == is_ours);
            those.min_by(|a, b| medians_ns[*a].1.total_cmp(&medians_ns[*b].1))
        };
        let ratio = match (best(true), best(false)) {
            (Some(ours), Some(theirs)) => {
                let rounds = samples[ours].1.iter().zip(&samples[theirs].1);
                median(rounds.map(|(ours, theirs)| ours / theirs).collect())
            }
            (None, _) | (_, None) => f64::NAN,
        };
        Self { name, medians_ns, ratio }
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
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
            row.ratio
        );
    }
    rows.iter().map(|row| row.ratio).fold(0.0, f64::max)
}
