//! Tokio's streams with the traits that a driver asks for.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_io::{AsyncRead, AsyncWrite};
use tokio::io::ReadBuf;

/// Any stream that speaks tokio's `AsyncRead` and `AsyncWrite`, as `futures-io` has it.
///
/// It adds nothing to the stream, and forwards vectored writes, so that many frames leave in one
/// call.
///
/// ```
/// use fanlight_tokio::Compat;
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (ours, theirs) = tokio::io::duplex(64);
/// let (mut ours, mut theirs) = (Compat::new(ours), Compat::new(theirs));
/// ours.write_all(b"hello").await?;
/// ours.close().await?;
/// let mut heard = String::new();
/// theirs.read_to_string(&mut heard).await?;
/// assert_eq!(heard, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Compat<T>(T);

impl<T> Compat<T> {
    /// Wraps `stream`.
    pub const fn new(stream: T) -> Self {
        Self(stream)
    }

    /// The stream as it was given.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// The stream, to look at.
    pub const fn get_ref(&self) -> &T {
        &self.0
    }

    /// The stream. What is read or written here is neither read nor written by the wrapper.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> From<T> for Compat<T> {
    fn from(stream: T) -> Self {
        Self(stream)
    }
}

impl<T: tokio::io::AsyncRead + Unpin> AsyncRead for Compat<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<T: tokio::io::AsyncWrite + Unpin> AsyncWrite for Compat<T> {
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
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(unix)]
impl<T: std::os::fd::AsFd> std::os::fd::AsFd for Compat<T> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(windows)]
impl<T: std::os::windows::io::AsSocket> std::os::windows::io::AsSocket for Compat<T> {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        self.0.as_socket()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::IoSlice};

    use futures_lite::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn vectored_writes_reach_the_stream_in_one_call() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ours = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut ours, theirs) = (Compat::new(ours), listener.accept().await.unwrap().0);
        let slices = [IoSlice::new(b"one"), IoSlice::new(b"two")];
        let written =
            poll_fn(|cx| Pin::new(&mut ours).poll_write_vectored(cx, &slices)).await.unwrap();
        assert_eq!(written, 6, "without forwarding, only the first slice is taken");
        poll_fn(|cx| Pin::new(&mut ours).poll_close(cx)).await.unwrap();
        let mut heard = String::new();
        Compat::new(theirs).read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "onetwo", "and our half is shut down behind them");
    }
}
