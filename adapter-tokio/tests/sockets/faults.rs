//! Panics of the service and faults of peers end one connection, not more.

use async_tungstenite::tungstenite::Message as Said;
use fanlight_tokio::{CloseReason, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::house::{House, Told, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_service_ends_one_connection_with_1011() {
    let house = House::open(1, Settings::default()).await;
    let mut other = house.client().await;
    let Told::Opened(_) = house.next_told().await else { panic!("it opened first") };
    let mut client = house.client().await;
    let Told::Opened(conn) = house.next_told().await else { panic!("it opened second") };
    client.say("panic").await;
    assert_eq!(client.hear_close().await.0, 1011);
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::ServicePanicked));
    other.say("still here").await;
    assert_eq!(other.hear().await, "still here");
    house.until(|stats| stats.panics == 1).await;
    house.close().await;
}

#[tokio::test]
async fn a_panic_over_a_shards_timer_ends_nobody() {
    let house = House::open(1, Settings::default()).await;
    let mut client = house.client().await;
    client.say("panic later").await;
    for number in 0..10 {
        client.say(&number.to_string()).await;
        assert_eq!(client.hear().await, number.to_string());
    }
    house.close().await;
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_is_told_and_harms_nobody() {
    let house = House::open(1, Settings::default()).await;
    let mut other = house.client().await;
    let mut client = house.client().await;
    // A reserved opcode, not masked.
    let stream = client.0.get_mut().get_mut();
    stream.write_all(&[0x83, 0x00]).await.unwrap();
    assert_eq!(client.hear_close().await.0, 1002);
    soon(other.0.send(Said::text("unharmed"))).await.unwrap();
    assert_eq!(other.hear().await, "unharmed");
    house.until(|stats| stats.faults == 1).await;
    house.close().await;
}

#[tokio::test]
async fn whom_there_is_no_room_for_is_told_and_let_go() {
    let settings = Settings { connections_max: 1, ..Settings::default() };
    let house = House::open(1, settings).await;
    let mut client = house.client().await;
    for _ in 0..3 {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    client.say("still here").await;
    assert_eq!(client.hear().await, "still here");
    drop(client);
    house.until(|stats| stats.connections == 0).await;
    house.client().await.say("room again").await;
    house.close().await;
}
