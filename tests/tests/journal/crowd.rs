//! Peers that talk to a server, and end in every way.

use std::{cell::Cell, io, net::SocketAddr, rc::Rc, time::Duration};

use fanlight_core::{
    CloseCode, CloseFrame, Message,
    wire::{Incoming, Limits, Role, Wire},
};
use fanlight_tests::victim::Victim;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{LocalSet, spawn_local},
    time::{sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(60);
/// In every message.
pub(crate) const SAID: &str = "what nobody else may read";

/// How a peer ends.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    /// With a Close of its own.
    Close,
    /// With a reset.
    Reset,
    /// Without a word.
    Vanish,
    /// With the server.
    Stay,
}

impl Ending {
    const ALL: [Self; 4] = [Self::Close, Self::Reset, Self::Vanish, Self::Stay];
}

pub(crate) struct Peer {
    stream: TcpStream,
    wire: Wire,
    heard: usize,
    is_told_to_go: bool,
}

impl Peer {
    pub(crate) async fn connect(
        address: SocketAddr,
        path: &str,
        number: usize,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", head.escape_ascii());
        let role = Role::Client { mask_seed: [number as u8; 32] };
        let wire = Wire::new(role, Limits { message_bytes_max: 1 << 20, ..Limits::default() });
        Ok(Self { stream, wire, heard: 0, is_told_to_go: false })
    }

    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        let mut out = Vec::new();
        self.wire.send(&Message::text(text), &mut out);
        self.stream.write_all(&out).await
    }

    /// Hears what comes, once. Whether there may be more.
    pub(crate) async fn hear(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let length = self.stream.read(&mut buffer).await?;
        let (mut out, heard, go) = (Vec::new(), &mut self.heard, &mut self.is_told_to_go);
        self.wire
            .receive(&mut buffer[..length], &mut |incoming| match incoming {
                Incoming::Message(message) => {
                    assert!(message.as_text().is_some_and(|text| text.contains(SAID)));
                    *heard += 1;
                }
                Incoming::Reply(reply) => out.extend_from_slice(reply.frame),
                Incoming::Close(frame) => {
                    *go = matches!(frame, Some(CloseFrame { code: CloseCode::Away, .. }));
                }
                Incoming::Ping(_) | Incoming::Pong(_) => {}
            })
            .map_err(io::Error::other)?;
        self.stream.write_all(&out).await?;
        Ok(length > 0)
    }

    pub(crate) async fn close(&mut self) -> io::Result<()> {
        let mut out = Vec::new();
        let frame = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
        self.wire.close(Some(&frame), &mut out).map_err(io::Error::other)?;
        self.stream.write_all(&out).await
    }

    pub(crate) async fn hear_to_the_end(&mut self) -> io::Result<()> {
        while self.hear().await? {}
        Ok(())
    }
}

/// Connects, talks, and ends as it should. Whoever stays hears the server's Close.
async fn live(address: SocketAddr, number: usize, talked: Rc<Cell<usize>>) -> io::Result<()> {
    // Both services with every ending.
    let path = if (number / 4).is_multiple_of(2) { "/echo" } else { "/broadcast" };
    let mut peer = Peer::connect(address, path, number).await?;
    for length in [0, 10, 3000] {
        peer.say(&format!("{number} {SAID} {}", "x".repeat(length))).await?;
    }
    while peer.heard < 3 {
        assert!(peer.hear().await?, "it ends too early");
    }
    talked.set(talked.get() + 1);
    match Ending::ALL[number % 4] {
        Ending::Close => {
            peer.close().await?;
            peer.hear_to_the_end().await
        }
        Ending::Reset => socket2::SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)),
        Ending::Vanish => Ok(()),
        Ending::Stay => {
            peer.hear_to_the_end().await?;
            assert!(peer.is_told_to_go);
            Ok(())
        }
    }
}

/// A crowd of peers that live, while the server is told to end once all have talked.
pub(crate) fn crowd(server: &Victim, connections: usize) {
    let address = server.address();
    in_time(async move {
        let talked = Rc::new(Cell::new(0));
        let peers: Vec<_> = (0..connections)
            .map(|number| spawn_local(live(address, number, Rc::clone(&talked))))
            .collect();
        while talked.get() < connections && !peers.iter().all(|peer| peer.is_finished()) {
            sleep(Duration::from_millis(5)).await;
        }
        server.terminate();
        for peer in peers {
            peer.await.unwrap().unwrap();
        }
    });
}

pub(crate) fn in_time(what: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = LocalSet::new();
    local.block_on(&runtime, async { timeout(PATIENCE, what).await.expect("it takes too long") });
}
