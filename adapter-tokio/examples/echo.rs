//! Sends every message back to whoever sent it.
//!
//! `cargo run -p fanlight-tokio --example echo` serves on `ws://127.0.0.1:9000`.

use fanlight_tokio::{ConnId, Context, Message, Server, Service};

struct Echo;

impl Service for Echo {
    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        cx.send(conn, message);
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = Server::bind("127.0.0.1:9000").await?;
    println!("echoing at ws://{}", server.local_addr()?);
    server.run(|| Echo).await
}
