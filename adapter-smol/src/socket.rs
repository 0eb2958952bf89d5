//! Smol's streams with an end.

use std::{
    io::{self, IoSlice, Read, Write},
    net::Shutdown,
    pin::Pin,
    task::{Context, Poll},
};

use async_io::{Async, IoSafe};
use fanlight_driver::AsSocket;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

/// A socket of `async-io` of which closing shuts our half down.
///
/// `async-io` knows nothing of what it watches, so there a close only flushes. The sockets of
/// `async-net` do shut down, but hold two futures and a shared socket each.
#[derive(Debug)]
pub struct Socket<T>(Async<T>);

impl<T> Socket<T> {
    /// Wraps a socket.
    pub const fn new(socket: Async<T>) -> Self {
        Self(socket)
    }

    /// The socket as it was given.
    pub fn into_inner(self) -> Async<T> {
        self.0
    }

    /// The socket, to look at.
    pub const fn get_ref(&self) -> &Async<T> {
        &self.0
    }
}

impl<T> From<Async<T>> for Socket<T> {
    fn from(socket: Async<T>) -> Self {
        Self(socket)
    }
}

impl<T: IoSafe + Read> AsyncRead for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<T: AsSocket + IoSafe + Write> AsyncWrite for Socket<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    /// Shuts our half down: the peer reads the end of the stream, and can still be read.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match SockRef::from(self.0.get_ref()).shutdown(Shutdown::Write) {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }
}

#[cfg(unix)]
impl<T: std::os::fd::AsFd> std::os::fd::AsFd for Socket<T> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(windows)]
impl<T: std::os::windows::io::AsSocket> std::os::windows::io::AsSocket for Socket<T> {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        self.0.as_socket()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use futures_lite::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_close_shuts_our_half_down_and_the_peer_can_still_be_read() {
        async_io::block_on(async {
            let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
            let address = listener.get_ref().local_addr().unwrap();
            let mut ours = Socket::new(Async::<TcpStream>::connect(address).await.unwrap());
            let (mut theirs, _) = listener.accept().await.unwrap();
            ours.write_all(b"last words").await.unwrap();
            ours.close().await.unwrap();
            let mut heard = String::new();
            theirs.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard, "last words");

            theirs.write_all(b"an answer").await.unwrap();
            drop(theirs);
            heard.clear();
            ours.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard, "an answer");
            ours.close().await.unwrap();
        });
    }
}
