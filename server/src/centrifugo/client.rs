//! One client as its shard knows it.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use fanlight_core::{ConnId, Instant, Message, Topic};

use super::{code::Disconnect, reply::Expiry};

/// Most bytes of messages that wait until a subscription is decided.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// What is known of a client: while it is idle, this and nothing else.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    /// Who it is, once it has said so; empty for whoever is anonymous.
    pub(crate) user: Option<Arc<str>>,
    /// Whether it is a program on this machine that asked for this machine by a name of its own.
    pub(crate) is_here: bool,
    pub(crate) vigil: Vigil,
    /// When its connection token has expired, and the time to refresh it too.
    pub(crate) expires: Option<Instant>,
    /// The same of subscription tokens.
    pub(crate) subscriptions_expire: Vec<(Topic, Instant)>,
    /// What waits until a subscription is decided.
    pub(crate) waiting: Option<Box<Waiting>>,
}

/// What the client's silence leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vigil {
    /// It has to say who it is.
    Connect { until: Instant },
    /// It is asked whether it is there.
    Ping { at: Instant },
    /// It has to answer that; the next time is known.
    Pong { until: Instant, next: Instant },
}

/// A name of a client that others see, drawn anew for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId(pub(crate) u128);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// For how long something is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) seconds: u32,
    /// When it is over, with the time that is given to refresh it.
    pub(crate) until: Instant,
}

impl Lease {
    /// How long an expired token goes on being good, so that it can be refreshed.
    const GRACE: Duration = Duration::from_secs(25);

    pub(crate) fn new(now: Instant, seconds: u32) -> Self {
        Self { seconds, until: now + Duration::from_secs(seconds.into()) + Self::GRACE }
    }
}

impl From<Option<Lease>> for Expiry {
    fn from(lease: Option<Lease>) -> Self {
        Self(lease.map(|lease| lease.seconds))
    }
}

impl Client {
    pub(crate) fn new(id: ClientId, is_here: bool, connect_until: Instant) -> Self {
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

    /// When something has to be done for it next.
    pub(crate) fn deadline(&self) -> Instant {
        let vigil = match self.vigil {
            Vigil::Connect { until } | Vigil::Pong { until, .. } => until,
            Vigil::Ping { at } => at,
        };
        let subscriptions = self.subscriptions_expire.iter().map(|(_, at)| *at);
        subscriptions.chain(self.expires).fold(vigil, Instant::min)
    }

    /// Begins or renews the time for which the client may be in a channel; `None` is for ever.
    pub(crate) fn grant(&mut self, topic: &Topic, lease: Option<Lease>) {
        self.revoke(topic);
        if let Some(lease) = lease {
            self.subscriptions_expire.push((topic.clone(), lease.until));
        }
    }

    pub(crate) fn revoke(&mut self, topic: &Topic) {
        self.subscriptions_expire.retain(|(other, _)| other != topic);
    }
}

/// A client whose commands wait: one of them asked for a channel, and those after it are done when
/// that is decided, so that it hears its answers in order, and no publication before it is told
/// that it has the channel.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) awaited: Awaited,
    pub(crate) place: Place,
    pub(crate) later: VecDeque<Message>,
    later_bytes: usize,
}

/// The command whose answer waits for that of a channel's home.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) id: u32,
    pub(crate) topic: Topic,
    pub(crate) lease: Option<Lease>,
}

/// How far the commands in a message have been done.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) message: Message,
    pub(crate) at: usize,
    /// How many there were so far.
    pub(crate) commands: usize,
}

impl Place {
    pub(crate) fn beginning(message: Message) -> Self {
        Self { message, at: 0, commands: 0 }
    }
}

impl Waiting {
    pub(crate) fn new(awaited: Awaited, place: Place, later: VecDeque<Message>) -> Self {
        let later_bytes = later.iter().map(|message| message.payload().len()).sum();
        Self { awaited, place, later, later_bytes }
    }

    /// Has a message wait behind what waits already.
    ///
    /// # Errors
    ///
    /// If that is too much.
    pub(crate) fn push(&mut self, message: Message) -> Result<(), Disconnect> {
        self.later_bytes += message.frame().len();
        if self.later_bytes > WAITING_BYTES_MAX {
            return Err(Disconnect::TooManyRequests);
        }
        self.later.push_back(message);
        Ok(())
    }
}

/// The clients of one shard, found by their slot without hashing. A slot without a client costs a
/// pointer.
#[derive(Debug, Default)]
pub(crate) struct Clients(Vec<Option<Box<Client>>>);

impl Clients {
    pub(crate) fn put(&mut self, conn: ConnId, client: Box<Client>) {
        let index = conn.index();
        if self.0.len() <= index {
            self.0.resize_with(index + 1, || None);
        }
        self.0[index] = Some(client);
    }

    pub(crate) fn take(&mut self, conn: ConnId) -> Option<Box<Client>> {
        self.0.get_mut(conn.index())?.take()
    }
}
