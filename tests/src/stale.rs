//! Events for connections that are gone.

use fanlight_core::{
    Admission, CloseCode, CloseFrame, ConnId, End, Event, Message, Refusal, Timer, Topic,
};

use crate::op::Stale;

impl Stale {
    /// The event itself.
    pub(crate) fn event(self, conn: ConnId, bytes: &mut [u8]) -> Event<'_> {
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
