//! A client made of `Wire`, for `tests/autobahn/client`: it runs every case that an Autobahn server
//! has, and echoes what it is told. permessage-deflate is offered.

use std::{
    env,
    io::{self, Read, Write},
    mem,
    net::TcpStream,
    time::Duration,
};

use fanlight_core::{
    Message,
    http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS},
    wire::{ClientHandshake, Deflate, Deflater, Incoming, Limits, Role, Wire},
};
use fastrand::Rng;

/// No case takes longer, and no server that is well is silent for so long.
const SILENCE_MAX: Duration = Duration::from_secs(120);
const LIMITS: Limits = Limits { message_bytes_max: 16 << 20, overlong_lengths: false };
/// Every message is compressed: the cases want to see it.
const DEFLATER: Deflater = Deflater { level: 6, bytes_min: 0 };

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    // What a server cannot guess is not tested here.
    let mut rng = Rng::with_seed(1);
    let count = ask(&address, "/getCaseCount", &mut rng)?;
    let count: u32 = count.parse().map_err(io::Error::other)?;
    for case in 1..=count {
        let target = format!("/runCase?case={case}&agent=fanlight");
        // A server that breaks off as a case has it is no failure of the run.
        if let Err(error) = Connection::open(&address, &target, &mut rng)?.echo() {
            eprintln!("case {case}: {error}");
        }
    }
    ask(&address, "/updateReports?agent=fanlight", &mut rng).map(|_| ())
}

/// The one message that a server says there.
fn ask(address: &str, target: &str, rng: &mut Rng) -> io::Result<String> {
    let mut connection = Connection::open(address, target, rng)?;
    let mut answer = String::new();
    connection.run(|message| {
        message.as_text().unwrap_or_default().clone_into(&mut answer);
        None
    })?;
    Ok(answer)
}

struct Connection {
    stream: TcpStream,
    /// Hears the server, and gives the replies that the RFC demands.
    receiver: Wire,
    /// Says the answers, also while the receiver is told of a Close that came behind them.
    sender: Wire,
    /// What came with the answer to the request.
    came: Vec<u8>,
}

impl Connection {
    fn open(address: &str, target: &str, rng: &mut Rng) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        let uri = format!("ws://{address}{target}").parse().map_err(io::Error::other)?;
        let mut key = [0; 16];
        rng.fill(&mut key);
        let mut offer = HeaderMap::new();
        offer.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(Deflate::OFFER));
        let mut handshake = ClientHandshake::new(&uri, offer, key).map_err(io::Error::other)?;
        stream.write_all(handshake.request())?;
        let mut room = [0; 4096];
        let (answered, came) = loop {
            let length = stream.read(&mut room)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let answer = handshake.receive(&room[..length]).map_err(io::Error::other)?;
            if let Some((answered, taken)) = answer {
                break (answered, room[taken..length].to_vec());
            }
        };
        let mut wire = || {
            let mut mask_seed = [0; 32];
            rng.fill(&mut mask_seed);
            let mut wire = Wire::new(Role::Client { mask_seed }, LIMITS);
            wire.set_deflate(answered.deflate);
            wire
        };
        Ok(Self { stream, receiver: wire(), sender: wire(), came })
    }

    fn echo(&mut self) -> io::Result<()> {
        self.run(Some)
    }

    /// Answers each message with what `answer` makes of it, until the server ends the connection.
    fn run(&mut self, mut answer: impl FnMut(Message) -> Option<Message>) -> io::Result<()> {
        let mut room = vec![0; 64 << 10];
        let mut bytes = mem::take(&mut self.came);
        loop {
            let mut out = Vec::new();
            let sender = &mut self.sender;
            let outcome = self.receiver.receive(&mut bytes, &mut |incoming| match incoming {
                Incoming::Message(message) => {
                    if let Some(message) = answer(message) {
                        sender.send_deflated(&message, DEFLATER, &mut out);
                    }
                }
                Incoming::Reply(reply) => out.extend_from_slice(reply.frame),
                Incoming::Ping(_) | Incoming::Pong(_) | Incoming::Close(_) => {}
            });
            self.stream.write_all(&out)?;
            if outcome.is_err() || self.receiver.close_received() {
                // The server is the first to close TCP: RFC 6455, section 7.1.1.
                while self.stream.read(&mut room)? > 0 {}
                return Ok(());
            }
            let length = self.stream.read(&mut room)?;
            if length == 0 {
                return Ok(());
            }
            bytes = room[..length].to_vec();
        }
    }
}
