//! Events for connections that are gone.

use fanlight_core::{
    Admission, CloseCode, CloseFrame, Commands, ConnId, End, Event, Message, Refusal, Service,
    Timer, Topic,
};

use crate::{op::Stale, world::World};

impl<S: Service> World<S> {
    /// Law 7: an event for a connection that is gone changes a counter and nothing else.
    ///
    /// # Panics
    ///
    /// If the connection is not gone.
    pub fn stale_is_harmless(&mut self, conn: ConnId, stale: Stale) {
        assert!(self.dead().contains(&conn), "{conn} is not gone");
        let shard = conn.shard();
        let now = self.stamp(shard);
        let hub = &mut self.shard_mut(shard).hub;
        let (mut before, deadline) = (*hub.stats(), hub.next_deadline());
        let mut commands = Commands::default();
        let mut bytes = b"\x81\x82\0\0\0\0hi".to_vec();
        hub.handle(now, stale.event(conn, &mut bytes), &mut commands);
        let (after, deadline_after) = (*hub.stats(), hub.next_deadline());
        if stale == Stale::Panicked {
            before.panics += 1;
        } else {
            before.stale_events += 1;
        }
        if commands != Commands::default() {
            self.broke("law 7", format!("a stale {stale:?} made {commands:?}"));
        }
        if before != after {
            self.broke("law 7", format!("a stale {stale:?} made {after:?} of {before:?}"));
        }
        if deadline != deadline_after {
            self.broke("law 7", format!("a stale {stale:?} moved {deadline:?} {deadline_after:?}"));
        }
    }
}

impl Stale {
    fn event(self, conn: ConnId, bytes: &mut [u8]) -> Event<'_> {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "late".into() };
        match self {
            Self::Received => Event::Received(conn, bytes),
            Self::Sent => Event::Sent(conn, 5),
            Self::Eof => Event::Ended(conn, End::Eof),
            Self::Failed => Event::Ended(conn, End::Failed),
            Self::Panicked => Event::Panicked(Some(conn)),
            Self::Admit => Event::Admit(conn, Admission::default()),
            Self::Refuse => Event::Refuse(conn, Refusal::forbidden_origin()),
            Self::Subscribe => Event::Subscribe(conn, Topic::new("a")),
            Self::Unsubscribe => Event::Unsubscribe(conn, Topic::new("a")),
            Self::Send => Event::Send(conn, Message::text("late")),
            Self::Close => Event::Close(conn, frame),
            Self::Kick => Event::Kick(conn, frame),
            Self::SetTimer => Event::SetTimer(Timer::Connection(conn), None),
        }
    }
}
