//! What is done with requests and messages: each goes to what its connection came for.

use fanlight_core::{
    Admission, CloseCode, CloseReason, ConnId, Context, Message, Refusal, Request, Seq, Service,
    Timer, Topic,
};

use crate::{
    centrifugo::Centrifugo,
    endpoint::{Endpoint, Endpoints},
    live::Live,
    loopback,
    origins::Origins,
    page::{self, Figures},
};

/// One shard's part of the server. `F` reads the figures of the whole process.
#[derive(Debug)]
pub(crate) struct Site<F> {
    origins: Origins,
    figures: F,
    broadcast: Topic,
    centrifugo: Centrifugo,
    live: Live,
    endpoints: Endpoints,
}

impl<F: Fn() -> Figures> Site<F> {
    pub(crate) fn new(origins: Origins, figures: F, centrifugo: Centrifugo) -> Self {
        Self {
            origins,
            figures,
            // No channel of a client has this name: theirs are of ASCII.
            broadcast: Topic::new("broadcast\u{ad}"),
            centrifugo,
            live: Live::new(),
            endpoints: Endpoints::default(),
        }
    }

    /// What whoever does not come for an endpoint is answered.
    fn page(&self, request: &Request) -> Refusal {
        if request.is_upgrade() {
            return Refusal::not_found();
        }
        match request.path() {
            "/healthz" => page::health(),
            "/stats" if loopback::is_asked_by(request) => page::figures(&(self.figures)()),
            path => page::part(path).unwrap_or_else(Refusal::not_found),
        }
    }
}

impl<F: Fn() -> Figures> Service for Site<F> {
    fn on_start(&mut self, cx: &mut Context<'_>) {
        self.live.start(cx);
    }

    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        match Endpoint::at(request.path()) {
            None => cx.refuse(conn, self.page(request)),
            Some(_) if !request.is_upgrade() => cx.refuse(conn, Refusal::upgrade_required()),
            Some(_) if !self.origins.allow(request) => {
                cx.refuse(conn, Refusal::forbidden_origin());
            }
            Some(endpoint) => {
                self.endpoints.enter(conn, endpoint);
                match endpoint {
                    Endpoint::Echo | Endpoint::Broadcast => cx.admit(conn, Admission::default()),
                    Endpoint::Centrifugo => self.centrifugo.on_request(cx, conn, request),
                }
            }
        }
    }

    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        match self.endpoints.of(conn) {
            Some(Endpoint::Broadcast) => cx.subscribe(conn, &self.broadcast),
            Some(Endpoint::Centrifugo) => self.centrifugo.on_open(cx, conn),
            Some(Endpoint::Echo) | None => {}
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        let was_taken = match self.endpoints.of(conn) {
            Some(Endpoint::Echo) => cx.send(conn, message),
            Some(Endpoint::Broadcast) => cx.publish(&self.broadcast, message),
            Some(Endpoint::Centrifugo) => return self.centrifugo.on_message(cx, conn, message),
            None => true,
        };
        // Never lost in silence: whoever is not heard is told.
        if !was_taken {
            cx.close(conn, CloseCode::Again, "too much is being said");
        }
    }

    fn on_subscribed(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic, seq: Seq) {
        match self.endpoints.of(conn) {
            Some(Endpoint::Centrifugo) => self.centrifugo.on_subscribed(cx, conn, topic, seq),
            Some(Endpoint::Echo | Endpoint::Broadcast) | None => {}
        }
    }

    fn on_subscription_refused(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic) {
        match self.endpoints.of(conn) {
            Some(Endpoint::Centrifugo) => self.centrifugo.on_subscription_refused(cx, conn, topic),
            Some(Endpoint::Echo | Endpoint::Broadcast) | None => {
                cx.close(conn, CloseCode::Again, "no room to listen");
            }
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, conn: ConnId, reason: &CloseReason) {
        match self.endpoints.of(conn) {
            Some(Endpoint::Centrifugo) => self.centrifugo.on_close(cx, conn, reason),
            Some(Endpoint::Echo | Endpoint::Broadcast) | None => {}
        }
    }

    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {
        match timer {
            // Nobody else sets one.
            Timer::Connection(_) => self.centrifugo.on_timer(cx, timer),
            Timer::Shard => self.live.tell(cx, || (self.figures)().shards),
        }
    }
}

#[cfg(test)]
mod tests;
