//! B1 to B8: frames that are wrong from their header on.

use fanlight_sim::frame::masked;
use fanlight_tests::victim::Victim;

use crate::row::{Gets, Row, play};

const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// What a message at the bound may cost: as it comes, whole, and as it is echoed.
const MESSAGE_COST: u64 = 4 * MESSAGE_BYTES_MAX as u64;

const PROTOCOL: Gets = Gets::Close(1002);
const TOO_BIG: Gets = Gets::Close(1009);

/// For a server that takes messages of at most 64 KiB.
pub(crate) fn rows() -> Vec<Row> {
    [lengths(), sums(), bits_and_opcodes(), order()].into_iter().flatten().collect()
}

/// A masked header that declares a length, in eight bytes, and no payload.
fn declaring(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff][..], &length.to_be_bytes(), b"mask"].concat()
}

/// The same in two bytes.
fn declaring_short(first: u8, length: u16) -> Vec<u8> {
    [&[first, 0xfe][..], &length.to_be_bytes(), b"mask"].concat()
}

fn lengths() -> Vec<Row> {
    vec![
        Row::frames("B1 the top bit", declaring(0x82, 1 << 63), PROTOCOL),
        Row::frames("B1 all bits", declaring(0x82, u64::MAX), PROTOCOL),
        Row::frames("B1 the top bit on a ping", declaring(0x89, 1 << 63), PROTOCOL),
        Row::frames("B1 the top bit on a fragment", declaring(0x02, 1 << 63), PROTOCOL),
        Row::frames("B2 a byte past the limit", declaring(0x82, 65_537), TOO_BIG),
        Row::frames("B2 a GiB", declaring(0x82, 1 << 30), TOO_BIG),
        Row::frames("B2 all that 63 bits can say", declaring(0x81, u64::MAX >> 1), TOO_BIG),
        Row::frames("B2 a first fragment of a GiB", declaring(0x02, 1 << 30), TOO_BIG),
        Row::frames("B2 a reserved opcode, 16 MiB", declaring(0x83, 16 << 20), PROTOCOL),
        Row::frames("B2 a ping, 16 MiB", declaring(0x89, 16 << 20), PROTOCOL),
        Row::frames("B3 0 in two bytes", declaring_short(0x81, 0), PROTOCOL),
        Row::frames("B3 125 in two bytes", declaring_short(0x81, 125), PROTOCOL),
        Row::frames("B3 65,535 in eight bytes", declaring(0x81, 65_535), PROTOCOL),
        Row::frames("B3 a ping of 5 in two bytes", declaring_short(0x89, 5), PROTOCOL),
    ]
}

/// A binary message of zeros in fragments of these sizes.
fn fragments(sizes: &[usize]) -> Vec<u8> {
    let last = sizes.len() - 1;
    let fragment = |(n, size): (usize, &usize)| {
        let is_final = if n == last { 0x80 } else { 0 };
        let opcode = if n == 0 { 0x2 } else { 0x0 };
        masked(is_final | opcode, &vec![0; *size])
    };
    sizes.iter().enumerate().flat_map(fragment).collect()
}

fn sums() -> Vec<Row> {
    let whole = || Gets::echo(0x2, vec![0; MESSAGE_BYTES_MAX]);
    let declared = [masked(0x02, &[0; 65_000]), declaring(0x00, 1 << 40)].concat();
    let rows = vec![
        Row::frames("B8 one frame at the limit", fragments(&[65_536]), whole()),
        Row::frames("B8 one frame past it", fragments(&[65_537]), TOO_BIG),
        Row::frames("B8 two fragments at it", fragments(&[32_768, 32_768]), whole()),
        Row::frames("B8 two fragments past it", fragments(&[32_768, 32_769]), TOO_BIG),
        Row::frames("B8 many at it", fragments(&[1024; 64]), whole()),
        Row::frames("B8 many past it", fragments(&[1024; 65]), TOO_BIG),
        Row::frames("B8 the last one past it by its length only", declared, TOO_BIG),
    ];
    rows.into_iter().map(|row| row.costs(MESSAGE_COST)).collect()
}

