//! The groups that a message can be said to.

use std::{
    fmt,
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

use siphasher::sip::SipHasher13;

/// A fan-out group, by name. Cloning it copies no text.
///
/// A user is a topic too: the one that all connections admitted as that user are members of. The
/// two kinds never meet, whatever their names.
///
/// ```
/// use fanlight_core::Topic;
///
/// assert_ne!(Topic::new("alice"), Topic::user("alice"));
/// assert_eq!(Topic::user("alice").to_string(), "user:alice");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    kind: Kind,
    name: Arc<str>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Named,
    User,
}

impl Topic {
    /// The topic called `name`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { kind: Kind::Named, name: name.into() }
    }

    /// The connections of the user called `name`.
    pub fn user(name: impl Into<Arc<str>>) -> Self {
        Self { kind: Kind::User, name: name.into() }
    }

    /// The name as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is a user rather than a named topic.
    pub fn is_user(&self) -> bool {
        self.kind == Kind::User
    }

    pub(crate) fn keyed_hash(&self, seed: u64) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(seed, HOME_KEY);
        // Not `Hash::hash`: its output may change with the standard library.
        hasher.write_u8(u8::from(self.is_user()));
        hasher.write(self.name.as_bytes());
        hasher.finish()
    }
}

/// Sets the hash that finds a home apart from the one that finds a bucket.
const HOME_KEY: u64 = 0x686f_6d65;

impl From<&str> for Topic {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Topic {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&Self> for Topic {
    fn from(topic: &Self) -> Self {
        topic.clone()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_user() { "user" } else { "topic" };
        write!(f, "{kind}:{}", self.name.escape_debug())
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whom a publish is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Every open connection of the house.
    Everyone,
    /// The members of one topic, or of one user.
    Topic(Topic),
}

impl Audience {
    /// The topic, if it is one.
    pub fn topic(&self) -> Option<&Topic> {
        match self {
            Self::Everyone => None,
            Self::Topic(topic) => Some(topic),
        }
    }

    /// How long the name is, if there is one; else 0.
    pub fn name_bytes(&self) -> usize {
        self.topic().map_or(0, |topic| topic.name().len())
    }
}

impl<T: Into<Topic>> From<T> for Audience {
    fn from(topic: T) -> Self {
        Self::Topic(topic.into())
    }
}

/// A message's place in the order of its topic. Grows by one with each message; says nothing across
/// topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// Hashes names with a key of the house, so that nobody can choose names that collide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyedState(u64);

impl KeyedState {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl BuildHasher for KeyedState {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, !self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_not_the_topic_of_the_same_name() {
        let [topic, user] = [Topic::new("a"), Topic::user("a")];
        assert!(user.is_user() && !topic.is_user());
        assert_ne!(topic, user);
        assert_ne!(topic.keyed_hash(7), user.keyed_hash(7), "nor has it the same home");
        assert_eq!([topic, user].map(|it| it.to_string()), ["topic:a", "user:a"]);
    }

    #[test]
    fn names_and_seeds_decide_where_a_home_is() {
        let hashes = [("a", 7), ("b", 7), ("a", 8)];
        let mut hashes = hashes.map(|(name, seed)| Topic::new(name).keyed_hash(seed)).to_vec();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 3);
    }

    #[test]
    fn an_audience_is_as_long_as_its_name() {
        assert_eq!(Audience::Everyone.name_bytes(), 0);
        assert_eq!(Audience::from("four").name_bytes(), 4);
        assert_eq!(Audience::from(String::from("four")), Audience::from(&Topic::new("four")));
    }

    #[test]
    fn what_cannot_be_printed_is_escaped() {
        assert_eq!(format!("{:?}", Topic::new("a\nb")), r"topic:a\nb");
    }
}
