//! From replies and pushes to the bytes of a message.

use std::collections::BTreeMap;

use fanlight_core::Message;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use super::code::ErrorCode;

/// The version that clients are told.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is said to one command.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    Connect(Connected<'a>),
    Subscribe(Expiry),
    Unsubscribe,
    Publish,
    Ping,
    Refresh(Refreshed<'a>),
    SubRefresh(Expiry),
    Error(ErrorCode),
}

#[derive(Debug, Serialize)]
pub(crate) struct Connected<'a> {
    client: &'a str,
    version: &'static str,
    #[serde(flatten)]
    expiry: Expiry,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    subs: BTreeMap<&'a str, Expiry>,
    /// Within how many seconds a ping will come.
    ping: u32,
    /// Whether pings want to be answered.
    pong: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Refreshed<'a> {
    client: &'a str,
    version: &'static str,
    #[serde(flatten)]
    expiry: Expiry,
}

/// In how many seconds what was granted ends; `None` if it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expiry(pub(crate) Option<u32>);

impl<'a> Connected<'a> {
    pub(crate) fn new(client: &'a str, expiry: Expiry, ping: u32) -> Self {
        Self { client, version: VERSION, expiry, subs: BTreeMap::new(), ping, pong: true }
    }

    /// With the channels that the connection is subscribed to from the beginning.
    pub(crate) fn subs(mut self, channels: impl Iterator<Item = &'a str>) -> Self {
        self.subs = channels.map(|channel| (channel, Expiry::default())).collect();
        self
    }
}

impl<'a> Refreshed<'a> {
    pub(crate) fn new(client: &'a str, expiry: Expiry) -> Self {
        Self { client, version: VERSION, expiry }
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        if let Some(seconds) = self.0 {
            fields.serialize_entry("expires", &true)?;
            fields.serialize_entry("ttl", &seconds)?;
        }
        fields.end()
    }
}

/// A reply as it is written: the command's number, and one field named by what was asked.
struct Reply<'a> {
    id: u32,
    answer: Answer<'a>,
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Done {}

        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("id", &self.id)?;
        match &self.answer {
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
pub(crate) struct Replies {
    lines: String,
    is_awaited: bool,
}

impl Replies {
    pub(crate) fn push(&mut self, id: u32, answer: Answer<'_>) {
        self.is_awaited |= matches!(answer, Answer::Connect(_) | Answer::Subscribe(_));
        if !self.lines.is_empty() {
            self.lines.push('\n');
        }
        self.lines.push_str(&json(&Reply { id, answer }));
    }

    /// Whether one of them has to be heard before any publication, which its client would else take
    /// for none of its own.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// All of them as one message, if there are any.
    pub(crate) fn take(&mut self) -> Option<Message> {
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
    pub(crate) user: &'a str,
    pub(crate) client: &'a str,
}

/// What the subscribers of `channel` are sent when `data` is said there; the server itself is no
/// publisher.
pub(crate) fn publication(
    channel: &str,
    data: &RawValue,
    publisher: Option<Publisher<'_>>,
) -> Message {
    #[derive(Serialize)]
    struct Envelope<'a> {
        push: Push<'a>,
    }
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
    Message::text(&json(&Envelope { push: Push { channel, publication } }))
}

/// What asks a client whether it is there: the empty reply.
pub(crate) fn ping() -> Message {
    Message::text("{}")
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("all keys are strings, and nothing of ours fails")
}
