//! How connections and servers end.

use std::time::Duration;

use async_tungstenite::tungstenite::{self, Message as Said};
use fanlight_tokio::{CloseCode, CloseReason, Settings, Stopped};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::house::{House, Told, drain, soon};

#[tokio::test]
async fn a_peer_that_closes_is_answered_and_shut_down() {
    let house = House::open(1, Settings::default()).await;
    let mut client = house.client().await;
    let Told::Opened(conn) = house.next_told().await else { panic!("it opened first") };
    soon(client.0.close(None)).await.unwrap();
    assert_eq!(client.next().await.unwrap(), Said::Close(None));
    assert!(matches!(client.next().await, Err(tungstenite::Error::ConnectionClosed)));
    drop(client);
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::PeerClosed(None)));
    house.close().await;
}

#[tokio::test]
async fn a_service_that_closes_has_its_last_words_arrive_first() {
    let house = House::open(1, Settings::default()).await;
    let mut client = house.client().await;
    let Told::Opened(conn) = house.next_told().await else { panic!("it opened first") };
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

#[tokio::test]
async fn last_words_survive_input_that_nobody_read() {
    let house = House::open(1, Settings::default()).await;
    let mut client = house.client().await;
    client.say("bye").await;
    for _ in 0..20 {
        // A server that closed at once would answer this with a reset, and lose its Close.
        let _ = client.0.send(Said::text("still talking")).await;
    }
    assert_eq!(client.hear_close().await.0, 4000);
    house.close().await;
}

#[tokio::test]
async fn a_peer_that_vanishes_is_noticed() {
    let house = House::open(1, Settings::default()).await;
    let client = house.client().await;
    let Told::Opened(conn) = house.next_told().await else { panic!("it opened first") };
    drop(client);
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::PeerGone));
    house.close().await;
}

#[tokio::test]
async fn a_silent_peer_is_pinged_and_let_go() {
    let settings = Settings {
        ping_interval: Duration::from_millis(40),
        pong_timeout: Duration::from_millis(40),
        ..Settings::default()
    };
    let house = House::open(1, settings).await;
    let mut answering = house.client().await;
    let Told::Opened(_) = house.next_told().await else { panic!("it opened first") };
    // It does not read, so it does not answer.
    let silent = house.client().await;
    let Told::Opened(conn) = house.next_told().await else { panic!("it opened second") };
    let answers = tokio::spawn(async move {
        while let Ok(message) = answering.next().await {
            if message.is_close() {
                break;
            }
        }
    });
    assert_eq!(house.next_told().await, Told::Closed(conn, CloseReason::HeartbeatTimeout));
    house.until(|stats| stats.round_trips >= 2).await;
    drop(silent);
    house.close().await;
    soon(answers).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_never_finishes_its_request_is_let_go() {
    let settings = Settings { upgrade_timeout: Duration::from_millis(50), ..Settings::default() };
    let house = House::open(1, settings).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_tells_everybody_and_ends_the_server() {
    let house = House::open(2, Settings::default()).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(house.client().await);
    }
    let drained = house.handle.drain(drain());
    for client in clients {
        assert_eq!(client.hear_close().await, (1001, "closing time".to_owned()));
    }
    soon(drained).await.unwrap();
    let address = house.address;
    soon(house.end()).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_a_peer_that_does_not_answer() {
    let house = House::open(2, Settings::default()).await;
    let _silent = house.client().await;
    soon(house.handle.drain(drain())).await.unwrap();
    soon(house.end()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_stopped_says_so() {
    let house = House::open(2, Settings::default()).await;
    let mut client = house.client().await;
    let ended = house.handle.ended();
    house.handle.stop();
    assert_eq!(soon(ended).await, Err(Stopped::Asked));
    let error = house.end().await.unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&Stopped::Asked));
    assert!(client.next().await.is_err());
}
