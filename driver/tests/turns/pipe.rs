//! A socket in memory whose other end is the test.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use futures_io::{AsyncRead, AsyncWrite};

/// One socket: clones share it, so the driver has one and the test another.
#[derive(Clone, Default)]
pub(crate) struct Pipe(Arc<Mutex<Ends>>);

pub(crate) struct Ends {
    /// What the driver may read.
    pub(crate) input: VecDeque<u8>,
    /// How many bytes of it one read takes at most.
    pub(crate) segment: usize,
    pub(crate) is_eof: bool,
    /// What the driver wrote.
    pub(crate) output: Vec<u8>,
    /// How many more bytes are taken before writes block.
    pub(crate) room: usize,
    /// Whether a flush is ready.
    pub(crate) flushes: bool,
    pub(crate) is_closed: bool,
    /// Whether the next read panics.
    pub(crate) panics: bool,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Default for Ends {
    fn default() -> Self {
        Self {
            input: VecDeque::new(),
            segment: usize::MAX,
            is_eof: false,
            output: Vec::new(),
            room: usize::MAX,
            flushes: true,
            is_closed: false,
            panics: false,
            reads: 0,
            writes: 0,
            reader: None,
            writer: None,
        }
    }
}

impl Pipe {
    pub(crate) fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap()
    }

    /// Gives the driver something to read, and wakes whoever waits for it.
    pub(crate) fn give(&self, bytes: &[u8]) {
        let mut ends = self.ends();
        ends.input.extend(bytes);
        let reader = ends.reader.take();
        drop(ends);
        wake(reader);
    }

    /// Lets writes and flushes go on, and wakes whoever waits for it.
    pub(crate) fn open(&self, room: usize) {
        let mut ends = self.ends();
        ends.room = room;
        ends.flushes = true;
        let writer = ends.writer.take();
        drop(ends);
        wake(writer);
    }

    /// Whether the driver has let go of its end.
    pub(crate) fn is_dropped(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut ends = self.ends();
        ends.reads += 1;
        if ends.panics {
            drop(ends);
            panic!("a read that panics");
        }
        if ends.input.is_empty() && !ends.is_eof {
            ends.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = ends.input.len().min(buffer.len()).min(ends.segment);
        for (to, from) in buffer.iter_mut().zip(ends.input.drain(..length)) {
            *to = from;
        }
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut ends = self.ends();
        ends.writes += 1;
        let length = ends.room.min(bytes.len());
        if length == 0 {
            ends.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        ends.room -= length;
        ends.output.extend(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ends = self.ends();
        if !ends.flushes {
            ends.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ends().is_closed = true;
        Poll::Ready(Ok(()))
    }
}
