//! Streams that somebody else has accepted.

use async_tungstenite::accept_async;
use fanlight_core::{Admission, Arrival, Negotiated, PeerAddr, Refused, Settings, Topic};
use fanlight_driver::HandleError;
use futures_lite::future::zip;

use crate::{
    client::Client,
    house::{House, Plan, settings, soon},
    platform::Platform,
    service::Told,
};

pub(crate) async fn a_stream_that_somebody_else_accepted_is_like_any_other(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 2).await;
    let (near, far) = house.pair();
    let attaching = house.handle.attach(far, Arrival::Fresh(PeerAddr::Unnamed));
    let conn = soon(platform, attaching).await.unwrap();
    let mut attached = Client::over(platform, near).await;
    assert_eq!(house.next_told().await, Told::Opened(conn));
    let (mut accepted, accepted_conn) = house.opened_client().await;
    assert_ne!(conn.shard(), accepted_conn.shard());
    attached.join("lobby").await;
    accepted.join("lobby").await;
    attached.say("say lobby hello").await;
    assert_eq!(attached.hear().await, "hello");
    assert_eq!(accepted.hear().await, "hello");
    drop(attached);
    house.until(|stats| stats.connections == 1).await;
    house.close().await;
}

pub(crate) async fn a_connection_of_async_tungstenite_goes_on(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let (near, far) = house.pair();
    let (mut client, accepted) =
        zip(Client::over(platform, near), soon(platform, accept_async(far))).await;
    let negotiated = Negotiated::from(Admission::user("ann"));
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, negotiated, Vec::new());
    let attaching = house.handle.attach(accepted.unwrap().into_inner(), arrival);
    let conn = soon(platform, attaching).await.unwrap();
    // The topic of the user is told of as any other.
    assert_eq!(client.hear().await, "joined ann");
    house.handle.publish(Topic::user("ann"), "for ann".into()).await.unwrap();
    assert_eq!(client.hear().await, "for ann");
    client.say("hello").await;
    assert_eq!(client.hear().await, "hello");
    assert_eq!(soon(platform, house.handle.list(Topic::user("ann"))).await, Ok(vec![conn]));
    drop(client);
    house.until(|stats| stats.connections == 0).await;
    house.close().await;
}

pub(crate) async fn whom_there_is_no_room_for_is_told_though_it_is_open(
    platform: &'static dyn Platform,
) {
    let settings = Settings { connections_max: 1, ..settings() };
    let house = House::open(platform, Plan { settings, ..Plan::default() }).await;
    let (mut first, _) = house.opened_client().await;
    let (near, far) = house.pair();
    let (client, accepted) =
        zip(Client::over(platform, near), soon(platform, accept_async(far))).await;
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    let attaching = house.handle.attach(accepted.unwrap().into_inner(), arrival);
    let refused = soon(platform, attaching).await;
    assert_eq!(refused, Err(HandleError::Refused(Refused::Full)));
    let (code, reason) = client.hear_close().await;
    assert_eq!((code, reason), (1013, Refused::Full.to_string()));
    first.say("still here").await;
    assert_eq!(first.hear().await, "still here");
    house.close().await;
}
