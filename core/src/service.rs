//! What an application is to a hub.

use std::time::Duration;

use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::{
    command::{Command, Commands},
    event::{Drain, Event, Publish, Timer},
    hub::{Hub, Membership},
    id::{ConnId, ShardId},
    reason::CloseReason,
    stats::Stats,
    time::Instant,
    topic::{Audience, Seq, Topic},
    wire::{Admission, Message, Refusal, Request},
};

/// An application: what is done when something happens on one shard.
///
/// There is one instance a shard, so its state is split as the connections are, and needs no lock.
/// Methods run on the shard's own turn and must not block. Every method has a default, so an
/// application states only what it cares about. A method that panics ends the connection that it
/// was about (500 or 1011), and no other; a timer that panicked is not set any more.
///
/// ```
/// use fanlight_core::{ConnId, Context, Message, Service};
///
/// struct Chat;
///
/// impl Service for Chat {
///     fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         cx.subscribe(conn, "lobby");
///     }
///     fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
///         cx.publish("lobby", message);
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the names are documentation")]
pub trait Service {
    /// The shard begins, and has no connection yet: the place to set its timer.
    fn on_start(&mut self, cx: &mut Context<'_>) {}

    /// A peer asks for something: an upgrade, or with a plain GET a page.
    ///
    /// Answer with [`Context::admit`] or [`Context::refuse`], now or within `decision_timeout`;
    /// past that the answer is 503. By default upgrades are admitted, unless a page of another site asks (403); a plain request
    /// is told that an upgrade is needed (426).
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        if !request.is_upgrade() {
            cx.refuse(conn, Refusal::upgrade_required());
        } else if !request.is_same_origin() {
            cx.refuse(conn, Refusal::forbidden_origin());
        } else {
            cx.admit(conn, Admission::default());
        }
    }

    /// The connection is open: messages can be sent and will come.
    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {}

    /// The peer sent a message.
    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {}

    /// The connection has become a member of the topic and is given all that is published to it
    /// after `seq`. Not called for a membership that the service has ended by then.
    fn on_subscribed(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic, seq: Seq) {}

    /// The connection has not become a member: it has `subscriptions_max` topics, the shard has
    /// `topics_max`, or the name is longer than `topic_bytes_max` or empty.
    fn on_subscription_refused(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic) {}

    /// The connection has ended, and will not be heard of again. Called once for each connection
    /// that [`on_request`](Self::on_request) or [`on_open`](Self::on_open) was called for, unless
    /// the whole house is stopped at once.
    fn on_close(&mut self, cx: &mut Context<'_>, conn: ConnId, reason: &CloseReason) {}

    /// A timer has expired. It is no longer set; set it again for another round.
    fn on_timer(&mut self, cx: &mut Context<'_>, timer: Timer) {}
}

/// How an application asks for things while one of its methods runs.
///
/// What is asked for a connection that is gone is counted and otherwise ignored: a race with a
/// leaving peer is nobody's fault.
#[derive(Debug)]
pub struct Context<'a> {
    hub: &'a mut Hub,
    now: Instant,
    commands: &'a mut Commands,
    /// The connection whose input is being handled.
    from: Option<ConnId>,
}

impl<'a> Context<'a> {
    /// A context for what happens at `now`; `from` is the connection whose input is handled.
    pub fn new(
        hub: &'a mut Hub,
        now: Instant,
        commands: &'a mut Commands,
        from: Option<ConnId>,
    ) -> Self {
        Self { hub, now, commands, from }
    }

    /// The moment at which this turn's events happened. Timers are set relative to it.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The shard on which this runs.
    pub fn shard(&self) -> ShardId {
        self.hub.seat().shard
    }

    /// The next number of the shard's seeded generator: the same in every run with the same seed
    /// and inputs. Not for secrets.
    pub fn random(&mut self) -> u64 {
        self.hub.random()
    }

    /// What this shard has counted so far.
    pub fn stats(&self) -> &Stats {
        self.hub.stats()
    }

