//! A stream whose handshake is a part of its reading.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_io::{AsyncRead, AsyncWrite};

/// A stream that is encrypted as soon as its handshake is done.
///
/// Reading it drives the handshake, so it is let in before that: it is counted and has its deadline
/// like any other connection that has not finished its upgrade, and no loop waits for it. The
/// boxed future goes with the handshake.
pub(super) struct Encrypted<F, S>(State<F, S>);

enum State<F, S> {
    /// Only the reading half polls the handshake, or the halves would take each other's wake-up. The
    /// writing half leaves its waker.
    Handshake(Pin<Box<F>>, Option<Waker>),
    Open(S),
    Failed,
}

impl<F: Future<Output = io::Result<S>>, S> Encrypted<F, S> {
    pub(super) fn new(handshake: F) -> Self {
        Self(State::Handshake(Box::pin(handshake), None))
    }
}

impl<F, S: Unpin> Encrypted<F, S> {
    fn poll_write_half<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        match &mut self.0 {
            State::Open(stream) => poll(Pin::new(stream), cx),
            State::Handshake(_, writer) => {
                *writer = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Failed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<F: Future<Output = io::Result<S>>, S: AsyncRead + Unpin> AsyncRead for Encrypted<F, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.0 {
                State::Open(stream) => return Pin::new(stream).poll_read(cx, buffer),
                State::Failed => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
                State::Handshake(handshake, writer) => {
                    let done = std::task::ready!(handshake.as_mut().poll(cx));
                    let writer = writer.take();
                    let (state, failed) = match done {
                        Ok(stream) => (State::Open(stream), None),
                        Err(error) => (State::Failed, Some(error)),
                    };
                    self.0 = state;
                    if let Some(writer) = writer {
                        writer.wake();
                    }
                    if let Some(error) = failed {
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
    }
}

impl<F, S: AsyncWrite + Unpin> AsyncWrite for Encrypted<F, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_half(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_half(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_half(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_half(cx, |stream, cx| stream.poll_close(cx))
    }
}

impl<F, S> fmt::Debug for Encrypted<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Handshake(..) => "Encrypted(handshake)",
            State::Open(_) => "Encrypted(open)",
            State::Failed => "Encrypted(failed)",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{future, sync::Arc, task::Wake};

    use futures_lite::io::Cursor;

    use super::*;

    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }

    fn read(stream: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_read(&mut Context::from_waker(Waker::noop()), buffer)
    }

    #[test]
    fn a_write_waits_for_the_handshake_that_reading_drives() {
        let mut polls = 0;
        let mut stream = Encrypted::new(future::poll_fn(move |_| {
            polls += 1;
            if polls < 2 { Poll::Pending } else { Poll::Ready(Ok(Cursor::new(vec![7; 3]))) }
        }));
        let mut buffer = [0; 8];
        assert!(read(&mut stream, &mut buffer).is_pending());

        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut stream).poll_write(&mut cx, b"x").is_pending());
        assert!(!woken.0.load(std::sync::atomic::Ordering::SeqCst), "the handshake was not polled");

        assert!(matches!(read(&mut stream, &mut buffer), Poll::Ready(Ok(3))));
        assert!(woken.0.load(std::sync::atomic::Ordering::SeqCst), "the write can go on");
        assert!(matches!(Pin::new(&mut stream).poll_write(&mut cx, b"x"), Poll::Ready(Ok(1))));
    }

    #[test]
    fn a_handshake_that_fails_is_told_to_both_halves() {
        let refused = || io::Error::from(io::ErrorKind::InvalidData);
        let mut stream = Encrypted::new(future::ready(Err::<Cursor<Vec<u8>>, _>(refused())));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut stream).poll_write(&mut cx, b"x").is_pending());
        let Poll::Ready(Err(error)) = read(&mut stream, &mut [0]) else { panic!("it failed") };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(matches!(Pin::new(&mut stream).poll_write(&mut cx, b"x"), Poll::Ready(Err(_))));
    }
}
