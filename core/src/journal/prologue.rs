//! What stands at the beginning of a journal: whose it is, and when it began.

use std::time::Duration;

use super::{
    encoding::{Decode, Encode, Malformed, Sink, Source},
    error::JournalError,
};
use crate::{
    config::{Config, Settings, Value},
    id::{Seat, ShardId},
};

pub(super) const MAGIC: &[u8; 16] = b"fanlight journal";
/// Grows with each change of what is written, or of what the digest takes in.
pub(super) const FORMAT_VERSION: u32 = 3;
/// Longer than any beginning is.
pub(super) const PROLOGUE_BYTES_MAX: u32 = 64 * 1024;

/// Whether a journal keeps what was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payloads {
    /// All of it: messages, request heads with their cookies, names and addresses. Such a journal
    /// can be replayed, and is as secret as the connections were.
    #[default]
    Kept,
    /// None of it: lengths stand for texts and payloads, keyed hashes for names and addresses. Such
    /// a journal can only be summarised.
    Omitted,
}

/// What stands at the beginning of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prologue {
    /// The version of the package that recorded it.
    pub package: String,
    /// Whether what was said is in it.
    pub payloads: Payloads,
    /// The hub's place in its house. Its seed is 0 if payloads are omitted: it would be the key to
    /// the names.
    pub seat: Seat,
    /// When it began by the clock on the wall, since 1970 in UTC, as whoever made the hub told: at
    /// most 584 years.
    pub began: Duration,
    /// The hub's settings.
    pub config: Config,
}

impl Prologue {
    pub(super) fn new(config: &Config, seat: Seat, payloads: Payloads, began: Duration) -> Self {
        let seed = match payloads {
            Payloads::Kept => seat.seed,
            Payloads::Omitted => 0,
        };
        let package = env!("CARGO_PKG_VERSION").to_owned();
        let seat = Seat { seed, ..seat };
        Self {
            package,
            payloads,
            seat,
            began: Duration::from_nanos(nanos(began)),
            config: config.clone(),
        }
    }

    /// Appends the whole of it: magic, version, length, checksum, body.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        self.encode(&mut body);
        let length = u32::try_from(body.len()).expect("settings are few and short");
        out.extend_from_slice(MAGIC);
        for number in [FORMAT_VERSION, length, crc32fast::hash(&body)] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&body);
    }

    fn encode(&self, sink: &mut impl Sink) {
        self.package.as_str().encode(sink);
        (self.payloads == Payloads::Omitted).encode(sink);
        sink.put(&[self.seat.shard.0, self.seat.shards]);
        sink.put(&self.seat.seed.to_le_bytes());
        sink.put(&nanos(self.began).to_le_bytes());
        Settings::ALL.len().encode(sink);
        for (name, value) in self.config.values() {
            name.encode(sink);
            match value {
                Value::Time(time) => {
                    sink.put_byte(0);
                    time.encode(sink);
                }
                Value::Number(number) => {
                    sink.put_byte(1);
                    number.encode(sink);
                }
            }
        }
    }

    /// Reads the body, whose checksum was right.
    pub(super) fn read(body: &mut [u8]) -> Result<Self, JournalError> {
        let mut source = Source::new(body);
        let (package, payloads, seat, began, settings) =
            head(&mut source).map_err(|Malformed| JournalError::Prologue)?;
        if settings != Settings::ALL.len() {
            return Err(JournalError::Settings { package, settings });
        }
        let mut values = Settings::default();
        for _ in 0..settings {
            let (name, value) = setting(&mut source).map_err(|Malformed| JournalError::Prologue)?;
            values.set(name, value)?;
        }
        let config = Config::new(values)?;
        if source.len() > 0 {
            return Err(JournalError::Prologue);
        }
        Ok(Self { package, payloads, seat, began, config })
    }
}

type Head = (String, Payloads, Seat, Duration, usize);

fn head(source: &mut Source<'_>) -> Result<Head, Malformed> {
    let package = <&str>::decode(source)?.to_owned();
    let payloads = if bool::decode(source)? { Payloads::Omitted } else { Payloads::Kept };
    let [shard, shards] = source.array()?;
    let seed = u64::from_le_bytes(source.array()?);
    let began = Duration::from_nanos(u64::from_le_bytes(source.array()?));
    if shard >= shards {
        return Err(Malformed);
    }
    let seat = Seat { shard: ShardId(shard), shards, seed };
    Ok((package, payloads, seat, began, usize::decode(source)?))
}

/// Nanoseconds since 1970: they end in 2554, which every clock can show.
fn nanos(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

fn setting<'a>(source: &mut Source<'a>) -> Result<(&'a str, Value), Malformed> {
    let name = Decode::decode(source)?;
    let value = if bool::decode(source)? {
        Value::Number(Decode::decode(source)?)
    } else {
        Value::Time(Decode::decode(source)?)
    };
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_out_of_range_is_the_nearest() {
        let second = Duration::from_secs(1);
        assert_eq!(nanos(second), 1_000_000_000);
        assert_eq!(nanos(Duration::from_nanos(u64::MAX) + second), u64::MAX);
    }
}
