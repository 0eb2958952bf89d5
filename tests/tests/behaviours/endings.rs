//! How connections and servers end.

use std::time::Duration;

use async_tungstenite::tungstenite::Message as Said;
use fanlight_core::{CloseCode, CloseReason};
use fanlight_driver::Stopped;

use crate::{
    client::UPGRADE,
    house::{House, Plan, Served, soon},
    platform::Platform,
    service::Told,
};

pub(crate) async fn a_peer_that_closes_is_answered_and_shut_down(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let (mut client, conn) = house.opened_client().await;
    client.send(Said::Close(None)).await.unwrap();
    assert_eq!(client.next().await.unwrap(), Said::Close(None));
    client.hear_end().await;
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::PeerClosed(None)));
    house.close().await;
}

pub(crate) async fn a_service_that_closes_has_its_last_words_arrive_first(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let (mut client, conn) = house.opened_client().await;
    for number in 0..50 {
        client.say(&number.to_string()).await;
    }
    client.say("bye").await;
    for number in 0..50 {
        assert_eq!(client.hear().await, number.to_string());
    }
    assert_eq!(client.hear_close().await, (4000, "bye".to_owned()));
    let reason = CloseReason::ServiceClosed(CloseCode::Library(4000));
    assert_eq!(house.next_told().await, Told::Closed(conn, reason));
    house.close().await;
}

pub(crate) async fn last_words_survive_input_that_nobody_read(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let mut client = house.client().await;
    client.say("bye").await;
    for _ in 0..20 {
        // A server that closed at once would answer this with a reset, and lose its Close.
        let _ = client.send(Said::text("still talking")).await;
    }
    assert_eq!(client.hear_close().await.0, 4000);
    house.close().await;
}

pub(crate) async fn a_peer_that_does_not_leave_is_waited_for_and_let_go(
    platform: &'static dyn Platform,
) {
    let house = House::of(platform, 1).await;
    let mut raw = house.raw();
    raw.send(UPGRADE).await;
    raw.hear_head().await;
    let Told::Opened(conn) = house.next_told().await else { panic!("it opened first") };
    house.handle.close(conn, CloseCode::Normal, "").now().unwrap();
    assert_eq!(raw.hear(4).await, [0x88, 2, 3, 232]);
    let reason = CloseReason::ServiceClosed(CloseCode::Normal);
    house.until(|stats| stats.open == 0).await;

    // It never answers the Close: our half ends when that has taken too long.
    house.clock.pass(Duration::from_secs(4));
    assert_eq!(house.handle.stats().connections, 1);
    house.clock.pass(Duration::from_secs(1));
    assert_eq!(raw.hear_out().await, b"");
    // It is still read, for as long as somebody lingers.
    raw.send([0; 100]).await;
    assert_eq!(house.handle.stats().connections, 1);
    house.clock.pass(Duration::from_secs(1));
    house.until(|stats| stats.connections == 0).await;
    assert_eq!(house.next_told().await, Told::Closed(conn, reason));
    house.close().await;
}

pub(crate) async fn a_peer_that_vanishes_is_noticed(platform: &'static dyn Platform) {
    let house = House::of(platform, 1).await;
    let (client, conn) = house.opened_client().await;
    drop(client);
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::PeerGone));
    house.close().await;
}

pub(crate) async fn a_server_that_is_stopped_says_so(platform: &'static dyn Platform) {
    let house = House::of(platform, 2).await;
    let mut client = house.client().await;
    let ended = house.handle.ended();
    house.handle.stop();
    assert_eq!(soon(platform, ended).await, Err(Stopped::Asked));
    let error = house.end().await.unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&Stopped::Asked));
    assert!(client.next().await.is_err());
}

pub(crate) async fn a_run_that_is_dropped_ends_its_shards(platform: &'static dyn Platform) {
    let Served { address, handle, incoming: _, mut run } =
        platform.serve(Plan::default()).await.unwrap();
    assert!(futures_lite::future::poll_once(&mut run).await.is_none(), "it serves");
    drop(run);
    let why = soon(platform, handle.ended()).await.unwrap_err();
    assert!(matches!(why, Stopped::Asked | Stopped::Dropped(_)), "{why}");
    let refused = std::net::TcpStream::connect(address.expect("it listened on a port"));
    assert!(refused.is_err(), "nobody listens any more");
}
