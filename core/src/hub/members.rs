//! The topics that have members on this shard.

use std::collections::HashMap;

use slab::Slab;

use crate::{
    id::ConnId,
    planted::{Planted, planted},
    topic::{KeyedState, Seq, Topic},
};

#[cfg(any(test, feature = "audit"))]
mod audit;

/// Where a connection stands with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It is no member and will not be, as things stand.
    None,
    /// It will be a member when the topic's home has answered.
    Joining,
    /// It is a member, and is given all messages of the topic after this one.
    Member(Seq),
}

/// A connection's own list of its memberships.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memberships {
    head: u32,
    len: u32,
}

impl Memberships {
    const END: u32 = u32::MAX;

    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

impl Default for Memberships {
    fn default() -> Self {
        Self { head: Self::END, len: 0 }
    }
}

/// Who is a member of what.
///
/// A topic has a vector of its members, and each membership knows its place in it, so leaving is a
/// swap; a connection's memberships are a list, so it can leave them all when it ends.
#[derive(Debug)]
pub(super) struct Members {
    names: HashMap<Topic, u32, KeyedState>,
    topics: Slab<Group>,
    memberships: Slab<Link>,
}

/// One topic as this shard knows it.
#[derive(Debug)]
struct Group {
    topic: Topic,
    members: Vec<Member>,
    /// The number of the last message of the topic that has come here.
    seq: Seq,
    /// Joins that the home has not answered. While there are any, all members still wait: what
    /// comes before the last answer is not for them.
    joins_unanswered: u32,
    /// Whether the home knows that there are members here.
    joined: bool,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    conn: ConnId,
    membership: u32,
}

#[derive(Debug)]
struct Link {
    topic: u32,
    /// The place among the topic's members.
    place: u32,
    /// Neighbours in the connection's list.
    previous: u32,
    next: u32,
}

/// What became of a wish to be a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joining {
    /// The connection is one now, from this number on.
    Member(Seq),
    /// The home's answer to an earlier join is awaited.
    Waiting,
    /// The home has to be told.
    Join,
}

