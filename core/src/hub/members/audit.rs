//! Whether members and memberships are the same, seen from both sides.

use super::{Group, Members, Memberships};
use crate::{
    config::Config,
    hub::{audit::ensure, connection::Connection, home::Homes},
    id::{ConnId, Seat, ShardId},
};

impl Members {
    pub(in crate::hub) fn audit(
        &self,
        connections: &[(ConnId, &Connection)],
        config: &Config,
    ) -> Result<(), String> {
        let known = self.topics.len();
        ensure(self.names.len() == known, || {
            format!("{} names for {known} topics", self.names.len())
        })?;
        ensure(known <= config.topics_max, || format!("{known} topics, past the bound"))?;
        let mut members = 0;
        for (id, group) in &self.topics {
            self.audit_group(id, group).map_err(|broken| format!("{}: {broken}", group.topic))?;
            members += group.members.len();
        }
        let memberships = self.memberships.len();
        ensure(members == memberships, || {
            format!("{members} members with {memberships} memberships")
        })?;
        let mut owned = 0;
        for (conn, connection) in connections {
            let own = connection.memberships;
            self.audit_list(*conn, own).map_err(|broken| format!("{conn}: {broken}"))?;
            owned += own.len();
            ensure(own.len() == 0 || connection.is_open(), || {
                format!("{conn} is a member in {:?}", connection.phase())
            })?;
            ensure(own.len() <= config.subscriptions_max, || {
                format!("{conn} has {} memberships, past the bound", own.len())
            })?;
        }
        ensure(owned == memberships, || {
            format!("{memberships} memberships, of which connections have {owned}")
        })
    }

    /// Whether the topics whose home is here are known there as they are here.
    pub(in crate::hub) fn audit_homes(&self, homes: &Homes, seat: Seat) -> Result<(), String> {
        self.agree(seat.shard, seat, homes, seat.shard)
    }

    /// Whether the home of `shard` knows the members of the shard `here`, nothing being under way.
    pub(in crate::hub) fn agree(
        &self,
        here: ShardId,
        seat: Seat,
        homes: &Homes,
        shard: ShardId,
    ) -> Result<(), String> {
        let mut at_home = 0;
        for (_, Group { topic, seq, members, joins_unanswered, .. }) in &self.topics {
            if seat.home_of(topic) != shard {
                continue;
            }
            at_home += 1;
            ensure(*joins_unanswered == 0 && !members.is_empty(), || {
                format!("{topic}: {joins_unanswered} joins are unanswered")
            })?;
            let known = homes.known(topic, here);
            ensure(known == Some(*seq), || {
                format!("{topic} is at {seq:?} here and at {known:?} at its home")
            })?;
        }
        let known = homes.known_of(here);
        ensure(known == at_home, || format!("{at_home} topics with members, {known} known at home"))
    }

    fn audit_group(&self, id: usize, group: &Group) -> Result<(), String> {
        let named = self.names.get(&group.topic);
        ensure(named.is_some_and(|named| *named as usize == id), || {
            format!("its name leads to {named:?}")
        })?;
        ensure(group.members.is_empty() || group.joined, || "its home was not told".to_owned())?;
        ensure(!group.members.is_empty() || group.joins_unanswered > 0, || "unused".to_owned())?;
        for (place, member) in group.members.iter().enumerate() {
            let membership = self.memberships.get(member.membership as usize);
            ensure(
                membership.is_some_and(|membership| {
                    membership.topic as usize == id && membership.place as usize == place
                }),
                || format!("{} has another membership: {membership:?}", member.conn),
            )?;
        }
        Ok(())
    }

    fn audit_list(&self, conn: ConnId, own: Memberships) -> Result<(), String> {
        let mut topics = Vec::new();
        let (mut previous, mut at) = (Memberships::END, own.head);
        while at != Memberships::END {
            let membership = self.memberships.get(at as usize);
            let Some(membership) = membership.filter(|found| found.previous == previous) else {
                return Err(format!("membership {at} is not there, or not behind {previous}"));
            };
            let group = self.topics.get(membership.topic as usize);
            let member = group.and_then(|group| group.members.get(membership.place as usize));
            ensure(
                member.is_some_and(|member| member.conn == conn && member.membership == at),
                || format!("membership {at} is of {member:?}"),
            )?;
            ensure(!topics.contains(&membership.topic), || "twice a member".to_owned())?;
            topics.push(membership.topic);
            (previous, at) = (at, membership.next);
        }
        ensure(topics.len() == own.len(), || {
            format!("{} memberships are counted, {} are there", own.len(), topics.len())
        })
    }
}
