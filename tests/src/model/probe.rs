//! The service of the hubs under test: it hears everything, and does what the text says.

use fanlight_core::{
    Admission, CloseReason, ConnId, Context, Message, Refusal, Request, Seq, Service, Settings,
    Timer, Topic,
};

use super::{Decision, Name, Seen};

/// A service that notes what it hears.
#[derive(Debug)]
pub(super) struct Probe {
    settings: Settings,
    /// What it has heard and nobody has taken: about a connection, or about its shard.
    pub(super) heard: Vec<(Option<ConnId>, Seen)>,
}

impl Probe {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, heard: Vec::new() }
    }

    fn hear(&mut self, conn: ConnId, seen: Seen) {
        self.heard.push((Some(conn), seen));
    }

    fn name(&self, topic: &Topic) -> Name {
        Name::of(topic, &self.settings).expect("every topic was made of a name")
    }
}

/// The admission of a decision, or its refusal.
#[expect(clippy::result_large_err, reason = "a refusal is no error here")]
pub(super) fn answer(decision: Decision, settings: &Settings) -> Result<Admission, Refusal> {
    match decision {
        Decision::Admit => Ok(Admission::default()),
        Decision::AdmitAs(user) => {
            let user = Some(Name::User(user).topic(settings));
            Ok(Admission { user, ..Admission::default() })
        }
        Decision::Refuse(status) => Err(Refusal::new(status).expect("a status that may be sent")),
    }
}

/// The code with which a service closes upon [`Speech::Bye`](super::Speech::Bye).
pub(super) const BYE: u16 = 4_000;

impl Service for Probe {
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        self.hear(conn, Seen::Requested(request.path().into()));
        let Some(decision) = Decision::about(request.path()) else { return };
        match answer(decision, &self.settings) {
            Ok(admission) => cx.admit(conn, admission),
            Err(refusal) => cx.refuse(conn, refusal),
        }
    }

    fn on_open(&mut self, _: &mut Context<'_>, conn: ConnId) {
        self.hear(conn, Seen::Opened);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        let text = message.as_text().unwrap_or("binary").to_owned();
        if text.starts_with("echo") {
            cx.send(conn, message);
        } else if text.starts_with("bye") {
            cx.close(conn, BYE.into(), "");
        } else if let Some(name) = Name::in_text(&text) {
            cx.publish(name.topic(&self.settings), message);
        }
        self.hear(conn, Seen::Delivered(text));
    }

    fn on_subscribed(&mut self, _: &mut Context<'_>, conn: ConnId, topic: &Topic, seq: Seq) {
        self.hear(conn, Seen::Subscribed(self.name(topic), seq.0));
    }

    fn on_subscription_refused(&mut self, _: &mut Context<'_>, conn: ConnId, topic: &Topic) {
        self.hear(conn, Seen::Declined(self.name(topic)));
    }

    fn on_close(&mut self, _: &mut Context<'_>, conn: ConnId, reason: &CloseReason) {
        self.hear(conn, Seen::Closed(reason.clone()));
    }

    fn on_timer(&mut self, _: &mut Context<'_>, timer: Timer) {
        let conn = match timer {
            Timer::Shard => None,
            Timer::Connection(conn) => Some(conn),
        };
        self.heard.push((conn, Seen::Timer));
    }
}
