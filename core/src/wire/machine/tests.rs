//! The wire against bytes made by hand, however they are cut.

use tungstenite::protocol::CloseFrame;

use crate::wire::{
    CloseCodeNotAllowed, Deflate, Deflater, Fault, Incoming, Inflater, Limits, Message, ReplyKind,
    Role, Wire,
    assembly::{Assembly, FRONT_BYTES_MAX},
};

mod deflated;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const LIMITS: Limits = Limits { message_bytes_max: 70_000, overlong_lengths: false };

/// What a wire told, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Message(Message),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseFrame>),
    Reply(ReplyKind, Vec<u8>),
}

fn keep(incoming: Incoming<'_>) -> Told {
    match incoming {
        Incoming::Message(message) => Told::Message(message),
        Incoming::Ping(payload) => Told::Ping(payload.to_vec()),
        Incoming::Pong(payload) => Told::Pong(payload.to_vec()),
        Incoming::Close(frame) => Told::Close(frame),
        Incoming::Reply(reply) => Told::Reply(reply.kind, reply.frame.to_vec()),
    }
}

fn server() -> Wire {
    Wire::new(Role::Server, LIMITS)
}

fn client() -> Wire {
    Wire::new(Role::Client { mask_seed: [7; 32] }, LIMITS)
}

/// Gives a wire the bytes in pieces that end at `cuts`.
fn receive(wire: &mut Wire, bytes: &[u8], cuts: &[usize]) -> (Vec<Told>, Result<(), Fault>) {
    let mut told = Vec::new();
    let mut start = 0;
    let mut outcome = Ok(());
    for end in cuts.iter().copied().chain([bytes.len()]) {
        let mut piece = bytes[start..end].to_vec();
        outcome = wire.receive(&mut piece, &mut |incoming| told.push(keep(incoming)));
        start = end;
    }
    (told, outcome)
}

fn whole(wire: &mut Wire, bytes: &[u8]) -> (Vec<Told>, Result<(), Fault>) {
    receive(wire, bytes, &[])
}

/// What a server makes of the bytes, and that it is the same byte by byte.
fn served(bytes: &[u8]) -> (Vec<Told>, Result<(), Fault>) {
    let mut wire = server();
    let told = whole(&mut wire, bytes);
    let each: Vec<usize> = (1..bytes.len()).collect();
    let mut slow = server();
    assert_eq!(receive(&mut slow, bytes, &each), told, "{}", bytes.escape_ascii());
    assert_eq!(slow.frames_received(), wire.frames_received());
    told
}

/// A client's frame.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        0..=125 => frame.push(0x80 | payload.len() as u8),
        126..=65_535 => {
            frame.push(0xfe);
            frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        }
        _ => {
            frame.push(0xff);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ MASK[i % 4]));
    frame
}

fn text(text: &str) -> Told {
    Told::Message(Message::text(text))
}

fn reply_close(code: u16) -> Told {
    Told::Reply(ReplyKind::Close, [&[0x88, 0x02], &code.to_be_bytes()[..]].concat())
}

fn close_frame(code: u16, reason: &str) -> CloseFrame {
    CloseFrame { code: code.into(), reason: reason.into() }
}

/// Every kind of frame, at every form of length, fragments with control frames between them.
fn mixed_stream() -> (Vec<u8>, Vec<Told>) {
    let long = "\u{20ac}".repeat(22_000);
    let bytes = [
        masked(0x81, b""),
        masked(0x81, "h\u{e9}llo".as_bytes()),
        masked(0x82, &[0xff; 126]),
        masked(0x01, b"\xe2"),
        masked(0x89, b"between"),
        masked(0x00, b""),
        masked(0x00, b"\x82"),
        masked(0x8a, b""),
        masked(0x80, b"\xac!"),
        masked(0x81, long.as_bytes()),
        masked(0x02, b""),
        masked(0x80, b""),
        masked(0x89, &[7; 125]),
        masked(0x88, b"\x0f\xa0bye"),
    ];
    let told = vec![
        text(""),
        text("h\u{e9}llo"),
        Told::Message(Message::binary(&[0xff; 126])),
        Told::Ping(b"between".to_vec()),
        Told::Reply(ReplyKind::Pong, b"\x8a\x07between".to_vec()),
        Told::Pong(Vec::new()),
        text("\u{20ac}!"),
        text(&long),
        Told::Message(Message::binary(b"")),
        Told::Ping(vec![7; 125]),
        Told::Reply(ReplyKind::Pong, [&[0x8a, 0x7d][..], &[7; 125]].concat()),
        Told::Close(Some(close_frame(4000, "bye"))),
        reply_close(4000),
    ];
    (bytes.concat(), told)
}

