//! The server when the process has no file descriptor left. Alone in its process, whose limit it
//! lowers.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::{fs::File, net::SocketAddr, time::Duration};

use async_tungstenite::{
    WebSocketStream,
    tokio::{TokioAdapter, client_async},
    tungstenite::Message as Said,
};
use fanlight_tokio::{ConnId, Context, Message, Server, Service};
use futures_lite::StreamExt;
use tokio::{net::TcpStream, time};

const PATIENCE: Duration = Duration::from_secs(10);

struct Echo;

impl Service for Echo {
    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        cx.send(conn, message);
    }
}

type Client = WebSocketStream<TokioAdapter<TcpStream>>;

async fn connect(address: SocketAddr) -> Client {
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(format!("ws://{address}/"), stream).await.unwrap().0
}

async fn echo(client: &mut Client) {
    client.send(Said::text("still there?")).await.unwrap();
    let said = time::timeout(PATIENCE, client.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(said, Said::text("still there?"));
}

/// Takes every descriptor that is left.
fn take_all() -> Vec<File> {
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
        assert!(taken.len() < 4096, "the limit holds");
    }
    taken
}

#[tokio::test]
async fn a_server_without_descriptors_serves_on_and_recovers() {
    let (_, hard) = rlimit::Resource::NOFILE.get().unwrap();
    rlimit::Resource::NOFILE.set(128, hard).unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap().shards(1);
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    tokio::spawn(server.run(|| Echo));
    let mut first = time::timeout(PATIENCE, connect(address)).await.unwrap();
    echo(&mut first).await;

    let mut taken = take_all();
    // One for the peer's own end; none for ours.
    taken.pop();
    let second = tokio::spawn(connect(address));
    for _ in 0..30 {
        echo(&mut first).await;
        time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!second.is_finished(), "it waits in the kernel");
    assert_eq!(handle.stats().accepted, 1);

    drop(taken);
    let mut second = time::timeout(PATIENCE, second).await.unwrap().unwrap();
    echo(&mut second).await;
    echo(&mut first).await;
    handle.stop();
}
