//! Holds a crowd of connections on one shard of a real server, in two processes.
//!
//! Starts the `fanlight` binary that lies beside this one, opens the connections from several
//! loopback addresses, has one of them broadcast, checks that each was given every message in one
//! order, drains the server by a signal and checks that nothing is left. Prints what it took.

use std::{
    error::Error,
    ffi::OsStr,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use clap::Parser;
use fanlight_core::{
    CloseCode, CloseFrame, Message,
    wire::{Incoming, Limits, Role, Wire},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    process::{Child, Command},
    sync::{Notify, Semaphore, mpsc},
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

/// Enough of 127.0.0.0/8 that no source address runs out of ports.
const SOURCES: usize = 8;
const CONNECTING_MAX: usize = 64;
const PATIENCE: Duration = Duration::from_secs(60);

type Failure = Box<dyn Error>;

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
    let (mut server, address) = start_server(options.journal.as_deref()).await?;
    let pid = server.id().ok_or("the server is gone")?;
    let resident_empty = resident_bytes(pid)?;

    let crowd =
        Rc::new(Crowd { expected: options.connections * options.messages, ..Crowd::default() });
    let began = Instant::now();
    let connecting = Rc::new(Semaphore::new(CONNECTING_MAX));
    let mut opening = Vec::new();
    for number in 0..options.connections {
        let connecting = connecting.clone();
        opening.push(tokio::task::spawn_local(async move {
            let _permit = connecting.acquire().await.map_err(io::Error::other)?;
            connect(address, number).await
        }));
    }
    let mut streams = Vec::new();
    for opened in opening {
        streams.push(timeout(PATIENCE, opened).await???);
    }
    let opening_took = began.elapsed();
    let held = (resident_bytes(pid)? - resident_empty) / options.connections as u64;
    let open = stat(address, "open").await?;
    if open != options.connections as u64 {
        return Err(format!("{open} connections are open, not {}", options.connections).into());
    }

    // The first of them speaks; it is a listener like all others.
    let (speak, spoken) = mpsc::channel(1);
    let mut spoken = Some(spoken);
    let peers: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::task::spawn_local(live(stream, spoken.take(), crowd.clone())))
        .collect();
    let (user_before, system_before) = cpu_micros(pid)?;
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
    let (user, system) = cpu_micros(pid)?;
    let (user, system) = ((user - user_before) as f64, (system - system_before) as f64);

    let began = Instant::now();
    terminate(pid).await?;
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
    let status = timeout(PATIENCE, server.wait()).await??;
    if !status.success() {
        return Err(format!("the server ended with {status}").into());
    }
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

/// Starts the server that was built beside this program, on a port of the system's choice.
async fn start_server(journal: Option<&Path>) -> Result<(Child, SocketAddr), Failure> {
    let path: PathBuf = std::env::current_exe()?.with_file_name("fanlight");
    let mut server = Command::new(&path)
        .args(["--listen", "127.0.0.1:0", "--shards", "1", "--drain-over", "1s"])
        .args(["--upgrading-max", "20000"])
        .args(journal.iter().flat_map(|dir| [OsStr::new("--journal"), dir.as_os_str()]))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{}: {error}; build it with the same profile", path.display()))?;
    let stdout = server.stdout.take().ok_or("the server has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = timeout(PATIENCE, lines.next_line()).await?? {
        if let Some((_, rest)) = line.split_once("ws://") {
            let end = rest.find('/').unwrap_or(rest.len());
            let address = rest[..end].parse()?;
            // What else it prints is nobody's, but must not block it.
            tokio::task::spawn_local(
                async move { while let Ok(Some(_)) = lines.next_line().await {} },
            );
            return Ok((server, address));
        }
    }
    Err("the server did not say where it listens".into())
}

async fn connect(address: SocketAddr, number: usize) -> io::Result<TcpStream> {
    let source = Ipv4Addr::new(127, 0, 0, 1 + (number % SOURCES) as u8);
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into())?;
    let mut stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /broadcast HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
    }
    Ok(stream)
}

/// One connection to its end: says what it is told to, answers the server's Close, and returns what
/// it was given, in order.
async fn live(
    mut stream: TcpStream,
    mut spoken: Option<mpsc::Receiver<Message>>,
    crowd: Rc<Crowd>,
) -> io::Result<Vec<String>> {
    let limits = Limits { message_bytes_max: 1 << 20, ..Limits::default() };
    let mut wire = Wire::new(Role::Client { mask_seed: [1; 32] }, limits);
    let mut buffer = [0; 4096];
    let mut order = Vec::new();
    loop {
        let mut out = Vec::new();
        let to_say = async {
            match &mut spoken {
                Some(spoken) => spoken.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = stream.read(&mut buffer) => {
                let length = read?;
                if length == 0 {
                    return Ok(order);
                }
                let before = order.len();
                wire.receive(&mut buffer[..length], &mut |incoming| match incoming {
                    Incoming::Message(message) => {
                        order.extend(message.as_text().map(str::to_owned));
                    }
                    Incoming::Close(Some(CloseFrame { code: CloseCode::Away, .. })) => {
                        crowd.farewells.fetch_add(1, Ordering::Relaxed);
                    }
                    Incoming::Reply(reply) => out.extend_from_slice(reply.frame),
                    Incoming::Close(_) | Incoming::Ping(_) | Incoming::Pong(_) => {}
                })
                .map_err(io::Error::other)?;
                crowd.given.fetch_add(order.len() - before, Ordering::Relaxed);
                crowd.all_given.notify_one();
            }
            said = to_say => match said {
                Some(message) => { wire.send(&message, &mut out); }
                None => spoken = None,
            },
        }
        stream.write_all(&out).await?;
    }
}

fn numbered(number: usize, bytes: usize) -> String {
    format!("{number:0bytes$}")
}

/// One of the server's counters.
async fn stat(address: SocketAddr, name: &str) -> Result<u64, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /stats HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(line.ok_or("no such counter")?.trim().parse()?)
}

async fn terminate(pid: u32) -> Result<(), Failure> {
    let status = Command::new("kill").arg(pid.to_string()).status().await?;
    status.success().then_some(()).ok_or_else(|| "the server could not be told to end".into())
}

fn resident_bytes(pid: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// User and system time that the process has used.
fn cpu_micros(pid: u32) -> Result<(u64, u64), Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program stands in parentheses and may hold anything.
    let (_, after_name) = stat.rsplit_once(')').ok_or("no name")?;
    let mut times = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    let mut next = || times.next().ok_or("no times");
    Ok((next()?? * MICROS_PER_TICK, next()?? * MICROS_PER_TICK))
}

/// Linux counts process times in hundredths of a second.
const MICROS_PER_TICK: u64 = 10_000;
