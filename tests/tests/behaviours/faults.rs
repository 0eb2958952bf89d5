//! Panics of the service and faults of peers end one connection, not more.

use async_tungstenite::tungstenite::Message as Said;
use fanlight_core::CloseReason;

use crate::{client::UPGRADE, house::House, platform::Platform, service::Told};

pub(crate) async fn a_panic_of_the_service_ends_one_connection_with_1011(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let (mut other, _) = house.opened_client().await;
    let (mut client, conn) = house.opened_client().await;
    client.say("panic").await;
    assert_eq!(client.hear_close().await.0, 1011);
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::ServicePanicked));
    other.say("still here").await;
    assert_eq!(other.hear().await, "still here");
    house.until(|stats| stats.panics == 1).await;
    house.close().await;
}

pub(crate) async fn a_panic_over_a_shards_timer_ends_nobody(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let mut client = house.client().await;
    client.say("panic later").await;
    for number in 0..10 {
        client.say(&number.to_string()).await;
        assert_eq!(client.hear().await, number.to_string());
    }
    house.until(|stats| stats.panics == 1).await;
    house.close().await;
}

pub(crate) async fn a_peer_that_breaks_the_protocol_is_told_and_harms_nobody(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let mut other = house.client().await;
    let mut raw = house.raw();
    raw.send(UPGRADE).await;
    raw.hear_head().await;
    // A reserved opcode, not masked.
    raw.send([0x83, 0x00]).await;
    let close = raw.hear(4).await;
    assert_eq!((close[0], &close[2..]), (0x88, &[3, 234][..]), "1002");
    drop(raw);
    other.send(Said::text("unharmed")).await.unwrap();
    assert_eq!(other.hear().await, "unharmed");
    house.until(|stats| stats.faults == 1).await;
    house.close().await;
}
