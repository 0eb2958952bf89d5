//! How anybody outside the shards speaks to a house.

use std::sync::Arc;

use fanlight_core::{
    Admission, Audience, CloseCode, CloseFrame, ConnId, Drain, Event, Message, Publish, Refusal,
    Stats, Topic,
};

use crate::{
    error::{HandleError, Stopped},
    house::Hall,
    mailbox::Mailbox,
};

/// Speaks to a house from any thread and any task. Clones speak to the same house.
///
/// A request is put into the mailbox of the shard that it concerns, and done in that shard's next
/// turn: `Ok` means that it was taken, not that it was done. What is asked for a connection that is
/// gone is counted and otherwise ignored. Requests of one thread about one connection, or about one
/// topic, keep their order; between connections and topics no order is promised.
#[derive(Clone, Debug)]
pub struct Handle {
    hall: Arc<Hall>,
}

impl Handle {
    pub(crate) fn new(hall: Arc<Hall>) -> Self {
        Self { hall }
    }

    /// Queues a message for all members of a topic, wherever they live, or for
    /// [`Audience::Everyone`].
    ///
    /// # Errors
    ///
    /// [`HandleError::Full`] if the shard that orders the topic is behind: nobody is sent the
    /// message, and it is the caller's to try again. [`HandleError::Stopped`] after the end.
    pub fn publish(
        &self,
        audience: impl Into<Audience>,
        message: Message,
    ) -> Result<(), HandleError> {
        self.put_publish(Publish::new(audience, message))
    }

    /// Like [`publish`](Self::publish), but leaves one connection out.
    ///
    /// # Errors
    ///
    /// Those of [`publish`](Self::publish).
    pub fn publish_except(
        &self,
        audience: impl Into<Audience>,
        message: Message,
        except: ConnId,
    ) -> Result<(), HandleError> {
        self.put_publish(Publish { except: Some(except), ..Publish::new(audience, message) })
    }

    fn put_publish(&self, publish: Publish) -> Result<(), HandleError> {
        let home = self.hall.seat.home(&publish.audience);
        let bytes = publish.message.frame().len().saturating_add(publish.audience.name_bytes());
        self.put(self.hall.mailbox(home), Event::Publish(publish), bytes)
    }

    /// Queues a message for one connection.
    ///
    /// # Errors
    ///
    /// [`HandleError::Full`] if the connection's shard is behind: the message was not taken.
    /// [`HandleError::Stopped`] after the end.
    pub fn send(&self, conn: ConnId, message: Message) -> Result<(), HandleError> {
        let bytes = message.frame().len();
        self.put_for(conn, Event::Send(conn, message), bytes)
    }

    /// Makes a connection a member of a topic.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn subscribe(&self, conn: ConnId, topic: impl Into<Topic>) -> Result<(), HandleError> {
        let topic = topic.into();
        let bytes = topic.name().len();
        self.put_for(conn, Event::Subscribe(conn, topic), bytes)
    }

    /// Ends a connection's membership of a topic.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn unsubscribe(&self, conn: ConnId, topic: impl Into<Topic>) -> Result<(), HandleError> {
        let topic = topic.into();
        let bytes = topic.name().len();
        self.put_for(conn, Event::Unsubscribe(conn, topic), bytes)
    }

    /// Lets a connection open whose request the service has not answered yet.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn admit(&self, conn: ConnId, admission: Admission) -> Result<(), HandleError> {
        let bytes = admission.user.as_ref().map_or(0, |user| user.name().len());
        self.put_for(conn, Event::Admit(conn, admission), bytes)
    }

    /// Answers a request that the service has not answered yet with `refusal`, and ends it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn refuse(&self, conn: ConnId, refusal: Refusal) -> Result<(), HandleError> {
        let bytes = refusal.encode().len();
        self.put_for(conn, Event::Refuse(conn, refusal), bytes)
    }

    /// Closes a connection after everything that is queued for it has been sent.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn close(&self, conn: ConnId, code: CloseCode, reason: &str) -> Result<(), HandleError> {
        let farewell = CloseFrame { code, reason: reason.into() };
        self.put_for(conn, Event::Close(conn, farewell), reason.len())
    }

    /// Closes a connection at once: what is queued for it is dropped.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn kick(&self, conn: ConnId, code: CloseCode, reason: &str) -> Result<(), HandleError> {
        let farewell = CloseFrame { code, reason: reason.into() };
        self.put_for(conn, Event::Kick(conn, farewell), reason.len())
    }

    /// Ends the house gracefully: nobody is let in any more, and everybody is told, paced.
    ///
    /// The drain begins at once, whether the future is awaited or not.
    ///
    /// # Errors
    ///
    /// The future ends when all shards have drained, or with the reason if the house ended in
    /// another way.
    pub fn drain(&self, drain: Drain) -> impl Future<Output = Result<(), Stopped>> + Send + use<> {
        self.hall.drain(&drain);
        self.ended()
    }

    /// Ends the house at once and drops all connections without a word.
    ///
    /// Every shard's future, and whoever waits for the end, gets [`Stopped::Asked`].
    pub fn stop(&self) {
        self.hall.stop(Stopped::Asked);
    }

    /// Waits for the end of the house.
    ///
    /// # Errors
    ///
    /// The reason, if it was not a drain that ended it.
    pub fn ended(&self) -> impl Future<Output = Result<(), Stopped>> + Send + use<> {
        let hall = Arc::clone(&self.hall);
        async move { hall.fate.ended().await }
    }

    /// Waits until the house lets nobody in any more: a drain has begun, or it has ended.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let hall = Arc::clone(&self.hall);
        async move { hall.fate.closed().await }
    }

    /// What all shards together have counted, each up to the end of its last turn.
    pub fn stats(&self) -> Stats {
        let mut sum = Stats::default();
        for mailbox in &self.hall.mailboxes {
            sum += mailbox.stats();
        }
        sum
    }

    /// What each shard has counted up to the end of its last turn, in the order of the shards.
    pub fn shard_stats(&self) -> Vec<Stats> {
        self.hall.mailboxes.iter().map(Mailbox::stats).collect()
    }

    /// How many shards the house has.
    pub fn shards(&self) -> u8 {
        self.hall.seat.shards
    }

    fn put_for(
        &self,
        conn: ConnId,
        event: Event<'static>,
        payload_bytes: usize,
    ) -> Result<(), HandleError> {
        match self.hall.mailboxes.get(usize::from(conn.shard().0)) {
            Some(mailbox) => self.put(mailbox, event, payload_bytes),
            // An id of another house: as stale as one of a connection that is gone.
            None => Ok(()),
        }
    }

    fn put(
        &self,
        mailbox: &Mailbox,
        event: Event<'static>,
        payload_bytes: usize,
    ) -> Result<(), HandleError> {
        if self.hall.fate.end().is_some() {
            return Err(HandleError::Stopped);
        }
        mailbox.ask(event, payload_bytes)
    }
}
