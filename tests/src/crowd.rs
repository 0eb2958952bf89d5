//! A crowd of connections to a server in a process of its own, and what they cost it.

use std::{
    error::Error,
    ffi::OsStr,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Stdio,
    rc::Rc,
    time::Duration,
};

use fanlight_core::{
    Message,
    http::{HeaderMap, Uri},
    wire::{Answered, ClientHandshake, Incoming, Wire},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    process::{Child, Command},
    sync::{Semaphore, mpsc},
    time::timeout,
};

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Enough of 127.0.0.0/8 that no source address runs out of ports.
const SOURCES: usize = 8;
const CONNECTING_MAX: usize = 64;
/// Linux counts process times in hundredths of a second.
const MICROS_PER_TICK: u64 = 10_000;

/// What kept a crowd from doing what it was to do.
pub type Failure = Box<dyn Error>;

/// A server of one shard on a port of the system's choice, which ends with its value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pid: u32,
    address: SocketAddr,
}

impl Server {
    /// Starts the binary that was built beside this program, with these options.
    ///
    /// To be called in a [`LocalSet`](tokio::task::LocalSet).
    ///
    /// # Errors
    ///
    /// If it is not there, or does not say where it listens.
    pub async fn start<T: AsRef<OsStr>>(
        options: impl IntoIterator<Item = T>,
    ) -> Result<Self, Failure> {
        let path: PathBuf = std::env::current_exe()?.with_file_name("fanlight");
        let mut command = Command::new(&path);
        command
            .args(["--listen", "127.0.0.1:0", "--shards", "1", "--upgrading-max", "20000"])
            .args(options);
        Self::run(command).await.map_err(|error| {
            format!("{}: {error}; build it with the same profile", path.display()).into()
        })
    }

    /// Starts any server that says at which `ws://` address it listens.
    ///
    /// To be called in a [`LocalSet`](tokio::task::LocalSet).
    ///
    /// # Errors
    ///
    /// If it cannot be started, or does not say where it listens.
    pub async fn run(mut command: Command) -> Result<Self, Failure> {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let pid = child.id().ok_or("the server is gone")?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = timeout(PATIENCE, lines.next_line()).await?? {
            if let Some((_, rest)) = line.split_once("ws://") {
                let end = rest.find('/').unwrap_or(rest.len());
                let address = rest[..end].parse()?;
                // What else it prints is nobody's, but must not block it.
                tokio::task::spawn_local(async move {
                    while let Ok(Some(_)) = lines.next_line().await {}
                });
                return Ok(Self { child, pid, address });
            }
        }
        Err("the server did not say where it listens".into())
    }

    /// Opens so many connections to `path`.
    ///
    /// # Errors
    ///
    /// If one of them is refused or takes too long.
    pub async fn open(&self, path: &str, connections: usize) -> Result<Vec<TcpStream>, Failure> {
        let opened = self.open_with(path, connections, &HeaderMap::new()).await?;
        Ok(opened.into_iter().map(|(stream, _)| stream).collect())
    }

    /// Opens so many connections to `path`, with these headers in the requests; each comes with
    /// what was agreed on.
    ///
    /// # Errors
    ///
    /// If one of them is refused or takes too long.
    pub async fn open_with(
        &self,
        path: &str,
        connections: usize,
        headers: &HeaderMap,
    ) -> Result<Vec<(TcpStream, Answered)>, Failure> {
        let uri: Uri = format!("ws://{}{path}", self.address).parse()?;
        let connecting = Rc::new(Semaphore::new(CONNECTING_MAX));
        let mut opening = Vec::new();
        for number in 0..connections {
            let (connecting, address) = (connecting.clone(), self.address);
            let handshake = ClientHandshake::new(&uri, headers.clone(), [7; 16])?;
            opening.push(tokio::task::spawn_local(async move {
                let _permit = connecting.acquire().await.map_err(io::Error::other)?;
                connect(address, handshake, number).await
            }));
        }
        let mut streams = Vec::new();
        for opened in opening {
            streams.push(timeout(PATIENCE, opened).await???);
        }
        Ok(streams)
    }

