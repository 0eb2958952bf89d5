use std::panic::{AssertUnwindSafe, catch_unwind};

use super::house::{BEGAN, House, eventful};
use crate::{
    Arrival, Commands, Config, Event, Hub, Instant, Message, Negotiated, Parcel, PeerAddr, Seat,
    ShardId,
    hub::{Content, Credit},
    journal::{
        Difference, InputKind, Journal, JournalError, Parted, Payloads, Replay, ReplayError, Step,
        Summary, TAIL_BYTES, Tail, Tally,
    },
};

fn replay(file: &[u8]) -> Replay<&[u8]> {
    let mut replay = Replay::new(Journal::open(file).unwrap()).unwrap();
    while replay.step().unwrap() {}
    replay
}

#[test]
fn a_house_replays_to_its_digests() {
    for shards in [1, 2, 3] {
        let house = eventful(shards, Payloads::Kept);
        assert_eq!(house.hub(0).stats().connections, 0);
        for (shard, (file, digest)) in house.journals(Tail::Ended).iter().enumerate() {
            let replay = replay(file);
            assert_eq!(replay.parted(), None, "shard {shard} of {shards}");
            assert_eq!(replay.digest(), *digest);
            assert_eq!(replay.tail(), Some(Tail::Ended));
            assert_eq!(replay.compared(), replay.inputs());
            assert!(replay.commands_total() > 20, "{}", replay.commands_total());
            assert!(!replay.has_panicked());
            assert!(replay.covered() > std::time::Duration::from_secs(10));
            assert_eq!(replay.hub().stats().connections, 0);
        }
    }
}

/// Commands of earlier calls that wait, and are taken back in the middle of a later one, are the
/// caller's: the replay has none of them.
#[test]
fn commands_that_are_taken_back_do_not_change_the_digest() {
    let mut house = House::new(1, Payloads::Kept);
    let mut peer = house.open(0, "/");
    let heard_before = house.hub(0).stats().received_messages;
    house.say(&mut peer, &["close", "never heard", "never heard"]);
    assert_eq!(house.hub(0).stats().received_messages - heard_before, 3);
    let (file, digest) = house.journals(Tail::Ended).remove(0);
    let replay = replay(&file);
    assert_eq!((replay.parted(), replay.digest()), (None, digest));
}

#[test]
fn another_run_is_seen_to_part_in_its_block() {
    let (mut file, _) = eventful(1, Payloads::Kept).journals(Tail::Ended).remove(0);
    // Somebody else was connected.
    let at = file.windows(4).position(|part| part == [192, 0, 2, 7]).unwrap();
    file[at + 3] = 8;
    let length = u32::from_le_bytes(file[20..24].try_into().unwrap()) as usize;
    let block = &mut file[28 + length..];
    let body = u64::from_le_bytes(block[..8].try_into().unwrap()) as usize;
    let sum = crc32fast::hash(&block[56..56 + body]).to_le_bytes();
    block[48..52].copy_from_slice(&sum);
    let sum = crc32fast::hash(&block[..52]).to_le_bytes();
    block[52..56].copy_from_slice(&sum);

    let Parted { first, difference, .. } = replay(&file).parted().unwrap();
    let Difference::Digest { recorded, replayed } = difference else { panic!("{difference:?}") };
    assert_eq!(first, 1);
    assert_ne!(recorded, replayed);
}

#[test]
fn a_journal_that_was_cut_replays_up_to_there() {
    let house = eventful(1, Payloads::Kept);
    let (file, _) = house.journals(Tail::Ended).remove(0);
    let whole = replay(&file).inputs();
    let cut = replay(&file[..file.len() - TAIL_BYTES]);
    assert_eq!((cut.inputs(), cut.tail(), cut.parted()), (whole, Some(Tail::Cut), None));
    // In the middle of its only block.
    let cut = replay(&file[..file.len() - TAIL_BYTES - 1]);
    assert_eq!((cut.inputs(), cut.tail(), cut.parted()), (0, Some(Tail::Cut), None));
}

