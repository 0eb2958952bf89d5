//! A peer that obeys no protocol: a plain socket, and what came out of it.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use fanlight_sim::frame::{Stream, masked};
use fanlight_tests::victim::Victim;
use socket2::{Domain, SockRef, Socket, Type};

use crate::request;

/// What comes later than this does not come. More than any timeout that a test sets, by far less
/// than those that it leaves alone.
pub(crate) const SLACK: Duration = Duration::from_secs(2);

/// Longer than a turn of the server. It reads its clock at the beginning of one, so that what comes
/// in the course of it counts as a little older than it is.
pub(crate) const TURN: Duration = Duration::from_millis(50);

/// For how long the server may take nothing, so that it may slow a peer down.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes that a peer takes.
const RECEIVED_BYTES_MAX: usize = 64 << 20;

pub(crate) struct Peer {
    stream: TcpStream,
    begun: Instant,
    received: Vec<u8>,
    end: Option<End>,
}

/// How the server's half of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order.
    Eof,
    /// With a reset, which can destroy what was said before.
    Reset,
}

/// All that a peer was sent.
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    /// `None` if it did not end in time.
    pub(crate) end: Option<End>,
    /// From before the peer connected until the end, or until it waited no more.
    pub(crate) after: Duration,
}

impl Peer {
    pub(crate) fn connect(victim: &Victim) -> Self {
        let begun = Instant::now();
        Self::on(TcpStream::connect(victim.address()).unwrap(), begun)
    }

    /// A peer whose system takes only a few KiB that it has not read.
    pub(crate) fn connect_narrow(victim: &Victim) -> Self {
        let begun = Instant::now();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&victim.address().into()).unwrap();
        Self::on(socket.into(), begun)
    }

    fn on(stream: TcpStream, begun: Instant) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(WRITE_TIMEOUT)).unwrap();
        Self { stream, begun, received: Vec::new(), end: None }
    }

    /// A peer whose upgrade of `path` was answered by 101.
    pub(crate) fn open(victim: &Victim, path: &str) -> Self {
        Self::connect(victim).upgraded(path)
    }

    pub(crate) fn upgraded(mut self, path: &str) -> Self {
        self.send(&request::upgrade_of(path));
        assert!(self.hears(|stream| stream.status == Some(101)), "{}", self.shown());
        self
    }

    /// Whether the system took all of it.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// A text message that no one has to be told apart by.
    pub(crate) fn say(&mut self, text: &str) -> bool {
        self.send(&masked(0x81, text.as_bytes()))
    }

    /// Sends each byte by itself, with so much time in between, until the server ends it.
    pub(crate) fn send_slowly(&mut self, bytes: &[u8], pause: Duration) {
        for byte in bytes {
            let is_over = |stream: &Stream<'_>| match stream.status {
                None => false,
                Some(101) => stream.close_code().is_some(),
                Some(_) => true,
            };
            if !self.send(&[*byte]) || !pause.is_zero() && self.hears_within(pause, is_over) {
                return;
            }
        }
    }

    /// Says that it will say no more.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Vanishes with a reset.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Waits until what has come is as wanted; whether it ever was.
    pub(crate) fn hears(&mut self, is_wanted: impl Fn(&Stream<'_>) -> bool) -> bool {
        self.hears_within(SLACK, is_wanted)
    }

    pub(crate) fn hears_within(
        &mut self,
        patience: Duration,
        is_wanted: impl Fn(&Stream<'_>) -> bool,
    ) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if Stream::read(&self.received, false).is_ok_and(|stream| is_wanted(&stream)) {
                return true;
            }
            if !self.read_until(deadline) {
                return false;
            }
        }
    }

    /// Waits for the echo of `text` as the newest message; whether it came.
    pub(crate) fn hears_text(&mut self, text: &str) -> bool {
        self.hears(|stream| stream.frames.last().is_some_and(|frame| frame.text() == Some(text)))
    }

    /// The opcode and payload of the newest whole frame.
    pub(crate) fn newest_frame(&self) -> Option<(u8, Vec<u8>)> {
        let stream = Stream::read(&self.received, false).ok()?;
        stream.frames.last().map(|frame| (frame.opcode, frame.payload.to_vec()))
    }

    /// How long ago it began to connect.
    pub(crate) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Forgets what has come since the 101, which must be whole frames.
    pub(crate) fn forget(&mut self) {
        self.received.clear();
        self.received.extend(b"HTTP/1.1 101 \r\n\r\n");
    }

    /// What comes next, nothing at the end or if nothing comes in time.
    pub(crate) fn takes_some(&mut self, patience: Duration) -> Vec<u8> {
        let begun = self.received.len();
        let deadline = Instant::now() + patience;
        while self.received.len() == begun && self.read_until(deadline) {}
        self.received[begun..].to_vec()
    }

    /// Reads so many bytes more; whether they came.
    pub(crate) fn takes(&mut self, bytes: usize, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let wanted = self.received.len() + bytes;
        while self.received.len() < wanted && self.read_until(deadline) {}
        self.received.len() >= wanted
    }

    /// Reads a little, so many times; whether a whole frame came.
    pub(crate) fn sips(&mut self, pause: Duration, times: usize) -> bool {
        self.stream.set_read_timeout(Some(SLACK)).unwrap();
        for _ in 0..times {
            thread::sleep(pause);
            let mut sip = [0; 4096];
            let length = self.stream.read(&mut sip).unwrap();
            self.received.extend(&sip[..length]);
        }
        self.newest_frame().is_some()
    }

    /// Reads to the end.
    pub(crate) fn listen(self) -> Heard {
        self.listen_for(SLACK)
    }

    pub(crate) fn listen_for(mut self, patience: Duration) -> Heard {
        let deadline = Instant::now() + patience;
        while self.read_until(deadline) {}
        Heard { bytes: self.received, end: self.end, after: self.begun.elapsed() }
    }

    /// Reads more; `false` at the end or the deadline.
    fn read_until(&mut self, deadline: Instant) -> bool {
        assert!(self.received.len() < RECEIVED_BYTES_MAX, "the server does not stop to talk");
        let left = deadline.saturating_duration_since(Instant::now());
        if self.end.is_some() || left.is_zero() {
            return false;
        }
        self.stream.set_read_timeout(Some(left)).unwrap();
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.end = Some(End::Eof),
            Ok(length) => self.received.extend(&chunk[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.end = Some(End::Reset),
        }
        self.end.is_none()
    }

    fn shown(&self) -> String {
        format!("{:?} after {}", self.end, self.received.escape_ascii())
    }
}

impl Heard {
    /// What was said, by the RFC.
    pub(crate) fn stream(&self) -> Result<Stream<'_>, String> {
        Stream::read(&self.bytes, false)
    }

    /// The first header of this name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// The beginning of it, to be printed.
    pub(crate) fn shown(&self) -> String {
        let length = self.bytes.len();
        let shown = self.bytes[..length.min(300)].escape_ascii();
        format!("{length} bytes, then {:?} after {:?}: {shown}", self.end, self.after)
    }
}
