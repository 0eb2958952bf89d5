//! Compressed messages: RFC 7692.

use super::*;

const DEFLATER: Deflater = Deflater { level: 6, bytes_min: 0 };
/// "Hello", compressed: RFC 7692, section 7.2.3.1.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

fn agreed(mut wire: Wire, window_bits: u8) -> Wire {
    wire.set_deflate(Deflate::recorded(window_bits));
    wire
}

/// A server's frame, of which nothing is masked, so that a client reads it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, u8::try_from(payload.len()).unwrap()], payload].concat()
}

/// What a client that has agreed makes of the bytes, and that it is the same however they are cut.
fn heard(bytes: &[u8]) -> (Vec<Told>, Result<(), Fault>) {
    let told = whole(&mut agreed(client(), 15), bytes);
    let each: Vec<usize> = (1..bytes.len()).collect();
    assert_eq!(receive(&mut agreed(client(), 15), bytes, &each).1, told.1);
    for cut in 1..bytes.len() {
        let mut wire = agreed(client(), 15);
        let (cut_told, outcome) = receive(&mut wire, bytes, &[cut]);
        assert_eq!(outcome, told.1, "cut at {cut}");
        // Replies are masked anew each time; what is heard is the same.
        let messages = |told: &[Told]| {
            told.iter().filter(|told| !matches!(told, Told::Reply(..))).cloned().collect::<Vec<_>>()
        };
        assert_eq!(messages(&cut_told), messages(&told.0), "cut at {cut}");
    }
    told
}

#[test]
fn a_message_is_inflated_whole_or_in_fragments() {
    let hello = vec![Told::Message(Message::text("Hello"))];
    assert_eq!(heard(&frame(0xc1, HELLO)), (hello.clone(), Ok(())));
    for cut in 0..=HELLO.len() {
        let fragments =
            [frame(0x41, &HELLO[..cut]), frame(0x00, b""), frame(0x80, &HELLO[cut..])].concat();
        assert_eq!(heard(&fragments), (hello.clone(), Ok(())), "cut at {cut}");
    }
    let plain = [frame(0x81, b"plain"), frame(0xc2, b"\0"), frame(0x82, b"")].concat();
    let messages = [Message::text("plain"), Message::binary(b""), Message::binary(b"")];
    assert_eq!(heard(&plain), (messages.map(Told::Message).to_vec(), Ok(())));
}

#[test]
fn a_control_frame_between_fragments_is_not_compressed() {
    let bytes = [frame(0x41, &HELLO[..3]), frame(0x8a, b"pong"), frame(0x80, &HELLO[3..])].concat();
    let told = [Told::Pong(b"pong".to_vec()), Told::Message(Message::text("Hello"))];
    assert_eq!(heard(&bytes), (told.to_vec(), Ok(())));
}

#[test]
fn the_bit_stands_on_the_first_frame_of_a_message_and_only_if_it_was_agreed_on() {
    let begun = frame(0x41, HELLO);
    for bytes in [
        [&begun[..], &frame(0xc0, b"")].concat(),
        [&begun[..], &frame(0x40, b"")].concat(),
        frame(0xc9, b""),
        frame(0xca, b""),
        frame(0xc8, b""),
        frame(0xa1, HELLO),
        frame(0xd1, HELLO),
        frame(0xf1, HELLO),
    ] {
        assert_eq!(heard(&bytes).1, Err(Fault::ReservedBits), "{bytes:x?}");
    }
    assert_eq!(whole(&mut client(), &frame(0xc1, HELLO)).1, Err(Fault::ReservedBits));
}

#[test]
fn what_cannot_be_inflated_or_is_no_text_ends_the_wire_with_1007() {
    for (bytes, fault) in [
        (frame(0xc1, b"\x07"), Fault::InvalidDeflate),
        (frame(0xc1, b""), Fault::InvalidDeflate),
        (frame(0xc1, &HELLO[..4]), Fault::InvalidDeflate),
        (frame(0xc1, b"\x00\x01\x00\xfe\xff\xff\x00"), Fault::InvalidUtf8),
    ] {
        let (told, outcome) = heard(&bytes);
        assert_eq!((told.len(), outcome), (1, Err(fault)), "{bytes:x?}");
        assert_eq!(u16::from(fault.code()), 1007);
    }
    let binary = frame(0xc2, b"\x00\x01\x00\xfe\xff\xff\x00");
    assert_eq!(heard(&binary), (vec![Told::Message(Message::binary(b"\xff"))], Ok(())));
}

#[test]
fn the_limit_is_on_what_it_inflates_to() {
    let at = Message::binary(&vec![0; LIMITS.message_bytes_max]);
    let past = Message::binary(&vec![0; LIMITS.message_bytes_max + 1]);
    let sent = |message: &Message| {
        let mut bytes = Vec::new();
        assert!(agreed(client(), 15).send_deflated(message, DEFLATER, &mut bytes));
        assert!(bytes.len() < 200, "{}", bytes.len());
        bytes
    };
    let mut wire = agreed(server(), 15);
    assert_eq!(whole(&mut wire, &sent(&at)), (vec![Told::Message(at.clone())], Ok(())));
    assert_eq!(wire.assembly_bytes(), 0);
    assert_eq!(wire.frames_received(), 1 + 70_000 / 4096, "inflating is work");
    assert_eq!(whole(&mut wire, &sent(&past)).1, Err(Fault::MessageTooBig));
    assert_eq!(wire.assembly_bytes(), 0);
}

