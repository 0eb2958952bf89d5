//! Whatever one says, everyone in the lobby hears, the speaker included.
//!
//! `cargo run -p fanlight-smol --example chat-smol` serves on `ws://127.0.0.1:9000`.

use fanlight_smol::{ConnId, Context, Message, Server, Service};

struct Chat;

impl Service for Chat {
    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        cx.subscribe(conn, "lobby");
    }
    fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
        cx.publish("lobby", message);
    }
}

fn main() -> std::io::Result<()> {
    println!("ws://127.0.0.1:9000");
    smol::block_on(async { Server::bind("127.0.0.1:9000").await?.run(|| Chat).await })
}
