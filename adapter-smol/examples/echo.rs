//! Sends every message back to whoever sent it.
//!
//! `cargo run -p fanlight-smol --example echo-smol` serves on `ws://127.0.0.1:9000`.

use fanlight_smol::{ConnId, Context, Message, Server, Service};

struct Echo;

impl Service for Echo {
    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        cx.send(conn, message);
    }
}

fn main() -> std::io::Result<()> {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:9000").await?;
        println!("echoing at ws://{}", server.local_addr()?);
        server.run(|| Echo).await
    })
}