#[test]
fn a_mixed_stream_is_understood_whole_and_byte_by_byte() {
    let (bytes, told) = mixed_stream();
    assert_eq!(served(&bytes), (told, Ok(())));
}

#[test]
fn a_mixed_stream_cut_anywhere_is_the_same() {
    let (bytes, told) = mixed_stream();
    let mut rng = fastrand::Rng::with_seed(1);
    for round in 0..300 {
        let mut cuts: Vec<usize> =
            (0..rng.usize(1..40)).map(|_| rng.usize(..=bytes.len())).collect();
        // Most frames are at the front.
        cuts.extend((0..rng.usize(..40)).map(|_| rng.usize(..400)));
        cuts.sort_unstable();
        let mut wire = server();
        assert_eq!(receive(&mut wire, &bytes, &cuts), (told.clone(), Ok(())), "round {round}");
        assert!(!wire.is_mid_message());
    }
}

#[test]
fn each_fault_is_answered_by_its_close_and_ends_the_wire() {
    let big = [&b"\x82\xff"[..], &70_001_u64.to_be_bytes(), &MASK].concat();
    let fragments = [masked(0x02, &[0; 70_000]), masked(0x80, b"x")].concat();
    let top_bit = [&b"\x82\xff"[..], &(1_u64 << 63).to_be_bytes(), &MASK].concat();
    let cases: &[(&[u8], Fault, u16)] = &[
        (&masked(0xc1, b"x"), Fault::ReservedBits, 1002),
        (&masked(0xa1, b"x"), Fault::ReservedBits, 1002),
        (&masked(0x91, b"x"), Fault::ReservedBits, 1002),
        (&masked(0x83, b""), Fault::ReservedOpcode(3), 1002),
        (&masked(0x8f, b""), Fault::ReservedOpcode(15), 1002),
        (b"\x81\x01x", Fault::Unmasked, 1002),
        (&masked(0x89, &[0; 126]), Fault::ControlTooLong, 1002),
        (&masked(0x09, b""), Fault::ControlFragmented, 1002),
        (b"\x82\xfe\x00\x01abcdx", Fault::LengthNotShortest, 1002),
        (&top_bit, Fault::LengthTopBit, 1002),
        (&big, Fault::MessageTooBig, 1009),
        (&fragments, Fault::MessageTooBig, 1009),
        (&masked(0x80, b"x"), Fault::ContinuationOfNothing, 1002),
        (&[masked(0x01, b"x"), masked(0x81, b"y")].concat(), Fault::MessageInsideMessage, 1002),
        (&masked(0x81, b"x\xff"), Fault::InvalidUtf8, 1007),
        (&masked(0x81, b"\xe2\x82"), Fault::InvalidUtf8, 1007),
        (&masked(0x88, b"\x03"), Fault::CloseOfOneByte, 1002),
        (&masked(0x88, b"\x03\xed"), Fault::CloseCodeNotAllowed(1005), 1002),
        (&masked(0x88, b"\x03\xe8\xff"), Fault::CloseReasonNotUtf8, 1007),
    ];
    for (bytes, fault, code) in cases {
        assert_eq!(u16::from(fault.code()), *code);
        let bytes = [&masked(0x81, b"before"), *bytes, &masked(0x81, b"after")].concat();
        assert_eq!(served(&bytes), (vec![text("before"), reply_close(*code)], Err(*fault)));

        let mut wire = server();
        assert_eq!(whole(&mut wire, &bytes).1, Err(*fault));
        assert_eq!(whole(&mut wire, &masked(0x81, b"later")), (vec![], Err(*fault)));
        assert!(wire.close_sent() && !wire.close_received() && !wire.is_mid_message());
        assert!(!wire.send(&Message::text("x"), &mut Vec::new()));
    }
}

#[test]
fn a_client_refuses_masked_frames_and_masks_its_close() {
    let mut wire = client();
    let (told, outcome) = whole(&mut wire, &masked(0x81, b"x"));
    assert_eq!(outcome, Err(Fault::Masked));
    let [Told::Reply(ReplyKind::Close, frame)] = &told[..] else { panic!("{told:?}") };
    let (told, outcome) = whole(&mut server(), frame);
    assert_eq!(outcome, Ok(()));
    assert_eq!(told[0], Told::Close(Some(close_frame(1002, ""))));
}

#[test]
fn messages_are_taken_at_their_bound_and_not_past_it() {
    for length in [0, 1, 125, 126, 65_535, 65_536] {
        let limits = Limits { message_bytes_max: length, ..Limits::default() };
        let at = masked(0x82, &vec![1; length]);
        let past = masked(0x82, &vec![1; length + 1]);
        let mut wire = Wire::new(Role::Server, limits);
        let message = Told::Message(Message::binary(&vec![1; length]));
        assert_eq!(whole(&mut wire, &at), (vec![message], Ok(())));
        assert_eq!(whole(&mut wire, &past), (vec![reply_close(1009)], Err(Fault::MessageTooBig)));
    }
}