#[test]
fn a_long_run_has_many_blocks() {
    let mut house = House::new(1, Payloads::Kept);
    let mut peer = house.open(0, "/");
    for _ in 0..40 {
        house.say(&mut peer, &["x".repeat(4000).as_str()]);
    }
    let (file, digest) = house.journals(Tail::Full).remove(0);
    let replay = replay(&file);
    assert_eq!((replay.parted(), replay.digest()), (None, digest));
    assert_eq!(replay.tail(), Some(Tail::Full));
    assert!(replay.journal().blocks() > 5, "{}", replay.journal().blocks());
}

#[test]
fn it_can_be_taken_away_at_any_time() {
    let mut hub = Hub::recorded(Config::default(), Seat::alone(7), Payloads::Kept, BEGAN);
    let (mut file, mut part) = (Vec::new(), Vec::new());
    for number in 0..5 {
        hub.handle(Instant::from_nanos(number), Event::Tick, &mut Commands::default());
        hub.take_journal(&mut part);
        file.extend(&part);
        hub.take_journal(&mut part);
        assert!(part.is_empty());
    }
    hub.end_journal(Tail::Ended, &mut part);
    assert_eq!(part.len(), TAIL_BYTES);
    file.extend(&part);
    assert_eq!(hub.digest(), None);
    let replay = replay(&file);
    assert_eq!((replay.inputs(), replay.journal().blocks()), (5, 6));
}

/// No driver gives a hub credit that it never spent. If one does, the replay says so and does not
/// go on: what a hub makes of it means nothing.
#[test]
fn a_parcel_that_no_shard_can_have_sent_is_refused() {
    let seat = Seat { shard: ShardId(0), shards: 2, seed: 7 };
    let mut hub = Hub::recorded(Config::default(), seat, Payloads::Kept, BEGAN);
    hub.handle(Instant::ZERO, Event::Tick, &mut Commands::default());
    let credit = Content::Credit(Credit { publish: 1, deliver: 0 });
    let told = catch_unwind(AssertUnwindSafe(|| {
        let parcel = Event::Parcel(ShardId(1), Parcel(credit));
        hub.handle(Instant::ZERO, parcel, &mut Commands::default());
    }));
    assert!(told.is_err() && hub.is_poisoned());
    let mut file = Vec::new();
    hub.end_journal(Tail::Ended, &mut file);

    let mut replay = Replay::new(Journal::open(&file[..]).unwrap()).unwrap();
    assert!(replay.step().unwrap());
    for _ in 0..2 {
        assert!(matches!(replay.step(), Err(JournalError::Parcel { input: 2 })));
        assert!(!replay.has_panicked() && replay.inputs() == 1);
    }
    let mut journal = Journal::open(&file[..]).unwrap();
    assert_eq!(Summary::read(&mut journal).unwrap().tail, Some(Tail::Panicked));
}

#[test]
fn an_arrival_is_shown_with_the_id_that_it_was_given() {
    let mut house = House::new(1, Payloads::Kept);
    let peer = house.open(0, "/");
    let (file, _) = house.journals(Tail::Ended).remove(0);
    let mut replay = Replay::new(Journal::open(&file[..]).unwrap()).unwrap();
    let mut accepted = Vec::new();
    while replay.step().unwrap() {
        accepted.extend(replay.accepted());
    }
    assert_eq!(accepted, [Ok(peer.conn)]);
}

#[test]
fn what_stands_before_damage_is_counted() {
    let mut house = House::new(1, Payloads::Kept);
    let mut peer = house.open(0, "/");
    for _ in 0..40 {
        house.say(&mut peer, &["x".repeat(4000).as_str()]);
    }
    let (mut file, _) = house.journals(Tail::Ended).remove(0);
    let end = file.len();
    file[end - TAIL_BYTES - 1] ^= 1;
    let mut journal = Journal::open(&file[..]).unwrap();
    let mut tally = Tally::new(journal.prologue().payloads);
    assert!(matches!(tally.read(&mut journal), Err(JournalError::Checksum { .. })));
    let summary = tally.summary();
    assert!(summary.inputs() > 20 && summary.inputs() == journal.inputs());
    assert_eq!((summary.accepted, summary.tail), (1, None));
    assert!(summary.to_string().ends_with("the end            not reached"), "{summary}");
}

