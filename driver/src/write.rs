//! Bytes of several frames into one socket.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_io::AsyncWrite;

/// How many slices one write takes at most: as many as the systems allow.
pub(crate) const SLICES_MAX: usize = 1024;
/// Several slices of up to this many bytes together are copied into one; larger ones are not: from
/// here on a copy costs more than the kernel's walk over the slices.
const JOINED_BYTES_MAX: usize = 16 * 1024;

/// Writes the first bytes of `slices`, which are not empty, with one call of the socket.
pub(crate) fn poll_write<T: AsyncWrite>(
    socket: Pin<&mut T>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
    scratch: &mut Vec<u8>,
) -> Poll<io::Result<usize>> {
    if let [slice] = slices {
        return socket.poll_write(cx, slice);
    }
    if slices.iter().map(|slice| slice.len()).sum::<usize>() > JOINED_BYTES_MAX {
        return socket.poll_write_vectored(cx, slices);
    }
    scratch.clear();
    for slice in slices {
        scratch.extend_from_slice(slice);
    }
    socket.poll_write(cx, scratch)
}

/// How many of the bytes that `socket` has just taken are reported as sent, and whether one is
/// held back.
///
/// A transport such as TLS says it wrote when the bytes are still inside. While it keeps them, the
/// last byte is held back: so the hub knows which frame is under way and cannot be taken back any
/// more, but sees that something still waits, and its stall clock runs. If `taken` ends inside a
/// slice, the rest of that slice says the same, and nothing is held back.
pub(crate) fn poll_flushed<T: AsyncWrite>(
    socket: Pin<&mut T>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
    taken: usize,
) -> io::Result<(usize, bool)> {
    match socket.poll_flush(cx) {
        Poll::Ready(flushed) => flushed.map(|()| (taken, false)),
        Poll::Pending if ends_with_a_slice(slices, taken) => Ok((taken - 1, true)),
        Poll::Pending => Ok((taken, false)),
    }
}

fn ends_with_a_slice(slices: &[IoSlice<'_>], taken: usize) -> bool {
    let mut end = 0;
    slices.iter().any(|slice| {
        end += slice.len();
        end == taken
    })
}

/// Tells a peer that is not let in why, if its socket takes that at once, and shuts our half down.
pub(crate) fn say_once<T: AsyncWrite>(mut socket: Pin<&mut T>, cx: &mut Context<'_>, bytes: &[u8]) {
    let said: Poll<io::Result<()>> = (|| {
        ready!(socket.as_mut().poll_write(cx, bytes))?;
        ready!(socket.as_mut().poll_flush(cx))?;
        socket.as_mut().poll_close(cx)
    })();
    if let Poll::Ready(Err(error)) = said {
        tracing::debug!(%error, "a peer was declined and could not be told");
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes everything, keeps the calls apart, and flushes only when told.
    #[derive(Default)]
    struct Calls {
        writes: Vec<Vec<u8>>,
        vectored: usize,
        is_flushed: bool,
    }

    impl AsyncWrite for Calls {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes.push(bytes.to_vec());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.vectored += 1;
            Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.is_flushed { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn write(calls: &mut Calls, slices: &[&[u8]]) -> usize {
        let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
        let mut cx = Context::from_waker(Waker::noop());
        match poll_write(Pin::new(calls), &mut cx, &slices, &mut Vec::new()) {
            Poll::Ready(taken) => taken.unwrap(),
            Poll::Pending => unreachable!("it takes everything"),
        }
    }

    #[test]
    fn small_slices_are_joined_and_large_ones_are_not() {
        let mut calls = Calls::default();
        assert_eq!(write(&mut calls, &[b"one"]), 3);
        assert_eq!(write(&mut calls, &[b"one", b"", b"two"]), 6);
        assert_eq!(calls.writes, [&b"one"[..], b"onetwo"]);
        let large = [0; JOINED_BYTES_MAX];
        assert_eq!(write(&mut calls, &[&large, b"x"]), JOINED_BYTES_MAX + 1);
        assert_eq!((calls.writes.len(), calls.vectored), (2, 1));
        assert_eq!(write(&mut calls, &[&large]), JOINED_BYTES_MAX);
        assert_eq!((calls.writes.len(), calls.vectored), (3, 1));
    }

    #[test]
    fn the_last_byte_is_held_back_until_it_is_flushed() {
        let slices = [IoSlice::new(b"abc"), IoSlice::new(b"de")];
        let mut calls = Calls::default();
        let flushed = |calls: &mut Calls, taken| {
            let mut cx = Context::from_waker(Waker::noop());
            poll_flushed(Pin::new(calls), &mut cx, &slices, taken).unwrap()
        };
        assert_eq!(flushed(&mut calls, 5), (4, true));
        assert_eq!(flushed(&mut calls, 4), (4, false), "the rest of a slice waits anyway");
        assert_eq!(flushed(&mut calls, 3), (2, true));
        assert_eq!(flushed(&mut calls, 2), (2, false));
        calls.is_flushed = true;
        assert_eq!(flushed(&mut calls, 5), (5, false));
    }
}
