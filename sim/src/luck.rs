//! Generators that share a seed, and nothing else.

use fastrand::Rng;

/// Whose luck it is: for each its constant, from the digits of pi.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Luck {
    World = 0x243f_6a88_85a3_08d3,
    Socket = 0x1319_8a2e_0370_7344,
    Nature = 0xa409_3822_299f_31d0,
    Manners = 0x082e_fa98_ec4e_6c89,
}

impl Luck {
    /// Its generator of a seed, which draws nothing like any other's of that seed.
    ///
    /// The state of a generator is its seed, and seeds are often near each other: what is drawn
    /// from one is far from all others.
    pub(crate) fn of(self, seed: u64) -> Rng {
        Rng::with_seed(Rng::with_seed(seed ^ self as u64).u64(..))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Manners, Nature};

    const SEEDS: u64 = 1_000;

    /// What kinds of trouble a seed makes, and the first bits of other generators of it.
    fn flags(seed: u64) -> Vec<(String, bool)> {
        let nature = Nature::swarm(seed);
        let manners = Manners::swarm(seed);
        let mut flags = vec![
            ("cuts".to_owned(), nature.cuts),
            ("shuffles".into(), nature.shuffles),
            ("latency_max".into(), nature.latency_max > Duration::ZERO),
            ("jitter_max".into(), nature.jitter_max > Duration::ZERO),
            ("bytes_per_second_min".into(), nature.bytes_per_second_min > 0),
            ("slow_percent".into(), nature.slow_percent >= 30),
            ("window_bytes".into(), nature.window_bytes < Nature::GENTLE.window_bytes),
            ("parcel_delay_min".into(), nature.parcel_delay_min > Duration::ZERO),
            ("parcel_jitter_max".into(), nature.parcel_jitter_max > Duration::ZERO),
            ("tick_late_max".into(), nature.tick_late_max > Duration::ZERO),
            ("fragments".into(), manners.fragments > 0),
            ("halves".into(), manners.halves > 0),
            ("closes".into(), manners.closes > 0),
            ("faults".into(), manners.faults > 0),
            ("ends".into(), manners.ends > 0),
            ("resets".into(), manners.resets > 0),
            ("vanishes".into(), manners.vanishes > 0),
            ("stalls".into(), manners.stalls > 0),
            ("slows".into(), manners.slows > 0),
            ("sleeps".into(), manners.sleeps > 0),
        ];
        // A test's own generator is one of that seed as it is.
        let others = [Luck::World.of(seed), Luck::Socket.of(seed), Rng::with_seed(seed)];
        for (whose, mut rng) in ["world", "socket", "test"].into_iter().zip(others) {
            flags.extend((0..3).map(|nth| (format!("{whose} {nth}"), rng.bool())));
        }
        flags
    }

    #[test]
    fn what_one_seed_draws_for_one_says_nothing_of_what_it_draws_for_another() {
        let drawn: Vec<_> = (0..SEEDS).map(flags).collect();
        let names: Vec<_> = drawn[0].iter().map(|(name, _)| name).collect();
        let count = |one: usize, other: usize| {
            drawn.iter().filter(|flags| flags[one].1 && flags[other].1).count() as f64
        };
        for one in 0..names.len() {
            for other in 0..one {
                let n = SEEDS as f64;
                let a = count(one, one);
                let b = count(other, other);
                let both = count(one, other);
                // The coefficient of correlation; by chance it is past 0.15 once in 500,000.
                let phi = (n * both - a * b) / (a * (n - a) * b * (n - b)).sqrt();
                assert!(phi.abs() < 0.15, "{} and {}: {phi}", names[one], names[other]);
            }
        }
    }
}
