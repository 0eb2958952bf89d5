//! Law 6: no connection stays in a state past that state's deadline.

use std::time::Duration;

use fanlight_core::{ConnId, Phase, PingOutstanding, Portrait, Service};

use crate::world::World;

impl<S: Service> World<S> {
    /// Looks at every connection: how long it has been where it is, by its hub's word and by what
    /// the world saw, against the deadline of just that.
    ///
    /// Only where no tick came too late: what a deadline may take longer is then what
    /// [`Nature::tick_late_max`](crate::Nature::tick_late_max) allows.
    pub(crate) fn all_in_time(&mut self) {
        for place in 0..self.live.len() {
            let conn = self.live[place];
            let Some(portrait) = self.hub(conn.shard()).portrait(conn) else { continue };
            let now = self.now;
            if portrait.phase == Phase::Closing
                && let Some(socket) = self.sockets.get_mut(conn)
            {
                socket.seen.closing_at.get_or_insert(now);
            }
            if let Err(what) = self.in_time(conn, &portrait) {
                self.broke("law 6", format!("{conn} {what}"));
            }
        }
    }

    fn in_time(&self, conn: ConnId, portrait: &Portrait) -> Result<(), String> {
        let Some(socket) = self.sockets.get(conn) else { return Ok(()) };
        let (now, seen) = (self.now, &socket.seen);
        let settings = self.hub(conn.shard()).config();
        let within = |what: &str, lasted: Duration, timeout: Duration| {
            if lasted <= timeout + self.nature.tick_late_max {
                return Ok(());
            }
            Err(format!("{what} for {lasted:?}, but the timeout is {timeout:?}"))
        };
        let in_phase = now.since(portrait.since);
        match portrait.phase {
            Phase::Upgrading => {
                within("is upgrading", now.since(seen.born_at), settings.upgrade_timeout)
            }
            Phase::Deciding => {
                let asked = seen.requested_at.unwrap_or(seen.born_at);
                within("is deciding", now.since(asked), settings.decision_timeout)?;
                within("is deciding", in_phase, settings.decision_timeout)
            }
            Phase::Closing => {
                let closing = now.since(seen.closing_at.unwrap_or(now));
                within("is closing", closing.max(in_phase), settings.close_timeout)
            }
            Phase::Lingering => {
                let shut = now.since(seen.shut_at.unwrap_or(seen.born_at));
                within("lingers", shut.max(in_phase), settings.linger_timeout)
            }
            Phase::Open => {
                if portrait.outbox_bytes > 0 {
                    let stuck = now.since(seen.taken_at.max(seen.asked_at));
                    let stuck = stuck.max(now.since(portrait.last_progress));
                    within("is stalled", stuck, settings.stall_timeout)?;
                }
                if socket.is_paused {
                    return Ok(());
                }
                let unfinished = seen.unfinished(now);
                // Control frames between count from their own beginning: the hub's word below is exact.
                let factor = if seen.is_interrupted() { 2 } else { 1 };
                within("has a message unfinished", unfinished, factor * settings.message_timeout)?;
                if let Some(begun) = portrait.message_begun {
                    let begun = now.since(begun);
                    within("has a message begun", begun, settings.message_timeout)?;
                }
                let heard_at = seen.heard_at.max(seen.resumed_at);
                let unasked = now.since(heard_at.max(seen.opened_at.unwrap_or(heard_at)));
                let pinged_at = seen.pinged_at.filter(|pinged_at| *pinged_at > heard_at);
                if let Some(pinged_at) = pinged_at {
                    let silent = now.since(pinged_at);
                    within("is silent on a ping", silent, settings.pong_timeout)?;
                } else if portrait.outbox_bytes == 0 {
                    let unasked = unasked.min(now.since(seen.taken_at));
                    // At one moment it spoke and was asked: which came first the hub knows.
                    let either = settings.ping_interval.max(settings.pong_timeout);
                    let is_unclear = seen.pinged_at == Some(heard_at);
                    let timeout = if is_unclear { either } else { settings.ping_interval };
                    within("is silent", unasked, timeout)?;
                }
                if let PingOutstanding::Sent(at) = portrait.ping {
                    within("is silent on a ping", now.since(at), settings.pong_timeout)?;
                }
                Ok(())
            }
        }
    }
}
