//! B11: text that is not UTF-8, however it is cut.

use fanlight_sim::frame::masked;
use fanlight_tests::victim::Victim;

use crate::row::{Gets, Row, play};

const INVALID: Gets = Gets::Close(1007);

pub(crate) fn rows() -> Vec<Row> {
    let text = |bytes: &[u8]| masked(0x81, bytes);
    let begin = |bytes: &[u8]| masked(0x01, bytes);
    let then = |first: Vec<u8>, second: Vec<u8>| [first, second].concat();
    let whole = "κόσμε 世界 \u{10ffff}".as_bytes();
    let (front, back) = whole.split_at(whole.len() - 2);
    // A frame of 100 bytes of which only these first three come: the second is wrong already.
    let announced = [b"\x81\xe4\0\0\0\0", &b"a\xffb"[..]].concat();
    vec![
        Row::frames("B11 a byte that is none", text(b"\xff"), INVALID),
        Row::frames("B11 a continuation alone", text(b"\x80"), INVALID),
        Row::frames("B11 overlong", text(b"\xc0\xaf"), INVALID),
        Row::frames("B11 a surrogate", text(b"\xed\xa0\x80"), INVALID),
        Row::frames("B11 past the last character", text(b"\xf4\x90\x80\x80"), INVALID),
        Row::frames("B11 cut off at the end", text(b"ab\xe2\x82"), INVALID),
        Row::frames("B11 wrong after right", text(b"\xce\xba\xe1\xbd\xb9\xff"), INVALID),
        Row::frames("B11 a first fragment, not the last", begin(b"a\xffb"), INVALID),
        Row::frames(
            "B11 split across frames",
            then(begin(b"\xe2\x82"), masked(0x00, b"\xff")),
            INVALID,
        ),
        Row::frames("B11 split, and cut off", then(begin(b"\xe2"), masked(0x80, b"\x82")), INVALID),
        Row::frames("B11 before the frame is whole", announced, INVALID),
        Row::frames(
            "B11 right, split inside a character",
            then(begin(front), masked(0x80, back)),
            Gets::echo(0x1, whole.to_vec()),
        ),
        Row::frames("B11 a binary may be anything", masked(0x82, b"\xff\xc0"), {
            Gets::echo(0x2, b"\xff\xc0".to_vec())
        }),
    ]
}

#[test]
fn text_that_is_not_utf_8_ends_the_connection_at_its_first_wrong_byte() {
    play(&Victim::start("--shards 1"), &rows());
}
