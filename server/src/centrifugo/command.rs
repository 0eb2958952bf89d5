//! From the bytes of a message to the commands in it.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::code::Disconnect;

/// How deep arrays and objects may stand in each other in what is published. Subscribers' parsers
/// have limits of their own, often 128 with the envelope, and one client must not reach those of
/// another.
const DEPTH_MAX: usize = 100;

/// One command: what is asked, and the number under which it is answered.
#[derive(Debug)]
pub(super) struct Command<'a> {
    /// Zero only for what is not answered: a pong or a `send`.
    pub(super) id: u32,
    pub(super) request: Request<'a>,
}

#[derive(Debug)]
pub(super) enum Request<'a> {
    Connect(Connect<'a>),
    Subscribe(Subscribe<'a>),
    Unsubscribe(Channel<'a>),
    Publish(Publish<'a>),
    /// Who is there, how many are, or what was said: nothing of it is kept.
    Kept(Channel<'a>),
    Refresh(Refresh<'a>),
    SubRefresh(Subscribe<'a>),
    Rpc,
    Send,
    /// The client's own question whether the server is there.
    Ping,
    /// The empty command.
    Pong,
    /// More than one of the above: a command is one.
    Several,
}

#[derive(Debug, Deserialize)]
pub(super) struct Connect<'a> {
    #[serde(default, borrow)]
    pub(super) token: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Subscribe<'a> {
    #[serde(default, borrow)]
    pub(super) channel: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) token: Cow<'a, str>,
    /// Whether the client wants what it has missed.
    #[serde(default)]
    recover: bool,
    /// What kind of subscription it wants: 0 is the one that there is.
    #[serde(default, rename = "type")]
    kind: u32,
    /// What a publication must be tagged with for the client to want it.
    #[serde(rename = "tf")]
    filter: Option<Any>,
}

impl Subscribe<'_> {
    /// Whether more is wanted than to hear all that is said from now on.
    pub(super) fn asks_for_more(&self) -> bool {
        self.recover || self.kind != 0 || self.filter.is_some()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Channel<'a> {
    #[serde(default, borrow)]
    pub(super) channel: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Publish<'a> {
    #[serde(default, borrow)]
    pub(super) channel: Cow<'a, str>,
    /// As it came, and `None` only if none came: a `null` is data.
    #[serde(default, borrow, deserialize_with = "given")]
    pub(super) data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refresh<'a> {
    #[serde(default, borrow)]
    pub(super) token: Cow<'a, str>,
}

/// What is of no interest but that it is there.
#[derive(Debug, Deserialize)]
struct Any {}

/// A command as it is written: an object with its number and one other field, named by the request.
/// Fields of no known name are for other servers.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    id: u32,
    #[serde(borrow)]
    connect: Option<Connect<'a>>,
    #[serde(borrow)]
    subscribe: Option<Subscribe<'a>>,
    #[serde(borrow)]
    unsubscribe: Option<Channel<'a>>,
    #[serde(borrow)]
    publish: Option<Publish<'a>>,
    #[serde(borrow)]
    presence: Option<Channel<'a>>,
    #[serde(borrow)]
    presence_stats: Option<Channel<'a>>,
    #[serde(borrow)]
    history: Option<Channel<'a>>,
    ping: Option<Any>,
    send: Option<Any>,
    rpc: Option<Any>,
    #[serde(borrow)]
    refresh: Option<Refresh<'a>>,
    #[serde(borrow)]
    sub_refresh: Option<Subscribe<'a>>,
}

/// The line of `message` that begins at `at`, and where the next one does; `None` past the last.
///
/// Commands are parted by line feeds, and one may stand behind the last. There is always a first
/// line, if only an empty one.
pub(super) fn line(message: &[u8], at: usize) -> Option<(&[u8], usize)> {
    if at > 0 && at >= message.len() {
        return None;
    }
    let rest = message.get(at..)?;
    let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    Some((&rest[..length], at + length + 1))
}

/// Reads the command on one line, in time and space proportional to its length.
///
/// # Errors
///
/// What the connection is to be closed for: the line is no command.
pub(super) fn parse(line: &[u8]) -> Result<Command<'_>, Disconnect> {
    if line == b"{}" {
        return Ok(Command { id: 0, request: Request::Pong });
    }
    let envelope: Envelope<'_> = match line.trim_ascii_start().first() {
        // An array of its fields would be taken for an object.
        Some(b'{') => serde_json::from_slice(line).ok(),
        Some(_) | None => None,
    }
    .ok_or(Disconnect::BadRequest("a line is no JSON of a command"))?;
    let id = envelope.id;
    let mut requests = requests(envelope);
    let request = match (requests.next(), requests.next()) {
        (Some(_), Some(_)) => Request::Several,
        (Some(request), None) => request,
        (None, _) if id == 0 => Request::Pong,
        (None, _) => return Err(Disconnect::BadRequest("a command is none of the known")),
    };
    if id == 0 && !matches!(request, Request::Pong | Request::Send) {
        return Err(Disconnect::BadRequest("a command has no id"));
    }
    Ok(Command { id, request })
}

fn requests<'a>(envelope: Envelope<'a>) -> impl Iterator<Item = Request<'a>> {
    let Envelope {
        id: _,
        connect,
        subscribe,
        unsubscribe,
        publish,
        presence,
        presence_stats,
        history,
        ping,
        send,
        rpc,
        refresh,
        sub_refresh,
    } = envelope;
    [
        publish.map(Request::Publish),
        connect.map(Request::Connect),
        subscribe.map(Request::Subscribe),
        unsubscribe.map(Request::Unsubscribe),
        presence.map(Request::Kept),
        presence_stats.map(Request::Kept),
        history.map(Request::Kept),
        ping.map(|Any {}| Request::Ping),
        send.map(|Any {}| Request::Send),
        rpc.map(|Any {}| Request::Rpc),
        refresh.map(Request::Refresh),
        sub_refresh.map(Request::SubRefresh),
    ]
    .into_iter()
    .flatten()
}

/// Whether arrays and objects stand in each other deeper in `data` than is passed on.
pub(super) fn is_too_deep(data: &RawValue) -> bool {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in data.get().bytes() {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            // What was parsed is balanced.
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    false
}

/// A field that is there, whatever it holds.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
