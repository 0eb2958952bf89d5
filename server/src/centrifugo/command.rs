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
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The lines of a message.
    fn lines(message: &[u8]) -> Vec<&[u8]> {
        let (mut at, mut lines) = (0, Vec::new());
        while let Some((found, next)) = line(message, at) {
            lines.push(found);
            at = next;
        }
        lines
    }

    fn parsed(line: &str) -> Command<'_> {
        parse(line.as_bytes()).unwrap_or_else(|why| panic!("{line}: {why}"))
    }

    #[test]
    fn lines_are_parted_by_line_feeds_and_one_may_stand_behind_the_last() {
        assert_eq!(lines(b""), [b""]);
        assert_eq!(lines(b"\n"), [b""]);
        assert_eq!(lines(b"\n\n"), [b"", b""]);
        assert_eq!(lines(b"a"), [b"a"]);
        assert_eq!(lines(b"a\nb\n"), [b"a", b"b"]);
        assert_eq!(lines(b"a\n\nb"), [&b"a"[..], b"", b"b"]);
    }

    #[test]
    fn a_command_is_known_by_its_one_field() {
        for (line, id, name) in [
            (r#"{"id":1,"connect":{}}"#, 1, "Connect"),
            (r#"{"connect":{"token":"t","name":"js","data":[1]},"id":2}"#, 2, "Connect"),
            (r#"{"id":3,"subscribe":{"channel":"a","flag":1}}"#, 3, "Subscribe"),
            (r#"{"id":4,"unsubscribe":{"channel":"a"}}"#, 4, "Unsubscribe"),
            (r#"{"id":5,"publish":{"channel":"a","data":null}}"#, 5, "Publish"),
            (r#"{"id":6,"presence":{"channel":"a"}}"#, 6, "Kept"),
            (r#"{"id":7,"presence_stats":{"channel":"a"}}"#, 7, "Kept"),
            (r#"{"id":8,"history":{"channel":"a","limit":1}}"#, 8, "Kept"),
            (r#"{"id":9,"ping":{}}"#, 9, "Ping"),
            (r#"{"id":10,"rpc":{"method":"m"}}"#, 10, "Rpc"),
            (r#"{"id":11,"refresh":{"token":"t"}}"#, 11, "Refresh"),
            (r#"{"id":12,"sub_refresh":{"channel":"a","token":"t"}}"#, 12, "SubRefresh"),
            (r#"{"send":{"data":{}}}"#, 0, "Send"),
            (r#" { } "#, 0, "Pong"),
            (r#"{"id":0}"#, 0, "Pong"),
            (r#"{"id":4294967295,"connect":null,"ping":{}}"#, u32::MAX, "Ping"),
            (r#"{"id":13,"ping":{},"rpc":{}}"#, 13, "Several"),
        ] {
            let command = parsed(line);
            assert_eq!(command.id, id, "{line}");
            assert!(format!("{:?}", command.request).starts_with(name), "{command:?}");
        }
    }

    #[test]
    fn what_is_no_command_says_so() {
        for line in [
            "",
            " ",
            "nonsense",
            "[]",
            "[1,2,3]",
            "[0,null,null,null,null,null,null,null,null,null,null,null,null]",
            "1",
            "null",
            "{",
            r#"{"id":1,"dance":{}}"#,
            r#"{"id":1}"#,
            r#"{"ping":{}}"#,
            r#"{"id":0,"connect":{}}"#,
            r#"{"connect":{},"send":{}}"#,
            r#"{"id":-1,"ping":{}}"#,
            r#"{"id":4294967296,"ping":{}}"#,
            r#"{"id":1.5,"ping":{}}"#,
            r#"{"id":"1","ping":{}}"#,
            r#"{"id":1,"id":1,"ping":{}}"#,
            r#"{"id":1,"subscribe":{"channel":5}}"#,
            r#"{"id":1,"subscribe":"a"}"#,
            r#"{"id":1,"publish":{"channel":"a","data":}}"#,
            r#"{"id":1,"ping":{}} {"id":2,"ping":{}}"#,
            r#"{"id":1,"subscribe":{"channel":"\ud800"}}"#,
        ] {
            assert!(matches!(parse(line.as_bytes()), Err(Disconnect::BadRequest(_))), "{line}");
        }
        assert!(parse(b"{\"id\":1,\"subscribe\":{\"channel\":\"\xff\"}}").is_err());
    }

    #[test]
    fn data_is_the_bytes_it_came_as() {
        for data in ["null", "0", r#"{ "a" : 1.50e1,"a":2 }"#, r#""\ud800""#, "[[],\t{}]\r"] {
            let line = format!(r#"{{"id":1,"publish":{{"channel":"a","data":{data}}}}}"#);
            match parsed(&line).request {
                Request::Publish(publish) => assert_eq!(publish.data.unwrap().get(), data.trim()),
                other => panic!("{other:?}"),
            }
        }
    }

    fn nested(depth: usize) -> Box<RawValue> {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        RawValue::from_string(format!("{open}{close}")).unwrap()
    }

    #[test]
    fn what_is_nested_too_deep_is_seen() {
        assert!(!is_too_deep(&nested(DEPTH_MAX)));
        assert!(is_too_deep(&nested(DEPTH_MAX + 1)));
        assert!(is_too_deep(&nested(400_000)));
        let text = format!(r#"["\\\"{}", {{}}]"#, "[".repeat(1000));
        assert!(!is_too_deep(&RawValue::from_string(text).unwrap()));
        let wide = format!("[{}1]", "[{}],".repeat(1000));
        assert!(!is_too_deep(&RawValue::from_string(wide).unwrap()));
    }

    #[test]
    fn a_deep_line_is_read_without_a_deep_stack() {
        let deep = nested(500_000);
        for line in [
            format!(r#"{{"id":1,"publish":{{"channel":"a","data":{deep}}}}}"#),
            format!(r#"{{"id":1,"ping":{{}},"unknown":{deep}}}"#),
            format!(r#"{{"id":1,"connect":{{"data":{deep}}}}}"#),
        ] {
            parsed(&line);
        }
        for line in [deep.get().to_owned(), format!(r#"{{"id":{deep}}}"#), "[".repeat(500_000)] {
            assert!(parse(line.as_bytes()).is_err());
        }
    }

    /// JSON as anybody may write it: with white space where it may stand, but no line feed.
    fn any_data() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|it| it.to_string()),
            any::<i64>().prop_map(|it| it.to_string()),
            any::<String>().prop_map(|it| Value::from(it).to_string()),
        ];
        leaf.prop_recursive(4, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[ {}\t]", items.join(" ,"))),
                prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|fields| {
                    let fields: Vec<_> = fields
                        .into_iter()
                        .map(|(name, value)| format!("{} : {value}", Value::from(name)))
                        .collect();
                    format!("{{{}}}", fields.join("\r,"))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_lines_and_each_is_read_or_refused(
            message in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'{'), Just(b'}'), Just(b'"'), any::<u8>()],
                0..300,
            ),
        ) {
            let lines = lines(&message);
            for line in &lines {
                let _ = parse(line);
            }
            let joined = lines.join(&b'\n');
            let whole = message.strip_suffix(b"\n").unwrap_or(&message);
            prop_assert_eq!(&joined, whole);
        }

        #[test]
        fn a_broken_command_is_read_or_refused(
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let line = br#"{"id":7,"publish":{"channel":"a\u00e9","data":{"x":[1,"\ud83d\ude00"]}}}"#;
            let mut broken = line.to_vec();
            *at.get_mut(&mut broken) = byte;
            let _ = parse(&broken);
            let _ = parse(&line[..cut.index(line.len())]);
        }

        #[test]
        fn a_command_survives_its_writing(
            id in 1_u32..,
            channel in any::<String>(),
            token in any::<String>(),
            data in any_data(),
        ) {
            let line = json!({ "subscribe": { "token": token, "channel": channel }, "id": id });
            let line = line.to_string();
            let command = parsed(&line);
            prop_assert_eq!(command.id, id);
            match command.request {
                Request::Subscribe(subscribe) => {
                    prop_assert_eq!(&subscribe.channel, &channel);
                    prop_assert_eq!(&subscribe.token, &token);
                }
                other => panic!("{other:?}"),
            }
            let name = Value::from(channel.clone());
            let line = format!(r#"{{"id":{id},"publish":{{"data": {data} ,"channel":{name}}}}}"#);
            prop_assert_eq!(lines(line.as_bytes()), [line.as_bytes()]);
            match parsed(&line).request {
                Request::Publish(publish) => {
                    prop_assert_eq!(publish.channel, channel);
                    prop_assert_eq!(publish.data.unwrap().get(), data);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
