//! `/connection/websocket`, and everything that is no such client.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tungstenite::{Message, protocol::CloseFrame};

use super::process::{Client, Fanlight};

const PATH: &str = "/connection/websocket";
const CONNECT: &str = r#"{"id":1,"connect":{}}"#;
const SECRET: &str = "a secret that a backend shares with this server";

/// What comes next: replies and pushes, a line each, or the end.
#[derive(Debug)]
enum Heard {
    Lines(Vec<Value>),
    Close(u16),
}

fn hear(client: &mut Client) -> Heard {
    loop {
        match client.read().unwrap() {
            Message::Text(text) => {
                let lines =
                    text.as_str().split('\n').map(|line| serde_json::from_str(line).unwrap());
                return Heard::Lines(lines.collect());
            }
            Message::Close(Some(CloseFrame { code, reason })) => {
                let code = u16::from(code);
                assert!(code < 3000 || !reason.is_empty(), "{code} says why");
                while client.read().is_ok() {}
                return Heard::Close(code);
            }
            other @ (Message::Close(None) | Message::Binary(_) | Message::Frame(_)) => {
                panic!("{other:?}")
            }
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

fn lines(client: &mut Client) -> Vec<Value> {
    match hear(client) {
        Heard::Lines(lines) => lines,
        Heard::Close(code) => panic!("closed with {code}"),
    }
}

/// Says a line and hears its answer, whatever is pushed meanwhile.
fn ask(client: &mut Client, line: &str) -> Value {
    client.send(Message::text(line)).unwrap();
    loop {
        for line in lines(client) {
            if line["id"].is_u64() {
                return line;
            }
        }
    }
}

fn connected(fanlight: &Fanlight) -> Client {
    let mut client = fanlight.connect(PATH, None).unwrap();
    let reply = ask(&mut client, CONNECT);
    assert!(reply["connect"]["client"].is_string(), "{reply}");
    client
}

/// A bystander in a channel, to whom nothing may happen.
struct Bystander {
    client: Client,
    round: u64,
}

impl Bystander {
    fn new(fanlight: &Fanlight) -> Self {
        let mut client = connected(fanlight);
        let reply = ask(&mut client, r#"{"id":2,"subscribe":{"channel":"square"}}"#);
        assert_eq!(reply["subscribe"], json!({}));
        Self { client, round: 0 }
    }

    /// Says something and hears exactly that.
    fn is_well(&mut self) {
        self.round += 1;
        let publish = json!({ "channel": "square", "data": self.round });
        let line = json!({ "id": 3, "publish": publish }).to_string();
        self.client.send(Message::text(line)).unwrap();
        let mut heard = Vec::new();
        while heard.len() < 2 {
            heard.extend(lines(&mut self.client));
        }
        let push = heard.iter().find(|line| line["push"].is_object()).unwrap();
        assert_eq!(push["push"]["pub"]["data"], self.round);
        assert!(heard.iter().any(|line| line["publish"].is_object()), "{heard:?}");
    }
}

/// What comes of one message of a peer that has or has not connected.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// The connection is closed with this code.
    Close(u16),
    /// The command is answered with this error, and the connection goes on.
    Error(u64),
    /// It is answered, and fine.
    Fine,
}

#[test]
fn each_bad_input_has_its_answer_and_harms_nobody() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let publish =
        |data: &str| format!(r#"{{"id":9,"publish":{{"channel":"square","data":{data}}}}}"#);
    let subscribe =
        |channel: &str| json!({ "id": 9, "subscribe": { "channel": channel } }).to_string();
    let recovery = r#"{"id":9,"subscribe":{"channel":"a","recover":true,"offset":3,"epoch":"e"}}"#;
    let before: Vec<(&str, Message, Answer)> = vec![
        ("a command", Message::text(r#"{"id":1,"ping":{}}"#), Answer::Close(3501)),
        ("a subscribe", Message::text(subscribe("square")), Answer::Close(3501)),
        ("a pong", Message::text("{}"), Answer::Close(3501)),
        ("no JSON", Message::text("hello"), Answer::Close(3501)),
        ("nothing", Message::text(""), Answer::Close(3501)),
        ("line feeds", Message::text("\n".repeat(1 << 20)), Answer::Close(3501)),
        ("a token", Message::text(r#"{"id":1,"connect":{"token":"t"}}"#), Answer::Close(3500)),
        ("a connect without id", Message::text(r#"{"connect":{}}"#), Answer::Close(3501)),
        ("a connect in binary", Message::binary(CONNECT.as_bytes().to_vec()), Answer::Fine),
        ("a deep connect", deep_connect(&deep(10_000)), Answer::Fine),
    ];
    let after: Vec<(&str, Message, Answer)> = vec![
        ("broken JSON", Message::text(r#"{"id":9,"ping":"#), Answer::Close(3501)),
        ("no JSON", Message::text("hello"), Answer::Close(3501)),
        ("nothing", Message::text(""), Answer::Close(3501)),
        ("an array", Message::text("[1,2,3]"), Answer::Close(3501)),
        ("an unknown command", Message::text(r#"{"id":9,"dance":{}}"#), Answer::Close(3501)),
        ("no command", Message::text(r#"{"id":9}"#), Answer::Close(3501)),
        ("two commands", Message::text(r#"{"id":9,"ping":{},"rpc":{}}"#), Answer::Error(107)),
        ("a second connect", Message::text(CONNECT), Answer::Close(3501)),
        ("a pong too many", Message::text("{}"), Answer::Close(3501)),
        ("a send", Message::text(r#"{"send":{"data":1}}"#), Answer::Close(3508)),
        ("an rpc", Message::text(r#"{"id":9,"rpc":{"method":"m"}}"#), Answer::Error(104)),
        ("presence", Message::text(r#"{"id":9,"presence":{"channel":"a"}}"#), Answer::Error(108)),
        ("history", Message::text(r#"{"id":9,"history":{"channel":"a"}}"#), Answer::Error(108)),
        ("recovery", Message::text(recovery), Answer::Error(108)),
        ("id zero", Message::text(r#"{"id":0,"ping":{}}"#), Answer::Close(3501)),
        ("no id", Message::text(r#"{"ping":{}}"#), Answer::Close(3501)),
        ("an id below zero", Message::text(r#"{"id":-1,"ping":{}}"#), Answer::Close(3501)),
        ("an id too large", Message::text(r#"{"id":4294967296,"ping":{}}"#), Answer::Close(3501)),
        ("the largest id", Message::text(r#"{"id":4294967295,"ping":{}}"#), Answer::Fine),
        ("a repeated id", Message::text(r#"{"id":1,"ping":{}}"#), Answer::Fine),
        ("not subscribed", Message::text(publish("1")), Answer::Error(103)),
        ("no data", Message::text(r#"{"id":9,"publish":{"channel":"a"}}"#), Answer::Close(3501)),
        ("no name", Message::text(subscribe("")), Answer::Close(3501)),
        ("no name at all", Message::text(r#"{"id":9,"subscribe":{}}"#), Answer::Close(3501)),
        ("a long name", Message::text(subscribe(&"n".repeat(256))), Answer::Error(107)),
        ("a name not of ASCII", Message::text(subscribe("größe")), Answer::Error(107)),
        ("a private name", Message::text(subscribe("$a")), Answer::Error(103)),
        ("a name for others", Message::text(subscribe("a#b")), Answer::Error(103)),
        ("line feeds", Message::text("\n".repeat(1 << 20)), Answer::Close(3501)),
        ("spaces", Message::text(" ".repeat(1 << 20)), Answer::Close(3501)),
        ("deep nonsense", Message::text("[".repeat(1 << 20)), Answer::Close(3501)),
        ("deep JSON", Message::text(deep(10_000)), Answer::Close(3501)),
        ("not UTF-8", raw(b"{\"id\":9,\"subscribe\":{\"channel\":\"\xff\"}}"), Answer::Close(3501)),
        (
            "half a letter",
            Message::text(r#"{"id":9,"subscribe":{"channel":"\ud800"}}"#),
            Answer::Close(3501),
        ),
        (
            "too many commands",
            Message::text([r#"{"id":9,"unsubscribe":{"channel":"a"}}"#; 1025].join("\n")),
            Answer::Close(3013),
        ),
    ];
    for shards in ["1", "2"] {
        let fanlight = Fanlight::start(&["--shards", shards]);
        let mut bystander = Bystander::new(&fanlight);
        for (name, message, answer) in &before {
            let mut client = fanlight.connect(PATH, None).unwrap();
            check(&mut client, name, message, *answer);
            bystander.is_well();
        }
        for (name, message, answer) in &after {
            let mut client = connected(&fanlight);
            check(&mut client, name, message, *answer);
            bystander.is_well();
        }
        // In a channel where one may speak.
        for (data, answer) in [
            (deep(100), Answer::Fine),
            (deep(101), Answer::Error(107)),
            (deep(10_000), Answer::Error(107)),
            ("{".to_owned(), Answer::Close(3501)),
        ] {
            let mut client = connected(&fanlight);
            ask(&mut client, r#"{"id":2,"subscribe":{"channel":"corner"}}"#);
            assert_eq!(
                ask(&mut client, r#"{"id":2,"subscribe":{"channel":"corner"}}"#)["error"]["code"],
                105
            );
            let line = publish(&data).replace("square", "corner");
            check(&mut client, &data[..1], &Message::text(line), answer);
            bystander.is_well();
        }
    }
}

fn raw(bytes: &[u8]) -> Message {
    Message::binary(bytes.to_vec())
}

fn deep_connect(data: &str) -> Message {
    Message::text(format!(r#"{{"id":1,"connect":{{"data":{data}}}}}"#))
}

fn check(client: &mut Client, name: &str, message: &Message, answer: Answer) {
    client.send(message.clone()).unwrap();
    // What is published comes before its reply, and what came before a Close is answered.
    loop {
        match (hear(client), answer) {
            (Heard::Close(code), Answer::Close(expected)) => {
                assert_eq!(code, expected, "{name}");
                return;
            }
            (Heard::Lines(lines), Answer::Close(3013)) => assert_eq!(lines.len(), 1024, "{name}"),
            (Heard::Lines(lines), Answer::Error(_) | Answer::Fine) => {
                let Some(reply) = lines.iter().find(|line| line["id"].is_u64()) else { continue };
                match answer {
                    Answer::Error(code) => assert_eq!(reply["error"]["code"], code, "{name}"),
                    Answer::Fine | Answer::Close(_) => {
                        assert!(reply.get("error").is_none(), "{name}: {reply}");
                    }
                }
                break;
            }
            (heard, _) => panic!("{name}: {heard:?}"),
        }
    }
    // It goes on. Whoever has not connected does so now.
    let reply = ask(client, r#"{"id":77,"ping":{}}"#);
    assert_eq!(reply, json!({ "id": 77, "ping": {} }), "{name}");
}

#[test]
fn a_text_that_is_not_utf_8_is_a_fault_of_the_wire() {
    let fanlight = Fanlight::start(&[]);
    let mut client = connected(&fanlight);
    let frame = tungstenite::protocol::frame::Frame::message(
        b"{\"id\":9,\"subscribe\":{\"channel\":\"\xff\"}}".to_vec(),
        tungstenite::protocol::frame::coding::OpCode::Data(
            tungstenite::protocol::frame::coding::Data::Text,
        ),
        true,
    );
    client.send(Message::Frame(frame)).unwrap();
    assert!(matches!(hear(&mut client), Heard::Close(1007)));
}

fn token(secret: &str, alg: &str, claims: Value) -> String {
    let parts = [json!({ "alg": alg }), claims];
    let body = parts.map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes())).join(".");
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&body);
    format!("{body}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()))
}

#[test]
fn tokens_decide_who_connects() {
    let fanlight = Fanlight::start(&["--token-hmac-secret", SECRET]);
    let far = 4_000_000_000_u64;
    let good = token(SECRET, "HS256", json!({ "sub": "42", "exp": far }));
    let mut bystander = fanlight.connect(PATH, None).unwrap();
    let line = json!({ "id": 1, "connect": { "token": good } }).to_string();
    let reply = ask(&mut bystander, &line);
    assert_eq!(reply["connect"]["expires"], true, "{reply}");

    let other = "another secret, of another backend";
    let unsigned = token(SECRET, "none", json!({ "sub": "42" }));
    let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
    for (bad, answer) in [
        (token(SECRET, "HS256", json!({ "sub": "42", "exp": 1_000_000_000 })), Answer::Error(109)),
        (token(other, "HS256", json!({ "sub": "42", "exp": far })), Answer::Close(3500)),
        (token(SECRET, "none", json!({ "sub": "42" })), Answer::Close(3500)),
        (format!("{unsigned}."), Answer::Close(3500)),
        ("nonsense".to_owned(), Answer::Close(3500)),
        (String::new(), Answer::Error(101)),
    ] {
        let mut client = fanlight.connect(PATH, None).unwrap();
        let line = json!({ "id": 1, "connect": { "token": bad } }).to_string();
        client.send(Message::text(line)).unwrap();
        match (hear(&mut client), answer) {
            (Heard::Close(code), Answer::Close(expected)) => assert_eq!(code, expected, "{bad}"),
            (Heard::Lines(lines), Answer::Error(code)) => {
                assert_eq!(lines[0]["error"]["code"], code, "{bad}");
            }
            (heard, _) => panic!("{bad}: {heard:?}"),
        }
        assert_eq!(ask(&mut bystander, r#"{"id":2,"ping":{}}"#)["id"], 2);
    }
    for (channel, sub_token, code) in [
        ("$a", String::new(), Some(103)),
        ("$a", token(other, "HS256", json!({ "sub": "42", "channel": "$a" })), Some(103)),
        (
            "$a",
            token(SECRET, "HS256", json!({ "sub": "42", "channel": "$a", "exp": 1 })),
            Some(109),
        ),
        ("$a", token(SECRET, "HS256", json!({ "sub": "42", "channel": "$a" })), None),
        ("news#42", String::new(), None),
        ("news#43", String::new(), Some(103)),
    ] {
        let subscribe = json!({ "channel": channel, "token": sub_token });
        let reply = ask(&mut bystander, &json!({ "id": 3, "subscribe": subscribe }).to_string());
        assert_eq!(reply["error"]["code"].as_u64(), code, "{channel}: {reply}");
    }
}

#[test]
fn a_secret_is_never_shown() {
    let output = Fanlight::output(&["--token-hmac-secret", "guessable"]);
    assert_eq!(output.status.code(), Some(2));
    for said in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(said).contains("guessable"));
    }
}