#[test]
fn text_is_refused_at_its_first_wrong_byte() {
    // The frame would go on for 60,000 bytes.
    let frame = masked(0x81, &[&b"x\xed\xa0"[..], &[b'x'; 60_000]].concat());
    let mut wire = server();
    assert_eq!(whole(&mut wire, &frame[..10]), (vec![], Ok(())));
    assert_eq!(
        whole(&mut wire, &frame[10..11]),
        (vec![reply_close(1007)], Err(Fault::InvalidUtf8))
    );
}

#[test]
fn after_the_peers_close_nothing_is_heard_and_nothing_sent() {
    for (payload, frame, reply) in [
        (&b""[..], None, &b"\x88\x00"[..]),
        (b"\x03\xe9away", Some(close_frame(1001, "away")), b"\x88\x02\x03\xe9"),
    ] {
        let bytes = [masked(0x88, payload), masked(0x81, b"x"), vec![0xff; 9]].concat();
        let told = vec![Told::Close(frame), Told::Reply(ReplyKind::Close, reply.to_vec())];
        assert_eq!(served(&bytes), (told, Ok(())));

        let mut wire = server();
        assert_eq!(whole(&mut wire, &bytes).1, Ok(()));
        assert!(wire.close_sent() && wire.close_received() && !wire.is_mid_message());
        let mut out = Vec::new();
        assert!(!wire.send(&Message::text("x"), &mut out));
        assert!(!wire.ping(b"x", &mut out));
        assert_eq!(wire.close(None, &mut out), Ok(false));
        assert!(out.is_empty());
    }
}

#[test]
fn after_our_own_close_the_peer_is_heard_until_its_close() {
    let mut wire = server();
    let mut out = Vec::new();
    assert_eq!(wire.close(Some(&close_frame(1000, "done")), &mut out), Ok(true));
    assert_eq!(out, b"\x88\x06\x03\xe8done");
    assert!(wire.close_sent() && !wire.close_received());
    assert_eq!(wire.close(Some(&close_frame(1001, "")), &mut out), Ok(false));
    assert_eq!(out.len(), 8);

    let bytes =
        [masked(0x81, b"late"), masked(0x89, b"?"), masked(0x88, b"\x03\xe8"), masked(0x81, b"x")];
    let told =
        vec![text("late"), Told::Ping(b"?".to_vec()), Told::Close(Some(close_frame(1000, "")))];
    assert_eq!(whole(&mut wire, &bytes.concat()), (told, Ok(())));

    let mut wire = server();
    assert_eq!(wire.close(None, &mut Vec::new()), Ok(true));
    assert_eq!(whole(&mut wire, b"\x81\x00"), (vec![], Err(Fault::Unmasked)));
}

#[test]
fn a_close_that_must_not_be_sent_changes_nothing() {
    let mut wire = server();
    let mut out = Vec::new();
    let refused = wire.close(Some(&close_frame(1006, "")), &mut out);
    assert_eq!(refused, Err(CloseCodeNotAllowed(close_frame(1006, "").code)));
    assert!(out.is_empty() && !wire.close_sent());
    assert!(wire.send(&Message::text("x"), &mut out));
}

#[test]
fn what_is_sent_is_what_the_other_end_hears() {
    for (mut sender, mut receiver) in [(client(), server()), (server(), client())] {
        let messages =
            [Message::text("\u{e9}"), Message::binary(&[9; 300]), Message::binary(&[1; 69_999])];
        let mut bytes = Vec::new();
        for message in &messages {
            assert!(sender.send(message, &mut bytes));
        }
        assert!(sender.ping(b"nonce", &mut bytes));
        assert!(!sender.ping(&[0; 126], &mut bytes));
        assert_eq!(sender.close(Some(&close_frame(1000, "")), &mut bytes), Ok(true));

        let cuts: Vec<usize> = (1..bytes.len()).step_by(701).collect();
        let (told, outcome) = receive(&mut receiver, &bytes, &cuts);
        assert_eq!(outcome, Ok(()));
        assert_eq!(told[..3], messages.map(Told::Message));
        assert_eq!(told[3], Told::Ping(b"nonce".to_vec()));
        assert_eq!(told[5], Told::Close(Some(close_frame(1000, ""))));
        let [Told::Reply(_, pong), Told::Reply(_, close)] = [&told[4], &told[6]] else {
            panic!("{told:?}")
        };
        let replies = [&pong[..], close];
        let (told, outcome) = whole(&mut sender, &replies.concat());
        assert_eq!(outcome, Ok(()));
        let answers = [Told::Pong(b"nonce".to_vec()), Told::Close(Some(close_frame(1000, "")))];
        assert_eq!(told, answers);
    }
}

