//! One hub whose bounds are near.

use arbitrary::{Result, Unstructured};
use fanlight_sim::Nature;

use super::draw;
use crate::{
    laws,
    scenario::{Bounds, Scenario},
};

/// Bytes become operations on one hub with tight bounds, played twice: all laws hold, and both
/// plays come to one digest.
///
/// # Panics
///
/// On a finding.
pub fn hub(data: &[u8]) {
    // Every draw has an answer, also where the bytes have ended.
    let Ok(scenario) = scenario(&mut Unstructured::new(data)) else { return };
    judge(&scenario);
}

fn scenario(bytes: &mut Unstructured<'_>) -> Result<Scenario> {
    let nature = *bytes.choose(&[Nature::GENTLE, Nature::WILD])?;
    let ending = draw::ending(bytes)?;
    let seed = bytes.arbitrary::<u8>()?.into();
    let ops = draw::ops(bytes)?;
    Ok(Scenario { seed, shards: 1, nature, bounds: Bounds::Tight, ops, ending })
}

/// Plays it, and again.
pub(super) fn judge(scenario: &Scenario) {
    let stage = scenario.play();
    laws::judge(&stage).unwrap_or_else(|broken| panic!("{broken}\n{scenario:?}"));
    assert_eq!(stage.world.digest(), scenario.play().world.digest(), "law 1: {scenario:?}");
}
