//! The laws, each a function that judges a run.
//!
//! What can be seen while it happens the [`World`](fanlight_sim::World) sees, for any service: lives
//! and their order, whole frames, deadlines left over, bounds, stale events with effects. What a
//! message was and for whom only its service knows: that is judged here, from what
//! [`Script`](crate::Script) said and what peers got.

mod drain;
mod ledger;
mod life;
mod order;
mod repeat;
mod truth;

use fanlight_sim::Broken;

pub use drain::drain_ends;
pub use ledger::Ledger;
pub use life::heard_as_lived;
pub use order::{inward_order, one_order, publisher_order};
pub use repeat::{same_inputs_same_commands, time_never_runs_backwards};
pub use truth::{nothing_lost, read_as_written};

use crate::{scenario::Scenario, stage::Stage};

/// A judgement.
pub type Judged = Result<(), Broken>;

pub(crate) fn broken(law: &'static str, what: String) -> Judged {
    Err(Broken { law, what })
}

/// Plays a scenario and judges it by all laws.
///
/// # Errors
///
/// The first law that was found broken.
pub fn hold(scenario: &Scenario) -> Judged {
    let stage = scenario.play();
    judge(&stage)?;
    same_inputs_same_commands(scenario, &stage)?;
    time_never_runs_backwards(scenario, &stage)
}

/// Judges a run that has come to its end, by all laws that need no second run.
///
/// # Errors
///
/// The first law that was found broken.
pub fn judge(stage: &Stage) -> Judged {
    if let Some(broken) = stage.world.broken().first() {
        return Err(broken.clone());
    }
    let ledger = Ledger::of(stage);
    heard_as_lived(stage)?;
    read_as_written(stage)?;
    inward_order(stage)?;
    publisher_order(&ledger)?;
    one_order(stage, &ledger)?;
    nothing_lost(stage, &ledger)?;
    drain_ends(stage)
}
