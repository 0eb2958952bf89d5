//! A connection as its task sees it, whole or in halves.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use fanlight_core::{CloseCode, CloseFrame, CloseReason, ConnId, Message, Request};
use futures_lite::Stream;
use futures_sink::Sink;

use super::exchange::{Exchange, SendError};
use crate::handle::Handle;

/// One open connection, for a task of its own: a [`Stream`] of the peer's messages and a [`Sink`] of
/// ours. Made by [`Incoming`](super::Incoming).
///
/// - **Nothing is lost by dropping a future.** A message is taken out when `next` is ready with it. A
///   `send` that is dropped before it was ready has given nothing; to try again, keep a clone of the
///   message, which costs next to nothing.
/// - **Who does not read pauses the peer.** When as much waits as
///   [`ConnectionSettings`](super::ConnectionSettings) allows, the socket is read no more until half
///   of it was taken.
/// - **Who writes faster than the peer reads waits.** The sink is ready while there is room for what
///   is given: it fills half of the connection's outbox at most, and a message longer than that waits
///   for an empty one, so it never causes the end. Publishes come on top.
/// - **Dropping it closes the connection**, with 1000 behind what was given before, or with 1011 if
///   the task panics.
///
/// The stream ends when the connection has ended and its last message was taken;
/// [`reason`](Self::reason) says how.
///
/// ```no_run
/// use fanlight_driver::{Connection, SendError};
/// use futures_lite::StreamExt;
///
/// async fn echo(mut connection: Connection) -> Result<(), SendError> {
///     while let Some(message) = connection.next().await {
///         connection.send(message).await?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Connection {
    reader: ReadHalf,
    writer: WriteHalf,
    request: Option<Box<Request>>,
}

/// The messages of a connection's peer. See [`Connection::split`].
pub struct ReadHalf(Arc<Exchange>);

/// Where messages for a connection's peer go. See [`Connection::split`].
pub struct WriteHalf(Arc<Exchange>);

impl Connection {
    pub(super) fn new(exchange: &Arc<Exchange>, request: Option<Box<Request>>) -> Self {
        let reader = ReadHalf(Arc::clone(exchange));
        Self { reader, writer: WriteHalf(Arc::clone(exchange)), request }
    }

    /// The request that was admitted; `None` if the stream was attached after somebody else had
    /// answered it.
    pub fn request(&self) -> Option<&Request> {
        self.request.as_deref()
    }

    /// Its id, with which a [`Handle`] can speak of it.
    pub fn id(&self) -> ConnId {
        self.reader.id()
    }

    /// A handle on its house.
    pub fn handle(&self) -> Handle {
        self.reader.handle()
    }

    /// Gives a message for the peer as soon as there is room for it. It then leaves by itself.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if the connection is closing or gone, and [`SendError::TooLong`] if the
    /// message is longer than `outbox_bytes_max`.
    pub async fn send(&mut self, message: Message) -> Result<(), SendError> {
        self.writer.send(message).await
    }

    /// Closes the connection after what was given before. What the peer has said can still be taken.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.writer.close(code, reason);
    }

    /// Closes the connection at once: what was given and has not been sent is dropped.
    pub fn kick(&self, code: CloseCode, reason: &str) {
        self.writer.kick(code, reason);
    }

    /// How the connection ended, once it has; `None` also if its house was stopped at once.
    pub fn reason(&self) -> Option<CloseReason> {
        self.reader.reason()
    }

    /// The two halves, for two tasks. The connection is closed when both have been dropped; if only
    /// the reading one was, what the peer says is thrown away.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        (self.reader, self.writer)
    }
}

impl ReadHalf {
    /// The id of the connection.
    pub fn id(&self) -> ConnId {
        self.0.conn()
    }

    /// A handle on its house.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(self.0.hall()))
    }

    /// How the connection ended, once it has; `None` also if its house was stopped at once.
    pub fn reason(&self) -> Option<CloseReason> {
        self.0.reason()
    }
}

impl WriteHalf {
    /// The id of the connection.
    pub fn id(&self) -> ConnId {
        self.0.conn()
    }

    /// A handle on its house.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(self.0.hall()))
    }

    /// Gives a message for the peer as soon as there is room for it. It then leaves by itself.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::send`].
    pub async fn send(&mut self, message: Message) -> Result<(), SendError> {
        poll_fn(|cx| self.0.poll_ready(cx)).await?;
        self.0.send(message)
    }

    /// Closes the connection after what was given before.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.close(CloseFrame { code, reason: reason.into() }, false);
    }

    /// Closes the connection at once: what was given and has not been sent is dropped.
    pub fn kick(&self, code: CloseCode, reason: &str) {
        self.0.close(CloseFrame { code, reason: reason.into() }, true);
    }
}

impl Stream for ReadHalf {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.0.poll_next(cx)
    }
}

impl Stream for Connection {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        Pin::new(&mut self.reader).poll_next(cx)
    }
}

/// Flushing waits until all that was given is in the connection's outbox, closing until the
/// connection has ended.
impl Sink<Message> for WriteHalf {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.0.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        self.0.send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.close(CloseCode::Normal, "");
        self.0.poll_end(cx).map(Ok)
    }
}

impl Sink<Message> for Connection {
    type Error = SendError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Pin::new(&mut self.writer).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        Pin::new(&mut self.writer).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}

impl Drop for ReadHalf {
    fn drop(&mut self) {
        self.0.be_deaf();
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        self.0.be_mute();
    }
}

impl fmt::Debug for ReadHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadHalf").field(&self.id()).finish()
    }
}

impl fmt::Debug for WriteHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteHalf").field(&self.id()).finish()
    }
}
