//! Coming to be a member, and ceasing to be one.

use super::{Hub, members::Joining, parcel::Content};
use crate::{
    command::{Command, Commands},
    id::{ConnId, ShardId},
    topic::{Seq, Topic},
};

impl Hub {
    pub(super) fn subscribe(&mut self, conn: ConnId, topic: Topic, commands: &mut Commands) {
        let is_named = self.is_name(&topic);
        let Some(connection) = self.pool.get_mut(conn) else { return self.stale() };
        if !connection.is_open() {
            return self.stale();
        }
        if self.members.is_member(connection.memberships, &topic) {
            return;
        }
        let has_room = connection.memberships.len() < self.config.subscriptions_max;
        let is_known = self.members.knows(&topic) || self.members.topics() < self.config.topics_max;
        if !(is_named && has_room && is_known) {
            commands.push(Command::SubscriptionRefused(conn, topic));
            return;
        }
        match self.members.join(conn, &mut connection.memberships, &topic) {
            Joining::Waiting => {}
            Joining::Member(seq) => commands.push(Command::Subscribed(conn, topic, seq)),
            Joining::Join => {
                let home = self.seat.home_of(&topic);
                if home == self.seat.shard {
                    let seq = self.homes.join(&topic, home, self.config.topics_max);
                    self.joined(topic, seq, commands);
                } else {
                    self.forward(home, Content::Join(topic), commands);
                }
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, conn: ConnId, topic: &Topic, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return self.stale() };
        if let Some(topic) = self.members.leave(&mut connection.memberships, topic) {
            self.leave_home(topic, commands);
        }
    }

    /// Ends all memberships of a connection.
    pub(super) fn leave_all(&mut self, conn: ConnId, commands: &mut Commands) {
        while let Some(connection) = self.pool.get_mut(conn) {
            match self.members.leave_any(&mut connection.memberships) {
                Some(Some(topic)) => self.leave_home(topic, commands),
                Some(None) => {}
                None => return,
            }
        }
    }

    /// A home has answered a join.
    pub(super) fn joined(&mut self, topic: Topic, seq: Option<Seq>, commands: &mut Commands) {
        for conn in self.members.joined(&topic, seq) {
            match seq {
                Some(seq) => commands.push(Command::Subscribed(conn, topic.clone(), seq)),
                None => {
                    if let Some(connection) = self.pool.get_mut(conn) {
                        self.members.leave(&mut connection.memberships, &topic);
                    }
                    commands.push(Command::SubscriptionRefused(conn, topic.clone()));
                }
            }
        }
    }

    /// Another shard has its first member of a topic whose home is here.
    pub(super) fn join_from(&mut self, from: ShardId, topic: Topic, commands: &mut Commands) {
        let seq = self.homes.join(&topic, from, self.config.topics_max);
        self.forward(from, Content::Joined(topic, seq), commands);
    }

    fn leave_home(&mut self, topic: Topic, commands: &mut Commands) {
        let home = self.seat.home_of(&topic);
        if home == self.seat.shard {
            self.homes.leave(&topic, home);
        } else {
            self.forward(home, Content::Leave(topic), commands);
        }
    }
}
