//! Events for connections that are gone.

use fanlight_core::{Commands, ConnId, Event, Service};

use crate::world::World;

impl<S: Service> World<S> {
    /// Law 7: an event for a connection that is gone changes a counter and nothing else.
    ///
    /// # Panics
    ///
    /// If the connection that it is about is not gone.
    pub fn stale_is_harmless(&mut self, conn: ConnId, event: Event<'_>) {
        assert!(self.socket(conn).is_gone(), "{conn} is not gone");
        let shard = conn.shard();
        let now = self.stamp(shard);
        let hub = self.hub_mut(shard);
        let (mut before, deadline) = (*hub.stats(), hub.next_deadline());
        let mut commands = Commands::default();
        let what = format!("{event:?}");
        if matches!(event, Event::Panicked(_)) {
            before.panics += 1;
        } else {
            before.stale_events += 1;
        }
        hub.handle(now, event, &mut commands);
        let (after, deadline_after) = (*hub.stats(), hub.next_deadline());
        if commands != Commands::default() {
            self.broke("law 7", format!("a stale {what} made {commands:?}"));
        }
        if before != after {
            self.broke("law 7", format!("a stale {what} made {after:?} of {before:?}"));
        }
        if deadline != deadline_after {
            self.broke("law 7", format!("a stale {what} moved {deadline:?} {deadline_after:?}"));
        }
    }
}
