//! The client protocol of Centrifugo (its JSON form, version 2), for the SDKs that speak it.
//!
//! A message holds commands, a line each, and replies are sent back the same way, in order. A
//! channel of that protocol is a topic of this house: what is said there is put into its envelope
//! once and shared by all who hear it, with the client's data as the bytes it came as.

mod access;
mod channel;
mod client;
mod code;
mod command;
mod reply;

use std::{collections::VecDeque, time::Duration};

use fanlight_core::{
    Admission, CloseReason, Config, ConnId, Context, Instant, Message, Request as Upgrade, Seq,
    Service, Timer, Topic,
};

use self::{
    access::Denial,
    client::{Awaited, Client, ClientId, Clients, Place, Vigil, Waiting},
    code::{Disconnect, ErrorCode},
    command::{Command, Publish, Request, Subscribe},
    reply::{Answer, Connected, Publisher, Replies},
};
use crate::loopback;

/// How long a client may take from its opening to saying who it is.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most commands that one message may hold: what they cause is worked off in one go.
const COMMANDS_PER_MESSAGE_MAX: usize = 1024;

/// One shard's clients of that protocol.
#[derive(Debug)]
pub(crate) struct Centrifugo {
    clients: Clients,
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
    /// A little more often than the hub would ask by itself, so that it never does: a pong is a
    /// sign of life to it as any other byte.
    fn new(config: &Config) -> Self {
        let percent = 100 - u32::try_from(config.ping_jitter_percent).unwrap_or(100).min(90);
        let interval = config.ping_interval * percent / 100 * 9 / 10;
        Self { interval, pong_timeout: config.pong_timeout }
    }

