//! What a delivered publication costs the server in its JSON protocol and raw, by turns in one run.
//!
//! Starts the `fanlight` binary that lies beside this one and opens two crowds, one at `/broadcast`
//! and one at `/connection/websocket`. They take turns: one of a crowd says the same data some times
//! over, each time when all of the crowd have heard the last, and the processor time of the server
//! is read before and after. The crowd whose turn it is not is idle.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
};

use clap::Parser;
use fanlight_core::{
    Message,
    wire::{Incoming, Limits, Role, Wire},
};
use fanlight_tests::crowd::{Failure, Member, PATIENCE, Server, live, median};
use tokio::{
    io::AsyncWriteExt,
    sync::{Notify, mpsc},
    task::LocalSet,
    time::timeout,
};

/// What a delivered publication costs in the JSON protocol and raw.
#[derive(Parser)]
struct Options {
    /// How many connections each crowd has.
    #[arg(long, default_value_t = 1_000)]
    connections: usize,
    /// How many turns each crowd has.
    #[arg(long, default_value_t = 7)]
    turns: usize,
    /// How often something is said in a turn.
    #[arg(long, default_value_t = 100)]
    messages: usize,
    /// The length of what is said, as a string of JSON.
    #[arg(long, default_value_t = 64)]
    data_bytes: usize,
    /// Fail if the JSON protocol costs more than so many times as much as raw, in the median of the
    /// turns. Without it, figures are printed and not judged.
    #[arg(long)]
    ratio_max: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Raw,
    Json,
}

impl Protocol {
    fn path(self) -> &'static str {
        match self {
            Self::Raw => "/broadcast",
            Self::Json => "/connection/websocket",
        }
    }

    /// What a client says first, to be where it will hear.
    fn enters(self) -> Option<&'static str> {
        match self {
            Self::Raw => None,
            Self::Json => Some(concat!(
                r#"{"id":1,"connect":{}}"#,
                "\n",
                r#"{"id":2,"subscribe":{"channel":"square"}}"#
            )),
        }
    }

    /// What a client says so that all hear `data`.
    fn said(self, data: &str) -> Message {
        match self {
            Self::Raw => Message::text(data),
            Self::Json => Message::text(&format!(
                r#"{{"id":3,"publish":{{"channel":"square","data":{data}}}}}"#
            )),
        }
    }
}

/// What all of a crowd share.
struct Crowd {
    protocol: Protocol,
    data: String,
    ready: Cell<usize>,
    heard: Cell<usize>,
    frame_bytes: Cell<usize>,
    changed: Notify,
    trouble: RefCell<Option<String>>,
}

impl Crowd {
    /// Waits until `count` has come to `due`.
    async fn reaches(&self, count: &Cell<usize>, due: usize) -> Result<(), Failure> {
        while count.get() < due {
            timeout(PATIENCE, self.changed.notified()).await?;
            if let Some(trouble) = self.trouble.take() {
                return Err(trouble.into());
            }
        }
        Ok(())
    }

    /// One of the crowd has been given a message; returns what it says to that.
    fn hear(&self, message: &Message) -> Option<Message> {
        let text = message.as_text().unwrap_or_default();
        match self.protocol {
            Protocol::Raw if text == self.data => self.hear_data(message),
            Protocol::Json if text.starts_with(r#"{"push""#) && text.contains(&self.data) => {
                self.hear_data(message);
            }
            Protocol::Json if text == "{}" => return Some(Message::text("{}")),
            Protocol::Json if text.ends_with(r#"{"id":2,"subscribe":{}}"#) => {
                self.ready.set(self.ready.get() + 1);
            }
            Protocol::Json if text == r#"{"id":3,"publish":{}}"# => {}
            Protocol::Raw | Protocol::Json => {
                *self.trouble.borrow_mut() = Some(format!("{message:?} was not expected"));
            }
        }
        None
    }

    fn hear_data(&self, message: &Message) {
        self.heard.set(self.heard.get() + 1);
        self.frame_bytes.set(message.frame().len());
    }
}

/// A crowd, and the one that speaks for it.
struct Turn {
    crowd: Rc<Crowd>,
    speak: mpsc::Sender<Message>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    rlimit::increase_nofile_limit(u64::MAX)?;
    LocalSet::new().run_until(run(options)).await
}

