//! A service that does what it is told, and tells what happens.

use std::sync::mpsc::Sender;

use fanlight_core::{
    Admission, CloseCode, CloseReason, ConnId, Context, Message, Refusal, Request, Seq, Service,
    Timer, Topic,
};

/// What a service tells the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A request that is not answered.
    Asked(ConnId),
    Opened(ConnId),
    Closed(ConnId, CloseReason),
}

/// Does what messages say: `join TOPIC`, `say TOPIC TEXT`, `panic`, `panic later`, `bye`. Echoes
/// everything else. Refuses whoever asks for `/private`, and leaves whoever asks for `/later` waiting.
pub(crate) struct Obedient {
    pub(crate) told: Sender<Told>,
}

impl Service for Obedient {
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        match request.path() {
            "/later" => {
                let _ = self.told.send(Told::Asked(conn));
            }
            "/private" => cx.refuse(conn, Refusal::forbidden_origin()),
            _ if !request.is_upgrade() => cx.refuse(conn, Refusal::upgrade_required()),
            _ => cx.admit(conn, Admission::default()),
        }
    }

    fn on_open(&mut self, _: &mut Context<'_>, conn: ConnId) {
        let _ = self.told.send(Told::Opened(conn));
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        let words: Vec<_> = message.as_text().unwrap_or_default().splitn(3, ' ').collect();
        match words[..] {
            ["join", topic] => cx.subscribe(conn, topic),
            ["say", topic, text] => assert!(cx.publish(topic, Message::text(text))),
            ["panic"] => panic!("as the peer asked"),
            ["panic", "later"] => cx.set_timer(Timer::Shard, Some(cx.now())),
            ["bye"] => cx.close(conn, CloseCode::Library(4000), "bye"),
            _ => assert!(cx.send(conn, message)),
        }
    }

    fn on_subscribed(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic, _: Seq) {
        cx.send(conn, Message::text(&format!("joined {}", topic.name())));
    }

    fn on_close(&mut self, _: &mut Context<'_>, conn: ConnId, reason: &CloseReason) {
        // A refused one never opened, and its test hears of it by its answer.
        let _ = self.told.send(Told::Closed(conn, reason.clone()));
    }

    fn on_timer(&mut self, _: &mut Context<'_>, timer: Timer) {
        panic!("as a peer asked: {timer:?}");
    }
}
