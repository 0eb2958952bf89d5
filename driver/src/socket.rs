//! The sockets of one shard, and what of each is armed, blocked or done.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fanlight_core::ConnId;
use futures_io::{AsyncRead, AsyncWrite};

use crate::{
    ready::{Half, HalfWaker, Ready},
    write,
};

/// The sockets of one shard, by the slot of their connection.
pub(crate) struct Sockets<T> {
    ready: Arc<Ready>,
    slots: Vec<Option<Socket<T>>>,
    /// Those that may have something to read, each once. A socket leaves only when it has said
    /// `Pending`, and is armed by that; or when it is not to be read.
    readable: VecDeque<ConnId>,
}

pub(crate) struct Socket<T> {
    conn: ConnId,
    stream: T,
    reader: HalfWaker,
    /// Made when a write first blocks: most never do.
    writer: Option<Box<HalfWaker>>,
    /// Whether it is in the list of the readable.
    is_listed: bool,
    is_paused: bool,
    /// Whether nothing more will be read: the end of the stream, or an error.
    is_read_out: bool,
    /// Whether the last byte taken is held back from the hub until it is flushed.
    holds_back: bool,
    shutdown: Shutdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shutdown {
    No,
    Asked,
    Done,
}

/// What became of an attempt to write.
#[derive(Debug)]
pub(crate) enum Written {
    /// There was nothing to do.
    Nothing,
    /// So many bytes are to be reported as sent; there may be more to do.
    Sent(usize),
    /// The socket wakes when it can go on.
    Blocked,
    /// The socket is of no more use.
    Failed(io::Error),
}

impl<T> Sockets<T> {
    pub(crate) fn new(ready: Arc<Ready>) -> Self {
        Self { ready, slots: Vec::new(), readable: VecDeque::new() }
    }

    /// Takes a socket in, and lists it: only when it has been polled once is it armed.
    pub(crate) fn insert(&mut self, conn: ConnId, stream: T) {
        let index = conn.index();
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some(Socket {
            conn,
            stream,
            reader: HalfWaker::new(&self.ready, conn, Half::Read),
            writer: None,
            is_listed: false,
            is_paused: false,
            is_read_out: false,
            holds_back: false,
            shutdown: Shutdown::No,
        });
        self.list(conn);
    }

    /// Drops the socket. Whether there was one.
    pub(crate) fn remove(&mut self, conn: ConnId) -> bool {
        let slot = self.slots.get_mut(conn.index());
        slot.and_then(|slot| slot.take_if(|socket| socket.conn == conn)).is_some()
    }

    pub(crate) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Socket<T>> {
        let socket = self.slots.get_mut(conn.index())?.as_mut();
        socket.filter(|socket| socket.conn == conn)
    }

    /// Notes that the socket may have something to read.
    pub(crate) fn list(&mut self, conn: ConnId) {
        if let Some(socket) = self.get_mut(conn)
            && !socket.is_listed
        {
            socket.is_listed = true;
            self.readable.push_back(conn);
        }
    }

    /// The next socket of the list. It counts as listed until it is [unlisted](Self::unlist) or put
    /// [back](Self::put_back).
    pub(crate) fn next_readable(&mut self) -> Option<ConnId> {
        self.readable.pop_front()
    }

    /// The socket has said `Pending`, or is not to be read.
    pub(crate) fn unlist(&mut self, conn: ConnId) {
        if let Some(socket) = self.get_mut(conn) {
            socket.is_listed = false;
        }
    }

    /// The socket may have more, and comes again after the others.
    pub(crate) fn put_back(&mut self, conn: ConnId) {
        if self.get_mut(conn).is_some() {
            self.readable.push_back(conn);
        }
    }

    pub(crate) fn readable(&self) -> usize {
        self.readable.len()
    }

    pub(crate) fn pause(&mut self, conn: ConnId) {
        if let Some(socket) = self.get_mut(conn) {
            socket.is_paused = true;
        }
    }

