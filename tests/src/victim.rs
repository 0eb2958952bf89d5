//! A real server process, started to be mistreated.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, Signal, kill_process},
};

use crate::build::build;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a state that is waited for is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// A process of the binary `fanlight`, which ends with its value.
///
/// The binary is built when the first one starts, in the profile of the test that starts it.
#[derive(Debug)]
pub struct Victim {
    child: Child,
    address: SocketAddr,
    greeting: Arc<Mutex<String>>,
    log: Arc<Mutex<Vec<u8>>>,
}

/// What a server says of itself at `/stats`.
#[derive(Clone, Debug)]
pub struct Figures(BTreeMap<String, u64>);

impl Victim {
    /// Starts a server on a free port of loopback, with `options` in one line.
    ///
    /// # Panics
    ///
    /// If the server cannot be built or does not start.
    pub fn start(options: &str) -> Self {
        Self::spawn(Command::new(binary()), options)
    }

    /// As [`start`](Self::start), with whatever is large in a place of its own, which the system has
    /// back when it is freed. Else something small that comes to lie behind it can keep it.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_that_gives_back(options: &str) -> Self {
        let mut command = Command::new(binary());
        command.env("MALLOC_MMAP_THRESHOLD_", "65536");
        Self::spawn(command, options)
    }

    /// As [`start`](Self::start), with at most so many descriptors.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with_descriptors(descriptors_max: u32, options: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -n {descriptors_max}; exec \"$0\" \"$@\""));
        shell.arg(binary());
        Self::spawn(shell, options)
    }

    fn spawn(mut command: Command, options: &str) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .args(options.split_whitespace())
            .env_remove("FANLIGHT_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let log = Arc::default();
        keep(child.stderr.take().expect("it is piped"), Arc::clone(&log));
        let said = Arc::default();
        let stdout = child.stdout.take().expect("it is piped");
        match greeting(stdout, Arc::clone(&said)).recv_timeout(PATIENCE) {
            Ok(address) => Self { child, address, greeting: said, log },
            Err(_) => {
                // It may have ended by itself.
                let _ = child.kill();
                let log = log.lock().unwrap_or_else(PoisonError::into_inner);
                panic!("no greeting, but {}; {:?}", log.escape_ascii(), child.wait());
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has written to standard output so far: at least up to where it listens.
    pub fn greeting(&self) -> String {
        self.greeting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> Vec<u8> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells it to end, as an operator would: SIGTERM.
    ///
    /// # Panics
    ///
    /// If it has ended already.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
    }

    /// Ends it without a chance to do anything about it: SIGKILL.
    ///
    /// # Panics
    ///
    /// If the system does not allow it.
    pub fn kill(mut self) {
        self.child.kill().expect("it is a child of ours");
        self.child.wait().expect("it is a child of ours");
    }

    /// Waits until it ends by itself; its exit code, or `None` if a signal killed it.
    ///
    /// # Panics
    ///
    /// If it does not end within 20 s.
    pub fn exit_code(&mut self) -> Option<i32> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it is a child of ours") {
                return status.code();
            }
            thread::sleep(LOOK_INTERVAL);
        }
        panic!("the server does not end");
    }

    /// Physical memory that it has now, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most physical memory that it had since [`forget_peak`](Self::forget_peak), in bytes.
    pub fn resident_bytes_peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// The most address space that it ever had, in bytes: also what it reserved and did not touch.
    pub fn reserved_bytes_peak(&self) -> u64 {
        self.memory("VmPeak:")
    }

    /// Begins a new peak of resident memory.
    ///
    /// # Panics
    ///
    /// If the server has ended.
    pub fn forget_peak(&self) {
        fs::write(self.proc("clear_refs"), "5").expect("the process is ours and runs");
    }

    /// Processor time that it has used so far, user and system.
    ///
    /// # Panics
    ///
    /// If the server has ended.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(self.proc("stat")).expect("the process runs");
        // The name, in parentheses, may hold anything; `utime` and `stime` are 12th and 13th after.
        let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().expect("a number of ticks"))
            .sum();
        Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second()).unwrap_or(u32::MAX)
    }

    /// Asks for the figures.
    ///
    /// # Errors
    ///
    /// If there was no answer, or another than the figures.
    pub fn figures(&self) -> io::Result<Figures> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // In two parts, since a turn tells the figures of the one before: that one has seen the
        // first part, and so counts who asks.
        stream.write_all(b"GET /stats HTTP/1.1\r\n")?;
        thread::sleep(LOOK_INTERVAL);
        stream.write_all(b"Host: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        answer
            .strip_prefix("HTTP/1.1 200 OK\r\n")
            .and_then(|answer| answer.split_once("\r\n\r\n"))
            .map(|(_, body)| body.lines().filter_map(figure).collect())
            .map(Figures)
            .ok_or_else(|| io::Error::other(answer))
    }

    /// Waits until the figures are as wanted.
    ///
    /// # Errors
    ///
    /// The last figures, if they are not so within `patience`.
    pub fn waits_until(
        &self,
        patience: Duration,
        is_wanted: impl Fn(&Figures) -> bool,
    ) -> Result<Figures, String> {
        let begun = Instant::now();
        loop {
            let last = self.figures();
            match last {
                Ok(figures) if is_wanted(&figures) => return Ok(figures),
                last if begun.elapsed() > patience => return Err(format!("still {last:?}")),
                Ok(_) | Err(_) => thread::sleep(LOOK_INTERVAL),
            }
        }
    }

    /// Waits until it holds nothing but the connection that asks.
    ///
    /// # Errors
    ///
    /// What it still holds after `patience`.
    pub fn empties_within(&self, patience: Duration) -> Result<(), String> {
        self.waits_until(patience, Figures::is_empty).map(|_| ())
    }

    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(self.proc("status")).expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.expect("a line in kB") * 1024
    }

    fn proc(&self, name: &str) -> PathBuf {
        ["/proc", &self.child.id().to_string(), name].iter().collect()
    }
}

