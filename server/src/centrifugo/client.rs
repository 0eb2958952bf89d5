//! One client as its shard knows it.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use fanlight_core::{ConnId, Context, Instant, Message, Timer, Topic};
use serde::{Serialize, Serializer};

use super::{code::Disconnect, reply::Expiry};

/// Most bytes of messages that wait until a subscription is decided.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// What is known of a client: while it is idle, this and nothing else.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: ClientId,
    /// Who it is, once it has said so; empty for whoever is anonymous.
    pub(super) user: Option<Arc<str>>,
    /// Whether it is a program on this machine that asked for this machine by a name of its own.
    pub(super) is_here: bool,
    pub(super) vigil: Vigil,
    /// When its connection token has expired, and the time to refresh it too.
    pub(super) expires: Option<Instant>,
    /// The same of subscription tokens.
    pub(super) subscriptions_expire: Vec<(Topic, Instant)>,
    /// What waits until a subscription is decided.
    pub(super) waiting: Option<Box<Waiting>>,
}

/// What the client's silence leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vigil {
    /// It has to say who it is.
    Connect { until: Instant },
    /// It is asked whether it is there.
    Ping { at: Instant },
    /// It has to answer that; when it is asked again is known.
    Pong { until: Instant, next: Instant },
}

/// A name of a client that others see, drawn anew for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientId(u64, u64);

impl ClientId {
    pub(super) const fn new(high: u64, low: u64) -> Self {
        Self(high, low)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0, self.1)
    }
}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// For how long something is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    seconds: u32,
    /// When it is over, with the time that is given to refresh it.
    pub(super) until: Instant,
}

impl Lease {
    /// How much longer than its token something is granted, so that a refresh can come.
    const GRACE: Duration = Duration::from_secs(25);

    pub(super) fn new(now: Instant, seconds: u32) -> Self {
        Self { seconds, until: now + Duration::from_secs(seconds.into()) + Self::GRACE }
    }
}

impl From<Option<Lease>> for Expiry {
    fn from(lease: Option<Lease>) -> Self {
        Self(lease.map(|lease| lease.seconds))
    }
}

impl Client {
    /// A client that has to say who it is until `connect_until`.
    pub(super) fn new(id: ClientId, is_here: bool, connect_until: Instant) -> Self {
        Self {
            id,
            user: None,
            is_here,
            vigil: Vigil::Connect { until: connect_until },
            expires: None,
            subscriptions_expire: Vec::new(),
            waiting: None,
        }
    }

    /// Who it is; empty for whoever is anonymous or has not said so.
    pub(super) fn user(&self) -> &str {
        self.user.as_deref().unwrap_or_default()
    }

    /// Has its connection's timer wake when the next thing is due for it.
    pub(super) fn arm(&self, cx: &mut Context<'_>, conn: ConnId) {
        let vigil = match self.vigil {
            Vigil::Connect { until } | Vigil::Pong { until, .. } => until,
            Vigil::Ping { at } => at,
        };
        let subscriptions = self.subscriptions_expire.iter().map(|(_, at)| *at);
        let nearest = subscriptions.chain(self.expires).fold(vigil, Instant::min);
        cx.set_timer(Timer::Connection(conn), Some(nearest));
    }

    /// Begins or renews the time for which the client may be in a channel; `None` is for ever.
    pub(super) fn grant(&mut self, topic: &Topic, lease: Option<Lease>) {
        self.revoke(topic);
        if let Some(lease) = lease {
            self.subscriptions_expire.push((topic.clone(), lease.until));
        }
    }

    /// Takes the channels for which that time is over.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<Topic> {
        let expired = self.subscriptions_expire.extract_if(.., |(_, at)| *at <= now);
        expired.map(|(topic, _)| topic).collect()
    }

    /// Ends that time.
    pub(super) fn revoke(&mut self, topic: &Topic) {
        self.subscriptions_expire.retain(|(other, _)| other != topic);
    }
}

/// What waits while a command of the client waits for a channel's home to answer. The commands
/// after it are done when it is: so answers come in order, and whoever is answered that it has a
/// channel has it.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The command's number.
    pub(super) id: u32,
    pub(super) awaited: Awaited,
    pub(super) place: Place,
    pub(super) later: VecDeque<Message>,
    later_bytes: usize,
}

/// The channel whose home is to answer, and what it was asked for.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) topic: Topic,
    pub(super) asked: Asked,
}

#[derive(Debug)]
pub(super) enum Asked {
    /// To subscribe to it, for as long as the lease says.
    Subscribe(Option<Lease>),
    /// To connect with it and others.
    Connect(Entry),
}

/// A connect on its way.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) user: Arc<str>,
    pub(super) lease: Option<Lease>,
    /// What the connection is subscribed to from the beginning.
    pub(super) channels: Vec<Topic>,
    /// To how many of them it is by now.
    pub(super) joined: usize,
}

/// How far the commands in a message have been done.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) message: Message,
    /// Where the next one begins.
    pub(super) at: usize,
    /// How many there were before it.
    pub(super) commands: usize,
}

impl Place {
    pub(super) fn beginning(message: Message) -> Self {
        Self { message, at: 0, commands: 0 }
    }
}

impl Waiting {
    pub(super) fn new(id: u32, awaited: Awaited, place: Place, later: VecDeque<Message>) -> Self {
        let later_bytes = later.iter().map(|message| message.frame().len()).sum();
        Self { id, awaited, place, later, later_bytes }
    }

    /// Has a message wait behind what waits already.
    ///
    /// # Errors
    ///
    /// If that is too much.
    pub(super) fn push(&mut self, message: Message) -> Result<(), Disconnect> {
        self.later_bytes += message.frame().len();
        if self.later_bytes > WAITING_BYTES_MAX {
            return Err(Disconnect::TooManyRequests);
        }
        self.later.push_back(message);
        Ok(())
    }
}

/// The clients of one shard, found by their slot without hashing. A slot without one costs a
/// pointer.
#[derive(Debug, Default)]
pub(super) struct Clients(Vec<Option<Box<Client>>>);

impl Clients {
    pub(super) fn put(&mut self, conn: ConnId, client: Box<Client>) {
        let index = conn.index();
        if self.0.len() <= index {
            self.0.resize_with(index + 1, || None);
        }
        self.0[index] = Some(client);
    }

    pub(super) fn take(&mut self, conn: ConnId) -> Option<Box<Client>> {
        self.0.get_mut(conn.index())?.take()
    }

    #[cfg(test)]
    pub(super) fn is_waiting(&self, conn: ConnId) -> bool {
        self.0
            .get(conn.index())
            .is_some_and(|client| client.as_ref().is_some_and(|client| client.waiting.is_some()))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.iter().flatten().count()
    }
}
