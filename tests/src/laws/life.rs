//! Law 2: once accepted, once closed; and law 9: drain ends.

use fanlight_core::{Command, ShardId, Stats};

use super::{Judged, broken};
use crate::{record::Line, script::Heard, stage::Stage};

const LAW: &str = "law 2, once accepted, once closed,";

/// Every accepted connection gets exactly one `Closed` and one `Disconnect`, and nothing after them.
///
/// # Errors
///
/// The first connection that does not.
pub fn once_accepted_once_closed(stage: &Stage) -> Judged {
    let record = stage.world.record();
    for &conn in &record.accepted {
        let about: Vec<_> = record.about(conn).collect();
        let closed = about.iter().filter(|command| matches!(command, Command::Closed(_))).count();
        let gone = about.iter().filter(|command| matches!(command, Command::Disconnect(_))).count();
        if (closed, gone) != (1, 1) {
            return broken(LAW, format!("by {conn}: {closed} times closed, {gone} disconnected"));
        }
        let last = |is_it: fn(&Command) -> bool| about.iter().position(|command| is_it(command));
        let closed = last(|command| matches!(command, Command::Closed(_)));
        let gone = last(|command| matches!(command, Command::Disconnect(_)));
        let after_closed = about.iter().skip(closed.map_or(0, |at| at + 1));
        for command in after_closed {
            if !matches!(
                command,
                Command::Pause(_)
                    | Command::Resume(_)
                    | Command::Shutdown(_)
                    | Command::Disconnect(_)
            ) {
                return broken(LAW, format!("by {conn}: {command:?} after Closed"));
            }
        }
        if gone.max(closed) != about.len().checked_sub(1) {
            return broken(LAW, format!("by {conn}: something follows its end: {about:?}"));
        }
    }
    let stats = stage.world.stats();
    let accepted = record.accepted.len() as u64;
    if (stats.accepted, stats.closed, stats.refused) != (accepted, accepted, record.refused) {
        return broken(LAW, format!("by the counters of {accepted} accepted: {stats:?}"));
    }
    Ok(())
}

/// A service hears of a connection in the order of its life: a request, its opening, messages and
/// all else, its end; no message after it closed the connection itself, and the end exactly once.
///
/// # Errors
///
/// The first connection that is heard of otherwise.
pub fn heard_in_order_of_life(stage: &Stage) -> Judged {
    for &conn in &stage.world.record().accepted {
        for shard in stage.world.shards().filter(|shard| *shard != conn.shard()) {
            if stage.world.service(shard).about(conn).next().is_some() {
                return broken(LAW, format!("by {conn}: heard of on {shard:?}"));
            }
        }
        let heard: Vec<_> = stage.world.service(conn.shard()).about(conn).collect();
        let (mut is_open, mut is_ended, mut is_closed) = (false, false, false);
        for (nth, what) in heard.iter().enumerate() {
            let fits = match what {
                Heard::Requested => nth == 0,
                Heard::Opened => {
                    // Only a timer may come between the request and this.
                    let is_early =
                        |before: &&Heard| matches!(before, Heard::Requested | Heard::Timer);
                    let fits = !is_open && heard[..nth].iter().all(is_early);
                    is_open = true;
                    fits
                }
                Heard::Message(_) => is_open && !is_ended,
                Heard::Ended => {
                    is_ended = true;
                    true
                }
                Heard::Subscribed(..) | Heard::Declined(_) => is_open,
                Heard::Timer | Heard::Left(..) | Heard::Joined(_) => true,
                Heard::Closed(_) => {
                    is_closed = true;
                    nth + 1 == heard.len()
                }
            };
            if !fits {
                return broken(LAW, format!("by {conn}: {what:?} in {heard:?}"));
            }
        }
        if !heard.is_empty() && !is_closed {
            return broken(LAW, format!("by {conn}, whose end is never told: {heard:?}"));
        }
    }
    Ok(())
}

/// At the end nothing is left: no connection, member, timer, frame or queued byte.
///
/// # Errors
///
/// The first shard that has something left.
pub fn nothing_left(stage: &Stage) -> Judged {
    for shard in stage.world.shards() {
        let hub = stage.world.hub(shard);
        let stats = *hub.stats();
        let left = Stats {
            connections: stats.connections,
            upgrading: stats.upgrading,
            open: stats.open,
            topics: stats.topics,
            homes: stats.homes,
            members: stats.members,
            frames: stats.frames,
            frame_bytes: stats.frame_bytes,
            queued: stats.queued,
            assembly_bytes: stats.assembly_bytes,
            ..Stats::default()
        };
        if left != Stats::default() {
            return broken(LAW, format!("on {shard:?}, where this is left: {left:?}"));
        }
        if let Some(deadline) = hub.next_deadline() {
            return broken(LAW, format!("on {shard:?}, where a deadline is left: {deadline}"));
        }
    }
    if let Some(conn) = stage.world.live().first() {
        return broken(LAW, format!("by {conn}, which is never disconnected"));
    }
    Ok(())
}

/// Law 9: `Drained` is told exactly once by each hub that was drained, and by no other.
///
/// # Errors
///
/// The first hub that does otherwise.
pub fn drain_ends(stage: &Stage) -> Judged {
    let times = |of: ShardId| {
        let lines = stage.world.record().lines.iter();
        lines
            .filter(|(_, shard, line)| *shard == of && *line == Line::Command(Command::Drained))
            .count()
    };
    for shard in stage.world.shards() {
        if times(shard) != usize::from(stage.is_drained) {
            let what = format!("on {shard:?}: drained {} times", times(shard));
            return broken("law 9, drain ends,", what);
        }
    }
    Ok(())
}
