//! Whatever one says, everyone in the lobby hears, the speaker included.
//!
//! `cargo run -p fanlight-tokio --example chat` serves on `ws://127.0.0.1:9000`.

use fanlight_tokio::{ConnId, Context, Message, Server, Service};

struct Chat;

impl Service for Chat {
    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        cx.subscribe(conn, "lobby");
    }
    fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
        cx.publish("lobby", message);
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    println!("ws://127.0.0.1:9000");
    Server::bind("127.0.0.1:9000").await?.run(|| Chat).await
}
