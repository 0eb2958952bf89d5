//! How anybody outside the shards speaks to a house.

use std::sync::Arc;

use crate::{
    ask::{Ask, Question},
    ending::Ending,
    error::Stopped,
    house::Hall,
    mailbox::{Mailbox, Wish},
    round::{Errand, Farewell, Round},
    transport::Stream,
};
use fanlight_core::{
    Admission, Arrival, Audience, CloseCode, CloseFrame, ConnId, Drain, Event, Message, Negotiated,
    Publish, Refusal, Request, Seq, Stats, Topic, http,
};

/// Speaks to a house from any thread and any task. Clones speak to the same house.
///
/// Each method that asks something of a shard makes an [`Ask`], or a [`Question`] if there is an
/// answer: to be asked at once with `.now()`, which never waits; awaited, which waits until the
/// shard has room; or waited for with `.wait()` on a thread without a runtime, and never within a
/// service. Nothing is asked before.
///
/// What is asked is put into the mailbox of the shard that it concerns, and done in that shard's
/// next turn. Requests of one thread about one connection, or about one topic, keep their order;
/// between connections and topics no order is promised. What an [`Ask`] wants for a connection that
/// is gone is counted and otherwise ignored; a [`Question`] says so.
///
/// Every one of them fails with [`HandleError::Stopped`](crate::HandleError::Stopped) after the end
/// of the house, and with [`HandleError::TooLong`](crate::HandleError::TooLong) if it is longer than
/// `mailbox_bytes_max`, or a message longer than `outbox_bytes_max`; those for one connection with
/// [`HandleError::Gone`](crate::HandleError::Gone) if its id is of another house.
#[derive(Clone, Debug)]
pub struct Handle {
    hall: Arc<Hall>,
}

impl Handle {
    pub(crate) fn new(hall: Arc<Hall>) -> Self {
        Self { hall }
    }

    pub(crate) fn hall(&self) -> &Arc<Hall> {
        &self.hall
    }

    /// Queues a message for all members of a topic, wherever they live; for all connections of a
    /// user, with [`Topic::user`]; or for [`Audience::Everyone`].
    ///
    /// What is published under a name that no topic can have, empty or longer than `topic_bytes_max`,
    /// is counted as `unpublishable` and otherwise ignored.
    pub fn publish(&self, audience: impl Into<Audience>, message: Message) -> Ask {
        self.ask_publish(Publish::new(audience, message))
    }

    /// Like [`publish`](Self::publish), but leaves one connection out.
    pub fn publish_except(
        &self,
        audience: impl Into<Audience>,
        message: Message,
        except: ConnId,
    ) -> Ask {
        self.ask_publish(Publish { except: Some(except), ..Publish::new(audience, message) })
    }

    fn ask_publish(&self, publish: Publish) -> Ask {
        let home = self.hall.seat.home(&publish.audience);
        let bytes = self.bytes_of(&publish.message).saturating_add(publish.audience.name_bytes());
        Ask::new(&self.hall, home, Wish::Tell(Event::Publish(publish)), bytes)
    }

    /// Queues a message for one connection.
    pub fn send(&self, conn: ConnId, message: Message) -> Ask {
        let bytes = self.bytes_of(&message);
        self.ask_for(conn, Event::Send(conn, message), bytes)
    }

    /// How much of a mailbox a message takes: more than any has, if no outbox could hold it.
    fn bytes_of(&self, message: &Message) -> usize {
        let bytes = message.frame().len();
        if bytes > self.hall.outbox_bytes_max { usize::MAX } else { bytes }
    }

    /// Makes a connection a member of a topic. The answer comes when it is one: with the number
    /// after which it is given all that is published.
    ///
    /// The answer is [`HandleError::Gone`](crate::HandleError::Gone) if the connection is not open,
    /// or ends before, and [`HandleError::SubscriptionRefused`](crate::HandleError::SubscriptionRefused)
    /// if a bound forbids it. A connection that is a member already is answered at once.
    pub fn subscribe(&self, conn: ConnId, topic: impl Into<Topic>) -> Question<Seq> {
        let topic = topic.into();
        let bytes = topic.name().len();
        Question::new(&self.hall, conn.shard(), bytes, |reply| Wish::Subscribe(conn, topic, reply))
    }

    /// Ends a connection's membership of a topic: what was queued for it before still reaches it.
    pub fn unsubscribe(&self, conn: ConnId, topic: impl Into<Topic>) -> Ask {
        let topic = topic.into();
        let bytes = topic.name().len();
        self.ask_for(conn, Event::Unsubscribe(conn, topic), bytes)
    }