/// What the binary says to `args`, when it is expected to end by itself.
///
/// # Panics
///
/// If it cannot be built or started.
pub fn output(args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(args).env_remove("FANLIGHT_LOG").stdin(Stdio::null());
    command.output().expect("the binary was built")
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Figures {
    /// The figure of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn get(&self, name: &str) -> u64 {
        *self.0.get(name).unwrap_or_else(|| panic!("{name} is none of {self}"))
    }

    /// Whether nothing is held but the connection that asks.
    pub fn is_empty(&self) -> bool {
        self.get("connections") == 1
            && ["open", "topics", "members", "frames", "frame_bytes", "queued", "assembly_bytes"]
                .into_iter()
                .all(|name| self.get(name) == 0)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| write!(f, "{name} {value}; "))
    }
}

fn figure(line: &str) -> Option<(String, u64)> {
    let (name, value) = line.split_once(' ')?;
    Some((name.to_owned(), value.parse().ok()?))
}

/// Builds the server, so that it is never an old one, and says where it is.
fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build("fanlight", &[]).join("fanlight"))
}

/// The address that the server says it listens on. All it says is read, or it would block.
fn greeting(stdout: ChildStdout, said: Arc<Mutex<String>>) -> mpsc::Receiver<SocketAddr> {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            *said.lock().unwrap_or_else(PoisonError::into_inner) += &format!("{line}\n");
            let at = line.split_once("ws://").and_then(|(_, rest)| rest.split_once("/echo"));
            if let Some(address) = at.and_then(|(address, _)| address.parse().ok()) {
                // Whoever started it may have given up.
                let _ = found.send(address);
            }
        }
    });
    address
}

fn keep(mut stderr: ChildStderr, log: Arc<Mutex<Vec<u8>>>) {
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut chunk) {
            log.lock().unwrap_or_else(PoisonError::into_inner).extend(&chunk[..length]);
        }
    });
}
