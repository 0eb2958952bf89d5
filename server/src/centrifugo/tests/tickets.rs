//! Tokens: who is let in, where, and for how long.

use std::cell::Cell;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// How much longer than its token a connection or a subscription lasts.
const GRACE: Duration = Duration::from_secs(25);

fn token(claims: Value) -> String {
    signed(SECRET, json!({ "alg": "HS256", "typ": "JWT" }), claims)
}

fn signed(secret: &str, header: Value, claims: Value) -> String {
    let body = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    let body = body.join(".");
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&body);
    format!("{body}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()))
}

thread_local! {
    static ID: Cell<u32> = const { Cell::new(100) };
}

/// Asks for one thing and hears the answer.
fn ask(world: &mut World<Centrifugo>, conn: ConnId, name: &str, request: Value) -> Value {
    let id = ID.replace(ID.get() + 1);
    world.peer(conn).send(&json!({ "id": id, name: request }).to_string());
    let reply = reply(world, conn);
    assert_eq!(reply["id"], id);
    reply
}

fn connect(world: &mut World<Centrifugo>, claims: Value) -> ConnId {
    let conn = world.open(PATH);
    let reply = ask(world, conn, "connect", json!({ "token": token(claims) }));
    assert!(reply["connect"].is_object(), "{reply}");
    conn
}

#[test]
fn whoever_has_no_token_may_not_connect_and_may_try_again() {
    let mut world = guarded();
    let conn = world.open(PATH);
    for request in [json!({}), json!({ "token": "" })] {
        assert_eq!(error(&ask(&mut world, conn, "connect", request)), Some(101));
    }
    let reply = ask(&mut world, conn, "connect", json!({ "token": token(json!({ "sub": "42" })) }));
    assert_eq!(reply["connect"]["expires"], Value::Null);
}