    /// One of its counters.
    ///
    /// # Errors
    ///
    /// If it does not answer, or has no such counter.
    pub async fn stat(&self, name: &str) -> Result<u64, Failure> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request = format!("GET /stats HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
        let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.ok_or("no such counter")?.trim().parse()?)
    }

    /// Tells it to end, as an operator would.
    ///
    /// # Errors
    ///
    /// If it could not be told.
    pub async fn terminate(&self) -> Result<(), Failure> {
        let status = Command::new("kill").arg(self.pid.to_string()).status().await?;
        status.success().then_some(()).ok_or_else(|| "the server could not be told to end".into())
    }

    /// Waits until it has ended by itself, and well.
    ///
    /// # Errors
    ///
    /// If it does not, or ended otherwise.
    pub async fn ends(&mut self) -> Result<(), Failure> {
        let status = timeout(PATIENCE, self.child.wait()).await??;
        let is_well = status.success();
        is_well.then_some(()).ok_or_else(|| format!("the server ended with {status}").into())
    }

    /// Physical memory that it has, in bytes.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn resident_bytes(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// User and system time that it has used, in microseconds.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn cpu_micros(&self) -> Result<(u64, u64), Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // The name of the program stands in parentheses and may hold anything.
        let (_, after_name) = stat.rsplit_once(')').ok_or("no name")?;
        let mut times = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
        let mut next = || times.next().ok_or("no times");
        Ok((next()?? * MICROS_PER_TICK, next()?? * MICROS_PER_TICK))
    }
}

/// What one connection of a crowd makes of what it is given.
pub trait Member {
    /// A part of what was read; returns what the member says to that.
    fn hear(&mut self, incoming: Incoming<'_>) -> Option<Message>;

    /// All of a read was heard, which was so many bytes.
    ///
    /// # Errors
    ///
    /// If something came that should not have.
    fn caught_up(&mut self, read_bytes: usize) -> io::Result<()>;
}

/// Has a member live until the server ends its connection: it says what comes by `spoken`, hears what
/// is read, and the answers that RFC 6455 demands leave by themselves.
///
/// # Errors
///
/// If the connection breaks, the server breaks the RFC, or the member hears what it should not.
pub async fn live(
    mut stream: TcpStream,
    mut wire: Wire,
    mut spoken: Option<mpsc::Receiver<Message>>,
    member: &mut impl Member,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut out = Vec::new();
    loop {
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
                    return Ok(());
                }
                let mut answers = Vec::new();
                wire.receive(&mut buffer[..length], &mut |incoming| match incoming {
                    Incoming::Reply(reply) => out.extend_from_slice(reply.frame),
                    Incoming::Message(_)
                    | Incoming::Ping(_)
                    | Incoming::Pong(_)
                    | Incoming::Close(_) => answers.extend(member.hear(incoming)),
                })
                .map_err(io::Error::other)?;
                for answer in &answers {
                    wire.send(answer, &mut out);
                }
                member.caught_up(length)?;
            }
            said = to_say => match said {
                Some(message) => { wire.send(&message, &mut out); }
                None => spoken = None,
            },
        }
        stream.write_all(&out).await?;
        out.clear();
    }
}

/// The middle of what was measured.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn connect(
    address: SocketAddr,
    mut handshake: ClientHandshake,
    number: usize,
) -> io::Result<(TcpStream, Answered)> {
    let source = Ipv4Addr::new(127, 0, 0, 1 + (number % SOURCES) as u8);
    let socket = TcpSocket::new_v4()?;
    socket.bind((source, 0).into())?;
    let mut stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(handshake.request()).await?;
    // A byte at a time, so that no frame is taken with the answer.
    loop {
        let byte = stream.read_u8().await?;
        if let Some((answered, _)) = handshake.receive(&[byte]).map_err(io::Error::other)? {
            return Ok((stream, answered));
        }
    }
}
