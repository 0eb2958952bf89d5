use std::io::{self, Read};

use proptest::prelude::*;

use super::house::{House, eventful};
use crate::{
    ShardId,
    event::Event,
    journal::{Journal, JournalError, Payloads, Step, Summary, Tail},
};

fn small(payloads: Payloads) -> Vec<u8> {
    let mut house = House::new(1, payloads);
    let mut peer = house.open(0, "/");
    house.say(&mut peer, &["hello", "echo"]);
    house.tell(ShardId(0), Event::Tick);
    house.journals(Tail::Ended).remove(0).0
}

fn read(file: &[u8]) -> Result<(u64, Tail), JournalError> {
    let mut journal = Journal::open(file)?;
    loop {
        if let Step::End(tail) = journal.step()? {
            return Ok((journal.inputs(), tail));
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    for payloads in [Payloads::Kept, Payloads::Omitted] {
        let file = small(payloads);
        assert!(read(&file).is_ok());
        for bit in 0..file.len() * 8 {
            let mut wrong = file.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&wrong).is_err(), "bit {bit} of {}", file.len() * 8);
        }
    }
}

#[test]
fn every_cut_is_the_end_or_an_error() {
    let file = small(Payloads::Kept);
    let (inputs, tail) = read(&file).unwrap();
    assert_eq!(tail, Tail::Ended);
    let beginning = {
        let mut file = &file[..];
        Journal::open(&mut file).unwrap();
        small(Payloads::Kept).len() - file.len()
    };
    for length in 0..file.len() {
        match read(&file[..length]) {
            Ok((read, tail)) => {
                assert!(length >= beginning);
                assert_eq!(tail, Tail::Cut);
                assert!(read == 0 || read == inputs);
            }
            Err(error) => {
                assert!(length < beginning, "{length}: {error}");
                assert!(matches!(error, JournalError::NotAJournal | JournalError::Prologue));
            }
        }
    }
}

/// Bytes whose checksums are right, but that no recorder wrote.
fn forged(head: &[u8], body: &[u8], inputs: u32) -> Vec<u8> {
    let mut block = Vec::new();
    block.extend((body.len() as u64).to_le_bytes());
    block.extend(inputs.to_le_bytes());
    block.extend(1_u64.to_le_bytes());
    block.extend([0; 16 + 8 + 4]);
    block.extend(crc32fast::hash(body).to_le_bytes());
    block.extend(crc32fast::hash(&block).to_le_bytes());
    [head, &block, body].concat()
}

fn beginning(payloads: Payloads) -> Vec<u8> {
    let (file, _) = House::new(1, payloads).journals(Tail::Ended).remove(0);
    let mut rest = &file[..];
    Journal::open(&mut rest).unwrap();
    file[..file.len() - rest.len()].to_vec()
}

#[test]
fn a_promise_of_many_bytes_takes_no_memory() {
    /// Says that it is endless, and is not.
    struct Counting<'a>(&'a [u8], usize);
    impl Read for Counting<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = self.1.max(buffer.len());
            self.0.read(buffer)
        }
    }
    let head = beginning(Payloads::Kept);
    let mut file = forged(&head, b"", 1);
    let length = head.len();
    file[length..length + 8].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    let sum = crc32fast::hash(&file[length..file.len() - 4]).to_le_bytes();
    let end = file.len();
    file[end - 4..].copy_from_slice(&sum);
    file.extend([0; 1000]);
    let mut counting = Counting(&file, 0);
    let mut journal = Journal::open(&mut counting).unwrap();
    assert!(matches!(journal.step(), Ok(Step::End(Tail::Cut))));
    assert!(counting.1 < 100_000, "{} bytes were made room for", counting.1);
}

#[test]
fn a_block_out_of_order_is_an_error() {
    let head = beginning(Payloads::Kept);
    let block = forged(b"", b"\0\x01", 1);
    assert_eq!(read(&[&head[..], &block].concat()).unwrap(), (1, Tail::Cut));
    assert!(matches!(
        read(&[&head[..], &block, &block].concat()),
        Err(JournalError::Sequence { block: 2 })
    ));
    // Fewer inputs than bytes, and more; an end that is none.
    for (body, inputs) in [(&b"\0\x01\0\x01"[..], 1), (b"\0\x01", 2)] {
        assert!(matches!(
            read(&forged(&head, body, inputs)),
            Err(JournalError::Input { input: 2 })
        ));
    }
    for body in [&b""[..], b"\x09", b"\0\0"] {
        assert!(matches!(read(&forged(&head, body, 0)), Err(JournalError::Sequence { block: 1 })));
    }
}

#[test]
fn other_versions_and_settings_are_told() {
    let head = beginning(Payloads::Kept);
    let mut other = head.clone();
    other[16] += 1;
    assert!(matches!(read(&other), Err(JournalError::Version(4))));
    assert!(matches!(read(b"GIF89a"), Err(JournalError::NotAJournal)));

    let with_body = |body: &[u8]| {
        let mut file = head[..20].to_vec();
        file.extend((body.len() as u32).to_le_bytes());
        file.extend(crc32fast::hash(body).to_le_bytes());
        file.extend(body);
        read(&file)
    };
    let body = &head[28..];
    assert!(with_body(body).is_ok());
    let at = body.windows(15).position(|part| part == b"connections_max").unwrap();
    let mut renamed = body.to_vec();
    renamed[at] = b'k';
    assert!(matches!(with_body(&renamed), Err(JournalError::Config(_))));
    let mut long = body.to_vec();
    long.push(0);
    assert!(matches!(with_body(&long), Err(JournalError::Prologue)));
    // The shard is not one of its house.
    let version = env!("CARGO_PKG_VERSION").len();
    let mut seated = body.to_vec();
    seated[1 + version + 1] = 1;
    assert!(matches!(with_body(&seated), Err(JournalError::Prologue)));
}

proptest! {
    #[test]
    fn whatever_is_in_a_block_it_is_read_or_refused(
        body in prop::collection::vec(any::<u8>(), 0..200),
        inputs in 0_u32..20,
        is_kept: bool,
    ) {
        let payloads = if is_kept { Payloads::Kept } else { Payloads::Omitted };
        let file = forged(&beginning(payloads), &body, inputs);
        // Either is fine; a panic is not.
        let _ = read(&file);
        let _ = Summary::read(&mut Journal::open(&file[..]).unwrap());
    }

    #[test]
    fn a_true_block_with_wrong_bytes_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (file, _) = eventful(1, Payloads::Kept).journals(Tail::Ended).remove(0);
        let head = beginning(Payloads::Kept);
        let at = head.len() + super::super::block::HEAD_BYTES;
        let inputs = u32::from_le_bytes(file[head.len() + 8..head.len() + 12].try_into().unwrap());
        let mut body = file[at..file.len() - super::super::TAIL_BYTES].to_vec();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        let _ = read(&forged(&head, &body, inputs));
    }
}