#[test]
fn a_server_sends_a_message_as_it_is_and_a_client_masks_a_copy() {
    let message = Message::text("Hello");
    let mut out = Vec::new();
    assert!(server().send(&message, &mut out));
    assert_eq!(out, message.frame());

    let (mut one, mut same) = (Vec::new(), Vec::new());
    assert!(client().send(&message, &mut one));
    assert!(client().send(&message, &mut same));
    assert_eq!(one, same, "the seed decides the masks");
    assert_eq!(one.len(), message.frame().len() + 4);
    assert_ne!(one[6..], *message.payload());
    let mut wire = client();
    let mut two = Vec::new();
    assert!(wire.send(&message, &mut two) && wire.send(&message, &mut two));
    assert_ne!(two[..11], two[11..], "each frame has a mask of its own");
}

#[test]
fn an_idle_wire_is_small_and_owns_no_heap() {
    assert!(size_of::<Wire>() <= 40, "{}", size_of::<Wire>());
    let mut wire = server();
    let (bytes, _) = mixed_stream();
    let mut at = 0;
    for end in 1..2_000 {
        let mut told = 0;
        wire.receive(&mut bytes[at..end].to_vec(), &mut |_| told += 1).unwrap();
        at = end;
        assert_eq!(wire.is_mid_message(), wire.assembly_bytes() > 0);
    }
    wire = server();
    assert_eq!(whole(&mut wire, &masked(0x81, b"x")).1, Ok(()));
    assert_eq!(wire.assembly_bytes(), 0);
    assert!(!wire.is_mid_message());
}

#[test]
fn what_is_held_is_twice_what_came_however_much_is_announced() {
    let mut wire = server();
    let header = &masked(0x82, &[0; 65_536])[..14];
    assert_eq!(whole(&mut wire, header), (vec![], Ok(())));
    assert!(wire.is_mid_message());
    assert_eq!(wire.assembly_bytes(), size_of::<Assembly>());
    assert_eq!(whole(&mut wire, &[0; 1000]), (vec![], Ok(())));
    assert!(wire.assembly_bytes() <= size_of::<Assembly>() + 2 * (FRONT_BYTES_MAX + 1000));
    // Once a 64th of it has come, the next move is the last.
    assert_eq!(whole(&mut wire, &[0; 4000]), (vec![], Ok(())));
    let whole_frame = size_of::<Assembly>() + 65_536;
    assert!((whole_frame..=whole_frame + FRONT_BYTES_MAX).contains(&wire.assembly_bytes()));
}

#[test]
fn a_million_empty_fragments_hold_nothing_and_are_counted() {
    let mut wire = server();
    let fragments = masked(0x00, b"").repeat(1_000);
    assert_eq!(whole(&mut wire, &masked(0x02, b"")), (vec![], Ok(())));
    for _ in 0..1_000 {
        assert_eq!(whole(&mut wire, &fragments), (vec![], Ok(())));
    }
    assert_eq!(wire.assembly_bytes(), size_of::<Assembly>());
    assert_eq!(wire.frames_received(), 1_000_001);
}

#[test]
fn a_frame_that_trickles_in_holds_no_more_than_it_says() {
    let mut wire = server();
    let mut frame = vec![0x82, 0x80 | 126];
    frame.extend(1000_u16.to_be_bytes());
    frame.extend(MASK);
    frame.resize(frame.len() + 999, 0);
    for byte in &mut frame {
        wire.receive(std::slice::from_mut(byte), &mut |_| {}).unwrap();
        assert!(wire.assembly_bytes() <= size_of::<Assembly>() + FRONT_BYTES_MAX + 1000);
    }
    assert!(wire.is_mid_message());
}

#[test]
fn in_the_midst_of_a_frame_what_it_lacks_may_come_on_top() {
    let mut wire = server();
    assert_eq!(wire.read_bytes(1_000), 1_000);
    let frame = masked(0x82, &[0; 60_000]);
    assert_eq!(whole(&mut wire, &frame[..8]).1, Ok(()));
    assert_eq!(wire.read_bytes(1_000), 4_000);
    assert_eq!(whole(&mut wire, &frame[8..frame.len() - 10]).1, Ok(()));
    assert_eq!(wire.read_bytes(1_000), 1_010);
    assert_eq!(whole(&mut wire, &frame[frame.len() - 10..]).1, Ok(()));
    assert_eq!(wire.read_bytes(1_000), 1_000);
}
