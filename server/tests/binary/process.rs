//! A running server, and clients of it. Everything that waits gives up after [`WAIT_MAX`].

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tungstenite::{
    ClientRequestBuilder, Error, HandshakeError, Message, WebSocket, client::client,
    http::StatusCode, protocol::frame::coding::CloseCode,
};

/// Longer than anything takes that works.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) type Client = WebSocket<TcpStream>;

/// A running server, which ends with its value.
pub(crate) struct Fanlight {
    child: Child,
    /// Where it listens, as it says itself.
    at: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanlight"));
    command.args(args).env_remove("FANLIGHT_LOG").stdin(Stdio::null());
    command
}

impl Fanlight {
    /// Starts a server with `args` on a free port of loopback.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", args)
    }

    /// Starts a server with `args` that listens there.
    pub(crate) fn start_at(listen: &str, args: &[&str]) -> Self {
        let mut child = command(args)
            .args(["--listen", listen])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let stdout = child.stdout.take().expect("it is piped");
        let (found, at) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let rest = line.strip_prefix("Fanlight listens on ");
                if let Some((at, _)) = rest.and_then(|rest| rest.split_once(". ")) {
                    // The test may have given up.
                    let _ = found.send(at.to_owned());
                }
            }
        });
        match at.recv_timeout(WAIT_MAX) {
            Ok(at) => Self { child, at },
            Err(_) => {
                let _ = child.kill();
                panic!("no greeting; the server ended with {:?}", child.wait());
            }
        }
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.at.parse().expect("it listens on a port")
    }

    /// What a server says that is expected to end by itself.
    pub(crate) fn output(args: &[&str]) -> Output {
        command(args).output().expect("the binary was built")
    }

    /// Asks for an upgrade; the error is the status of a refusal.
    pub(crate) fn connect(&self, path: &str, origin: Option<&str>) -> Result<Client, StatusCode> {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
        stream.set_write_timeout(Some(WAIT_MAX)).unwrap();
        let uri = format!("ws://{}{path}", self.address()).parse().unwrap();
        let mut request = ClientRequestBuilder::new(uri);
        if let Some(origin) = origin {
            request = request.with_header("Origin", origin);
        }
        match client(request, stream) {
            Ok((client, _)) => Ok(client),
            Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer.status()),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The code with which the server ends by itself.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < WAIT_MAX {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the server does not end");
    }
}

impl Drop for Fanlight {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on until the server's Close, and answers it.
pub(crate) fn close_code(client: &mut Client) -> Option<CloseCode> {
    let frame = loop {
        match client.read().unwrap() {
            Message::Close(frame) => break frame,
            Message::Text(_)
            | Message::Binary(_)
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Frame(_) => {}
        }
    };
    // The answer to the Close is sent by reading on, to the end of the connection.
    while client.read().is_ok() {}
    frame.map(|frame| frame.code)
}
