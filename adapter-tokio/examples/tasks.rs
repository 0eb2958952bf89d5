//! One task for each connection, with a state of its own and no callbacks.
//!
//! `cargo run -p fanlight-tokio --example tasks`, then connect to `ws://127.0.0.1:9000`: each message
//! is sent back with its number, and whoever says `bye` is told how many there were.

use std::{env, io};

use fanlight_tokio::{CloseCode, Connection, Incoming, Message, SendError, Server};
use futures_lite::StreamExt;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let server = Server::bind(address).await?;
    println!("ws://{}/", server.local_addr()?);

    let (mut incoming, connections) = Incoming::new(&server.handle());
    let serving = tokio::spawn(server.run(move || connections.clone()));
    while let Some(connection) = incoming.next().await {
        tokio::spawn(talk(connection));
    }
    serving.await.map_err(io::Error::other)?
}

async fn talk(mut connection: Connection) -> Result<(), SendError> {
    let mut number = 0;
    while let Some(message) = connection.next().await {
        let text = message.as_text().unwrap_or("no text");
        if text == "bye" {
            connection.close(CloseCode::Normal, &format!("{number} messages"));
        } else {
            number += 1;
            connection.send(Message::text(&format!("{number}: {text}"))).await?;
        }
    }
    Ok(())
}
