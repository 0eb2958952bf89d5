//! From the first byte to an open connection, or to a refusal.

use std::time::Duration;

use fanlight_core::CloseReason;

use crate::{
    client::{Client, UPGRADE},
    house::House,
    platform::Platform,
    service::Told,
};

pub(crate) async fn an_upgrade_is_answered_as_the_rfc_has_it(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let mut raw = house.raw();
    raw.send(UPGRADE).await;
    let head = raw.hear_head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let accept = "\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    assert!(head.to_ascii_lowercase().contains(&accept.to_ascii_lowercase()), "{head}");
    house.until(|stats| stats.open == 1).await;
    house.close().await;
}

pub(crate) async fn a_request_byte_by_byte_is_answered_like_any_other(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let mut raw = house.raw();
    for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" {
        raw.send([*byte]).await;
    }
    let answer = String::from_utf8(raw.hear_out().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    house.close().await;
}

pub(crate) async fn a_request_that_the_service_refuses_is_told_why(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let mut raw = house.raw();
    raw.send(UPGRADE.replacen('/', "/private", 1)).await;
    let answer = String::from_utf8(raw.hear_out().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    drop(raw);
    let told = house.next_told().await;
    assert!(matches!(told, Told::Closed(_, CloseReason::Refused(403))), "{told:?}");
    // Nobody else has lost anything by it.
    Client::over(platform, house.link()).await.say("hello").await;
    house.close().await;
}

pub(crate) async fn a_peer_that_never_finishes_its_request_is_let_go(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let (mut slow, mut silent) = (house.raw(), house.raw());
    slow.send("GET / HTTP/1.1\r\n").await;
    house.until(|stats| stats.upgrading == 2 && stats.received_bytes > 0).await;
    house.clock.pass(Duration::from_secs(9));
    slow.send("Host: localhost\r\n").await;
    house.until(|stats| stats.received_bytes > 16).await;
    assert_eq!(house.handle.stats().upgrading, 2, "it is not time yet");
    house.clock.pass(Duration::from_secs(1));
    let answer = String::from_utf8(slow.hear_out().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    silent.hear_end().await;
    house.close().await;
}