    /// As clients are told it: in whole seconds, and never less.
    fn announced(self) -> u32 {
        u32::try_from(self.interval.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The first time, spread so that those who came together are not asked together for ever.
    fn first(self, now: Instant, random: u64) -> Instant {
        let half = self.interval / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        now + half + Duration::from_nanos(random % spread.max(1))
    }
}

/// What becomes of a command: it is done, or its answer waits for a channel's home.
type Outcome = Result<Option<Awaited>, Denial>;

impl Centrifugo {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
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
                place.commands += 1;
                if place.commands > COMMANDS_PER_MESSAGE_MAX {
                    return Err(Disconnect::TooManyRequests);
                }
                let Command { id, request } = command::parse(line)?;
                match self.perform(cx, conn, client, id, request) {
                    Ok(None) => place.at = next,
                    Ok(Some(awaited)) => {
                        place.at = next;
                        client.waiting = Some(Box::new(Waiting::new(awaited, place, later)));
                        return Ok(());
                    }
                    Err(Denial::Error(error)) => {
                        self.replies.push(id, Answer::Error(error));
                        place.at = next;
                    }
                    Err(Denial::Disconnect(disconnect)) => return Err(disconnect),
                }
            }
            match later.pop_front() {
                Some(message) => place = Place::beginning(message),
                None => return Ok(()),
            }
        }
    }

    fn perform(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        id: u32,
        request: Request<'_>,
    ) -> Outcome {
        if client.user.is_none() && !matches!(request, Request::Connect(_)) {
            return Err(Disconnect::BadRequest("a command before connect").into());
        }
        let answer = match request {
            Request::Connect(connect) => {
                return self.connect(cx, conn, client, id, &connect.token);
            }
            Request::Subscribe(subscribe) => {
                return self.subscribe(cx, conn, client, id, &subscribe);
            }
            Request::Unsubscribe(unsubscribe) => {
                let topic = Topic::new(named(&unsubscribe.channel)?);
                client.revoke(&topic);
                cx.unsubscribe(conn, topic);
                Answer::Unsubscribe
            }
            Request::Publish(publish) => return self.publish(cx, conn, client, id, &publish),
            Request::Presence(presence) => {
                named(&presence.channel)?;
                return Err(ErrorCode::NotAvailable.into());
            }
            Request::Refresh(_) | Request::SubRefresh(_) => {
                return Err(ErrorCode::NotAvailable.into());
            }
            Request::Rpc => return Err(ErrorCode::MethodNotFound.into()),
            Request::Send => return Err(Disconnect::NotAvailable.into()),
            Request::Ping => Answer::Ping,
            Request::Pong => {
                let Vigil::Pong { next, .. } = client.vigil else {
                    return Err(Disconnect::BadRequest("a pong without a ping").into());
                };
                client.vigil = Vigil::Ping { at: next };
                arm(cx, conn, client);
                return Ok(None);
            }
            Request::Several => return Err(ErrorCode::BadRequest.into()),
        };
        self.replies.push(id, answer);
        Ok(None)
    }

    fn connect(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        id: u32,
        token: &str,
    ) -> Outcome {
        if client.user.is_some() {
            return Err(Disconnect::BadRequest("a second connect").into());
        }
        let identity = access::identify(token)?;
        client.user = Some(identity.user);
        client.expires = identity.lease.map(|lease| lease.until);
        client.vigil = Vigil::Ping { at: self.pace.first(cx.now(), cx.random()) };
        arm(cx, conn, client);
        let name = client.id.to_string();
        let connected = Connected::new(&name, identity.lease.into(), self.pace.announced());
        self.replies.push(id, Answer::Connect(connected));
        Ok(None)
    }

    fn subscribe(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        id: u32,
        subscribe: &Subscribe<'_>,
    ) -> Outcome {
        let name = named(&subscribe.channel)?;
        if !channel::is_name(name, self.topic_bytes_max) {
            return Err(ErrorCode::BadRequest.into());
        }
        let topic = Topic::new(name);
        if cx.is_member(conn, &topic) {
            return Err(ErrorCode::AlreadySubscribed.into());
        }
        if channel::is_ours(name) && !client.is_here {
            return Err(ErrorCode::PermissionDenied.into());
        }
        let user = client.user.as_deref().unwrap_or_default();
        let lease = access::admit(name, user, &subscribe.token)?;
        cx.subscribe(conn, &topic);
        let awaited = Awaited { id, topic, lease };
        if !cx.is_member(conn, &awaited.topic) {
            return Ok(Some(awaited));
        }
        self.subscribed(cx, conn, client, &awaited);
        Ok(None)
    }

    fn subscribed(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        awaited: &Awaited,
    ) {
        client.grant(&awaited.topic, awaited.lease);
        arm(cx, conn, client);
        self.replies.push(awaited.id, Answer::Subscribe(awaited.lease.into()));
    }

    fn publish(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &Client,
        id: u32,
        publish: &Publish<'_>,
    ) -> Outcome {
        let name = named(&publish.channel)?;
        let data = publish.data.ok_or(Disconnect::BadRequest("a publish has no data"))?;
        let topic = Topic::new(name);
        if channel::is_ours(name) || !cx.is_member(conn, &topic) {
            return Err(ErrorCode::PermissionDenied.into());
        }
        if command::is_too_deep(data) {
            return Err(ErrorCode::BadRequest.into());
        }
        if self.replies.is_awaited() {
            self.flush(cx, conn)?;
        }
        let user = client.user.as_deref().unwrap_or_default();
        let publisher = Publisher { user, client: &client.id.to_string() };
        let message = reply::publication(name, data, Some(publisher));
        if message.frame().len() > self.outbox_bytes_max {
            return Err(ErrorCode::LimitExceeded.into());
        }
        if !cx.publish(topic, message) {
            return Err(ErrorCode::TooManyRequests.into());
        }
        self.replies.push(id, Answer::Publish);
        Ok(None)
    }

    /// Sends the replies that there are.
    fn flush(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Result<(), Disconnect> {
        let is_taken = self.replies.take().is_none_or(|replies| cx.send(conn, replies));
        is_taken.then_some(()).ok_or(Disconnect::Slow)
    }

    /// Answers what was done, and keeps the client or lets it go.
    fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: Box<Client>,
        done: Result<(), Disconnect>,
    ) {
        let answered = self.flush(cx, conn);
        match done.and(answered) {
            Ok(()) => self.clients.put(conn, client),
            Err(disconnect) => {
                tracing::debug!(%conn, %disconnect, "let go");
                cx.close(conn, disconnect.code(), &disconnect.reason());
            }
        }
    }

    /// A subscription that was waited for is decided: goes on with what waited behind it.
    fn decided(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic, is_member: bool) {
        let Some(mut client) = self.clients.take(conn) else { return };
        let done = match client.waiting.take() {
            Some(waiting) if waiting.awaited.topic == *topic => {
                let Waiting { awaited, place, later, .. } = *waiting;
                if is_member {
                    self.subscribed(cx, conn, &mut client, &awaited);
                } else {
                    self.replies.push(awaited.id, Answer::Error(ErrorCode::LimitExceeded));
                }
                self.work(cx, conn, &mut client, place, later)
            }
            other => {
                client.waiting = other;
                Ok(())
            }
        };
        self.conclude(cx, conn, client, done);
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
        if client.subscriptions_expire.iter().any(|(_, at)| *at <= now) {
            return Err(Disconnect::SubscriptionExpired);
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
        arm(cx, conn, client);
        Ok(())
    }
}

impl Service for Centrifugo {
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Upgrade) {
        let id = ClientId(u128::from(cx.random()) << 64 | u128::from(cx.random()));
        let connect_until = cx.now() + CONNECT_TIMEOUT;
        let client = Client::new(id, loopback::is_asked_by(request), connect_until);
        arm(cx, conn, &client);
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
        // It may have been told of an earlier membership.
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

/// Has the connection's timer wake when the next thing is due for its client.
fn arm(cx: &mut Context<'_>, conn: ConnId, client: &Client) {
    cx.set_timer(Timer::Connection(conn), Some(client.deadline()));
}

/// The name of a channel, which a command that needs one must have.
fn named(channel: &str) -> Result<&str, Disconnect> {
    if channel.is_empty() {
        return Err(Disconnect::BadRequest("a command has no channel"));
    }
    Ok(channel)
}
