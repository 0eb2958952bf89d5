//! More peers than there may be.

use fanlight_core::Settings;
use fanlight_driver::WhenFull;

use crate::{
    client::Client,
    house::{House, Plan, settings},
    platform::Platform,
};

fn plan(when_full: WhenFull) -> Plan {
    let settings = Settings { connections_max: 1, ..settings() };
    Plan { shards: 2, settings, when_full, ..Plan::default() }
}

pub(crate) async fn whom_there_is_no_room_for_is_told_and_let_go(platform: &'static dyn Platform) {
    let house = House::open(platform, plan(WhenFull::Refuse)).await;
    let (mut first, second) = (house.client().await, house.client().await);
    for _ in 0..3 {
        let answer = String::from_utf8(house.raw().hear_out().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\nretry-after: "), "{answer}");
    }
    first.say("still here").await;
    assert_eq!(first.hear().await, "still here");
    drop(second);
    house.until(|stats| stats.connections == 1).await;
    house.client().await.say("room again").await;
    house.close().await;
}

pub(crate) async fn whom_there_is_no_room_for_waits_if_that_is_wanted(
    platform: &'static dyn Platform,
) {
    let house = House::open(platform, plan(WhenFull::Wait)).await;
    let (mut first, second) = (house.client().await, house.client().await);
    let waiting = house.link();
    // All that is asked of the shards is done, and the third is not among those they were given.
    first.say("still here").await;
    assert_eq!(first.hear().await, "still here");
    assert_eq!((house.handle.stats().accepted, house.handle.stats().refused), (2, 0));
    drop(second);
    let mut third = Client::over(platform, waiting).await;
    third.say("at last").await;
    assert_eq!(third.hear().await, "at last");
    house.close().await;
}
