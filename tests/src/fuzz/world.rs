//! A house of every size, in a world of any character.

use arbitrary::{Result, Unstructured};
use fanlight_sim::Nature;

use super::{draw, hub::judge};
use crate::scenario::{Bounds, Scenario};

/// More shards add little but time.
const SHARDS_MAX: u8 = 4;

/// Bytes become a seed, a house, its bounds, the nature of its world and operations: all laws hold,
/// and two plays come to one digest.
///
/// # Panics
///
/// On a finding.
pub fn world(data: &[u8]) {
    // Every draw has an answer, also where the bytes have ended.
    let Ok(scenario) = scenario(&mut Unstructured::new(data)) else { return };
    judge(&scenario);
}

fn scenario(bytes: &mut Unstructured<'_>) -> Result<Scenario> {
    let seed = bytes.arbitrary::<u16>()?.into();
    let shards = bytes.int_in_range(1..=SHARDS_MAX)?;
    let nature = Nature::swarm(bytes.arbitrary::<u16>()?.into());
    let bounds = match bytes.int_in_range(0..=3)? {
        0 => Bounds::Roomy,
        1 => Bounds::Tight,
        _ => Bounds::Drawn(bytes.arbitrary::<u16>()?.into()),
    };
    let ending = draw::ending(bytes)?;
    Ok(Scenario { seed, shards, nature, bounds, ops: draw::ops(bytes)?, ending })
}
