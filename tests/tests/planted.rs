//! Whether the laws find what a careless change could break: faults on purpose, one at a time.

use fanlight_core::{Planted, plant};
use fanlight_tests::swarm;

/// None may survive so many seeds.
const SEEDS_MAX: u64 = 10_000;

#[test]
fn every_planted_fault_is_found() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for fault in Planted::ALL {
        let found = (0..SEEDS_MAX).find_map(|seed| {
            plant(Some(fault));
            let played = swarm::play(seed);
            plant(None);
            let broken = played.err()?;
            let lawful = swarm::play(seed).map(|_| ());
            assert_eq!(lawful, Ok(()), "seed {seed} without {}", fault.name());
            Some((seed, broken))
        });
        match found {
            Some((seed, broken)) => {
                let what: String = broken.what.chars().take(100).collect();
                println!("{:<24} {:>5} seeds: {}: {what}", fault.name(), seed + 1, broken.law);
            }
            None => missed.push(fault.name()),
        }
    }
    _ = std::panic::take_hook();
    assert!(missed.is_empty(), "not found by {SEEDS_MAX} seeds: {missed:?}");
}
