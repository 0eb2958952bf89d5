//! Sockets of memory: one that never ends, and one that keeps nothing.

use std::{
    cell::Cell,
    io::{self, IoSlice, Read, Write},
    ops::Range,
    pin::{Pin, pin},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll, Waker},
};

use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::load::Arrival;

/// Memory comes in such pieces: how a copy goes depends on where in them it begins.
const PAGE_BYTES: usize = 4096;

/// Somewhere in a page, each time somewhere else.
fn somewhere() -> usize {
    static SEED: AtomicU64 = AtomicU64::new(0);
    Rng::with_seed(SEED.fetch_add(1, Ordering::Relaxed)).usize(..PAGE_BYTES)
}

/// A buffer in which these bytes stand somewhere, blanks around them, and where.
///
/// It is as long wherever they stand. If it were not, what is allocated behind it would lie to them
/// always in the same way.
pub(crate) fn placed(bytes: &[u8]) -> (Vec<u8>, Range<usize>) {
    let begin = somewhere();
    let buffer = [&vec![b' '; begin], bytes, &vec![b' '; PAGE_BYTES - begin]].concat();
    (buffer, begin..begin + bytes.len())
}

/// Gives the same bytes over and over.
pub(crate) struct Spring {
    bytes: Vec<u8>,
    /// Where the first of them stands.
    begin: usize,
    /// Where a read must stop: at the ends of messages, or nowhere but at the end of the bytes.
    stops: Vec<usize>,
    at: usize,
    next_stop: usize,
}

impl Spring {
    /// Of these frames, and where each ends.
    pub(crate) fn new((bytes, ends): (Vec<u8>, Vec<usize>), arrival: Arrival) -> Self {
        let stops = match arrival {
            Arrival::Alone => ends,
            Arrival::Stream => vec![bytes.len()],
        };
        let (bytes, Range { start: begin, .. }) = placed(&bytes);
        Self { bytes, begin, stops, at: 0, next_stop: 0 }
    }

    /// The next bytes, at most so many.
    pub(crate) fn take(&mut self, room: usize) -> &[u8] {
        if self.next_stop == self.stops.len() {
            (self.at, self.next_stop) = (0, 0);
        }
        let (start, stop) = (self.at, self.stops[self.next_stop]);
        self.at = stop.min(start + room);
        self.next_stop += usize::from(self.at == stop);
        &self.bytes[self.begin + start..self.begin + self.at]
    }
}

impl Read for Spring {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let bytes = self.take(room.len());
        room[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Write for Spring {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Spring {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.get_mut().take(room.remaining());
        room.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Spring {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// As much as a socket takes at once.
const SINK_BYTES: usize = 256 << 10;

/// Copies what is written to one place, as a kernel would.
pub(crate) struct Sink {
    room: Vec<u8>,
    at: usize,
    taken: Rc<Cell<u64>>,
}

impl Sink {
    pub(crate) fn new() -> Self {
        Self { room: vec![0; SINK_BYTES], at: somewhere(), taken: Rc::default() }
    }

    /// Bytes taken so far, for whoever does not own the sink.
    pub(crate) fn taken(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.taken)
    }

    /// Takes all of the bytes.
    pub(crate) fn take_all(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.put(bytes)..];
        }
    }

    fn put(&mut self, bytes: &[u8]) -> usize {
        if self.at == SINK_BYTES {
            self.at = 0;
        }
        let taken = bytes.len().min(SINK_BYTES - self.at);
        self.room[self.at..self.at + taken].copy_from_slice(&bytes[..taken]);
        self.at += taken;
        self.taken.set(self.taken.get() + taken as u64);
        taken
    }

    fn put_all(&mut self, slices: &[IoSlice<'_>]) -> usize {
        let mut taken = 0;
        for slice in slices {
            let part = self.put(slice);
            taken += part;
            if part < slice.len() {
                break;
            }
        }
        taken
    }
}

impl Read for Sink {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.put(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.put_all(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Sink {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.get_mut().put(bytes)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.get_mut().put_all(slices)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The output of a future that never waits.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    let future = pin!(future);
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory is always ready"),
    }
}
