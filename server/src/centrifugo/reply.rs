//! From replies and pushes to the bytes of a message.

use fanlight_core::{Message, Topic};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use super::{
    client::ClientId,
    code::{ErrorCode, Unsubscribe},
};

/// The version that clients are told.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is said to one command.
#[derive(Debug)]
pub(super) enum Answer {
    Connect(Connected),
    Subscribe(Expiry),
    Unsubscribe,
    Publish,
    Ping,
    Refresh(Refreshed),
    SubRefresh(Expiry),
    Error(ErrorCode),
}

/// A connection as its client is told of it.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: ClientId,
    pub(super) expiry: Expiry,
    /// What it is subscribed to already.
    pub(super) subs: Vec<Topic>,
    /// Within how many seconds a ping will come, each of which wants to be answered.
    pub(super) ping: u32,
}

#[derive(Debug)]
pub(super) struct Refreshed {
    pub(super) client: ClientId,
    pub(super) expiry: Expiry,
}

/// In how many seconds what was granted ends; `None` if it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expiry(pub(super) Option<u32>);

impl Expiry {
    fn put<M: SerializeMap>(self, fields: &mut M) -> Result<(), M::Error> {
        if let Some(seconds) = self.0 {
            fields.serialize_entry("expires", &true)?;
            fields.serialize_entry("ttl", &seconds)?;
        }
        Ok(())
    }
}

impl Serialize for Connected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("client", &self.client)?;
        fields.serialize_entry("version", VERSION)?;
        self.expiry.put(&mut fields)?;
        if !self.subs.is_empty() {
            fields.serialize_entry("subs", &Subs(&self.subs))?;
        }
        fields.serialize_entry("ping", &self.ping)?;
        fields.serialize_entry("pong", &true)?;
        fields.end()
    }
}

struct Subs<'a>(&'a [Topic]);

impl Serialize for Subs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|topic| (topic.name(), Expiry::default())))
    }
}

impl Serialize for Refreshed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("client", &self.client)?;
        fields.serialize_entry("version", VERSION)?;
        self.expiry.put(&mut fields)?;
        fields.end()
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        self.put(&mut fields)?;
        fields.end()
    }
}

/// A reply as it is written: the command's number, and one field named by what was asked.
struct Reply<'a> {
    id: u32,
    answer: &'a Answer,
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Done {}

        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("id", &self.id)?;
        match self.answer {
            Answer::Connect(connected) => fields.serialize_entry("connect", connected)?,
            Answer::Subscribe(expiry) => fields.serialize_entry("subscribe", expiry)?,
            Answer::Unsubscribe => fields.serialize_entry("unsubscribe", &Done {})?,
            Answer::Publish => fields.serialize_entry("publish", &Done {})?,
            Answer::Ping => fields.serialize_entry("ping", &Done {})?,
            Answer::Refresh(refreshed) => fields.serialize_entry("refresh", refreshed)?,
            Answer::SubRefresh(expiry) => fields.serialize_entry("sub_refresh", expiry)?,
            Answer::Error(error) => fields.serialize_entry("error", error)?,
        }
        fields.end()
    }
}

/// Replies that wait to be sent as one message, a line each.
#[derive(Debug, Default)]
pub(super) struct Replies {
    lines: String,
    is_awaited: bool,
}

impl Replies {
    pub(super) fn push(&mut self, id: u32, answer: &Answer) {
        self.is_awaited |= matches!(answer, Answer::Connect(_) | Answer::Subscribe(_));
        if !self.lines.is_empty() {
            self.lines.push('\n');
        }
        self.lines.push_str(&json(&Reply { id, answer }));
    }

    /// Whether one of them has to be heard before any publication, which its client would else take
    /// for none of its own.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// All of them as one message, if there are any.
    pub(super) fn take(&mut self) -> Option<Message> {
        if self.lines.is_empty() {
            return None;
        }
        let message = Message::text(&self.lines);
        self.lines.clear();
        self.is_awaited = false;
        Some(message)
    }
}

/// Who says something in a channel, as its subscribers are told.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Publisher<'a> {
    pub(super) user: &'a str,
    pub(super) client: ClientId,
}

/// What the subscribers of `channel` are sent when `data` is said there; the server itself is no
/// publisher.
pub(crate) fn publication(
    channel: &str,
    data: &RawValue,
    publisher: Option<Publisher<'_>>,
) -> Message {
    #[derive(Serialize)]
    struct Push<'a> {
        channel: &'a str,
        #[serde(rename = "pub")]
        publication: Publication<'a>,
    }
    #[derive(Serialize)]
    struct Publication<'a> {
        data: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        info: Option<Publisher<'a>>,
    }
    let publication = Publication { data, info: publisher };
    pushed(Push { channel, publication })
}

/// What tells a client that it is no longer in `channel`.
pub(super) fn unsubscribed(channel: &str, why: Unsubscribe) -> Message {
    #[derive(Serialize)]
    struct Push<'a> {
        channel: &'a str,
        unsubscribe: Fields,
    }
    #[derive(Serialize)]
    struct Fields {
        code: u16,
        reason: &'static str,
    }
    let unsubscribe = Fields { code: why as u16, reason: why.reason() };
    pushed(Push { channel, unsubscribe })
}

/// What no command asked for.
fn pushed(push: impl Serialize) -> Message {
    #[derive(Serialize)]
    struct Envelope<P> {
        push: P,
    }
    Message::text(&json(&Envelope { push }))
}

/// What asks a client whether it is there: the empty reply.
pub(super) fn ping() -> Message {
    Message::text("{}")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("all keys are strings, and nothing of ours fails")
}

#[cfg(test)]
mod tests;
