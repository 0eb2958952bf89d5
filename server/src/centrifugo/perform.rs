//! What each command does.

use fanlight_core::{ConnId, Context, Topic};

use super::{
    Centrifugo,
    access::{Access, Denial, Identity},
    channel,
    client::{Asked, Awaited, Client, Entry, Lease, Vigil},
    code::{Disconnect, ErrorCode},
    command::{self, Publish, Request, Subscribe},
    reply::{self, Answer, Connected, Publisher, Refreshed},
};

/// What comes of a command that was not denied.
#[derive(Debug)]
pub(super) enum Outcome {
    Answer(Answer),
    /// It is none that is answered.
    Nothing,
    Wait(Awaited),
}

impl Centrifugo {
    /// Does a command.
    ///
    /// # Errors
    ///
    /// Why it was not done, and whether the connection goes on.
    pub(super) fn perform(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        request: Request<'_>,
    ) -> Result<Outcome, Denial> {
        if client.user.is_none() && !matches!(request, Request::Connect(_)) {
            return Err(Disconnect::BadRequest("a command before connect").into());
        }
        match request {
            Request::Connect(connect) => self.connect(cx, conn, client, &connect.token),
            Request::Subscribe(subscribe) => self.subscribe(cx, conn, client, &subscribe),
            Request::Unsubscribe(unsubscribe) => {
                let topic = Topic::new(named(&unsubscribe.channel)?);
                client.revoke(&topic);
                cx.unsubscribe(conn, topic);
                Ok(Outcome::Answer(Answer::Unsubscribe))
            }
            Request::Publish(publish) => self.publish(cx, conn, client, &publish),
            Request::Kept(kept) => {
                named(&kept.channel)?;
                Err(ErrorCode::NotAvailable.into())
            }
            Request::Refresh(refresh) => self.refresh(cx, conn, client, &refresh.token),
            Request::SubRefresh(refresh) => self.sub_refresh(cx, conn, client, &refresh),
            Request::Rpc => Err(ErrorCode::MethodNotFound.into()),
            // There is no application that would hear it.
            Request::Send => Err(Disconnect::NotAvailable.into()),
            Request::Ping => Ok(Outcome::Answer(Answer::Ping)),
            Request::Pong => {
                let Vigil::Pong { next, .. } = client.vigil else {
                    return Err(Disconnect::BadRequest("a pong without a ping").into());
                };
                client.vigil = Vigil::Ping { at: next };
                client.arm(cx, conn);
                Ok(Outcome::Nothing)
            }
            Request::Several => Err(ErrorCode::BadRequest.into()),
        }
    }

    /// Goes on with a command when a channel's home has answered.
    ///
    /// # Errors
    ///
    /// As [`perform`](Self::perform).
    pub(super) fn resume(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        awaited: Awaited,
        is_member: bool,
    ) -> Result<Outcome, Denial> {
        match awaited.asked {
            Asked::Subscribe(lease) if is_member => {
                Ok(subscribed(cx, conn, client, &awaited.topic, lease))
            }
            Asked::Subscribe(_) => Err(ErrorCode::LimitExceeded.into()),
            Asked::Connect(mut entry) if is_member => {
                entry.joined += 1;
                self.enter(cx, conn, client, entry)
            }
            Asked::Connect(_) => Err(Disconnect::ChannelLimit.into()),
        }
    }

    fn connect(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        token: &str,
    ) -> Result<Outcome, Denial> {
        if client.user.is_some() {
            return Err(Disconnect::BadRequest("a second connect").into());
        }
        let Identity { user, lease, channels } = self.access.identify(cx.now(), token)?;
        if !channels.iter().all(|name| channel::is_name(name, self.topic_bytes_max)) {
            return Err(Disconnect::InvalidToken.into());
        }
        let channels = channels.into_iter().map(Topic::new).collect();
        self.enter(cx, conn, client, Entry { user, lease, channels, joined: 0 })
    }

