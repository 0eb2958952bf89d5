//! The server ends gracefully when the process is told to.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::time::Duration;

use async_tungstenite::{tokio::client_async, tungstenite::Message};
use fanlight_tokio::{CloseCode, CloseFrame, Drain, Server, Service};
use futures_lite::StreamExt;
use rustix::process::{Signal, getpid, kill_process};
use tokio::{net::TcpStream, time::timeout};

struct Silent;
impl Service for Silent {}

#[tokio::test]
async fn a_signal_drains_the_server() {
    let farewell = CloseFrame { code: CloseCode::Restart, reason: "back soon".into() };
    let drain = Drain { over: Duration::ZERO, timeout: Duration::from_secs(5), farewell };
    let server = Server::bind("127.0.0.1:0").await.unwrap().drain_on_signal(drain);
    let address = server.local_addr().unwrap();
    let running = tokio::spawn(server.run(|| Silent));

    let patience = Duration::from_secs(10);
    let stream = TcpStream::connect(address).await.unwrap();
    let connected = timeout(patience, client_async(format!("ws://{address}/"), stream));
    // Once somebody is let in, signals are listened for.
    let (mut client, _) = connected.await.unwrap().unwrap();
    kill_process(getpid(), Signal::TERM).unwrap();

    let said = timeout(patience, client.next()).await.unwrap().unwrap().unwrap();
    assert!(
        matches!(&said, Message::Close(Some(close)) if u16::from(close.code) == 1012),
        "{said}"
    );
    assert!(timeout(patience, client.next()).await.unwrap().is_none());
    drop(client);
    timeout(patience, running).await.unwrap().unwrap().unwrap();
}