#[test]
fn inputs_are_shown_with_their_times() {
    let mut house = House::new(1, Payloads::Kept);
    let begun = house.now;
    house.open(0, "/");
    let (file, _) = house.journals(Tail::Ended).remove(0);
    let mut journal = Journal::open(&file[..]).unwrap();
    assert_eq!(journal.prologue().package, env!("CARGO_PKG_VERSION"));
    assert_eq!(journal.prologue().began, BEGAN);
    let mut times = Vec::new();
    loop {
        match journal.step().unwrap() {
            Step::Input(now, _) => times.push(now),
            Step::BlockEnd(_) => {}
            Step::End(_) => break,
        }
    }
    assert_eq!(times[0], begun);
    assert!(times.is_sorted());
    assert_eq!(times.len() as u64, journal.inputs());
}

#[test]
fn without_payloads_it_holds_nothing_that_was_said() {
    for (file, _) in eventful(2, Payloads::Omitted).journals(Tail::Ended) {
        for secret in [&b"hidden"[..], b"alice", b"lobby", b"192.0.2", b"chat"] {
            assert!(!file.windows(secret.len()).any(|part| part == secret), "{secret:?}");
        }
        assert!(!file.windows(4).any(|part| part == [192, 0, 2, 7]));
        assert!(!file.windows(8).any(|part| part == 0x5eed_u64.to_le_bytes()));
        let journal = Journal::open(&file[..]).unwrap();
        assert_eq!(journal.prologue().seat.seed, 0);
        assert_eq!(Replay::new(journal).err(), Some(ReplayError::PayloadsOmitted));
    }
}

#[test]
fn both_kinds_have_the_same_summary_but_for_the_names() {
    let read = |payloads| {
        let files = eventful(2, payloads).journals(Tail::Ended);
        files
            .iter()
            .map(|(file, _)| Summary::read(&mut Journal::open(&file[..]).unwrap()).unwrap())
            .collect::<Vec<_>>()
    };
    let (kept, omitted) = (read(Payloads::Kept), read(Payloads::Omitted));
    for (kept, omitted) in kept.into_iter().zip(omitted) {
        let count =
            |wanted: InputKind| kept.kinds.iter().find(|(kind, ..)| *kind == wanted).unwrap().1;
        assert!(kept.accepted >= 3 && kept.connections_peak >= 3);
        assert!(count(InputKind::Drawn) > 0 && count(InputKind::Parcel) > 0);
        assert_eq!(count(InputKind::Drain), 1);
        assert!(kept.names >= 3, "{kept}");
        assert!(omitted.to_string().contains("cannot be replayed"), "{omitted}");
        assert_eq!(Summary { payloads: Payloads::Kept, ..omitted }, kept);
    }
}

#[test]
fn without_payloads_nothing_tells_one_text_from_another() {
    let journal = |text: &str| {
        let began = std::time::Duration::ZERO;
        let mut hub = Hub::recorded(Default::default(), Seat::alone(7), Payloads::Omitted, began);
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
        let commands = &mut Commands::default();
        let conn = hub.accept(Instant::ZERO, arrival, commands).unwrap();
        hub.handle(Instant::ZERO, Event::Send(conn, Message::text(text)), commands);
        hub.handle(Instant::ZERO, Event::Sent(conn, 6), commands);
        let mut file = Vec::new();
        hub.end_journal(Tail::Ended, &mut file);
        file
    };
    assert_eq!(journal("1234"), journal("5678"));
    assert_ne!(journal("1234"), journal("12345"));
}