    /// Lets a connection open whose request the service has not answered: it decides later.
    ///
    /// A service that must look something up returns from
    /// [`on_request`](fanlight_core::Service::on_request) without an answer, and has a task or a
    /// thread give it through a handle. The peer waits meanwhile, and what it sends is not read. If
    /// no answer comes within `decision_timeout` it is refused with 503; an answer that comes later
    /// is told [`HandleError::Gone`](crate::HandleError::Gone), as is one for a peer that has left.
    ///
    /// ```no_run
    /// use fanlight_core::{Admission, ConnId, Context, Refusal, Request, Service};
    /// use fanlight_driver::Handle;
    ///
    /// struct Guarded {
    ///     handle: Handle,
    /// }
    ///
    /// impl Service for Guarded {
    ///     fn on_request(&mut self, _: &mut Context<'_>, conn: ConnId, request: &Request) {
    ///         let token = request.query().unwrap_or_default().to_owned();
    ///         let handle = self.handle.clone();
    ///         std::thread::spawn(move || match user_of(&token) {
    ///             Some(user) => handle.admit(conn, Admission::user(user)).wait(),
    ///             None => handle.refuse(conn, Refusal::forbidden_origin()).wait(),
    ///         });
    ///     }
    /// }
    ///
    /// /// Asks a database, and takes its time.
    /// fn user_of(token: &str) -> Option<String> {
    ///     token.strip_prefix("token=").map(str::to_owned)
    /// }
    /// ```
    pub fn admit(&self, conn: ConnId, admission: Admission) -> Question<()> {
        let bytes = admission.user.as_ref().map_or(0, |user| user.name().len());
        self.decide(conn, Event::Admit(conn, admission), bytes)
    }

    /// Answers a request that the service has not answered yet with `refusal`, and ends it. As
    /// [`admit`](Self::admit) otherwise.
    pub fn refuse(&self, conn: ConnId, refusal: Refusal) -> Question<()> {
        let bytes = refusal.encode().len();
        self.decide(conn, Event::Refuse(conn, refusal), bytes)
    }

    fn decide(&self, conn: ConnId, event: Event<'static>, bytes: usize) -> Question<()> {
        Question::new(&self.hall, conn.shard(), bytes, |reply| Wish::Decide(conn, event, reply))
    }