    /// Whether this shard gives the topic its order: one shard of the house does.
    pub fn is_home(&self, topic: &Topic) -> bool {
        self.hub.seat().home_of(topic) == self.hub.seat().shard
    }

    /// Whether the topic has members on any shard, as far as its home knows; `false` elsewhere.
    ///
    /// With it, a service says what is costly to make only while somebody listens: on the one
    /// shard that [is the home](Self::is_home).
    pub fn has_members(&self, topic: &Topic) -> bool {
        self.hub.has_members(topic)
    }

    /// The last measured time between a ping to a connection of this shard and its pong.
    pub fn round_trip(&self, conn: ConnId) -> Option<Duration> {
        self.hub.round_trip(conn)
    }

    /// Whether a connection of this shard is a member of the topic by now: not while
    /// [`on_subscribed`](Service::on_subscribed) is still to be decided elsewhere.
    pub fn is_member(&self, conn: ConnId, topic: &Topic) -> bool {
        self.hub.has_joined(conn, topic)
    }

    /// Lets a requested connection open. A plain request is answered with 426 instead.
    pub fn admit(&mut self, conn: ConnId, admission: Admission) {
        self.tell(Event::Admit(conn, admission));
    }

    /// Answers a request with `refusal`, which may be a page with status 200, and ends it.
    pub fn refuse(&mut self, conn: ConnId, refusal: Refusal) {
        self.tell(Event::Refuse(conn, refusal));
    }

    /// Makes a connection a member of a topic.
    pub fn subscribe(&mut self, conn: ConnId, topic: impl Into<Topic>) {
        self.tell(Event::Subscribe(conn, topic.into()));
    }

    /// Ends a connection's membership of a topic: what was queued for it before still reaches it.
    pub fn unsubscribe(&mut self, conn: ConnId, topic: impl Into<Topic>) {
        self.tell(Event::Unsubscribe(conn, topic.into()));
    }

    /// Queues a message for one connection of any shard, once it is open and until it closes;
    /// before and after it is ignored.
    ///
    /// Returns whether it was taken. It is not if it is longer than `outbox_bytes_max`, and never
    /// will be; or if the connection's shard is so far behind that it would break a bound
    /// (`parcel_bytes_max`).
    pub fn send(&mut self, conn: ConnId, message: Message) -> bool {
        let is_taken = self.hub.fits(&message) && self.hub.has_room_for_one(conn);
        if is_taken {
            self.tell(Event::Send(conn, message));
        }
        self.slow_down();
        is_taken
    }

    /// Queues a message for all members of a topic, wherever they live.
    ///
    /// All members see the messages of a topic in one order. Between topics, and between a publish
    /// and a [`send`](Self::send), there is none.
    ///
    /// Returns whether it was taken, not whether anybody is a member. It is not if it is longer
    /// than `outbox_bytes_max`, or the name is one that no topic can have, and never will be; or if
    /// the house is so far behind that it would break a bound (`parcel_bytes_max`). Nobody is sent
    /// it then.
    pub fn publish(&mut self, audience: impl Into<Audience>, message: Message) -> bool {
        self.publish_except(audience, message, None)
    }

    /// Queues a message for every open connection of the house; see [`publish`](Self::publish).
    ///
    /// There is one service a shard: what is to be said once must be said by one of them.
    pub fn publish_to_everyone(&mut self, message: Message) -> bool {
        self.publish_except(Audience::Everyone, message, None)
    }

    /// Like [`publish`](Self::publish), but leaves one connection out, if there is one.
    pub fn publish_except(
        &mut self,
        audience: impl Into<Audience>,
        message: Message,
        except: Option<ConnId>,
    ) -> bool {
        let audience = audience.into();
        let hub = &self.hub;
        let is_taken =
            hub.fits(&message) && hub.is_audience(&audience) && hub.has_room_for(&audience);
        if is_taken {
            self.tell(Event::Publish(Publish { audience, message, except }));
        }
        self.slow_down();
        is_taken
    }

