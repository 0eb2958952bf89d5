//! Who is a member of what, and in which order a topic's messages come: design, section 7.

use std::collections::BTreeSet;

use super::{Audience, House, Name, Place, Seen, speech::frame_bytes};

/// A topic at its home.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) name: Name,
    /// The shards that have members.
    pub(super) shards: BTreeSet<u8>,
    /// Counts the times that it was forgotten and revived.
    pub(super) life: u32,
    /// How many messages it has given a place, in this life.
    pub(super) count: u32,
}

impl Home {
    /// Where it stands: the design fixes the steps of a topic's numbers within one life, and that
    /// none is used twice, but not where they begin.
    fn mark(&self) -> u64 {
        u64::from(self.life) << 32 | u64::from(self.count)
    }
}

/// A topic where it has members, or waits for a home's answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Joins that the home has not answered. Nothing that comes before the last answer is for
    /// anybody here.
    unanswered: u32,
    /// Whether the home was asked since there last was no member.
    is_asked: bool,
    /// The last place that was heard of.
    mark: u64,
}

/// What one shard sends another.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    /// What the application asked for a connection that lives elsewhere.
    Wish(usize, Wish),
    /// To the home: put this in order.
    Publish(Audience, String, Option<usize>),
    /// From the home: for the members here.
    Told(Audience, String, Option<usize>, u64),
    /// To the home: this shard wants to hear a topic, for a new member.
    Join(Name),
    /// From the home: since when it does.
    Joined(Name, u64),
    /// From the home: it may know no more topics.
    Declined(Name),
    /// To the home: the shard has no member any more.
    Leave(Name),
}

/// What an application asks for one connection.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Decide(super::Decision),
    Subscribe(Name),
    Unsubscribe(Name),
    Send(String),
    Close(u16),
    Kick(u16),
    Pause,
    Resume,
    Timer(Option<u64>),
    /// Any, of a connection that is gone.
    Late,
}

impl House {
    /// Sends a parcel, or handles it here if it is for the same shard.
    pub(super) fn post(&mut self, from: u8, to: u8, parcel: Parcel) {
        if from == to {
            self.unpack(from, to, parcel);
        } else {
            self.parcels.push_back((from, to, parcel));
        }
    }

    pub(super) fn unpack(&mut self, from: u8, to: u8, parcel: Parcel) {
        match parcel {
            Parcel::Wish(number, wish) => self.grant(number, wish),
            Parcel::Publish(audience, text, except) => self.order(to, audience, &text, except),
            Parcel::Told(audience, text, except, mark) => {
                self.fan_out(to, audience, &text, except, mark);
            }
            Parcel::Join(name) => self.join(from, to, name),
            Parcel::Joined(name, mark) => self.joined(to, name, Some(mark)),
            Parcel::Declined(name) => self.joined(to, name, None),
            Parcel::Leave(name) => self.leave(from, to, name),
        }
    }

    fn home_of(&self, name: Name) -> u8 {
        self.seat.home(&name.topic(&self.settings).into()).0
    }

    fn is_name(&self, name: Name) -> bool {
        match name {
            Name::Topic(_) | Name::User(_) | Name::LongName => true,
            Name::Nameless | Name::LongerName => false,
        }
    }

    /// The application publishes, on the shard `via`. Says whether it was taken.
    pub(super) fn publish(
        &mut self,
        via: u8,
        audience: Audience,
        text: &str,
        except: Option<usize>,
    ) -> bool {
        let (is_audience, home) = match audience {
            Audience::Everyone => (true, 0),
            Audience::MembersOf(name) => (self.is_name(name), self.home_of(name)),
        };
        let is_taken = is_audience && frame_bytes(text) <= self.settings.outbox_bytes_max;
        if is_taken {
            self.post(via, home, Parcel::Publish(audience, text.into(), except));
        }
        is_taken
    }

    /// The home gives a message its place, and hands it to the shards that have members.
    fn order(&mut self, home: u8, audience: Audience, text: &str, except: Option<usize>) {
        let (shards, mark): (Vec<u8>, u64) = match audience {
            Audience::Everyone => ((0..self.setup.shards).collect(), 0),
            Audience::MembersOf(name) => {
                let mut homes = self.homes.iter_mut();
                let Some(topic) = homes.find(|topic| topic.name == name) else { return };
                topic.count += 1;
                (topic.shards.iter().copied().collect(), topic.mark())
            }
        };
        self.count("publishes");
        for shard in shards {
            self.post(home, shard, Parcel::Told(audience, text.into(), except, mark));
        }
    }

