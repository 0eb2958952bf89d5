use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const CLIENT: ClientId = ClientId::new(1, 0xab);
const NAME: &str = "000000000000000100000000000000ab";

fn line(id: u32, answer: Answer) -> Value {
    let mut replies = Replies::default();
    replies.push(id, &answer);
    serde_json::from_slice(replies.take().unwrap().payload()).unwrap()
}

#[test]
fn each_answer_is_a_field_of_its_name() {
    let connected = |expiry, subs| {
        Answer::Connect(Connected { client: CLIENT, expiry: Expiry(expiry), subs, ping: 25 })
    };
    let refreshed = Refreshed { client: CLIENT, expiry: Expiry(Some(7)) };
    for (answer, said) in [
        (
            connected(None, vec![]),
            json!({ "connect": {
                "client": NAME, "version": VERSION, "ping": 25, "pong": true,
            } }),
        ),
        (
            connected(Some(9), vec![Topic::new("a"), Topic::new("\"b")]),
            json!({ "connect": {
                "client": NAME, "version": VERSION, "ping": 25, "pong": true,
                "expires": true, "ttl": 9, "subs": { "a": {}, "\"b": {} },
            } }),
        ),
        (Answer::Subscribe(Expiry(None)), json!({ "subscribe": {} })),
        (Answer::Subscribe(Expiry(Some(3))), json!({ "subscribe": { "expires": true, "ttl": 3 } })),
        (Answer::Unsubscribe, json!({ "unsubscribe": {} })),
        (Answer::Publish, json!({ "publish": {} })),
        (Answer::Ping, json!({ "ping": {} })),
        (
            Answer::Refresh(refreshed),
            json!({ "refresh": {
                "client": NAME, "version": VERSION, "expires": true, "ttl": 7,
            } }),
        ),
        (Answer::SubRefresh(Expiry(None)), json!({ "sub_refresh": {} })),
        (
            Answer::Error(ErrorCode::AlreadySubscribed),
            json!({ "error": { "code": 105, "message": "already subscribed" } }),
        ),
        (
            Answer::Error(ErrorCode::TooManyRequests),
            json!({ "error": {
                "code": 111, "message": "too many requests", "temporary": true,
            } }),
        ),
    ] {
        let mut whole = said;
        whole["id"] = 5.into();
        assert_eq!(line(5, answer), whole);
    }
}

#[test]
fn a_publication_has_its_publisher_if_a_client_said_it() {
    let data = RawValue::from_string("{ \"a\": 1.0 }".to_owned()).unwrap();
    assert_eq!(
        publication("c", &data, None).as_text(),
        Some(r#"{"push":{"channel":"c","pub":{"data":{ "a": 1.0 }}}}"#)
    );
    let publisher = Publisher { user: "42", client: CLIENT };
    let said = publication("c", &data, Some(publisher));
    let said: Value = serde_json::from_slice(said.payload()).unwrap();
    assert_eq!(said["push"]["pub"]["info"], json!({ "user": "42", "client": NAME }));
}

proptest! {
    #[test]
    fn replies_are_a_line_each_in_order(ids in prop::collection::vec(any::<u32>(), 0..20)) {
        let mut replies = Replies::default();
        for id in &ids {
            replies.push(*id, &Answer::Publish);
        }
        prop_assert!(!replies.is_awaited());
        let message = replies.take();
        prop_assert_eq!(message.is_none(), ids.is_empty());
        let lines = message.iter().flat_map(|message| message.as_text().unwrap().split('\n'));
        let said: Vec<u32> = lines
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap())
            .map(|id| u32::try_from(id).unwrap())
            .collect();
        prop_assert_eq!(said, ids);
        prop_assert_eq!(replies.take(), None);
    }

    #[test]
    fn a_publication_survives_its_reading(channel in any::<String>(), text in any::<String>()) {
        let data = Value::from(text);
        let raw = RawValue::from_string(data.to_string()).unwrap();
        let message = publication(&channel, &raw, None);
        prop_assert!(!message.as_text().unwrap().contains('\n'));
        let said: Value = serde_json::from_slice(message.payload()).unwrap();
        prop_assert_eq!(&said["push"]["channel"], &Value::from(channel));
        prop_assert_eq!(&said["push"]["pub"]["data"], &data);
    }
}
