//! The examples that are more than a service, each with real clients.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fanlight_tests::build::build;
use tungstenite::{Error, Message, WebSocket, client, http::StatusCode};

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// An example at work, which ends with its value.
struct Example {
    child: Child,
    address: SocketAddr,
}

impl Example {
    fn start(package: &str, name: &str) -> Self {
        let built = build(package, &["--example", name]);
        let mut child = Command::new(built.join("examples").join(name))
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
        let (_, rest) = greeting.split_once("://").unwrap();
        let address = rest.split(['/', '\n']).next().unwrap().parse().unwrap();
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A client, or the status that it is refused with.
    fn open(&self, path: &str) -> Result<WebSocket<TcpStream>, StatusCode> {
        match client(format!("ws://{}{path}", self.address), self.connect()) {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::HandshakeError::Failure(Error::Http(answer))) => Err(answer.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The whole answer to a plain request.
    fn get(&self, path: &str) -> String {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Two clients, of whom each hears what the other says.
    fn talks(&self, first: &str, second: &str) -> [WebSocket<TcpStream>; 2] {
        let mut clients = [self.open(first).unwrap(), self.open(second).unwrap()];
        // A client is attached a little after it has its answer: it hears itself when it is.
        for (client, text) in clients.iter_mut().zip(["one is here", "two is here"]) {
            client.send(Message::text(text)).unwrap();
            hear(client, text);
        }
        let [first, second] = &mut clients;
        first.send(Message::text("to all")).unwrap();
        for client in [first, second] {
            hear(client, "to all");
        }
        clients
    }
}

/// Reads up to this text.
fn hear(client: &mut WebSocket<TcpStream>, text: &str) {
    while client.read().unwrap() != Message::text(text) {}
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself, which a test has then noticed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn axum() {
    let example = Example::start("fanlight-tokio", "axum");
    assert!(example.get("/").contains("<title>Chat</title>"));
    assert!(example.get("/online").ends_with("\r\n\r\n0\n"));
    let clients = example.talks("/chat?token=ann-knows", "/chat?token=bob-knows");
    assert!(example.get("/online").ends_with("\r\n\r\n2\n"));
    drop(clients);
    assert_eq!(example.open("/chat?token=guessed").err(), Some(StatusCode::FORBIDDEN));
    assert_eq!(example.open("/chat").err(), Some(StatusCode::FORBIDDEN));
    assert!(example.get("/chat?token=ann-knows").starts_with("HTTP/1.1 426 "));
    assert!(example.get("/nowhere").starts_with("HTTP/1.1 404 "));
}

#[test]
fn hyper() {
    let example = Example::start("fanlight-smol", "hyper");
    assert!(example.get("/").ends_with("The chat is a WebSocket at /chat.\n"));
    example.talks("/chat", "/chat");
    assert!(example.get("/chat").starts_with("HTTP/1.1 426 "));
}

#[test]
fn async_tungstenite() {
    let example = Example::start("fanlight-smol", "async_tungstenite");
    let [mut first, _] = example.talks("/", "/any");
    // Its end is the house's to answer.
    first.close(None).unwrap();
    assert!(matches!(first.read(), Ok(Message::Close(None))));
}

#[test]
fn tasks() {
    let example = Example::start("fanlight-tokio", "tasks");
    let [mut first, mut second] = [example.open("/").unwrap(), example.open("/").unwrap()];
    for client in [&mut first, &mut second] {
        for number in 1..4 {
            client.send(Message::text("hello")).unwrap();
            assert_eq!(client.read().unwrap(), Message::text(format!("{number}: hello")));
        }
    }
    first.send(Message::text("bye")).unwrap();
    let Message::Close(Some(frame)) = first.read().unwrap() else { panic!("it is a Close") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1000, "3 messages"));
    second.send(Message::text("still here")).unwrap();
    assert_eq!(second.read().unwrap(), Message::text("4: still here"));
}