#[test]
fn what_got_longer_when_it_was_compressed_is_taken_up_to_the_same_limit() {
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(70_000).collect();
    // Stored in blocks of at most 65,535 bytes: RFC 1951, section 3.2.4.
    let mut payload = Vec::new();
    for block in noise.chunks(65_535) {
        let length = block.len() as u16;
        payload.push(0);
        payload.extend(length.to_le_bytes());
        payload.extend((!length).to_le_bytes());
        payload.extend(block);
    }
    payload.push(0);
    assert!(payload.len() > LIMITS.message_bytes_max);
    let header = [&[0xc2, 0x7f][..], &(payload.len() as u64).to_be_bytes()].concat();
    let mut wire = agreed(client(), 15);
    let told = whole(&mut wire, &[header, payload].concat());
    assert_eq!(told, (vec![Told::Message(Message::binary(&noise))], Ok(())));
}

#[test]
fn a_sender_that_knows_the_fixed_codes_only_is_heard_up_to_the_same_limit() {
    // A literal of 0xff is nine ones, and the end of a block seven zeros: RFC 1951, section 3.2.6.
    let length = LIMITS.message_bytes_max;
    let bits = [false, true, false].into_iter().chain(std::iter::repeat_n(true, 9 * length));
    // Behind it the header of an empty stored block, whose rest is the tail that is left out.
    let bits: Vec<bool> = bits.chain([false; 10]).collect();
    let byte = |bits: &[bool]| (0..).zip(bits).fold(0, |byte, (n, bit)| byte | u8::from(*bit) << n);
    let payload: Vec<u8> = bits.chunks(8).map(byte).collect();
    let header = [&[0xc2, 0x7f][..], &(payload.len() as u64).to_be_bytes()].concat();
    let told = whole(&mut agreed(client(), 15), &[header, payload].concat());
    assert_eq!(told, (vec![Told::Message(Message::binary(&vec![0xff; length]))], Ok(())));
}

#[test]
fn a_payload_that_can_only_be_too_big_is_refused_from_its_header() {
    let header = [&[0xc2, 0x7f][..], &100_000_u64.to_be_bytes()].concat();
    assert_eq!(whole(&mut agreed(client(), 15), &header).1, Err(Fault::MessageTooBig));
}

#[test]
fn each_role_reads_what_the_other_compresses_with_any_window() {
    let text = "A window is how far back a sender may point. ".repeat(300);
    for message in [Message::text(&text), Message::binary(text.as_bytes()), Message::text("ab")] {
        for window_bits in 9..=15 {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            assert!(agreed(server(), window_bits).send_deflated(&message, DEFLATER, &mut ours));
            assert!(agreed(client(), window_bits).send_deflated(&message, DEFLATER, &mut theirs));
            let expected = (vec![Told::Message(message.clone())], Ok(()));
            assert_eq!(whole(&mut agreed(client(), 15), &ours), expected);
            assert_eq!(whole(&mut agreed(server(), 15), &theirs), expected);
            let is_long = message.payload().len() > 2;
            assert_eq!(ours.len() < message.frame().len(), is_long);
        }
    }
    let mut plain = Vec::new();
    assert!(server().send_deflated(&Message::text(&text), DEFLATER, &mut plain));
    assert_eq!(plain, Message::text(&text).frame(), "nothing was agreed on");
}

#[test]
fn one_read_brings_at_most_a_thousand_times_its_length() {
    let zeros = Message::binary(&vec![0; LIMITS.message_bytes_max]);
    let mut read = Vec::new();
    let deflater = Deflater { level: 9, ..DEFLATER };
    while read.len() < 16 << 10 {
        assert!(agreed(client(), 15).send_deflated(&zeros, deflater, &mut read));
    }
    let (told, outcome) = whole(&mut agreed(server(), 15), &read);
    let brought = told.len() * LIMITS.message_bytes_max;
    assert_eq!(outcome, Ok(()));
    assert!((500 * read.len()..1_032 * read.len()).contains(&brought), "{brought}");
}

#[test]
fn a_call_stops_at_a_sum_of_inflated_bytes_and_leaves_the_rest_as_it_was() {
    let mut sender = agreed(client(), 15);
    let mut bytes = Vec::new();
    for _ in 0..20 {
        sender.send_deflated(&*"a".repeat(60_000), Deflater { level: 9, bytes_min: 0 }, &mut bytes);
    }
    let mut wire = agreed(server(), 15);
    let mut inflater = Inflater::default();
    let (mut left, mut told) = (bytes.clone(), Vec::new());
    while !left.is_empty() {
        let mut messages = 0;
        let taken = wire.receive_with(&mut inflater, &mut left, &mut |_| messages += 1).unwrap();
        left.drain(..taken);
        assert!(bytes.ends_with(&left), "it is unchanged");
        told.push(messages);
    }
    assert_eq!(told, [5, 5, 5, 5], "the fifth makes it 256 KiB");
}