async fn run(options: Options) -> Result<(), Failure> {
    let server = Server::start::<&str>([]).await?;
    let mut resident = vec![server.resident_bytes()?];
    let raw = gather(&server, Protocol::Raw, &options).await?;
    resident.push(server.resident_bytes()?);
    let json = gather(&server, Protocol::Json, &options).await?;
    resident.push(server.resident_bytes()?);
    // Neither pays for what is done once.
    for turn in [&raw, &json] {
        take_turn(&server, turn, &options).await?;
    }
    println!("{} connections, {} bytes of data", options.connections, options.data_bytes);
    println!("us of server CPU a delivery   raw    JSON   ratio");
    let mut rows = Vec::new();
    for number in 0..options.turns {
        let [raw, json] = if number % 2 == 0 {
            [take_turn(&server, &raw, &options).await?, take_turn(&server, &json, &options).await?]
        } else {
            let json = take_turn(&server, &json, &options).await?;
            [take_turn(&server, &raw, &options).await?, json]
        };
        println!("turn {:<23} {raw:6.2}  {json:6.2}  {:6.3}", number + 1, json / raw);
        rows.push([raw, json, json / raw]);
    }
    let [raw_median, json_median, ratio] =
        [0, 1, 2].map(|column| median(rows.iter().map(|row: &[f64; 3]| row[column]).collect()));
    println!("median                       {raw_median:6.2}  {json_median:6.2}  {ratio:6.3}");
    let bytes = [&raw, &json].map(|turn| turn.crowd.frame_bytes.get());
    println!("bytes a frame                {:6}  {:6}", bytes[0], bytes[1]);
    let held: Vec<u64> = resident
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]) / options.connections as u64)
        .collect();
    println!("resident bytes a connection  {:6}  {:6}", held[0], held[1]);
    match options.ratio_max {
        Some(max) if ratio > max => Err(format!("{ratio:.3} times as much, and not {max}").into()),
        Some(_) | None => Ok(()),
    }
}

/// Opens a crowd and waits until all of it are where they will hear.
async fn gather(server: &Server, protocol: Protocol, options: &Options) -> Result<Turn, Failure> {
    let crowd = Rc::new(Crowd {
        protocol,
        data: format!("\"{:0width$}\"", 0, width = options.data_bytes.saturating_sub(2)),
        ready: Cell::new(0),
        heard: Cell::new(0),
        frame_bytes: Cell::new(0),
        changed: Notify::new(),
        trouble: RefCell::new(None),
    });
    let (speak, spoken) = mpsc::channel(1);
    let mut spoken = Some(spoken);
    for mut stream in server.open(protocol.path(), options.connections).await? {
        let mut wire = Wire::new(Role::Client { mask_seed: [1; 32] }, Limits::default());
        let mut out = Vec::new();
        if let Some(enter) = protocol.enters() {
            wire.send(enter, &mut out);
        }
        stream.write_all(&out).await?;
        let (mut listener, spoken) = (Listener(crowd.clone()), spoken.take());
        tokio::task::spawn_local(async move {
            let trouble = match live(stream, wire, spoken, &mut listener).await {
                Ok(()) => "the server ended a connection".to_owned(),
                Err(error) => error.to_string(),
            };
            *listener.0.trouble.borrow_mut() = Some(trouble);
            listener.0.changed.notify_one();
        });
    }
    if protocol == Protocol::Json {
        crowd.reaches(&crowd.ready, options.connections).await?;
    }
    Ok(Turn { crowd, speak })
}

/// Has one of a crowd speak and all hear; returns what a delivery cost, in microseconds.
async fn take_turn(server: &Server, turn: &Turn, options: &Options) -> Result<f64, Failure> {
    let Turn { crowd, speak } = turn;
    let said = crowd.protocol.said(&crowd.data);
    let deliveries = options.messages * options.connections;
    crowd.heard.set(0);
    let before = server.cpu_micros()?;
    for number in 1..=options.messages {
        speak.send(said.clone()).await?;
        // One at a time, so that every delivery is a write of its own.
        crowd.reaches(&crowd.heard, number * options.connections).await?;
    }
    let after = server.cpu_micros()?;
    Ok((after.0 - before.0 + after.1 - before.1) as f64 / deliveries as f64)
}

/// One of a crowd.
struct Listener(Rc<Crowd>);

impl Member for Listener {
    fn hear(&mut self, incoming: Incoming<'_>) -> Option<Message> {
        match incoming {
            Incoming::Message(message) => self.0.hear(&message),
            Incoming::Reply(_) | Incoming::Close(_) | Incoming::Ping(_) | Incoming::Pong(_) => None,
        }
    }

    fn caught_up(&mut self, _: usize) -> io::Result<()> {
        self.0.changed.notify_one();
        Ok(())
    }
}
