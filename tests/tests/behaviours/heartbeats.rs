//! Who is still there, and who is not.

use std::time::Duration;

use fanlight_core::CloseReason;

use crate::{house::House, platform::Platform, service::Told};

const PING_INTERVAL: Duration = Duration::from_secs(25);
const PONG_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn a_silent_peer_is_pinged_and_let_go(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let (mut answering, _) = house.opened_client().await;
    let (mut silent, conn) = house.opened_client().await;

    house.clock.pass(PING_INTERVAL);
    // Reading is what answers a ping; only one of the two reads.
    assert!(answering.next().await.unwrap().is_ping());
    answering.say("here").await;
    assert_eq!(answering.hear().await, "here");
    house.until(|stats| stats.round_trips == 1 && stats.pings == 2).await;

    house.clock.pass(PONG_TIMEOUT);
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::HeartbeatTimeout));
    assert!(silent.next().await.unwrap().is_ping(), "it was asked");
    assert!(silent.next().await.is_err());
    answering.say("still here").await;
    assert_eq!(answering.hear().await, "still here");
    house.close().await;
}

pub(crate) async fn a_peer_that_answers_stays_for_hours(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let mut client = house.client().await;
    for round in 1..=500 {
        house.clock.pass(PING_INTERVAL);
        assert!(client.next().await.unwrap().is_ping());
        // The pong leaves with what is said next.
        client.say("here").await;
        assert_eq!(client.hear().await, "here");
        house.until(|stats| stats.round_trips == round).await;
    }
    assert_eq!(house.handle.stats().open, 1);
    house.close().await;
}
