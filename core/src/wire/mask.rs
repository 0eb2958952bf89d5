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

/// Appends bytes, masked or unmasked on the way: one pass for what would be two.
pub(super) fn append(mask: [u8; 4], bytes: &[u8], out: &mut Vec<u8>) {
    let mut wide = [0; 32];
    for (byte, key) in wide.iter_mut().zip(mask.into_iter().cycle()) {
        *byte = key;
    }
    // Of arrays the vector knows how many bytes will come, so it makes room once; and arrays of this
    // length are masked as a few wide words.
    let (words, tail) = bytes.as_chunks();
    out.extend(words.iter().flat_map(|word: &[u8; 32]| {
        let mut masked = *word;
        for (byte, key) in masked.iter_mut().zip(wide) {
            *byte ^= key;
        }
        masked
    }));
    out.extend(tail.iter().zip(wide).map(|(byte, key)| byte ^ key));
}

/// The mask for what follows `bytes` masked bytes.
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
        for length in 0..70 {
            let plain: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(7)).collect();
            let expected: Vec<u8> =
                plain.iter().enumerate().map(|(i, byte)| byte ^ MASK[i % 4]).collect();
            for cut in 0..=plain.len() {
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
