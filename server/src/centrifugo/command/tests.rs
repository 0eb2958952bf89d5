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
        let Request::Publish(publish) = parsed(&line).request else { panic!("{line}") };
        assert_eq!(publish.data.unwrap().get(), data.trim());
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
        let Request::Subscribe(subscribe) = command.request else { panic!("{line}") };
        prop_assert_eq!(&subscribe.channel, &channel);
        prop_assert_eq!(&subscribe.token, &token);
        let name = Value::from(channel.clone());
        let line = format!(r#"{{"id":{id},"publish":{{"data": {data} ,"channel":{name}}}}}"#);
        prop_assert_eq!(lines(line.as_bytes()), [line.as_bytes()]);
        let Request::Publish(publish) = parsed(&line).request else { panic!("{line}") };
        prop_assert_eq!(publish.channel, channel);
        prop_assert_eq!(publish.data.unwrap().get(), data);
    }
}
