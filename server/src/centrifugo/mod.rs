//! The client protocol of Centrifugo (its JSON form, version 2), for the SDKs that speak it.
//!
//! A message holds commands, a line each, and replies are sent back the same way, in order. A
//! channel of that protocol is a topic of this house: what is said there is put into its envelope
//! once and shared by all who hear it, with the client's data as the bytes it came as.
//!
//! - From bytes to commands and from replies to bytes: [`command`], [`reply`], [`code`].
//! - Who may, and where: [`access`], [`token`], [`channel`].
//! - What is known of a client, and what is done for it: [`client`], [`perform`], and here.

mod access;
mod channel;
mod client;
mod code;
mod command;
mod perform;
mod reply;
#[cfg(test)]
mod tests;
mod token;

use std::{collections::VecDeque, time::Duration};

use fanlight_core::{
    Admission, CloseReason, Config, ConnId, Context, Instant, Message, Request, Seq, Service,
    Timer, Topic,
};
use serde_json::value::RawValue;

pub(crate) use self::{
    access::Access,
    token::{Secret, Tokens},
};
use self::{
    access::Denial,
    client::{Awaited, Client, ClientId, Clients, Place, Vigil, Waiting},
    code::{Disconnect, Unsubscribe},
    command::Command,
    perform::Outcome,
    reply::{Answer, Replies},
};
use crate::loopback;

/// How long a client may take from its request to saying who it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most commands that one message may hold: what they cause is worked off in one go.
const COMMANDS_PER_MESSAGE_MAX: usize = 1024;

/// One shard's clients of that protocol.
#[derive(Debug)]
pub(crate) struct Centrifugo {
    access: Access,
    clients: Clients,
    /// What is to be sent to the client whose turn it is.
    replies: Replies,
    ping: Message,
    pace: Pace,
    topic_bytes_max: usize,
    outbox_bytes_max: usize,
}

/// When clients are asked whether they are there.
#[derive(Clone, Copy, Debug)]
struct Pace {
    interval: Duration,
    pong_timeout: Duration,
}

impl Pace {
    /// A little more often than the hub would ask by itself, so that it does not have to: a pong is
    /// a sign of life to it like any other message.
    fn new(config: &Config) -> Self {
        let percent = 100 - u32::try_from(config.ping_jitter_percent).unwrap_or(100).min(90);
        let interval = config.ping_interval * percent / 100 * 9 / 10;
        Self { interval, pong_timeout: config.pong_timeout }
    }

    /// As clients are told it: in whole seconds, and never less.
    fn announced(self) -> u32 {
        let seconds = self.interval.as_millis().div_ceil(1000).max(1);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    /// The first time, spread so that those who came together are not asked together for ever.
    fn first(self, now: Instant, random: u64) -> Instant {
        let half = self.interval / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        now + half + Duration::from_nanos(random % spread.max(1))
    }
}

impl Centrifugo {
    pub(crate) fn new(config: &Config, access: Access) -> Self {
        Self {
            access,
            clients: Clients::default(),
            replies: Replies::default(),
            ping: reply::ping(),
            pace: Pace::new(config),
            topic_bytes_max: config.topic_bytes_max,
            outbox_bytes_max: config.outbox_bytes_max,
        }
    }

    /// Does the commands of a client from `place` on, and those in the messages after it, up to the
    /// first that has to wait.
    ///
    /// # Errors
    ///
    /// What the client is to be disconnected for.
    fn work(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        mut place: Place,
        mut later: VecDeque<Message>,
    ) -> Result<(), Disconnect> {
        loop {
            while let Some((line, next)) = command::line(place.message.payload(), place.at) {
                if place.commands == COMMANDS_PER_MESSAGE_MAX {
                    return Err(Disconnect::TooManyRequests);
                }
                let Command { id, request } = command::parse(line)?;
                let outcome = self.perform(cx, conn, client, request);
                (place.at, place.commands) = (next, place.commands + 1);
                if let Some(awaited) = self.answer(id, outcome)? {
                    client.waiting = Some(Box::new(Waiting::new(id, awaited, place, later)));
                    return Ok(());
                }
            }
            match later.pop_front() {
                Some(message) => place = Place::beginning(message),
                None => return Ok(()),
            }
        }
    }

    /// A channel's home has answered: goes on with what waited for that, if anything did.
    fn decided(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic, is_member: bool) {
        let Some(mut client) = self.clients.take(conn) else { return };
        let done = match client.waiting.take() {
            Some(waiting) if waiting.awaited.topic == *topic => {
                self.go_on(cx, conn, &mut client, *waiting, is_member)
            }
            other => {
                client.waiting = other;
                Ok(())
            }
        };
        self.conclude(cx, conn, client, done);
    }

