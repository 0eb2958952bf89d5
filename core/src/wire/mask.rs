//! The masking of a client's payload: RFC 6455, section 5.3.

use std::fmt;

use chacha20::{
    ChaCha12Rng,
    rand_core::{Rng, SeedableRng},
};

/// A client's masks, each drawn anew: whoever sees some of them cannot guess the next (RFC 6455,
/// section 10.3).
pub(super) struct Masks(ChaCha12Rng);

impl Masks {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    pub(super) fn next(&mut self) -> [u8; 4] {
        self.0.next_u32().to_le_bytes()
    }
}

/// Shows nothing: what comes next is a secret.
impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masks").finish_non_exhaustive()
    }
}

/// Masks or unmasks bytes, the first of them with the first byte of `mask`. An all-zero mask
/// changes nothing and costs nothing.
pub(super) fn apply(mask: [u8; 4], bytes: &mut [u8]) {
    if mask == [0; 4] {
        return;
    }
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = bytes.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// As many bytes as are masked at once: a few wide words.
type Word = [u8; 32];

/// Appends bytes, masked or unmasked on the way: one pass for what would be two.
#[inline]
pub(super) fn append(mask: [u8; 4], bytes: &[u8], out: &mut Vec<u8>) {
    // Long vectors begin at an aligned address. To store where they are not aligned costs a sixth
    // more, which only shows if there is much to store.
    let head = if bytes.len() < 4096 { 0 } else { out.len().wrapping_neg() % 16 };
    let (mut keys, mut rest) = (widened(mask), bytes);
    if head > 0 {
        let (head, behind) = bytes.split_at(head);
        append_short(keys, head, out);
        (keys, rest) = (widened(after(mask, head.len())), behind);
    }
    // Of arrays the vector knows how many bytes will come, so it makes room once.
    let (words, tail) = rest.as_chunks();
    out.extend(words.iter().flat_map(|word| masked(*word, keys)));
    if !tail.is_empty() {
        append_short(keys, tail, out);
    }
}

fn append_short(keys: Word, bytes: &[u8], out: &mut Vec<u8>) {
    let mut word = Word::default();
    word[..bytes.len()].copy_from_slice(bytes);
    out.extend_from_slice(&masked(word, keys)[..bytes.len()]);
}

#[inline]
fn widened([a, b, c, d]: [u8; 4]) -> Word {
    let mut keys = Word::default();
    for four in keys.as_chunks_mut().0 {
        *four = [a, b, c, d];
    }
    keys
}

#[inline(always)]
fn masked(mut word: Word, keys: Word) -> Word {
    for (byte, key) in word.iter_mut().zip(keys) {
        *byte ^= key;
    }
    word
}

/// The mask for what follows `bytes` masked bytes.
#[inline]
pub(super) fn after(mut mask: [u8; 4], bytes: usize) -> [u8; 4] {
    mask.rotate_left(bytes % 4);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    #[test]
    fn the_example_of_the_rfc_is_unmasked() {
        let mut bytes = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        apply(MASK, &mut bytes);
        assert_eq!(&bytes, b"Hello");
    }

    #[test]
    fn any_length_cut_anywhere_is_masked_as_the_rfc_says() {
        for length in (0..70).chain(4_090..4_100) {
            let plain: Vec<u8> = (0..length).map(|n: u32| (n * 7) as u8).collect();
            let expected: Vec<u8> =
                plain.iter().enumerate().map(|(i, byte)| byte ^ MASK[i % 4]).collect();
            for cut in (0..=plain.len()).take(70) {
                let mut bytes = plain.clone();
                let (first, second) = bytes.split_at_mut(cut);
                let mut appended = b"before".to_vec();
                append(MASK, first, &mut appended);
                append(after(MASK, cut), second, &mut appended);
                assert_eq!(&appended[6..], expected, "{length} bytes cut at {cut}");
                apply(MASK, first);
                apply(after(MASK, cut), second);
                assert_eq!(bytes, expected, "{length} bytes cut at {cut}");
            }
        }
    }
}
