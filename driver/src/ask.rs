//! What a handle asks of a shard: at once, or as soon as there is room.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use event_listener::EventListener;
use fanlight_core::ShardId;
use futures_channel::oneshot;
use futures_lite::future::block_on;

use crate::{error::HandleError, house::Hall, mailbox::Wish};

/// Something that can be asked of a house, and that nobody has asked yet.
///
/// There are three ways to ask it: [`now`](Self::now), which never waits; `.await`, which waits until
/// the shard has room for it; and [`wait`](Self::wait), which does the same on a thread without a
/// runtime. However it is asked, to have asked does not mean that it is done: it is in the mailbox of
/// its shard, and done in that shard's next turn.
///
/// A [`Service`](fanlight_core::Service) runs on the turn of a shard, and must ask with `now`: a shard
/// that waited for itself would wait for ever.
///
/// ```no_run
/// # async fn example(handle: fanlight_driver::Handle) -> Result<(), fanlight_driver::HandleError> {
/// handle.publish("lobby", "now or never".into()).now()?;
/// handle.publish("lobby", "as soon as it can be".into()).await?;
/// # Ok(())
/// # }
/// ```
///
/// An `Ask` that is dropped while it is awaited was not asked.
#[derive(Debug)]
#[must_use = "nothing is asked before it is awaited, or told `now` or to `wait`"]
pub struct Ask {
    hall: Arc<Hall>,
    /// Whose mailbox it is for: that of no shard if it names a connection of another house.
    shard: Option<ShardId>,
    /// What is asked, until it has been.
    wish: Option<Wish>,
    /// How much of the mailbox it fills beside its own few words.
    payload_bytes: usize,
    room: Option<EventListener>,
}

impl Ask {
    pub(crate) fn new(hall: &Arc<Hall>, shard: ShardId, wish: Wish, payload_bytes: usize) -> Self {
        // An id of another house is as stale as one of a connection that is gone.
        let shard = (shard.0 < hall.seat.shards).then_some(shard);
        Self { hall: Arc::clone(hall), shard, wish: Some(wish), payload_bytes, room: None }
    }

    /// Asks it at once, or not at all. It never waits, whatever thread this is.
    ///
    /// # Errors
    ///
    /// [`HandleError::Full`] if the shard is behind, [`HandleError::TooLong`] and
    /// [`HandleError::Stopped`] if it never will be taken.
    pub fn now(mut self) -> Result<(), HandleError> {
        self.put()
    }

    /// Asks it as soon as the shard has room, and blocks this thread until then: not for a task of a
    /// runtime, which would block whatever else its thread does.
    ///
    /// # Errors
    ///
    /// Those of [`now`](Self::now) but [`HandleError::Full`].
    pub fn wait(self) -> Result<(), HandleError> {
        block_on(self)
    }

    fn put(&mut self) -> Result<(), HandleError> {
        if self.hall.fate.end().is_some() {
            return Err(HandleError::Stopped);
        }
        let Some(shard) = self.shard else { return Err(HandleError::Gone) };
        let mailbox = self.hall.mailbox(shard);
        // There is none if this is polled again after it was asked.
        let Some(wish) = &self.wish else { return Ok(()) };
        let bytes = mailbox.reserve(self.payload_bytes)?;
        if matches!(wish, Wish::Attach(..)) {
            mailbox.add_load();
        }
        self.wish.take().map_or(Ok(()), |wish| mailbox.ask(wish, bytes))
    }
}

impl Future for Ask {
    type Output = Result<(), HandleError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.put() {
                Err(HandleError::Full) => {}
                asked => return Poll::Ready(asked),
            }
            let this = &mut *self;
            match (&mut this.room, this.shard) {
                (Some(room), _) => {
                    ready!(Pin::new(room).poll(cx));
                    this.room = None;
                }
                // There may be room since it was last tried, of which a new listener is not told.
                (None, Some(shard)) => this.room = Some(this.hall.mailbox(shard).room().listen()),
                (None, None) => return Poll::Ready(Err(HandleError::Gone)),
            }
        }
    }
}

/// An [`Ask`] that is answered.
///
/// Awaiting it, or [`wait`](Self::wait), waits for room and then for the answer.
/// [`now`](Self::now) asks at once and gives the [`Answer`] to wait for later, or never. One that is
/// dropped while it waits for its answer has been asked, and is done all the same.
///
/// ```no_run
/// # async fn example(handle: fanlight_driver::Handle) -> Result<(), fanlight_driver::HandleError> {
/// let here = handle.count("lobby").await?;
/// let later = handle.count("lobby").now()?;
/// println!("{here}, and now {}", later.await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is asked before it is awaited, or told `now` or to `wait`"]
pub struct Question<T> {
    ask: Ask,
    is_asked: bool,
    answer: oneshot::Receiver<Result<T, HandleError>>,
}

impl<T> Question<T> {
    pub(crate) fn new(
        hall: &Arc<Hall>,
        shard: ShardId,
        payload_bytes: usize,
        wish: impl FnOnce(Reply<T>) -> Wish,
    ) -> Self {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::new(hall, shard, wish(Reply(reply)), payload_bytes);
        Self { ask, is_asked: false, answer }
    }

    /// Asks it at once, or not at all. The answer may be dropped.
    ///
    /// # Errors
    ///
    /// Those of [`Ask::now`].
    pub fn now(self) -> Result<Answer<T>, HandleError> {
        self.ask.now()?;
        Ok(Answer(self.answer))
    }

    /// Asks it as soon as the shard has room, and blocks this thread until the answer has come.
    ///
    /// # Errors
    ///
    /// Those of awaiting it, which each method of the handle names.
    pub fn wait(self) -> Result<T, HandleError> {
        block_on(self)
    }
}

impl<T> Future for Question<T> {
    type Output = Result<T, HandleError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.is_asked {
            ready!(Pin::new(&mut self.ask).poll(cx))?;
            self.is_asked = true;
        }
        poll_answer(&mut self.answer, cx)
    }
}

/// The answer to a [`Question`] that has been asked: to be awaited, or not.
#[derive(Debug)]
pub struct Answer<T>(oneshot::Receiver<Result<T, HandleError>>);

impl<T> Answer<T> {
    /// Blocks this thread until the answer has come.
    ///
    /// # Errors
    ///
    /// Those of the question.
    pub fn wait(self) -> Result<T, HandleError> {
        block_on(self.into_future())
    }
}

impl<T> IntoFuture for Answer<T> {
    type Output = Result<T, HandleError>;
    type IntoFuture = Answering<T>;

    fn into_future(self) -> Answering<T> {
        Answering(self.0)
    }
}

/// Awaits an [`Answer`].
#[derive(Debug)]
pub struct Answering<T>(oneshot::Receiver<Result<T, HandleError>>);

impl<T> Future for Answering<T> {
    type Output = Result<T, HandleError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        poll_answer(&mut self.0, cx)
    }
}

fn poll_answer<T>(
    answer: &mut oneshot::Receiver<Result<T, HandleError>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, HandleError>> {
    // A shard answers whatever it was asked, unless it ends before.
    Pin::new(answer).poll(cx).map(|answer| answer.unwrap_or(Err(HandleError::Stopped)))
}

/// Where the answer to a question goes.
#[derive(Debug)]
pub(crate) struct Reply<T>(oneshot::Sender<Result<T, HandleError>>);

impl<T> Reply<T> {
    /// Answers. Whoever asked need not be waiting any more.
    pub(crate) fn answer(self, answer: Result<T, HandleError>) {
        let _ = self.0.send(answer);
    }

    /// Whether nobody waits for the answer.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.0.is_canceled()
    }
}
