//! Files that nobody should have made.

use std::{io::Read, time::Duration};

use fanlight_core::{
    Config, Hub, Seat, ShardId,
    journal::{Journal, Payloads, Replay, Tally},
};

use crate::scenario::Bounds;

/// Decides the homes of topics: the corpus has parcels for some.
const SEED: u64 = 0x5eed;
/// Magic and format version, before the length, the checksum and the body of the beginning.
const VERSION_END: usize = 20;

/// Bytes become a file: as they are, or behind the first byte as the body of a beginning or as the
/// inputs of blocks, with all checksums right. It is read, summed up and replayed, or refused.
///
/// # Panics
///
/// On a finding.
pub fn journal(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let shards = 1 + (first >> 4) % 3;
    let seat = Seat { shard: ShardId(0), shards, seed: SEED };
    let tight = Bounds::Tight.config();
    let file = match first % 8 {
        0 => rest.to_vec(),
        1 => with_beginning(rest),
        2 => [beginning(tight, seat, Payloads::Omitted), blocks(rest)].concat(),
        3 => [beginning(Config::default(), seat, Payloads::Kept), blocks(rest)].concat(),
        _ => [beginning(tight, seat, Payloads::Kept), blocks(rest)].concat(),
    };
    read(&file);
}

/// The beginning of a journal of such a hub.
fn beginning(config: Config, seat: Seat, payloads: Payloads) -> Vec<u8> {
    let mut file = Vec::new();
    Hub::recorded(config, seat, payloads, Duration::ZERO).take_journal(&mut file);
    file
}

/// A beginning with this body.
fn with_beginning(body: &[u8]) -> Vec<u8> {
    let mut file = beginning(Config::default(), Seat::alone(SEED), Payloads::Kept);
    file.truncate(VERSION_END);
    file.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(crc32fast::hash(body).to_le_bytes());
    file.extend(body);
    file
}

/// Blocks of these bodies: each is told by its inputs, 0 to 254, its length in two bytes, and as
/// many bytes as there are.
fn blocks(mut bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut first = 1_u64;
    while let Some((&[inputs, low, high], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        bytes = rest;
        let start = file.len();
        file.extend((body.len() as u64).to_le_bytes());
        file.extend(u32::from(inputs).to_le_bytes());
        file.extend(first.to_le_bytes());
        // The digest, the connections accepted, and the most at once.
        file.extend([0; 16 + 8 + 4]);
        file.extend(crc32fast::hash(body).to_le_bytes());
        file.extend(crc32fast::hash(&file[start..]).to_le_bytes());
        file.extend(body);
        first += u64::from(inputs);
    }
    file
}

/// Remembers how much room was made for what was to come.
struct Counting<'a> {
    left: &'a [u8],
    room_max: usize,
}

impl Read for Counting<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.room_max = self.room_max.max(room.len());
        self.left.read(room)
    }
}

/// What the standard library makes room for before it knows better.
const ROOM_BYTES: usize = 64 * 1024;

fn read(file: &[u8]) {
    let mut counting = Counting { left: file, room_max: 0 };
    if let Ok(mut journal) = Journal::open(&mut counting) {
        let mut tally = Tally::new(journal.prologue().payloads);
        // Also what stands before damage is counted.
        let is_whole = tally.read(&mut journal).is_ok();
        let (summary, inputs) = (tally.summary(), journal.inputs());
        assert!(!summary.to_string().is_empty());
        assert_eq!((summary.inputs(), summary.tail.is_some()), (inputs, is_whole));
        // The shortest input has a byte for the time and one for what happened.
        assert!(inputs <= file.len() as u64 / 2, "{inputs} inputs in {} bytes", file.len());
    }
    let room_max = 2 * file.len() + ROOM_BYTES;
    assert!(counting.room_max <= room_max, "room was made for {} bytes", counting.room_max);

    let Ok(journal) = Journal::open(file) else { return };
    let Ok(mut replay) = Replay::new(journal) else { return };
    while let Ok(true) = replay.step() {
        assert!(!replay.has_panicked(), "the hub panicked over input {}", replay.inputs());
    }
}
