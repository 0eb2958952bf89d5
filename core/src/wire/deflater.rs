//! Compressing one message: RFC 7692, section 7.2.1.

use flate2::{Compress, Compression, FlushCompress};

use super::{
    Data, Deflate, HEADER_BYTES_MAX,
    message::{Frame, put_header_before},
};

/// With what a flushed block ends, and a message leaves out: RFC 7692, section 7.2.1.
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The widest window: as far back as deflate can point at all.
const WINDOW_BITS_MAX: u8 = 15;

/// How this end compresses, where permessage-deflate was agreed on.
///
/// Each message is compressed by itself, so nothing is held between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflater {
    /// From 1, the fastest, to 9, the smallest; 0 compresses nothing.
    pub level: u8,
    /// The shortest payload that is worth compressing, in bytes.
    pub bytes_min: usize,
}

impl Deflater {
    /// The window with which a message of `length` bytes is to be compressed for a peer: the widest,
    /// if nothing in the message can lie farther back than the peer can look.
    pub(crate) fn window_bits(length: usize, agreed: Deflate) -> u8 {
        if length <= 1 << agreed.window_bits() { WINDOW_BITS_MAX } else { agreed.window_bits() }
    }

    /// The message as a compressed frame of a server. `None` if it is not worth it.
    pub(crate) fn deflate(self, data: Data<'_>, window_bits: u8) -> Option<Frame> {
        let Data { encoding, payload } = data;
        if self.level == 0 || payload.len() < self.bytes_min {
            return None;
        }
        // Room for what is shorter than it was: with anything longer there is no gain.
        let room = HEADER_BYTES_MAX + payload.len() + TAIL.len();
        let mut bytes = vec![0; room];
        let level = Compression::new(self.level.min(9).into());
        let mut compress = Compress::new_with_window_bits(level, false, window_bits);
        compress.compress(payload, &mut bytes[HEADER_BYTES_MAX..], FlushCompress::Sync).ok()?;
        let written = HEADER_BYTES_MAX + compress.total_out() as usize;
        // A flush that filled the room may have more to say.
        if written == room || compress.total_in() < payload.len() as u64 {
            return None;
        }
        let end = bytes[..written].strip_suffix(&TAIL)?.len();
        let length = end - HEADER_BYTES_MAX;
        let start = put_header_before(encoding, true, length, HEADER_BYTES_MAX, &mut bytes);
        Some(Frame::copy_of(&bytes[start..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFLATER: Deflater = Deflater { level: 6, bytes_min: 0 };

    #[test]
    fn the_example_of_the_rfc_is_compressed_so() {
        // Section 7.2.3.1 has "Hello" in one block with fixed codes, which is no gain.
        assert_eq!(DEFLATER.deflate("Hello".into(), 15), None);
        let frame = DEFLATER.deflate("HelloHelloHelloHello".into(), 15).unwrap();
        assert_eq!(frame.bytes()[0], 0xc1);
        assert_eq!(usize::from(frame.bytes()[1]), frame.bytes().len() - 2);
        assert!(frame.bytes().len() < 20, "{frame:?}");
    }

    #[test]
    fn what_would_not_get_shorter_is_left_as_it_is() {
        let mut rng = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(100_000).collect();
        for length in [0, 1, 2, 100, 100_000] {
            assert_eq!(DEFLATER.deflate(noise[..length].into(), 15), None, "{length}");
        }
    }

    #[test]
    fn what_is_short_or_not_to_be_compressed_is_left_as_it_is() {
        let data = Data::from(&[0; 100][..]);
        assert!(DEFLATER.deflate(data, 9).is_some());
        assert_eq!(Deflater { bytes_min: 101, ..DEFLATER }.deflate(data, 15), None);
        assert!(Deflater { bytes_min: 100, ..DEFLATER }.deflate(data, 15).is_some());
        assert_eq!(Deflater { level: 0, ..DEFLATER }.deflate(data, 15), None);
    }

    #[test]
    fn a_small_window_matters_only_for_what_does_not_fit_it() {
        let small = Deflate::recorded(9).unwrap();
        assert_eq!(Deflater::window_bits(512, small), 15);
        assert_eq!(Deflater::window_bits(513, small), 9);
        let wide = Deflate::recorded(15).unwrap();
        assert_eq!(Deflater::window_bits(1 << 20, wide), 15);
    }
}
