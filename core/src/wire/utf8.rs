//! Judges UTF-8 as it comes in pieces: RFC 6455, section 8.1.

/// Bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// Whether the bytes are text, whole.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// A judge of text that grows, who refuses at the first wrong byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Utf8 {
    /// So many bytes from the beginning are whole characters.
    judged: usize,
}

impl Utf8 {
    /// Judges what has come since `text` was judged last.
    #[inline]
    pub(super) fn check(&mut self, text: &[u8]) -> Result<(), Invalid> {
        let rest = &text[self.judged..];
        let (whole, begun) = rest.split_at(rest.len() - unfinished_bytes(rest));
        if !is_text(whole) {
            return Err(Invalid);
        }
        self.judged += whole.len();
        if begun.is_empty() {
            return Ok(());
        }
        match str::from_utf8(begun) {
            Err(error) if error.error_len().is_none() => Ok(()),
            Ok(_) | Err(_) => Err(Invalid),
        }
    }

    /// Judges the end of a text of so many bytes: no character may be unfinished.
    pub(super) fn finish(&self, length: usize) -> Result<(), Invalid> {
        if self.judged == length { Ok(()) } else { Err(Invalid) }
    }
}

/// How many bytes at the end begin a character that is longer: at most three. Whether they may is
/// not judged.
#[inline]
fn unfinished_bytes(text: &[u8]) -> usize {
    for (bytes, byte) in (1..).zip(text.iter().rev().take(3)) {
        let length = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0.. => 4,
            // It is inside of a character, and the one before it says more.
            0x80..=0xbf => continue,
            0..=0x7f => 1,
        };
        return if bytes < length { bytes } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(pieces: &[&[u8]]) -> Result<(), Invalid> {
        let (mut utf8, mut text) = (Utf8::default(), Vec::new());
        for piece in pieces {
            text.extend_from_slice(piece);
            utf8.check(&text)?;
        }
        utf8.finish(text.len())
    }

    #[test]
    fn text_cut_anywhere_is_text() {
        let text = "a\u{e9}\u{20ac}\u{1f600}z\u{10ffff}".as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(judge(&pieces), Ok(()), "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn every_short_sequence_is_judged_like_the_whole() {
        // The bytes at which a rule of RFC 3629, section 4 begins or ends.
        let edges = [
            0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
            0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ];
        for a in edges {
            for b in edges {
                for c in edges {
                    for d in edges {
                        let bytes = [a, b, c, d];
                        let whole = str::from_utf8(&bytes).map_err(|_| Invalid).map(|_| ());
                        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
                        assert_eq!(judge(&pieces), whole, "{bytes:x?}");
                        assert_eq!(is_text(&bytes), whole.is_ok(), "{bytes:x?}");
                        assert_eq!(judge(&[&bytes]), whole, "{bytes:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_wrong_byte_is_refused() {
        // A surrogate: its second byte is wrong, whatever the third.
        let mut utf8 = Utf8::default();
        assert_eq!(utf8.check(b"ok\xed"), Ok(()));
        assert_eq!(utf8.check(b"ok\xed\xa0"), Err(Invalid));
    }

    #[test]
    fn an_unfinished_character_is_no_text() {
        assert_eq!(judge(&[b"a\xe2\x82"]), Err(Invalid));
        assert_eq!(judge(&[b"a\xe2", b"\x82", b"\xac"]), Ok(()));
    }
}