fn bits_and_opcodes() -> Vec<Row> {
    let text = |bits: u8| masked(0x81 | bits, b"x");
    let begun = || masked(0x01, b"x");
    let mut rows = vec![
        Row::frames("B4 a text without a mask", b"\x81\x05hello".to_vec(), PROTOCOL),
        Row::frames("B4 an empty text without a mask", b"\x81\x00".to_vec(), PROTOCOL),
        Row::frames("B4 a Close without a mask", b"\x88\x02\x03\xe8".to_vec(), PROTOCOL),
        Row::frames("B4 a ping without a mask", b"\x89\x00".to_vec(), PROTOCOL),
        Row::frames("B5 RSV1", text(0x40), PROTOCOL),
        Row::frames("B5 RSV2", text(0x20), PROTOCOL),
        Row::frames("B5 RSV3", text(0x10), PROTOCOL),
        Row::frames("B5 all of them", text(0x70), PROTOCOL),
        Row::frames("B5 RSV1 on a ping", masked(0xc9, b""), PROTOCOL),
        Row::frames("B5 RSV1 on a Close", masked(0xc8, b""), PROTOCOL),
        Row::frames("B5 RSV1 on a fragment", masked(0x41, b"x"), PROTOCOL),
        Row::frames("B5 RSV1 on a continuation", [begun(), masked(0xc0, b"x")].concat(), PROTOCOL),
        Row::frames("B6 a ping of 126 bytes", masked(0x89, &[0; 126]), PROTOCOL),
        Row::frames("B6 a pong of 126 bytes", masked(0x8a, &[0; 126]), PROTOCOL),
        Row::frames("B6 a Close of 126 bytes", masked(0x88, &[0; 126]), PROTOCOL),
        Row::frames("B6 a ping of 64 KiB", masked(0x89, &[0; 65_536]), PROTOCOL),
        Row::frames("B6 a fragmented ping", masked(0x09, b"x"), PROTOCOL),
        Row::frames("B6 a fragmented pong", masked(0x0a, b"x"), PROTOCOL),
        Row::frames("B6 a fragmented Close", masked(0x08, b"\x03\xe8"), PROTOCOL),
    ];
    rows.extend([
        Row::frames("B6 opcode 3", masked(0x83, b"x"), PROTOCOL),
        Row::frames("B6 opcode 4", masked(0x84, b""), PROTOCOL),
        Row::frames("B6 opcode 5", masked(0x85, b"x"), PROTOCOL),
        Row::frames("B6 opcode 6", masked(0x86, b""), PROTOCOL),
        Row::frames("B6 opcode 7", masked(0x87, b"x"), PROTOCOL),
        Row::frames("B6 opcode 11", masked(0x8b, b""), PROTOCOL),
        Row::frames("B6 opcode 12", masked(0x8c, b"x"), PROTOCOL),
        Row::frames("B6 opcode 13", masked(0x8d, b""), PROTOCOL),
        Row::frames("B6 opcode 14", masked(0x8e, b"x"), PROTOCOL),
        Row::frames("B6 opcode 15", masked(0x8f, b""), PROTOCOL),
    ]);
    rows
}

fn order() -> Vec<Row> {
    let after = |first: &[u8], second: Vec<u8>| [first, &second].concat();
    let begun = masked(0x01, b"one");
    let cut =
        [masked(0x01, b"one"), masked(0x8a, b"pong"), masked(0x00, b""), masked(0x80, b"two")];
    vec![
        Row::frames("B7 a continuation of nothing", masked(0x80, b"x"), PROTOCOL),
        Row::frames("B7 one that is not the last", masked(0x00, b"x"), PROTOCOL),
        Row::frames("B7 an empty one", masked(0x00, b""), PROTOCOL),
        Row::frames("B7 a text inside a text", after(&begun, masked(0x81, b"x")), PROTOCOL),
        Row::frames("B7 a binary inside a text", after(&begun, masked(0x82, b"x")), PROTOCOL),
        Row::frames("B7 a text begun twice", after(&begun, masked(0x01, b"x")), PROTOCOL),
        Row::frames("B7 a pong inside is right", cut.concat(), Gets::echo(1, b"onetwo".to_vec())),
    ]
}

#[test]
fn what_a_header_shows_to_be_wrong_ends_the_connection_by_its_code() {
    play(&Victim::start("--shards 1 --message-bytes-max 64KiB"), &rows());
}