    /// The whole answer that takes a request which a web framework has read, and with what the stream
    /// behind it is to be [attached](Self::attach): RFC 6455, section 4.2.2. `None` if the request
    /// asks for no upgrade.
    ///
    /// ```no_run
    /// use fanlight_core::{Admission, Arrival, PeerAddr, Request, http};
    ///
    /// # async fn example(
    /// #     handle: fanlight_driver::Handle,
    /// #     asked: http::Request<()>,
    /// #     stream: futures_lite::io::Cursor<Vec<u8>>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = Request::of_http(&asked)?;
    /// if let Some((answer, negotiated)) = handle.accept(&request, Admission::user("alice")) {
    ///     // The framework sends `answer`, and then gives the stream.
    ///     let arrival = Arrival::Upgraded(PeerAddr::Unnamed, negotiated, Vec::new());
    ///     handle.attach(stream, arrival).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept(
        &self,
        request: &Request,
        admission: Admission,
    ) -> Option<(http::Response<()>, Negotiated)> {
        request.accept(admission, self.hall.deflates)
    }

    /// Lets a stream in that somebody else has accepted: whatever speaks the traits of
    /// `futures-io`, from any runtime. It goes to the shard with the fewest connections, and the
    /// answer is its id.
    ///
    /// With [`Arrival::Fresh`] its request is still to be read and is the service's to answer. With
    /// [`Arrival::Upgraded`] somebody else has answered it, as [`accept`](Self::accept) says.
    ///
    /// Closing the stream is to shut our half down, as TCP, TLS and Unix sockets do. Where it does not,
    /// as with `async_io::Async` and the sockets of async-std, the peer reads the end of the stream
    /// `linger_timeout` later; `fanlight_smol::Socket` mends that.
    ///
    /// All bounds and deadlines hold as for any other connection. The answer is
    /// [`HandleError::Refused`](crate::HandleError::Refused) if one forbids it: a fresh peer is told
    /// so with a 503 or a 429, an upgraded one with a Close of 1013, if its stream takes that at once.
    /// In every case of an error the stream is dropped.
    pub fn attach(&self, stream: impl Stream, arrival: Arrival) -> Question<ConnId> {
        let bytes = match &arrival {
            Arrival::Fresh(_) => 0,
            Arrival::Upgraded(_, _, read) => read.len(),
        };
        let shard = self.hall.emptiest();
        Question::new(&self.hall, shard, bytes, |reply| {
            Wish::Attach(Box::new(stream), arrival, reply)
        })
    }

    /// Reads a connection no more until [`resume`](Self::resume): the peer feels its transport fill
    /// up. What has been read already still comes.
    pub fn pause(&self, conn: ConnId) -> Ask {
        self.ask_for(conn, Event::Pause(conn), 0)
    }

    /// Reads a connection again.
    pub fn resume(&self, conn: ConnId) -> Ask {
        self.ask_for(conn, Event::Resume(conn), 0)
    }

    /// Closes a connection after everything that is queued for it has been sent.
    pub fn close(&self, conn: ConnId, code: CloseCode, reason: &str) -> Ask {
        let farewell = CloseFrame { code, reason: reason.into() };
        self.ask_for(conn, Event::Close(conn, farewell), reason.len())
    }

    /// Closes a connection at once: what is queued for it is dropped.
    pub fn kick(&self, conn: ConnId, code: CloseCode, reason: &str) -> Ask {
        let farewell = CloseFrame { code, reason: reason.into() };
        self.ask_for(conn, Event::Kick(conn, farewell), reason.len())
    }

    /// Closes all members of a topic, or all connections of a user, after everything that is queued
    /// for them has been sent; what was published before, on this thread, is.
    ///
    /// The answer is how many were told, and comes when each shard has begun with it. Who becomes a
    /// member meanwhile may not be among them. To end everybody, [`drain`](Self::drain).
    pub fn close_all(
        &self,
        audience: impl Into<Audience>,
        code: CloseCode,
        reason: &str,
    ) -> Question<usize> {
        self.ask_farewell(audience.into(), code, reason, false)
    }

    /// Like [`close_all`](Self::close_all), but at once: what is queued for them is dropped.
    pub fn kick_all(
        &self,
        audience: impl Into<Audience>,
        code: CloseCode,
        reason: &str,
    ) -> Question<usize> {
        self.ask_farewell(audience.into(), code, reason, true)
    }

    fn ask_farewell(
        &self,
        audience: Audience,
        code: CloseCode,
        reason: &str,
        at_once: bool,
    ) -> Question<usize> {
        let farewell = Farewell { frame: CloseFrame { code, reason: reason.into() }, at_once };
        self.ask_round(audience, reason.len(), |reply| Errand::Close(farewell, 0, reply))
    }

    /// The open connections that a message to `audience` would reach: the members of a topic, the
    /// connections of a user, or everyone. Shard by shard, and in no order that means anything.
    ///
    /// The shards are asked one after the other, so what is heard of two of them is not of one
    /// moment. It costs each shard a walk over those whom it lists.
    pub fn list(&self, audience: impl Into<Audience>) -> Question<Vec<ConnId>> {
        self.ask_round(audience.into(), 0, |reply| Errand::List(Vec::new(), reply))
    }

    /// How many those are that [`list`](Self::list) lists. It costs no walk.
    pub fn count(&self, audience: impl Into<Audience>) -> Question<usize> {
        self.ask_round(audience.into(), 0, |reply| Errand::Count(0, reply))
    }

    fn ask_round<T>(
        &self,
        audience: Audience,
        payload_bytes: usize,
        errand: impl FnOnce(crate::ask::Reply<T>) -> Errand,
    ) -> Question<T> {
        let home = self.hall.seat.home(&audience);
        let bytes = payload_bytes.saturating_add(audience.name_bytes());
        let shards = self.hall.seat.shards;
        Question::new(&self.hall, home, bytes, |reply| {
            Wish::Round(Round::new(audience, errand(reply), shards))
        })
    }

    /// Ends the house gracefully: nobody is let in any more, and everybody is told, paced.
    ///
    /// The drain begins at once, whether its end is waited for or not. It may be awaited, or waited
    /// for with [`Ending::wait`], and comes when all shards have drained, or with the reason if the
    /// house ended in another way.
    pub fn drain(&self, drain: Drain) -> Ending {
        self.hall.drain(&drain);
        self.ended()
    }

    /// Ends the house at once and drops all connections without a word.
    ///
    /// Every shard's future, and whoever waits for the end, gets [`Stopped::Asked`].
    pub fn stop(&self) {
        self.hall.stop(Stopped::Asked);
    }

    /// The end of the house, to be awaited or waited for.
    pub fn ended(&self) -> Ending {
        Ending::new(&self.hall)
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

    fn ask_for(&self, conn: ConnId, event: Event<'static>, payload_bytes: usize) -> Ask {
        Ask::new(&self.hall, conn.shard(), Wish::Tell(event), payload_bytes)
    }
}
