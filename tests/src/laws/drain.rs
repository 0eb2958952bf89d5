//! Law 9: drain ends.

use fanlight_core::{Command, ShardId};
use fanlight_sim::Line;

use super::{Judged, broken};
use crate::stage::Stage;

/// `Drained` is told exactly once by each hub that was drained, and by no other.
///
/// # Errors
///
/// The first hub that does otherwise.
pub fn drain_ends(stage: &Stage) -> Judged {
    let lines = stage.world.record().lines.iter();
    let drained: Vec<ShardId> = lines
        .filter(|(.., line)| *line == Line::Command(Command::Drained))
        .map(|(_, shard, _)| *shard)
        .collect();
    for shard in stage.world.shards() {
        let times = drained.iter().filter(|of| **of == shard).count();
        if times != usize::from(stage.is_drained) {
            return broken("law 9, drain ends,", format!("on {shard:?}: drained {times} times"));
        }
    }
    Ok(())
}
