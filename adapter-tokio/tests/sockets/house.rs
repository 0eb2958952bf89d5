//! A running server, its clients, and a service that does what it is told.

use std::{
    io,
    net::SocketAddr,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use async_tungstenite::{
    WebSocketStream,
    tokio::{TokioAdapter, client_async},
    tungstenite::{self, Message as Said},
};
use fanlight_tokio::{
    CloseCode, CloseFrame, CloseReason, Config, ConnId, Context, Drain, Handle, Message, Seq,
    Server, Service, Settings, Stats, Timer, Topic,
};
use futures_lite::StreamExt;
use tokio::{net::TcpStream, task::JoinHandle, time};

/// How long anything may take. Nothing does, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn soon<F: Future>(what: F) -> F::Output {
    time::timeout(PATIENCE, what).await.expect("it happens in time")
}

/// What a service tells the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Opened(ConnId),
    Closed(ConnId, CloseReason),
}

/// Does what messages say: `join TOPIC`, `say TOPIC TEXT`, `panic`, `panic later`, `bye`. Echoes
/// everything else.
pub(crate) struct Obedient {
    told: Sender<Told>,
}

impl Service for Obedient {
    fn on_open(&mut self, _: &mut Context<'_>, conn: ConnId) {
        let _ = self.told.send(Told::Opened(conn));
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        let words: Vec<_> = message.as_text().unwrap_or_default().splitn(3, ' ').collect();
        match words[..] {
            ["join", topic] => cx.subscribe(conn, topic),
            ["say", topic, text] => assert!(cx.publish(topic, Message::text(text))),
            ["panic"] => panic!("as the peer asked"),
            ["panic", "later"] => cx.set_timer(Timer::Shard, Some(cx.now())),
            ["bye"] => cx.close(conn, CloseCode::Library(4000), "bye"),
            _ => assert!(cx.send(conn, message)),
        }
    }

    fn on_subscribed(&mut self, cx: &mut Context<'_>, conn: ConnId, topic: &Topic, _: Seq) {
        cx.send(conn, Message::text(&format!("joined {}", topic.name())));
    }

    fn on_close(&mut self, _: &mut Context<'_>, conn: ConnId, reason: &CloseReason) {
        let _ = self.told.send(Told::Closed(conn, reason.clone()));
    }

    fn on_timer(&mut self, _: &mut Context<'_>, timer: Timer) {
        panic!("as a peer asked: {timer:?}");
    }
}

/// A running server.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    pub(crate) told: Receiver<Told>,
    running: JoinHandle<io::Result<()>>,
}

impl House {
    pub(crate) async fn open(shards: u8, settings: Settings) -> Self {
        let (tell, told) = mpsc::channel();
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let server = server.shards(shards).config(Config::new(settings).unwrap());
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let running = tokio::spawn(server.run(move || Obedient { told: tell.clone() }));
        Self { address, handle, told, running }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::over(TcpStream::connect(self.address).await.unwrap()).await
    }

    /// A client that is a member of the topic.
    pub(crate) async fn member(&self, topic: &str) -> Client {
        let mut client = self.client().await;
        client.say(&format!("join {topic}")).await;
        assert_eq!(client.hear().await, format!("joined {topic}"));
        client
    }

    /// The next thing that a service tells.
    pub(crate) async fn next_told(&self) -> Told {
        soon(async {
            loop {
                match self.told.try_recv() {
                    Ok(told) => return told,
                    Err(_) => time::sleep(Duration::from_millis(1)).await,
                }
            }
        })
        .await
    }

    /// Waits until the counters are as they should be.
    pub(crate) async fn until(&self, is_so: impl Fn(&Stats) -> bool) {
        let seen = time::timeout(PATIENCE, async {
            while !is_so(&self.handle.stats()) {
                time::sleep(Duration::from_millis(1)).await;
            }
        });
        assert!(seen.await.is_ok(), "not so: {:?}", self.handle.stats());
    }

    /// What the server ends with, when it does.
    pub(crate) async fn end(self) -> io::Result<()> {
        soon(self.running).await.unwrap()
    }

    /// Drains, and checks that nothing is left.
    pub(crate) async fn close(self) {
        soon(self.handle.drain(drain())).await.unwrap();
        soon(self.running).await.unwrap().unwrap();
        let left = self.handle.stats();
        let now =
            [left.connections, left.topics, left.members, left.frames, left.queued, left.upgrading];
        assert_eq!(now, [0; 6], "{left:?}");
        assert_eq!(left.accepted, left.closed, "{left:?}");
    }
}

pub(crate) fn drain() -> Drain {
    Drain {
        over: Duration::ZERO,
        timeout: Duration::from_millis(200),
        farewell: CloseFrame { code: CloseCode::Away, reason: "closing time".into() },
    }
}

/// A client of `async-tungstenite`.
pub(crate) struct Client(pub(crate) WebSocketStream<TokioAdapter<TcpStream>>);

impl Client {
    pub(crate) async fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        let url = format!("ws://{}/", stream.peer_addr().unwrap());
        let (client, answer) = soon(client_async(url, stream)).await.unwrap();
        assert_eq!(answer.status(), 101);
        Self(client)
    }

    pub(crate) async fn say(&mut self, text: &str) {
        soon(self.0.send(Said::text(text))).await.unwrap();
    }

    /// The next text message.
    pub(crate) async fn hear(&mut self) -> String {
        let said = self.next().await.unwrap();
        assert!(said.is_text(), "{said:?} is not a text");
        said.into_text().unwrap().to_string()
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> Result<Said, tungstenite::Error> {
        soon(self.0.next()).await.unwrap_or(Err(tungstenite::Error::ConnectionClosed))
    }

    /// The code and the text of the Close that comes, if nothing comes before it. Then the stream
    /// must end.
    pub(crate) async fn hear_close(mut self) -> (u16, String) {
        let said = self.next().await.unwrap();
        let Said::Close(Some(close)) = said else { panic!("{said:?} is not a Close with a code") };
        let end = self.next().await;
        assert!(matches!(end, Err(tungstenite::Error::ConnectionClosed)), "{end:?} after a Close");
        (close.code.into(), close.reason.to_string())
    }
}