impl Members {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            names: HashMap::with_hasher(KeyedState::new(seed)),
            topics: Slab::new(),
            memberships: Slab::new(),
        }
    }

    /// How many topics are known here.
    pub(super) fn topics(&self) -> usize {
        self.topics.len()
    }

    /// How many memberships there are.
    pub(super) fn len(&self) -> usize {
        self.memberships.len()
    }

    pub(super) fn knows(&self, topic: &Topic) -> bool {
        self.names.contains_key(topic)
    }

    /// The topics that a connection is a member of, or waits to be: the latest first.
    pub(super) fn topics_of(&self, own: Memberships) -> Vec<Topic> {
        let mut membership = own.head;
        std::iter::from_fn(|| {
            let Link { topic, next, .. } = self.memberships.get(membership as usize)?;
            membership = *next;
            Some(self.topics[*topic as usize].topic.clone())
        })
        .collect()
    }

    /// Where a connection stands with the topic.
    pub(super) fn membership(&self, own: Memberships, topic: &Topic) -> Membership {
        let Some(&group) = self.names.get(topic) else { return Membership::None };
        let is_member = self.find(own, group).is_some();
        let group = &self.topics[group as usize];
        match (is_member, group.joins_unanswered) {
            (false, _) => Membership::None,
            (true, 0) => Membership::Member(group.seq),
            (true, _) => Membership::Joining,
        }
    }

    /// The members of the topic here, without those that wait for its home.
    pub(super) fn of(&self, topic: &Topic) -> impl ExactSizeIterator<Item = ConnId> {
        let group = self.names.get(topic).map(|group| &self.topics[*group as usize]);
        let members = group.filter(|group| group.joins_unanswered == 0).map(|group| &group.members);
        members.map_or(&[][..], Vec::as_slice).iter().map(|member| member.conn)
    }

    /// Whether a connection is a member of the topic, or will be when the home has answered.
    pub(super) fn is_member(&self, own: Memberships, topic: &Topic) -> bool {
        self.names.get(topic).is_some_and(|group| self.find(own, *group).is_some())
    }

    /// Makes `conn`, which is none yet, a member of `topic`, at once or when the home has answered.
    pub(super) fn join(&mut self, conn: ConnId, own: &mut Memberships, topic: &Topic) -> Joining {
        let group_id = match self.names.get(topic) {
            Some(group) => *group,
            None => self.insert_group(topic),
        };
        let group = &mut self.topics[group_id as usize];
        let membership = self.memberships.insert(Link {
            topic: group_id,
            place: group.members.len() as u32,
            previous: Memberships::END,
            next: own.head,
        }) as u32;
        group.members.push(Member { conn, membership });
        if own.head != Memberships::END {
            self.memberships[own.head as usize].previous = membership;
        }
        own.head = membership;
        own.len += 1;
        if !group.joined {
            group.joined = true;
            group.joins_unanswered += 1;
            Joining::Join
        } else if group.joins_unanswered > 0 {
            Joining::Waiting
        } else {
            Joining::Member(group.seq)
        }
    }

    /// Whether an answer of the topic's home is on the way.
    pub(super) fn awaits_home(&self, topic: &Topic) -> bool {
        let group = self.names.get(topic).map(|group| &self.topics[*group as usize]);
        group.is_some_and(|group| group.joins_unanswered > 0)
    }

    /// The home has answered a join. Returns those who are members from now on, or, if the home
    /// had no room (`None`), those who are not to be.
    pub(super) fn joined(&mut self, topic: &Topic, seq: Option<Seq>) -> Vec<ConnId> {
        let Some(&id) = self.names.get(topic) else { return Vec::new() };
        let group = &mut self.topics[id as usize];
        group.joins_unanswered -= 1;
        let is_last = group.joins_unanswered == 0;
        match seq {
            Some(seq) => group.seq = seq,
            // A join behind this one may still be taken.
            None if is_last => group.joined = false,
            None => {}
        }
        let settled = if is_last {
            group.members.iter().map(|member| member.conn).collect()
        } else {
            Vec::new()
        };
        self.forget_if_unused(id);
        settled
    }

    /// Ends one membership, if there is one. Returns the topic if the home must hear that it was
    /// the last.
    pub(super) fn leave(&mut self, own: &mut Memberships, topic: &Topic) -> Option<Topic> {
        let group = *self.names.get(topic)?;
        let membership = self.find(*own, group)?;
        self.remove(own, membership)
    }

    /// Ends one of a connection's memberships, whichever. Returns `None` when none is left, else
    /// the topic if the home must hear of it.
    pub(super) fn leave_any(&mut self, own: &mut Memberships) -> Option<Option<Topic>> {
        (own.head != Memberships::END).then(|| self.remove(own, own.head))
    }

    /// A message of the topic has come. Returns its members, in an order that depends only on
    /// their comings and goings.
    pub(super) fn receive(&mut self, topic: &Topic, seq: Seq) -> impl Iterator<Item = ConnId> {
        let members = match self.names.get(topic) {
            Some(&group) => {
                let group = &mut self.topics[group as usize];
                if group.joins_unanswered == 0 || planted(Planted::JoinOutOfOrder) {
                    group.seq = seq;
                    &group.members[..]
                } else {
                    &[]
                }
            }
            None => &[],
        };
        members.iter().map(|member| member.conn)
    }

    fn insert_group(&mut self, topic: &Topic) -> u32 {
        let group = self.topics.insert(Group {
            topic: topic.clone(),
            members: Vec::new(),
            seq: Seq(0),
            joins_unanswered: 0,
            joined: false,
        });
        let group = u32::try_from(group).expect("bounded by topics_max");
        self.names.insert(topic.clone(), group);
        group
    }

    fn find(&self, own: Memberships, topic: u32) -> Option<u32> {
        let mut membership = own.head;
        while membership != Memberships::END {
            let found = &self.memberships[membership as usize];
            if found.topic == topic {
                return Some(membership);
            }
            membership = found.next;
        }
        None
    }

    fn remove(&mut self, own: &mut Memberships, membership: u32) -> Option<Topic> {
        let Link { topic, place, previous, next } = self.memberships.remove(membership as usize);
        if previous == Memberships::END {
            own.head = next;
        } else {
            self.memberships[previous as usize].next = next;
        }
        if next != Memberships::END {
            self.memberships[next as usize].previous = previous;
        }
        own.len -= 1;

        let group = &mut self.topics[topic as usize];
        group.members.swap_remove(place as usize);
        if let Some(moved) = group.members.get(place as usize) {
            self.memberships[moved.membership as usize].place = place;
        }
        let was_last = group.members.is_empty() && group.joined;
        if was_last {
            group.joined = false;
        }
        let name = was_last.then(|| group.topic.clone());
        self.forget_if_unused(topic);
        name
    }

    /// A topic stays known while it has members or an answer of its home is on the way.
    fn forget_if_unused(&mut self, id: u32) {
        let group = &self.topics[id as usize];
        if group.members.is_empty() && group.joins_unanswered == 0 {
            let group = self.topics.remove(id as usize);
            self.names.remove(&group.topic);
        }
    }
}
