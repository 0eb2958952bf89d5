//! Holds a crowd of connections on one shard of a real server, in two processes.
//!
//! Starts the `fanlight` binary that lies beside this one, opens the connections from several
//! loopback addresses, has one of them broadcast, checks that each was given every message in one
//! order, drains the server by a signal and checks that nothing is left. Prints what it took.

use std::{
    ffi::OsStr,
    io,
    path::PathBuf,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use clap::Parser;
use fanlight_core::{
    CloseCode, CloseFrame, Message,
    wire::{Incoming, Limits, Role, Wire},
};
use fanlight_tests::crowd::{Failure, Member, PATIENCE, Server, live};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
    task::LocalSet,
    time::timeout,
};

/// Holds a crowd of connections on one shard, and says what that takes.
#[derive(Parser)]
struct Options {
    /// How many connections; each needs a descriptor in each of the two processes.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// How many messages are broadcast to all of them.
    #[arg(long, default_value_t = 20)]
    messages: usize,
    /// The length of each message.
    #[arg(long, default_value_t = 64)]
    payload_bytes: usize,
    /// Has the server keep a journal in this directory, to see what that costs.
    #[arg(long)]
    journal: Option<PathBuf>,
}

/// What all peers share.
#[derive(Default)]
struct Crowd {
    /// Messages given to all peers together.
    given: AtomicUsize,
    all_given: Notify,
    expected: usize,
    farewells: AtomicUsize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    rlimit::increase_nofile_limit(u64::MAX)?;
    LocalSet::new().run_until(run(options)).await
}

async fn run(options: Options) -> Result<(), Failure> {
    let journal = options.journal.as_deref().map(|dir| [OsStr::new("--journal"), dir.as_os_str()]);
    let wanted =
        ["--drain-over", "1s"].map(OsStr::new).into_iter().chain(journal.into_iter().flatten());
    let mut server = Server::start(wanted).await?;
    let resident_empty = server.resident_bytes()?;

    let crowd =
        Rc::new(Crowd { expected: options.connections * options.messages, ..Crowd::default() });
    let began = Instant::now();
    let streams = server.open("/broadcast", options.connections).await?;
    let opening_took = began.elapsed();
    let held = (server.resident_bytes()? - resident_empty) / options.connections as u64;
    let open = server.stat("open").await?;
    if open != options.connections as u64 {
        return Err(format!("{open} connections are open, not {}", options.connections).into());
    }

    // The first of them speaks; it is a listener like all others.
    let (speak, spoken) = mpsc::channel(1);
    let mut spoken = Some(spoken);
    let peers: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::task::spawn_local(listen(stream, spoken.take(), crowd.clone())))
        .collect();
    let (user_before, system_before) = server.cpu_micros()?;
    let began = Instant::now();
    for number in 0..options.messages {
        speak.send(Message::text(&numbered(number, options.payload_bytes))).await?;
        // One at a time, so that every delivery is a write of its own.
        let due = (number + 1) * options.connections;
        while crowd.given.load(Ordering::Relaxed) < due {
            timeout(PATIENCE, crowd.all_given.notified()).await?;
        }
    }
    let broadcast_took = began.elapsed();
    let (user, system) = server.cpu_micros()?;
    let (user, system) = ((user - user_before) as f64, (system - system_before) as f64);

    let began = Instant::now();
    server.terminate().await?;
    let mut orders = Vec::new();
    for peer in peers {
        orders.push(timeout(PATIENCE, peer).await???);
    }
    let expected: Vec<String> =
        (0..options.messages).map(|number| numbered(number, options.payload_bytes)).collect();
    if let Some(other) = orders.iter().position(|order| *order != expected) {
        return Err(format!("connection {other} was given something else").into());
    }
    let farewells = crowd.farewells.load(Ordering::Relaxed);
    if farewells != options.connections {
        return Err(format!("only {farewells} connections were told to go").into());
    }
    server.ends().await?;
    let drain_took = began.elapsed();

    let deliveries = crowd.expected as f64;
    println!("connections      {}", options.connections);
    println!("opening          {:.2} s", opening_took.as_secs_f64());
    println!("resident         {held} bytes a connection");
    println!("broadcasts       {} of {} bytes", options.messages, options.payload_bytes);
    println!("deliveries       {deliveries} in {:.2} s", broadcast_took.as_secs_f64());
    println!("server CPU       {:.2} us a delivery", (user + system) / deliveries);
    println!("of it user       {:.0} %", 100.0 * user / (user + system));
    println!("one order        yes, at every connection");
    println!(
        "drain            {:.2} s, every connection told 1001, server exit 0",
        drain_took.as_secs_f64()
    );
    Ok(())
}

/// One connection to its end; returns what it was given, in order.
async fn listen(
    stream: TcpStream,
    spoken: Option<mpsc::Receiver<Message>>,
    crowd: Rc<Crowd>,
) -> io::Result<Vec<String>> {
    let limits = Limits { message_bytes_max: 1 << 20, ..Limits::default() };
    let wire = Wire::new(Role::Client { mask_seed: [1; 32] }, limits);
    let mut listener = Listener { crowd, order: Vec::new(), caught_up: 0 };
    live(stream, wire, spoken, &mut listener).await?;
    Ok(listener.order)
}

/// What one connection was given.
struct Listener {
    crowd: Rc<Crowd>,
    order: Vec<String>,
    /// How much of it the crowd knows of.
    caught_up: usize,
}

impl Member for Listener {
    fn hear(&mut self, incoming: Incoming<'_>) -> Option<Message> {
        match incoming {
            Incoming::Message(message) => self.order.extend(message.as_text().map(str::to_owned)),
            Incoming::Close(Some(CloseFrame { code: CloseCode::Away, .. })) => {
                self.crowd.farewells.fetch_add(1, Ordering::Relaxed);
            }
            Incoming::Reply(_) | Incoming::Close(_) | Incoming::Ping(_) | Incoming::Pong(_) => {}
        }
        None
    }

    fn caught_up(&mut self, _: usize) -> io::Result<()> {
        let more = self.order.len() - self.caught_up;
        self.caught_up = self.order.len();
        self.crowd.given.fetch_add(more, Ordering::Relaxed);
        self.crowd.all_given.notify_one();
        Ok(())
    }
}

fn numbered(number: usize, bytes: usize) -> String {
    format!("{number:0bytes$}")
}
