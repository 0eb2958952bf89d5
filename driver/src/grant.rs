//! What was asked through handles is done, and answered.

use std::mem;

use fanlight_core::{Event, Instant, Membership, Service};
use futures_io::{AsyncRead, AsyncWrite};

use crate::{
    driver::Driver, error::HandleError, mailbox::Wish, runtime::Runtime, transport::Transport,
};

/// Subscriptions whose homes have not answered, before handles have to wait: each turn looks at all.
const SUBSCRIBING_MAX: usize = 1024;

impl<T, S, R> Driver<T, S, R>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    R: Runtime,
{
    /// Whether what handles ask is done now, rather than when others have caught up.
    pub(crate) fn takes_requests(&self) -> bool {
        !self.hub.is_short_of_credit() && self.subscribing.len() < SUBSCRIBING_MAX
    }

    /// Does it, and answers unless others must have answered before.
    pub(crate) fn grant(&mut self, now: Instant, wish: Wish) {
        match wish {
            Wish::Tell(event) => self.tell(now, event),
            Wish::Subscribe(conn, topic, reply) => {
                self.tell(now, Event::Subscribe(conn, topic.clone()));
                self.subscribing.push((conn, topic, reply));
            }
            Wish::Decide(conn, event, reply) => {
                let is_awaited = self.hub.awaits_decision(conn);
                self.tell(now, event);
                reply.answer(if is_awaited { Ok(()) } else { Err(HandleError::Gone) });
            }
            Wish::Attach(stream, arrival, reply) => {
                let accepted = self.accept(now, Transport::Boxed(stream), arrival);
                reply.answer(accepted.map_err(HandleError::Refused));
            }
            Wish::Round(round) => {
                self.visit(round);
                self.say_farewells(now);
            }
        }
    }

    /// Tells those who asked how it stands with their subscriptions.
    ///
    /// Looked at once a turn, when the hub has heard all that there was to hear, rather than gathered
    /// from its commands: it says the same and leaves no case out.
    pub(crate) fn answer_subscribers(&mut self) {
        for (conn, topic, reply) in mem::take(&mut self.subscribing) {
            match self.hub.membership(conn, &topic) {
                Membership::Member(seq) => reply.answer(Ok(seq)),
                Membership::Joining if reply.is_forgotten() => {}
                Membership::Joining => self.subscribing.push((conn, topic, reply)),
                Membership::None if self.hub.is_open(conn) => {
                    reply.answer(Err(HandleError::SubscriptionRefused));
                }
                Membership::None => reply.answer(Err(HandleError::Gone)),
            }
        }
    }
}