    /// Reads the socket again: what woke it meanwhile was not looked at, so it is listed.
    pub(crate) fn resume(&mut self, conn: ConnId) {
        if let Some(socket) = self.get_mut(conn) {
            socket.is_paused = false;
            self.list(conn);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket<T> {
    /// Reads into `buffer`. `None` if the socket is not to be read.
    pub(crate) fn poll_read(&mut self, buffer: &mut [u8]) -> Option<Poll<io::Result<usize>>> {
        if self.is_paused || self.is_read_out {
            return None;
        }
        let mut cx = Context::from_waker(self.reader.for_poll());
        let read = Pin::new(&mut self.stream).poll_read(&mut cx, buffer);
        if let Poll::Ready(Ok(0)) = read {
            self.is_read_out = true;
        }
        Some(read)
    }

    /// Reads and writes no more; waits to be dropped.
    pub(crate) fn give_up(&mut self) {
        self.is_read_out = true;
        self.holds_back = false;
        self.shutdown = Shutdown::Done;
    }

    /// Has our half shut down when nothing is left to write.
    pub(crate) fn ask_shutdown(&mut self) {
        if self.shutdown == Shutdown::No {
            self.shutdown = Shutdown::Asked;
        }
    }

    /// Writes the first of `slices`, or flushes what was written before, or shuts our half down.
    pub(crate) fn write(
        &mut self,
        ready: &Arc<Ready>,
        slices: &[IoSlice<'_>],
        scratch: &mut Vec<u8>,
    ) -> Written {
        if self.holds_back {
            return match self.poll_out(ready, |stream, cx| stream.poll_flush(cx)) {
                Poll::Pending => Written::Blocked,
                Poll::Ready(Err(error)) => Written::Failed(error),
                Poll::Ready(Ok(())) => {
                    self.holds_back = false;
                    Written::Sent(1)
                }
            };
        }
        if slices.is_empty() {
            return self.write_end(ready);
        }
        let taken =
            self.poll_out(ready, |stream, cx| write::poll_write(stream, cx, slices, scratch));
        let taken = match taken {
            Poll::Pending => return Written::Blocked,
            Poll::Ready(Ok(0)) => return Written::Failed(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(taken)) => taken,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                return Written::Sent(0);
            }
            Poll::Ready(Err(error)) => return Written::Failed(error),
        };
        let mut cx = match &self.writer {
            Some(writer) => Context::from_waker(writer.for_poll()),
            // If it does not flush at once, the next attempt finds that out again and waits.
            None => Context::from_waker(Waker::noop()),
        };
        match write::poll_flushed(Pin::new(&mut self.stream), &mut cx, slices, taken) {
            Ok((sent, holds_back)) => {
                self.holds_back = holds_back;
                Written::Sent(sent)
            }
            Err(error) => Written::Failed(error),
        }
    }

    fn write_end(&mut self, ready: &Arc<Ready>) -> Written {
        if self.shutdown != Shutdown::Asked {
            return Written::Nothing;
        }
        match self.poll_out(ready, |stream, cx| stream.poll_close(cx)) {
            Poll::Pending => Written::Blocked,
            Poll::Ready(Err(error)) => Written::Failed(error),
            Poll::Ready(Ok(())) => {
                self.shutdown = Shutdown::Done;
                Written::Nothing
            }
        }
    }

    /// Polls the writing half: first without a waker, since it seldom blocks.
    fn poll_out<R>(
        &mut self,
        ready: &Arc<Ready>,
        mut poll: impl FnMut(Pin<&mut T>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let writer = match &self.writer {
            Some(writer) => writer,
            None => {
                let mut cx = Context::from_waker(Waker::noop());
                let polled = poll(Pin::new(&mut self.stream), &mut cx);
                if polled.is_ready() {
                    return polled;
                }
                self.writer.insert(Box::new(HalfWaker::new(ready, self.conn, Half::Write)))
            }
        };
        let mut cx = Context::from_waker(writer.for_poll());
        poll(Pin::new(&mut self.stream), &mut cx)
    }
}