#[test]
fn a_token_without_a_secret_to_check_it_is_not_taken() {
    let mut world = house();
    let token = token(json!({ "sub": "42" }));
    let conn = say(&mut world, &format!(r#"{{"id":1,"connect":{{"token":"{token}"}}}}"#));
    world.peer(conn).expect_close(3500.into());
}

#[test]
fn tokens_that_are_none_end_the_connection() {
    let mut world = guarded();
    let claims = json!({ "sub": "42" });
    let good = token(claims.clone());
    let (body, _) = good.rsplit_once('.').unwrap();
    let hs256 = json!({ "alg": "HS256" });
    for bad in [
        "nonsense".to_owned(),
        "a.b".to_owned(),
        "..".to_owned(),
        body.to_owned(),
        format!("{body}."),
        format!("{good}x"),
        format!("{good}."),
        signed("another secret, of another backend", hs256.clone(), claims.clone()),
        signed(SECRET, json!({ "alg": "none" }), claims.clone()),
        signed(SECRET, json!({ "alg": "None" }), claims.clone()),
        signed(SECRET, json!({ "alg": "HS512" }), claims.clone()),
        signed(SECRET, json!({ "alg": "RS256" }), claims.clone()),
        signed(SECRET, json!({}), claims.clone()),
        format!(
            "{}.",
            signed(SECRET, json!({ "alg": "none" }), claims).rsplit_once('.').unwrap().0
        ),
        token(json!({ "sub": 42 })),
        token(json!({ "sub": "42", "exp": "soon" })),
        token(json!({ "sub": "42", "nbf": NOW + 1 })),
        token(json!({ "sub": "42", "channel": "a" })),
        token(json!({ "sub": "42", "channels": ["grüße"] })),
        token(json!({ "sub": "42", "channels": [""] })),
        token(json!([1])),
    ] {
        let conn = say(&mut world, &json!({ "id": 1, "connect": { "token": bad } }).to_string());
        world.peer(conn).expect_close(3500.into());
    }
    assert_eq!(world.live(), []);
}

#[test]
fn an_expired_token_is_told_apart() {
    let mut world = guarded();
    let conn = world.open(PATH);
    for exp in [json!(NOW), json!(NOW - 1), json!(0), json!(-1), json!(NOW as f64 - 0.5)] {
        let expired = token(json!({ "sub": "42", "exp": exp }));
        let reply = ask(&mut world, conn, "connect", json!({ "token": expired }));
        assert_eq!(error(&reply), Some(109), "{exp}");
    }
    // It is so only if it was good once.
    let forged = signed(
        "another secret, of another backend",
        json!({ "alg": "HS256" }),
        json!({ "exp": 0 }),
    );
    world.peer(conn).send(&json!({ "id": 1, "connect": { "token": forged } }).to_string());
    world.peer(conn).expect_close(3500.into());
}

/// Lets time pass, and answers pings meanwhile.
fn live(world: &mut World<Centrifugo>, conn: ConnId, lasting: Duration) {
    let until = world.now() + lasting;
    while world.now() < until {
        world.advance(SECOND.min(until - world.now()));
        let texts = world.socket(conn).peer.texts();
        let (pings, pongs) = (
            texts.iter().filter(|text| **text == "{}").count(),
            world.socket(conn).peer.said().iter().filter(|text| *text == "{}").count(),
        );
        if pings > pongs && world.live().contains(&conn) {
            answer_ping(world, conn);
        }
    }
}

#[test]
fn a_connection_ends_with_its_token_unless_that_is_refreshed() {
    let mut world = guarded();
    let conn = world.open(PATH);
    let good = token(json!({ "sub": "42", "exp": NOW + 60 }));
    let reply = ask(&mut world, conn, "connect", json!({ "token": good }));
    assert_eq!(reply["connect"]["expires"], true);
    assert_eq!(reply["connect"]["ttl"], 60);
    live(&mut world, conn, SECOND * 60 + GRACE - SECOND);
    assert_eq!(world.live(), [conn]);
    // The clock on the wall stands still, so the same token is good for another minute.
    let reply = ask(&mut world, conn, "refresh", json!({ "token": good }));
    assert_eq!(
        (&reply["refresh"]["expires"], &reply["refresh"]["ttl"]),
        (&json!(true), &json!(60))
    );
    live(&mut world, conn, SECOND * 60 + GRACE - SECOND);
    assert_eq!(world.live(), [conn]);
    world.peer(conn).expect_close(3005.into());
}

#[test]
fn a_refresh_is_judged_like_a_connect() {
    let mut world = guarded();
    let conn = connect(&mut world, json!({ "sub": "42", "exp": NOW + 60 }));
    // Without an end the connection has none any more.
    let endless = token(json!({ "sub": "42" }));
    let reply = ask(&mut world, conn, "refresh", json!({ "token": endless }));
    assert_eq!(reply["refresh"]["expires"], Value::Null);
    live(&mut world, conn, SECOND * 300);
    assert_eq!(world.live(), [conn]);
    let of_another = token(json!({ "sub": "43" }));
    world.peer(conn).send(&json!({ "id": 1, "refresh": { "token": of_another } }).to_string());
    world.peer(conn).expect_close(3500.into());
    let conn = connect(&mut world, json!({ "sub": "42" }));
    world.peer(conn).send(r#"{"id":1,"refresh":{}}"#).expect_close(3501.into());
    // Here an SDK takes an error for the end: with this code it comes again, and has a new token.
    let conn = connect(&mut world, json!({ "sub": "42", "exp": NOW + 60 }));
    let expired = token(json!({ "sub": "42", "exp": NOW }));
    world.peer(conn).send(&json!({ "id": 1, "refresh": { "token": expired } }).to_string());
    world.peer(conn).expect_close(3005.into());
}

#[test]
fn what_a_token_grants_can_end_apart_from_it() {
    let mut world = guarded();
    let conn = world.open(PATH);
    let once = token(json!({ "sub": "42", "exp": NOW + 5, "expire_at": 0 }));
    let reply = ask(&mut world, conn, "connect", json!({ "token": once }));
    assert_eq!(reply["connect"]["expires"], Value::Null);
    let far = token(json!({ "sub": "42", "exp": 1e300 }));
    let reply = ask(&mut world, conn, "refresh", json!({ "token": far }));
    assert_eq!(reply["refresh"]["ttl"], 365 * 24 * 3600);
    let past = token(json!({ "sub": "42", "exp": NOW + 5, "expire_at": NOW - 5 }));
    let conn = world.open(PATH);
    assert_eq!(error(&ask(&mut world, conn, "connect", json!({ "token": past }))), Some(109));
}

#[test]
fn channels_open_to_whom_they_are_for() {
    let mut world = guarded();
    let conn = connect(&mut world, json!({ "sub": "42" }));
    for (channel, code) in [
        ("news", None),
        ("news#42", None),
        ("dialog#41,42", None),
        ("news#43", Some(103)),
        ("news#4", Some(103)),
        ("news#", Some(103)),
        ("$secret", Some(103)),
        ("$secret#42", Some(103)),
    ] {
        let reply = ask(&mut world, conn, "subscribe", json!({ "channel": channel }));
        assert_eq!(error(&reply), code, "{channel}");
    }
    let anonymous = connect(&mut world, json!({}));
    for channel in ["news#", "news#,", "$"] {
        let reply = ask(&mut world, anonymous, "subscribe", json!({ "channel": channel }));
        assert_eq!(error(&reply), Some(103), "{channel}");
    }
}

#[test]
fn a_token_for_a_channel_opens_that_one_to_its_user() {
    let mut world = guarded();
    let conn = connect(&mut world, json!({ "sub": "42" }));
    let subscribe = |world: &mut _, channel: &str, token: String| {
        ask(world, conn, "subscribe", json!({ "channel": channel, "token": token }))
    };
    let secret = |claims: Value| token(claims);
    for (token, code) in [
        (secret(json!({ "sub": "42", "channel": "$other" })), 103),
        (secret(json!({ "sub": "43", "channel": "$secret" })), 103),
        (secret(json!({ "channel": "$secret" })), 103),
        (secret(json!({ "sub": "42" })), 103),
        (secret(json!({ "sub": "42", "channel": "$secret", "client": "another" })), 103),
        ("nonsense".to_owned(), 103),
        (secret(json!({ "sub": "42", "channel": "$secret", "exp": NOW })), 109),
        (
            signed(SECRET, json!({ "alg": "none" }), json!({ "sub": "42", "channel": "$secret" })),
            103,
        ),
    ] {
        assert_eq!(error(&subscribe(&mut world, "$secret", token)), Some(code));
    }
    let good = secret(json!({ "sub": "42", "channel": "$secret" }));
    assert_eq!(subscribe(&mut world, "$secret", good)["subscribe"], json!({}));
    // A token that is there is judged, also where none is needed.
    assert_eq!(error(&subscribe(&mut world, "open", "nonsense".to_owned())), Some(103));
}

#[test]
fn a_token_for_a_channel_can_be_for_one_connection_only() {
    let mut world = guarded();
    let conn = world.open(PATH);
    let reply = ask(&mut world, conn, "connect", json!({ "token": token(json!({ "sub": "42" })) }));
    let claims = json!({ "sub": "42", "channel": "$secret", "client": reply["connect"]["client"] });
    let request = json!({ "channel": "$secret", "token": token(claims) });
    let other = connect(&mut world, json!({ "sub": "42" }));
    assert_eq!(error(&ask(&mut world, other, "subscribe", request.clone())), Some(103));
    assert_eq!(ask(&mut world, conn, "subscribe", request)["subscribe"], json!({}));
}

#[test]
fn a_subscription_ends_with_its_token_unless_that_is_refreshed() {
    let mut world = guarded();
    let conn = connect(&mut world, json!({ "sub": "42" }));
    let good = token(json!({ "sub": "42", "channel": "$secret", "exp": NOW + 30 }));
    let request = json!({ "channel": "$secret", "token": good });
    let reply = ask(&mut world, conn, "subscribe", request.clone());
    assert_eq!(reply["subscribe"], json!({ "expires": true, "ttl": 30 }));
    live(&mut world, conn, SECOND * 30 + GRACE - SECOND);
    let reply = ask(&mut world, conn, "sub_refresh", request.clone());
    assert_eq!(reply["sub_refresh"], json!({ "expires": true, "ttl": 30 }));
    live(&mut world, conn, SECOND * 30 + GRACE - SECOND);
    live(&mut world, conn, SECOND * 2);
    assert_eq!(
        super::reply(&mut world, conn)["push"],
        json!({ "channel": "$secret", "unsubscribe": { "code": 2501, "reason": "expired" } })
    );
    // Only that has ended, and it can begin again.
    assert_eq!(world.live(), [conn]);
    let publish = json!({ "channel": "$secret", "data": 1 });
    assert_eq!(error(&ask(&mut world, conn, "publish", publish)), Some(103));
    let reply = ask(&mut world, conn, "subscribe", request.clone());
    assert_eq!(reply["subscribe"], json!({ "expires": true, "ttl": 30 }));

    // Whoever has left has nothing that could end.
    let conn = connect(&mut world, json!({ "sub": "42" }));
    ask(&mut world, conn, "subscribe", request);
    ask(&mut world, conn, "unsubscribe", json!({ "channel": "$secret" }));
    live(&mut world, conn, SECOND * 100);
    assert_eq!(world.live(), [conn]);
}

#[test]
fn a_subscriptions_refresh_is_judged() {
    let mut world = guarded();
    let conn = connect(&mut world, json!({ "sub": "42" }));
    ask(&mut world, conn, "subscribe", json!({ "channel": "a" }));
    let of =
        |channel: &str, exp: u64| token(json!({ "sub": "42", "channel": channel, "exp": exp }));
    for (channel, token, code) in [
        ("never", of("never", NOW + 9), 103),
        ("a", String::new(), 107),
        ("a", of("b", NOW + 9), 103),
        ("a", of("a", NOW), 109),
    ] {
        let request = json!({ "channel": channel, "token": token });
        assert_eq!(error(&ask(&mut world, conn, "sub_refresh", request)), Some(code), "{channel}");
    }
}

#[test]
fn a_connection_has_the_channels_of_its_token_from_the_beginning() {
    for seed in 0..20 {
        let mut world = world(3, Nature::WILD, seed, &guard());
        let claims =
            json!({ "sub": "42", "channels": ["a", "$b", "a"], "subs": { "$b": {}, "c#1": {} } });
        let line = json!({ "id": 1, "connect": { "token": token(claims) } });
        let conn =
            say(&mut world, &format!("{line}\n{{\"id\":2,\"subscribe\":{{\"channel\":\"a\"}}}}"));
        let mut said = next(&mut world, conn);
        assert_eq!(said[0]["connect"]["subs"], json!({ "a": {}, "$b": {}, "c#1": {} }));
        if said.len() == 1 {
            said.extend(next(&mut world, conn));
        }
        assert_eq!(error(&said[1]), Some(105), "seed {seed}");
        for channel in ["a", "$b", "c#1"] {
            let publish = json!({ "channel": channel, "data": channel });
            world.peer(conn).send(&json!({ "id": 3, "publish": publish }).to_string());
            let heard = [next(&mut world, conn), next(&mut world, conn)].concat();
            assert!(heard.iter().any(|line| line["push"]["pub"]["data"] == channel), "{heard:?}");
        }
    }
}

#[test]
fn a_token_for_more_channels_than_a_connection_may_have_is_too_much() {
    let mut world = guarded();
    let channels: Vec<String> = (0..129).map(|number| format!("c{number}")).collect();
    let token = token(json!({ "channels": channels }));
    let conn = say(&mut world, &json!({ "id": 1, "connect": { "token": token } }).to_string());
    world.peer(conn).expect_close(3505.into());
}
