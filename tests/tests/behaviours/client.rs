//! Clients: one of `async-tungstenite`, and a plain socket.

use async_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message as Said},
};
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};

use crate::{
    house::soon,
    platform::{Link, Platform},
};

/// A client of `async-tungstenite`.
pub(crate) struct Client {
    platform: &'static dyn Platform,
    pub(crate) socket: WebSocketStream<Link>,
}

impl Client {
    pub(crate) async fn over(platform: &'static dyn Platform, link: Link) -> Self {
        let opening = client_async("ws://localhost/", link);
        let (socket, answer) = soon(platform, opening).await.unwrap();
        assert_eq!(answer.status(), 101);
        Self { platform, socket }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.send(Said::text(text)).await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: Said) -> Result<(), tungstenite::Error> {
        soon(self.platform, self.socket.send(message)).await
    }

    pub(crate) async fn join(&mut self, topic: &str) {
        self.say(&format!("join {topic}")).await;
        assert_eq!(self.hear().await, format!("joined {topic}"));
    }

    /// The next text message.
    pub(crate) async fn hear(&mut self) -> String {
        let said = self.next().await.unwrap();
        assert!(said.is_text(), "{said:?} is not a text");
        said.into_text().unwrap().to_string()
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> Result<Said, tungstenite::Error> {
        let next = soon(self.platform, self.socket.next()).await;
        next.unwrap_or(Err(tungstenite::Error::ConnectionClosed))
    }

    /// The code and the text of the Close that comes, if nothing comes before it. Then the stream
    /// must end.
    pub(crate) async fn hear_close(mut self) -> (u16, String) {
        let said = self.next().await.unwrap();
        let Said::Close(Some(close)) = said else { panic!("{said:?} is not a Close with a code") };
        self.hear_end().await;
        (close.code.into(), close.reason.to_string())
    }

    /// The stream must end, in order.
    pub(crate) async fn hear_end(mut self) {
        let end = self.next().await;
        assert!(matches!(end, Err(tungstenite::Error::ConnectionClosed)), "{end:?} after a Close");
    }
}

/// A peer that obeys no protocol.
pub(crate) struct Raw {
    pub(crate) platform: &'static dyn Platform,
    pub(crate) link: Link,
}

/// The upgrade of RFC 6455, section 1.3.
pub(crate) const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

impl Raw {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.platform, self.link.write_all(bytes.as_ref())).await.unwrap();
    }

    /// The head of the answer that comes.
    pub(crate) async fn hear_head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.hear(1).await);
        }
        String::from_utf8(head).unwrap()
    }

    /// The next `length` bytes.
    pub(crate) async fn hear(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        soon(self.platform, self.link.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    /// Whatever comes, to the end of the stream, which must come in order.
    pub(crate) async fn hear_out(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        soon(self.platform, self.link.read_to_end(&mut bytes)).await.unwrap();
        bytes
    }

    /// Waits until the stream ends, in order or not.
    pub(crate) async fn hear_end(&mut self) {
        // Whatever comes first, for as long as something does.
        while let Ok(1..) = soon(self.platform, self.link.read(&mut [0; 1024])).await {}
    }
}
