//! The laws, each a function that judges a run.
//!
//! What can only be seen while it happens the [`World`](crate::World) sees: it notes what is broken
//! then, and [`seen_at_once`] tells it.

mod bytes;
mod life;
mod order;
mod repeat;
mod truth;

use std::fmt;

pub use bytes::whole_frames;
pub use life::{drain_ends, heard_in_order_of_life, nothing_left, once_accepted_once_closed};
pub use order::{inward_order, one_order, publisher_order};
pub use repeat::{same_inputs_same_commands, time_never_runs_backwards};
pub use truth::nothing_lost;

use crate::{scenario::Scenario, stage::Stage};

/// A law that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub law: &'static str,
    /// By what.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken {}", self.law, self.what)
    }
}

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
    seen_at_once(&stage)?;
    whole_frames(&stage)?;
    once_accepted_once_closed(&stage)?;
    heard_in_order_of_life(&stage)?;
    inward_order(&stage)?;
    publisher_order(&stage)?;
    one_order(&stage)?;
    nothing_lost(&stage)?;
    nothing_left(&stage)?;
    drain_ends(&stage)?;
    same_inputs_same_commands(scenario, &stage)?;
    time_never_runs_backwards(scenario, &stage)
}

/// What the world saw broken while it happened: the contract of a driver, deadlines left over,
/// stale events with effects.
///
/// # Errors
///
/// The first thing seen.
pub fn seen_at_once(stage: &Stage) -> Judged {
    stage.world.broken().first().cloned().map_or(Ok(()), Err)
}
