//! Law 2, as a service sees it.

use super::{Judged, broken};
use crate::{script::Heard, stage::Stage};

const LAW: &str = "law 2, once accepted, once closed,";

/// A service hears of the connections of its own shard only, hears no message of one that it has
/// closed itself, and of the end of each that it ever heard of.
///
/// # Errors
///
/// The first connection that is heard of otherwise.
pub fn heard_as_lived(stage: &Stage) -> Judged {
    for &conn in &stage.world.record().accepted {
        for shard in stage.world.shards().filter(|shard| *shard != conn.shard()) {
            if stage.world.service(shard).about(conn).len() > 0 {
                return broken(LAW, format!("by {conn}: heard of on {shard:?}"));
            }
        }
        let heard = stage.world.service(conn.shard()).about(conn).as_slice();
        let ended = heard.iter().position(|heard| *heard == Heard::Ended);
        let behind = &heard[ended.unwrap_or(heard.len())..];
        if let Some(late) = behind.iter().find_map(Heard::message) {
            return broken(LAW, format!("by {conn}: {late:?} behind its end in {heard:?}"));
        }
        if heard.iter().any(Heard::is_known) && !matches!(heard.last(), Some(Heard::Closed(_))) {
            return broken(LAW, format!("by {conn}, whose end is never told: {heard:?}"));
        }
    }
    Ok(())
}
