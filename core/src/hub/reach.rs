//! Who is reached, who is a member, and for what there is room: looked at, and not changed.

use super::{Hub, Membership, connection::State};
use crate::{
    id::ConnId,
    topic::{Audience, Topic},
    wire::Message,
};

impl Hub {
    /// Whether one more message would fit half of the connection's outbox, in bytes and in number:
    /// whoever waits for that never causes its end. `false` if the connection is not open.
    pub fn has_room_in_outbox(&self, conn: ConnId, message: &Message) -> bool {
        let bytes = message.frame().len();
        self.pool.get(conn).filter(|connection| connection.is_open()).is_some_and(|connection| {
            let outbox = &connection.outbox;
            let waiting = outbox.normal_bytes();
            // One that is longer than the half has to do with an empty outbox.
            waiting == 0
                || waiting + bytes <= self.config.outbox_bytes_max / 2
                    && outbox.messages() < self.config.outbox_messages_max.div_ceil(2)
        })
    }

    /// Whether the connection's request is still to be answered.
    pub fn awaits_decision(&self, conn: ConnId) -> bool {
        self.pool.get(conn).is_some_and(|connection| matches!(connection.state, State::Deciding(_)))
    }

    /// Where the connection stands with a topic.
    pub fn membership(&self, conn: ConnId, topic: &Topic) -> Membership {
        match self.pool.get(conn) {
            Some(connection) => self.members.membership(connection.memberships, topic),
            None => Membership::None,
        }
    }

    /// The open connections of this shard that a message to `audience` would be given to now: those
    /// of a topic in no order that means anything, everyone in that of their slots.
    pub fn reached_by(&self, audience: &Audience) -> Vec<ConnId> {
        match audience {
            Audience::Everyone => {
                let open = self.pool.iter().filter(|(_, connection)| connection.is_open());
                open.map(|(conn, _)| conn).collect()
            }
            Audience::Topic(topic) => self.members.of(topic).collect(),
        }
    }

    /// How many those are. For everyone and for a topic alike, nobody is visited.
    pub fn reach_of(&self, audience: &Audience) -> usize {
        match audience {
            Audience::Everyone => usize::try_from(self.stats.open).unwrap_or(usize::MAX),
            Audience::Topic(topic) => self.members.of(topic).len(),
        }
    }

    /// Whether the connection is a member of the topic, and its home has answered.
    pub(crate) fn has_joined(&self, conn: ConnId, topic: &Topic) -> bool {
        matches!(self.membership(conn, topic), Membership::Member(_))
    }

    /// Whether any shard has members of the topic, if its home is here; else `false`.
    pub(crate) fn has_members(&self, topic: &Topic) -> bool {
        self.homes.has_members(topic)
    }
}
