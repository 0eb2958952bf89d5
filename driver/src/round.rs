//! What all shards of a house are asked, or told, one after the other.

use fanlight_core::{Audience, CloseFrame, ConnId, Event, Instant, Service, ShardId};
use futures_io::{AsyncRead, AsyncWrite};

use crate::{ask::Reply, driver::Driver, mailbox::Mail, runtime::Runtime};

/// A question or an order that visits each shard once, and is answered by the last.
///
/// It begins at the home of its audience and travels with the parcels, so on each shard it comes
/// behind what was published to the audience before. Questions only look at hubs; orders are told to
/// them as events, one for each connection. So a hub never hears of a round, nor does its journal.
#[derive(Debug)]
pub(crate) struct Round {
    audience: Audience,
    errand: Errand,
    /// Shards that it has not come to.
    shards_left: u8,
}

/// What a round is for, with what it has gathered.
#[derive(Debug)]
pub(crate) enum Errand {
    /// Who is reached.
    List(Vec<ConnId>, Reply<Vec<ConnId>>),
    /// How many are reached.
    Count(usize, Reply<usize>),
    /// Close them; how many were told to.
    Close(Farewell, usize, Reply<usize>),
}

/// How connections are closed.
#[derive(Clone, Debug)]
pub(crate) struct Farewell {
    pub(crate) frame: CloseFrame,
    pub(crate) at_once: bool,
}

impl Farewell {
    pub(crate) fn event(&self, conn: ConnId) -> Event<'static> {
        if self.at_once {
            Event::Kick(conn, self.frame.clone())
        } else {
            Event::Close(conn, self.frame.clone())
        }
    }
}

/// Connections of this shard that are yet to be closed.
#[derive(Debug)]
pub(crate) struct Farewells {
    conns: std::vec::IntoIter<ConnId>,
    farewell: Farewell,
}

impl Round {
    pub(crate) fn new(audience: Audience, errand: Errand, shards: u8) -> Self {
        Self { audience, errand, shards_left: shards }
    }
}

impl<T, S, R> Driver<T, S, R>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    R: Runtime,
{
    /// Does this shard's part of a round, and sends it on.
    pub(crate) fn visit(&mut self, mut round: Round) {
        match &mut round.errand {
            Errand::List(listed, _) => listed.extend(self.hub.reached_by(&round.audience)),
            Errand::Count(count, _) => *count += self.hub.reach_of(&round.audience),
            Errand::Close(farewell, told, _) => {
                let conns = self.hub.reached_by(&round.audience);
                *told += conns.len();
                let farewell = farewell.clone();
                self.farewells.push_back(Farewells { conns: conns.into_iter(), farewell });
            }
        }
        round.shards_left -= 1;
        if round.shards_left > 0 {
            let next = ShardId((self.tenancy.shard.0 + 1) % self.hub.seat().shards);
            return self.tenancy.hall.mailbox(next).put(Mail::Round(round));
        }
        match round.errand {
            Errand::List(listed, reply) => reply.answer(Ok(listed)),
            Errand::Count(count, reply) => reply.answer(Ok(count)),
            Errand::Close(_, told, reply) => reply.answer(Ok(told)),
        }
    }

    /// Closes those who are to be closed, as far as this turn's work goes.
    pub(crate) fn say_farewells(&mut self, now: Instant) {
        while self.work_left > 0 {
            let Some(farewells) = self.farewells.front_mut() else { return };
            match farewells.conns.next() {
                Some(conn) => {
                    let event = farewells.farewell.event(conn);
                    self.work_left -= 1;
                    self.tell(now, event);
                }
                None => {
                    self.farewells.pop_front();
                }
            }
        }
    }
}
