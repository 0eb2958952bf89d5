//! What a hub wants done.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    event::Timer,
    hub::Parcel,
    id::{ConnId, ShardId},
    reason::CloseReason,
    topic::{Seq, Topic},
    wire::{Message, Request},
};

/// Something the hub wants done, by the socket, by the application or by another shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To the socket: read no more until told.
    Pause(ConnId),
    /// To the socket: read again.
    Resume(ConnId),
    /// To the socket: our half is done, send what the transport sends at its end. Keep reading.
    Shutdown(ConnId),
    /// To the socket: drop it now. The last command about a connection.
    Disconnect(ConnId),

    /// To the application: answer this request, with [`Event::Admit`](crate::Event::Admit) or
    /// [`Event::Refuse`](crate::Event::Refuse), now or within `decision_timeout`.
    Requested(ConnId, Arc<Request>),
    /// To the application: the connection is open.
    Opened(ConnId),
    /// To the application: the peer sent a message.
    Deliver(ConnId, Message),
    /// To the application: the connection is a member, and is given all messages of the topic
    /// after this one.
    Subscribed(ConnId, Topic, Seq),
    /// To the application: a membership that was asked for was declined, to keep a bound.
    SubscriptionRefused(ConnId, Topic),
    /// To the application: the connection has ended. The last that is heard of it.
    Closed(Closed),
    /// To the application: the timer has expired, and is no longer set.
    Timer(Timer),
    /// To the application: the drain is over and the pool is empty.
    Drained,

    /// To another shard.
    Forward(ShardId, Parcel),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The connection.
    pub conn: ConnId,
    /// Why.
    pub reason: CloseReason,
    /// Whether the application ever heard of it; if not, it need not hear of its end.
    pub was_known: bool,
}

/// What a hub wants done, in order. Owned by the caller, who empties it after each call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// Connections for which something waits that did not before. Each is written until
    /// [`Hub::unsent`](crate::Hub::unsent) has nothing more for it.
    pub writes: Vec<ConnId>,
    /// Everything else.
    pub others: VecDeque<Command>,
}

impl Commands {
    pub(crate) fn push(&mut self, command: Command) {
        self.others.push_back(command);
    }

    /// Takes back what a peer sent and the application has not been given: it has ended the
    /// connection, and hears no more messages of it.
    ///
    /// `older` of the other commands were there before the call under way; fewer, afterwards.
    pub(crate) fn withdraw_deliveries(&mut self, from: ConnId, older: &mut usize) {
        let (mut at, older_before) = (0, *older);
        self.others.retain(|given| {
            let is_kept = !matches!(given, Command::Deliver(conn, _) if *conn == from);
            *older -= usize::from(!is_kept && at < older_before);
            at += 1;
            is_kept
        });
    }
}

impl Command {
    /// The connection whose input the application handles when it is given this.
    pub(crate) fn input_of(&self) -> Option<ConnId> {
        match self {
            Self::Requested(conn, _) | Self::Opened(conn) | Self::Deliver(conn, _) => Some(*conn),
            Self::Pause(_)
            | Self::Resume(_)
            | Self::Shutdown(_)
            | Self::Disconnect(_)
            | Self::Subscribed(..)
            | Self::SubscriptionRefused(..)
            | Self::Closed(_)
            | Self::Timer(_)
            | Self::Drained
            | Self::Forward(..) => None,
        }
    }

    /// The connection that this is about, if it is about one.
    pub fn connection(&self) -> Option<ConnId> {
        match self {
            Self::Pause(conn)
            | Self::Resume(conn)
            | Self::Shutdown(conn)
            | Self::Disconnect(conn)
            | Self::Requested(conn, _)
            | Self::Opened(conn)
            | Self::Deliver(conn, _)
            | Self::Subscribed(conn, ..)
            | Self::SubscriptionRefused(conn, _)
            | Self::Closed(Closed { conn, .. })
            | Self::Timer(Timer::Connection(conn)) => Some(*conn),
            Self::Timer(Timer::Shard) | Self::Drained | Self::Forward(..) => None,
        }
    }
}