    /// Joins the channels of a connect, as far as nobody has to be asked, and when the client has
    /// them all lets it in.
    fn enter(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        mut entry: Entry,
    ) -> Result<Outcome, Denial> {
        while let Some(topic) = entry.channels.get(entry.joined) {
            cx.subscribe(conn, topic);
            if !cx.is_member(conn, topic) {
                let topic = topic.clone();
                return Ok(Outcome::Wait(Awaited { topic, asked: Asked::Connect(entry) }));
            }
            entry.joined += 1;
        }
        client.user = Some(entry.user);
        client.expires = entry.lease.map(|lease| lease.until);
        client.vigil = Vigil::Ping { at: self.pace.first(cx.now(), cx.random()) };
        client.arm(cx, conn);
        Ok(Outcome::Answer(Answer::Connect(Connected {
            client: client.id,
            expiry: entry.lease.into(),
            subs: entry.channels,
            ping: self.pace.announced(),
        })))
    }

    fn subscribe(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        subscribe: &Subscribe<'_>,
    ) -> Result<Outcome, Denial> {
        let name = named(&subscribe.channel)?;
        if !channel::is_name(name, self.topic_bytes_max) {
            return Err(ErrorCode::BadRequest.into());
        }
        let topic = Topic::new(name);
        if cx.is_member(conn, &topic) {
            return Err(ErrorCode::AlreadySubscribed.into());
        }
        if subscribe.asks_for_more() {
            return Err(ErrorCode::NotAvailable.into());
        }
        if channel::is_ours(name) && !client.is_here {
            return Err(ErrorCode::PermissionDenied.into());
        }
        let lease = self.access.admit(cx.now(), client, name, &subscribe.token)?;
        cx.subscribe(conn, &topic);
        if cx.is_member(conn, &topic) {
            Ok(subscribed(cx, conn, client, &topic, lease))
        } else {
            Ok(Outcome::Wait(Awaited { topic, asked: Asked::Subscribe(lease) }))
        }
    }

    fn publish(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &Client,
        publish: &Publish<'_>,
    ) -> Result<Outcome, Denial> {
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
        let publisher = Publisher { user: client.user(), client: client.id };
        let message = reply::publication(name, data, Some(publisher));
        if message.frame().len() > self.outbox_bytes_max {
            return Err(ErrorCode::LimitExceeded.into());
        }
        if !cx.publish(topic, message) {
            return Err(ErrorCode::TooManyRequests.into());
        }
        Ok(Outcome::Answer(Answer::Publish))
    }

    fn refresh(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        token: &str,
    ) -> Result<Outcome, Denial> {
        if matches!(self.access, Access::Anonymous) {
            return Err(ErrorCode::NotAvailable.into());
        }
        if token.is_empty() {
            return Err(Disconnect::BadRequest("a refresh has no token").into());
        }
        let Identity { user, lease, .. } = match self.access.identify(cx.now(), token) {
            // Its SDKs take an error here for the end, but come again after this with a new token.
            Err(Denial::Error(ErrorCode::TokenExpired)) => return Err(Disconnect::Expired.into()),
            identified => identified?,
        };
        if *user != *client.user() {
            return Err(Disconnect::InvalidToken.into());
        }
        client.expires = lease.map(|lease| lease.until);
        client.arm(cx, conn);
        let refreshed = Refreshed { client: client.id, expiry: lease.into() };
        Ok(Outcome::Answer(Answer::Refresh(refreshed)))
    }

    fn sub_refresh(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        client: &mut Client,
        refresh: &Subscribe<'_>,
    ) -> Result<Outcome, Denial> {
        let name = named(&refresh.channel)?;
        let topic = Topic::new(name);
        if !cx.is_member(conn, &topic) {
            return Err(ErrorCode::PermissionDenied.into());
        }
        if refresh.token.is_empty() {
            return Err(ErrorCode::BadRequest.into());
        }
        let lease = self.access.admit(cx.now(), client, name, &refresh.token)?;
        client.grant(&topic, lease);
        client.arm(cx, conn);
        Ok(Outcome::Answer(Answer::SubRefresh(lease.into())))
    }
}

/// The client is in the channel, for as long as the lease says.
fn subscribed(
    cx: &mut Context<'_>,
    conn: ConnId,
    client: &mut Client,
    topic: &Topic,
    lease: Option<Lease>,
) -> Outcome {
    if lease.is_some() {
        client.grant(topic, lease);
        client.arm(cx, conn);
    }
    Outcome::Answer(Answer::Subscribe(lease.into()))
}

/// The name of a channel, which a command that needs one must have.
fn named(channel: &str) -> Result<&str, Disconnect> {
    if channel.is_empty() {
        return Err(Disconnect::BadRequest("a command has no channel"));
    }
    Ok(channel)
}
