//! A server of async-tungstenite, moved over: it accepts as it did, and Fanlight does the rest.
//!
//! `cargo run -p fanlight-smol --example async_tungstenite`, then connect two clients to
//! `ws://127.0.0.1:9000`: whatever one says, everyone hears.
//!
//! What such a server had besides, a map of everyone's senders under a lock, a task that read and one
//! that wrote for each connection, pings and their timeouts, is gone; the five lines of `Chat` and the
//! three behind `accept_async` are new.

use std::{env, io};

use fanlight_smol::{Arrival, Audience, ConnId, Context, Message, Negotiated, Server, Service};
use smol::net::TcpListener;

struct Chat;

impl Service for Chat {
    fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
        cx.publish(Audience::Everyone, message);
    }
}

fn main() -> io::Result<()> {
    smol::block_on(async {
        let server = Server::unbound();
        let handle = server.handle();
        smol::spawn(server.run(|| Chat)).detach();

        let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
        let listener = TcpListener::bind(address).await?;
        println!("ws://{}/", listener.local_addr()?);
        loop {
            let (stream, peer) = listener.accept().await?;
            let handle = handle.clone();
            smol::spawn(async move {
                let Ok(socket) = async_tungstenite::accept_async(stream).await else { return };
                // It offers no extension and was asked for no subprotocol.
                let arrival = Arrival::Upgraded(peer.into(), Negotiated::default(), Vec::new());
                if let Err(error) = handle.attach(socket.into_inner(), arrival).await {
                    eprintln!("{peer}: {error}");
                }
            })
            .detach();
        }
    })
}
