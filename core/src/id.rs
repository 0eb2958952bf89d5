//! Who is who: connections, shards, and the hub's seat among them.

use std::{fmt, num::NonZeroU64, str::FromStr};

use slotmap::{DefaultKey, Key, KeyData};

use crate::topic::{Audience, Topic};

const INDEX_BITS: u32 = 24;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// The most connections that one hub can ever be configured to hold.
pub const CONNECTIONS_PER_HUB: usize = INDEX_MASK as usize;

/// Which hub of a house, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ShardId(pub u8);

impl ShardId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Names one connection for as long as the process lives: its shard, its slot, and which of the
/// slot's successive users it is.
///
/// An id is never the id of another connection: after the connection has gone, the id is stale and
/// everything asked of it is ignored and counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(NonZeroU64);

impl ConnId {
    pub(crate) fn new(shard: ShardId, key: DefaultKey) -> Self {
        let data = key.data().as_ffi() | u64::from(shard.0) << INDEX_BITS;
        Self(NonZeroU64::new(data).expect("a slotmap version is odd, so never zero"))
    }

    pub(crate) fn key(self) -> DefaultKey {
        let version_and_index = self.0.get() & !(0xff << INDEX_BITS);
        KeyData::from_ffi(version_and_index).into()
    }

    /// The id that [`as_u64`](Self::as_u64) gave; `None` for 0, which none has.
    pub(crate) fn from_u64(id: u64) -> Option<Self> {
        NonZeroU64::new(id).map(Self)
    }

    /// The shard that holds the connection.
    pub const fn shard(self) -> ShardId {
        ShardId((self.0.get() >> INDEX_BITS) as u8)
    }

    /// The slot in its shard's pool: small and dense, and used again after the connection has gone.
    pub const fn index(self) -> usize {
        (self.0.get() & INDEX_MASK) as usize
    }

    /// The whole id as a number, for logs and for keys.
    pub const fn as_u64(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}v{}", self.shard().0, self.index(), self.0.get() >> 32)
    }
}

/// Why a text is no [`ConnId`]. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a connection is written as it is shown: shard, slot and version, as in 0.5v1")]
pub struct ConnIdError;

/// Reads what [`Display`](fmt::Display) shows.
impl FromStr for ConnId {
    type Err = ConnIdError;

    fn from_str(text: &str) -> Result<Self, ConnIdError> {
        let parts = text.split_once('.').and_then(|(shard, rest)| {
            let (index, version) = rest.split_once('v')?;
            let shard: u8 = shard.parse().ok()?;
            let index = index.parse::<u64>().ok().filter(|index| *index <= INDEX_MASK)?;
            let version: u32 = version.parse().ok()?;
            Self::from_u64(u64::from(version) << 32 | u64::from(shard) << INDEX_BITS | index)
        });
        // Plus signs and leading zeros are not shown.
        parts.filter(|conn| conn.to_string() == text).ok_or(ConnIdError)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A hub's place in its house.
///
/// ```
/// use fanlight_core::{Seat, ShardId};
///
/// let alone = Seat::alone(7);
/// assert_eq!(alone, Seat { shard: ShardId(0), shards: 1, seed: 7 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Which shard this hub is; less than `shards`.
    pub shard: ShardId,
    /// How many shards the house has, 1 to 255.
    pub shards: u8,
    /// The house's one seed: it keys the hash that gives each topic its home, and starts every
    /// generator. Draw it from the system's entropy in production, fix it in tests.
    pub seed: u64,
}

impl Seat {
    /// The seat of a house that has one shard.
    pub const fn alone(seed: u64) -> Self {
        Self { shard: ShardId(0), shards: 1, seed }
    }

    /// The shard that puts what is said to `audience` in order.
    ///
    /// The hash is keyed by the house's seed, so that nobody who chooses names can choose homes.
    pub fn home(&self, audience: &Audience) -> ShardId {
        match audience {
            Audience::Everyone => ShardId(0),
            Audience::Topic(topic) => self.home_of(topic),
        }
    }

    pub(crate) fn home_of(&self, topic: &Topic) -> ShardId {
        let home = topic.keyed_hash(self.seed) % u64::from(self.shards);
        ShardId(u8::try_from(home).expect("less than shards, which is a u8"))
    }

    /// All shards of the house, in order.
    pub fn all(&self) -> impl Iterator<Item = ShardId> + use<> {
        (0..self.shards).map(ShardId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_shown() {
        let mut slots = slotmap::SlotMap::new();
        for shard in [0, 7, 255] {
            let conn = ConnId::new(ShardId(shard), slots.insert(()));
            assert_eq!(conn.to_string().parse(), Ok(conn));
        }
        for wrong in
            ["", "0.5", "5v1", "0.5v", "+0.5v1", "0.05v1", "256.0v1", "0.16777216v1", "0.0v0"]
        {
            assert_eq!(wrong.parse::<ConnId>(), Err(ConnIdError), "{wrong}");
        }
    }
}