    fn fan_out(
        &mut self,
        shard: u8,
        audience: Audience,
        text: &str,
        except: Option<usize>,
        mark: u64,
    ) {
        if let Audience::MembersOf(name) = audience {
            match self.shards[usize::from(shard)].groups.get_mut(&name) {
                Some(group) if group.unanswered == 0 => group.mark = mark,
                Some(_) | None => return,
            }
        }
        for number in 0..self.connections.len() {
            let connection = &self.connections[number];
            let is_meant = match audience {
                Audience::Everyone => true,
                Audience::MembersOf(name) => connection.memberships.contains(&name),
            };
            if is_meant && connection.shard == shard && Some(number) != except {
                self.give(number, text);
            }
        }
    }

    pub(super) fn subscribe(&mut self, number: usize, name: Name) {
        let connection = &self.connections[number];
        if !connection.is_open() {
            return self.count("stale_events");
        }
        let shard = connection.shard;
        let groups = &self.shards[usize::from(shard)].groups;
        if connection.memberships.contains(&name) {
            return;
        }
        let is_beyond = connection.memberships.len() >= self.settings.subscriptions_max
            || !groups.contains_key(&name) && groups.len() >= self.settings.topics_max;
        if is_beyond || !self.is_name(name) {
            self.account.add(self.now, Place::Application(number), Seen::Declined(name));
            return;
        }
        self.connections[number].memberships.push(name);
        let group = self.shards[usize::from(shard)].groups.entry(name).or_default();
        if !group.is_asked {
            group.is_asked = true;
            group.unanswered += 1;
            self.post(shard, self.home_of(name), Parcel::Join(name));
        } else if group.unanswered == 0 {
            let seen = Seen::Subscribed(name, group.mark);
            self.account.add(self.now, Place::Application(number), seen);
        }
    }

    fn join(&mut self, from: u8, home: u8, name: Name) {
        let known = self.homes.iter().position(|topic| topic.name == name);
        let here = self.homes.iter().filter(|topic| self.home_of(topic.name) == home).count();
        if known.is_none() && here >= self.settings.topics_max {
            return self.post(home, from, Parcel::Declined(name));
        }
        let index = known.unwrap_or_else(|| {
            let life = self.lives.entry(name).or_default();
            *life += 1;
            self.homes.push(Home { name, shards: BTreeSet::new(), life: *life, count: 0 });
            self.homes.len() - 1
        });
        let topic = &mut self.homes[index];
        topic.shards.insert(from);
        let mark = topic.mark();
        self.post(home, from, Parcel::Joined(name, mark));
    }

    /// A home has answered: once it has answered every Join, all members here know where they
    /// stand.
    fn joined(&mut self, shard: u8, name: Name, mark: Option<u64>) {
        let groups = &mut self.shards[usize::from(shard)].groups;
        let group = groups.get_mut(&name).expect("kept while an answer is owed");
        group.unanswered -= 1;
        let is_last = group.unanswered == 0;
        match mark {
            Some(mark) => group.mark = mark,
            None => group.is_asked &= !is_last,
        }
        for number in 0..self.connections.len() {
            let connection = &mut self.connections[number];
            if !is_last || connection.shard != shard || !connection.memberships.contains(&name) {
                continue;
            }
            let seen = match mark {
                Some(mark) => Seen::Subscribed(name, mark),
                None => {
                    connection.memberships.retain(|it| *it != name);
                    Seen::Declined(name)
                }
            };
            self.account.add(self.now, Place::Application(number), seen);
        }
        self.forget_if_unused(shard, name);
    }

    fn has_member(&self, shard: u8, name: Name) -> bool {
        let mut here = self.connections.iter().filter(|it| it.shard == shard);
        here.any(|it| it.memberships.contains(&name))
    }

    fn forget_if_unused(&mut self, shard: u8, name: Name) {
        let is_used = self.has_member(shard, name);
        let groups = &mut self.shards[usize::from(shard)].groups;
        if !is_used && groups.get(&name).is_some_and(|group| group.unanswered == 0) {
            groups.remove(&name);
        }
    }

    pub(super) fn unsubscribe(&mut self, number: usize, name: Name) {
        let connection = &mut self.connections[number];
        let before = connection.memberships.len();
        connection.memberships.retain(|it| *it != name);
        let shard = connection.shard;
        if connection.memberships.len() < before && !self.has_member(shard, name) {
            let groups = &mut self.shards[usize::from(shard)].groups;
            groups.entry(name).and_modify(|group| group.is_asked = false);
            self.post(shard, self.home_of(name), Parcel::Leave(name));
            self.forget_if_unused(shard, name);
        }
    }

    /// Ends all memberships of a connection.
    pub(super) fn leave_all(&mut self, number: usize) {
        let memberships = self.connections[number].memberships.clone();
        for name in memberships {
            self.unsubscribe(number, name);
        }
    }

    fn leave(&mut self, from: u8, home: u8, name: Name) {
        debug_assert_eq!(self.home_of(name), home);
        for topic in &mut self.homes {
            if topic.name == name {
                topic.shards.remove(&from);
            }
        }
        self.homes.retain(|topic| !topic.shards.is_empty());
    }
}
