//! A service that does what peers tell it, and remembers everything.

use std::{collections::BTreeMap, slice};

use fanlight_core::{
    Admission, Audience, CloseCode, CloseReason, ConnId, Context, Message, Refusal, Request, Seq,
    Service, ShardId, Timer, Topic,
};

/// What a service was told about a connection, or did to it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// `on_request`.
    Requested,
    /// `on_open`.
    Opened,
    /// `on_message`, with the text.
    Message(String),
    /// `on_subscribed`.
    Subscribed(Topic, Seq),
    /// `on_subscription_refused`.
    Declined(Topic),
    /// `on_timer`.
    Timer,
    /// `on_close`.
    Closed(CloseReason),
    /// The application asked for a membership while it was open.
    Joined(Topic),
    /// The application closed it or kicked it while it was open.
    Ended,
    /// The application ended its membership; it had been queued so many messages of any kind.
    Left(Topic, usize),
}

impl Heard {
    /// Where a subscription stood when it was told.
    pub fn seq(&self) -> Option<Seq> {
        if let Self::Subscribed(_, seq) = self { Some(*seq) } else { None }
    }

    /// Whether the service was told of the connection with this.
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Requested | Self::Opened)
    }

    /// What the peer said.
    pub fn message(&self) -> Option<&String> {
        if let Self::Message(text) = self { Some(text) } else { None }
    }

    /// The topic that this is about, if it is about one.
    pub fn topic(&self) -> Option<&Topic> {
        match self {
            Self::Subscribed(topic, _)
            | Self::Declined(topic)
            | Self::Joined(topic)
            | Self::Left(topic, _) => Some(topic),
            Self::Requested
            | Self::Opened
            | Self::Message(_)
            | Self::Timer
            | Self::Closed(_)
            | Self::Ended => None,
        }
    }
}

/// Something published, or sent to one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// For whom, as [`Script::label`] names it.
    pub label: String,
    /// The whole text.
    pub text: String,
    /// Who was left out.
    pub except: Option<ConnId>,
}

/// A service whose peers tell it what to do.
///
/// The path of a request says whether it is admitted: `/wait` is left undecided, `/refuse` refused,
/// `/user/NAME` admitted as that user, everything else admitted. A message's first words say what
/// is done: `say TOPIC`, `join TOPIC`, `echo`, `bye`, `kick`; everything else is only heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The shard's own timer has no connection.
    log: BTreeMap<Option<ConnId>, Vec<Heard>>,
    said: Vec<Said>,
    numbers: u64,
    is_mute: bool,
}

impl Script {
    /// What happened to one connection, in order.
    pub fn about(&self, conn: ConnId) -> slice::Iter<'_, Heard> {
        self.log.get(&Some(conn)).map(|heard| heard.iter()).unwrap_or_default()
    }

    /// How many timers have expired, the shard's own among them.
    pub fn timers(&self) -> usize {
        self.log.values().flatten().filter(|heard| **heard == Heard::Timer).count()
    }

    /// What was said from here, in order.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// Notes something that happened to a connection.
    pub fn note(&mut self, conn: ConnId, heard: Heard) {
        self.log.entry(Some(conn)).or_default().push(heard);
    }

    /// From now on it publishes and sends nothing.
    pub fn fall_mute(&mut self) {
        self.is_mute = true;
    }

    /// How texts name an audience.
    pub fn label(audience: &Audience) -> String {
        match audience {
            Audience::Everyone => "everyone".into(),
            Audience::Topic(topic) => topic.to_string(),
        }
    }

    /// The next text of this shard for `label`: no two are equal, and those of one shard for one
    /// label are numbered upwards.
    pub fn compose(&mut self, shard: ShardId, label: String, padding: usize) -> Said {
        self.numbers += 1;
        let text = format!("{label}|{}|{} {}", shard.0, self.numbers, "x".repeat(padding));
        Said { label, text, except: None }
    }

    /// Notes that something was taken to be published or sent.
    pub fn note_said(&mut self, said: Said) {
        self.said.push(said);
    }

    /// The label, the shard and the number of a text that was made by [`compose`](Self::compose).
    pub fn parse(text: &str) -> Option<(&str, u8, u64)> {
        let (name, _) = text.split_once(' ')?;
        let (rest, number) = name.rsplit_once('|')?;
        let (label, shard) = rest.rsplit_once('|')?;
        Some((label, shard.parse().ok()?, number.parse().ok()?))
    }

    fn publish(&mut self, cx: &mut Context<'_>, audience: &Audience) {
        let said = self.compose(cx.shard(), Self::label(audience), 0);
        if cx.publish_except(audience.clone(), Message::text(&said.text), None) {
            self.note_said(said);
        }
    }

    fn echo(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let said = self.compose(cx.shard(), format!("direct:{}", conn.as_u64()), 0);
        cx.send(conn, Message::text(&said.text));
        self.note_said(said);
    }
}

impl Service for Script {
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        self.note(conn, Heard::Requested);
        if !request.is_upgrade() {
            cx.refuse(conn, Refusal::upgrade_required());
            return;
        }
        match request.path() {
            "/wait" => {}
            "/refuse" => cx.refuse(conn, Refusal::forbidden_origin()),
            path => {
                let user = path.strip_prefix("/user/").map(Topic::user);
                cx.admit(conn, Admission { user, ..Admission::default() });
            }
        }
    }

    fn on_open(&mut self, _cx: &mut Context<'_>, conn: ConnId) {
        self.note(conn, Heard::Opened);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        let text = message.as_text().unwrap_or_default().to_owned();
        let mut words = text.split(' ');
        let verb = words.next().unwrap_or_default();
        let topic = words.next().unwrap_or_default();
        self.note(conn, Heard::Message(text.clone()));
        match verb {
            "say" if !self.is_mute && topic == "everyone" => self.publish(cx, &Audience::Everyone),
            "say" if !self.is_mute => self.publish(cx, &topic.into()),
            "echo" if !self.is_mute => self.echo(cx, conn),
            "join" => {
                self.note(conn, Heard::Joined(topic.into()));
                cx.subscribe(conn, topic);
            }
            "bye" => {
                self.note(conn, Heard::Ended);
                cx.close(conn, CloseCode::Normal, "bye");
            }
            "kick" => {
                self.note(conn, Heard::Ended);
                cx.kick(conn, CloseCode::Policy, "out");
            }
            _ => {}
        }
    }

    fn on_subscribed(&mut self, _cx: &mut Context<'_>, conn: ConnId, topic: &Topic, seq: Seq) {
        self.note(conn, Heard::Subscribed(topic.clone(), seq));
    }

    fn on_subscription_refused(&mut self, _cx: &mut Context<'_>, conn: ConnId, topic: &Topic) {
        self.note(conn, Heard::Declined(topic.clone()));
    }

    fn on_close(&mut self, _cx: &mut Context<'_>, conn: ConnId, reason: &CloseReason) {
        self.note(conn, Heard::Closed(reason.clone()));
    }

    fn on_timer(&mut self, _cx: &mut Context<'_>, timer: Timer) {
        let conn = match timer {
            Timer::Connection(conn) => Some(conn),
            Timer::Shard => None,
        };
        self.log.entry(conn).or_default().push(Heard::Timer);
    }
}