    /// Closes a connection after everything that is queued for it has been sent. Nothing more is
    /// heard of it but its end.
    ///
    /// A reason longer than 123 bytes is cut; a code that must not be sent (RFC 6455, section
    /// 7.4.1: 1004 to 1006, 1015, below 1000 and more) is left out, so the peer reads 1005.
    ///
    /// ```
    /// use fanlight_core::{CloseCode, ConnId, Context};
    ///
    /// fn show_out(cx: &mut Context<'_>, conn: ConnId) {
    ///     // 4000 to 4999 mean what an application wants them to.
    ///     cx.close(conn, CloseCode::from(4001), "somebody else has your seat");
    /// }
    /// ```
    pub fn close(&mut self, conn: ConnId, code: CloseCode, reason: &str) {
        self.tell(Event::Close(conn, CloseFrame { code, reason: reason.into() }));
    }

    /// Closes a connection at once: what is queued for it is dropped.
    pub fn kick(&mut self, conn: ConnId, code: CloseCode, reason: &str) {
        self.tell(Event::Kick(conn, CloseFrame { code, reason: reason.into() }));
    }

    /// Reads a connection no more until [`resume`](Self::resume): the peer feels its transport fill
    /// up. What has been read already still comes, up to `read_bytes_max` bytes of it.
    ///
    /// The peer's silence does not count meanwhile, so nothing but this service ends the pause of a
    /// peer that sends nothing and is sent nothing.
    pub fn pause(&mut self, conn: ConnId) {
        self.tell(Event::Pause(conn));
    }

    /// Reads a connection again. The time of a message that has begun begins anew.
    pub fn resume(&mut self, conn: ConnId) {
        self.tell(Event::Resume(conn));
    }

    /// Sets, moves or stops the timer of this shard, or that of a connection. A connection's timer
    /// runs from its request on, and ends when the connection begins to close.
    pub fn set_timer(&mut self, timer: Timer, at: Option<Instant>) {
        self.tell(Event::SetTimer(timer, at));
    }

    /// Ends this shard gracefully, and no other: a handle's drain ends them all.
    pub fn drain(&mut self, drain: Drain) {
        self.tell(Event::Drain(drain));
    }

    /// Has the connection whose input is being handled wait if the house cannot keep up.
    fn slow_down(&mut self) {
        if let Some(conn) = self.from.filter(|_| self.hub.is_short_of_credit()) {
            self.tell(Event::AwaitCredit(conn));
        }
    }

    fn tell(&mut self, event: Event<'_>) {
        self.hub.handle(self.now, event, self.commands);
    }
}

/// Gives `command` to `service` if it is addressed to the application, and back if it is not.
///
/// Whoever drives a hub passes every command through here and performs what comes back. Commands
/// are taken from the front of `commands` one by one: what the service does may take some back.
pub fn serve(
    service: &mut impl Service,
    hub: &mut Hub,
    now: Instant,
    command: Command,
    commands: &mut Commands,
) -> Option<Command> {
    let mut cx = Context::new(hub, now, commands, command.input_of());
    match command {
        Command::Requested(conn, request) => {
            if cx.hub.awaits_decision(conn) {
                service.on_request(&mut cx, conn, &request);
            }
        }
        Command::Opened(conn) => service.on_open(&mut cx, conn),
        Command::Deliver(conn, message) => service.on_message(&mut cx, conn, message),
        Command::Subscribed(conn, topic, seq) => {
            // The service may have ended it again meanwhile.
            if cx.hub.membership(conn, &topic) != Membership::None || !cx.hub.is_open(conn) {
                service.on_subscribed(&mut cx, conn, &topic, seq);
            }
        }
        Command::SubscriptionRefused(conn, topic) => {
            service.on_subscription_refused(&mut cx, conn, &topic);
        }
        Command::Closed(closed) => {
            if closed.was_known {
                service.on_close(&mut cx, closed.conn, &closed.reason);
            }
        }
        Command::Timer(timer) => service.on_timer(&mut cx, timer),
        Command::Pause(_)
        | Command::Resume(_)
        | Command::Shutdown(_)
        | Command::Disconnect(_)
        | Command::Drained
        | Command::Forward(..) => return Some(command),
    }
    None
}
