//! Law 9: drain ends.

use std::time::Duration;

use fanlight_core::{CloseReason, Command, Instant};
use fanlight_sim::Line;

use super::{Judged, broken};
use crate::stage::{Asked, Stage};

const LAW: &str = "law 9, drain ends,";

/// `Drained` is told exactly once by each hub that was drained, and by no other; no later than the
/// deadline of the drain, and nobody was told to go before its turn.
///
/// # Errors
///
/// The first hub that does otherwise.
pub fn drain_ends(stage: &Stage) -> Judged {
    for shard in stage.world.shards() {
        let drained: Vec<Instant> = commands(stage)
            .filter(|(_, command)| **command == Command::Drained)
            .filter_map(|(at, _)| (at.1 == shard).then_some(at.0))
            .collect();
        let asked = stage.drains.iter().find(|asked| asked.shard == shard);
        if drained.len() != usize::from(asked.is_some()) {
            return broken(LAW, format!("on {shard:?}: drained {} times", drained.len()));
        }
        let Some((asked, at)) = asked.zip(drained.first()) else { continue };
        let by = asked.at + asked.over.max(asked.timeout) + stage.tick_late_max;
        if stage.drains_in_time() && *at > by {
            return broken(LAW, format!("on {shard:?}: drained at {at}, due by {by}"));
        }
        if stage.drains_in_time() {
            nobody_too_soon(stage, asked)?;
        }
    }
    Ok(())
}

/// Of those who were open when the drain began, no more have ended for it by any moment than were
/// to be told by then.
fn nobody_too_soon(stage: &Stage, asked: &Asked) -> Judged {
    let mut ended = 0;
    for ((at, _), command) in commands(stage) {
        if let Command::Closed(closed) = command
            && let CloseReason::Drained(_) = closed.reason
            && at < asked.at + asked.over.max(asked.timeout)
            && asked.open.contains(&closed.conn)
        {
            ended += 1;
            let due = asked.due_by(at);
            if ended > due {
                let what = format!("at {at} {ended} had ended for it, but {due} were to be told");
                return broken(LAW, format!("on {:?}: {what}", asked.shard));
            }
        }
    }
    Ok(())
}

fn commands(stage: &Stage) -> impl Iterator<Item = ((Instant, fanlight_core::ShardId), &Command)> {
    stage.world.record().lines.iter().filter_map(|(at, shard, line)| match line {
        Line::Command(command) => Some(((*at, *shard), command)),
        Line::Write(_) => None,
    })
}

impl Asked {
    /// How many of those who were open are to be told by `now`: the first at once, the last when
    /// the window ends, the others evenly between them.
    pub(crate) fn due_by(&self, now: Instant) -> usize {
        let all = self.open.len();
        let elapsed = now.since(self.at).as_nanos();
        if all < 2 || elapsed >= self.over.as_nanos() {
            return all;
        }
        let steps = elapsed * (all as u128 - 1) / self.over.as_nanos();
        usize::try_from(steps).map_or(all, |steps| all.min(steps + 1))
    }
}

impl Stage {
    /// Whether nothing was late but ticks, as they are in this world.
    pub(crate) fn drains_in_time(&self) -> bool {
        !self.world.was_late()
    }

    /// Notes as a broken law if somebody is not told in its turn.
    pub(crate) fn keep_pace(&mut self) {
        if let Err(broken) = self.drain_is_paced() {
            self.world.broke(broken.law, broken.what);
        }
    }

    /// Whether everybody whose turn in a drain has come was told: none of them is open any more.
    ///
    /// # Errors
    ///
    /// The first hub that is behind.
    pub fn drain_is_paced(&self) -> Judged {
        if !self.drains_in_time() {
            return Ok(());
        }
        for asked in &self.drains {
            let hub = self.world.hub(asked.shard);
            let open = asked.open.iter().filter(|conn| hub.is_open(**conn)).count();
            let since = self.world.now().since(asked.at);
            let Some(before) = since.checked_sub(self.tick_late_max + Duration::from_nanos(1))
            else {
                continue;
            };
            let due = asked.due_by(asked.at + before);
            if open > asked.open.len() - due {
                let what = format!("{open} are open still, though {due} were to be told");
                return broken(
                    LAW,
                    format!("on {:?} at {}: {what}", asked.shard, self.world.now()),
                );
            }
        }
        Ok(())
    }
}