    fn go_on(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        waiting: Waiting,
        is_member: bool,
    ) -> Result<(), Disconnect> {
        let Waiting { id, awaited, place, later, .. } = waiting;
        let outcome = self.resume(cx, conn, client, awaited, is_member);
        if let Some(awaited) = self.answer(id, outcome)? {
            client.waiting = Some(Box::new(Waiting::new(id, awaited, place, later)));
            return Ok(());
        }
        self.work(cx, conn, client, place, later)
    }

    /// Notes the reply to a command, or says what it waits for.
    fn answer(
        &mut self,
        id: u32,
        outcome: Result<Outcome, Denial>,
    ) -> Result<Option<Awaited>, Disconnect> {
        match outcome {
            Ok(Outcome::Answer(answer)) => self.replies.push(id, &answer),
            Ok(Outcome::Nothing) => {}
            Ok(Outcome::Wait(awaited)) => return Ok(Some(awaited)),
            Err(Denial::Error(error)) => self.replies.push(id, &Answer::Error(error)),
            Err(Denial::Disconnect(disconnect)) => return Err(disconnect),
        }
        Ok(None)
    }

    /// Sends the replies that there are.
    fn flush(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Result<(), Disconnect> {
        let is_taken = self.replies.take().is_none_or(|replies| cx.send(conn, replies));
        is_taken.then_some(()).ok_or(Disconnect::Slow)
    }

    /// Sends what is to be said to the client, and keeps it or lets it go.
    fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: Box<Client>,
        done: Result<(), Disconnect>,
    ) {
        let flushed = self.flush(cx, conn);
        match done.and(flushed) {
            Ok(()) => self.clients.put(conn, client),
            Err(disconnect) => {
                tracing::debug!(%conn, %disconnect, "let go");
                cx.close(conn, disconnect.code(), &disconnect.reason());
            }
        }
    }

    /// Does what is due for a client.
    fn watch(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
    ) -> Result<(), Disconnect> {
        let now = cx.now();
        if client.expires.is_some_and(|at| at <= now) {
            return Err(Disconnect::Expired);
        }
        for topic in client.expired(now) {
            let told = reply::unsubscribed(topic.name(), Unsubscribe::Expired);
            cx.unsubscribe(conn, topic);
            if !cx.send(conn, told) {
                return Err(Disconnect::Slow);
            }
        }
        match client.vigil {
            Vigil::Connect { until } if until <= now => return Err(Disconnect::Stale),
            Vigil::Pong { until, .. } if until <= now => return Err(Disconnect::NoPong),
            Vigil::Ping { at } if at <= now => {
                let next = (at + self.pace.interval).max(now);
                client.vigil = Vigil::Pong { until: now + self.pace.pong_timeout, next };
                if !cx.send(conn, self.ping.clone()) {
                    return Err(Disconnect::Slow);
                }
            }
            Vigil::Connect { .. } | Vigil::Pong { .. } | Vigil::Ping { .. } => {}
        }
        client.arm(cx, conn);
        Ok(())
    }
}

impl Service for Centrifugo {
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        let id = ClientId::new(cx.random(), cx.random());
        let is_here = loopback::is_asked_by(request);
        let client = Client::new(id, is_here, cx.now() + CONNECT_TIMEOUT);
        client.arm(cx, conn);
        self.clients.put(conn, Box::new(client));
        cx.admit(conn, Admission::default());
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        let Some(mut client) = self.clients.take(conn) else { return };
        let done = match &mut client.waiting {
            Some(waiting) => waiting.push(message),
            None => self.work(cx, conn, &mut client, Place::beginning(message), VecDeque::new()),
        };
        self.conclude(cx, conn, client, done);
    }

    fn on_subscribed(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic, _seq: Seq) {
        // This may tell of an earlier membership.
        if cx.is_member(conn, topic) {
            self.decided(cx, conn, topic, true);
        }
    }

    fn on_subscription_refused(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic) {
        self.decided(cx, conn, topic, false);
    }

    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {
        let Timer::Connection(conn) = timer else { return };
        let Some(mut client) = self.clients.take(conn) else { return };
        let done = self.watch(cx, conn, &mut client);
        self.conclude(cx, conn, client, done);
    }

    fn on_close(&mut self, _cx: &mut Context<'_>, conn: ConnId, _reason: &CloseReason) {
        self.clients.take(conn);
    }
}

/// What the server itself says in one of its channels, as clients hear it.
pub(crate) fn publication(channel: &str, data: &RawValue) -> Message {
    reply::publication(channel, data, None)
}
