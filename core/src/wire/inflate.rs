//! Inflating one message: RFC 7692, section 7.2.2.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Fault, deflater::TAIL};

/// How much room is best made at first for what so many bytes inflate to: four times as much, as text
/// has it. What was not needed is given back, which costs less than to move what has come.
pub(super) fn guess(payload_bytes: usize) -> usize {
    payload_bytes.saturating_mul(4).max(64)
}

/// What ends a message that is whole: the tail that its sender left out, and an empty last block.
/// Only behind a whole block do they have a meaning, so a message that was cut off is found out.
const END: [u8; 6] = [TAIL[0], TAIL[1], TAIL[2], TAIL[3], 3, 0];

/// Up to how many bytes a payload is moved, so that [`END`] has room behind it: to inflate two pieces
/// costs more.
const MOVED_BYTES_MAX: usize = 4096;

/// The payload of a compressed message and [`END`], in one piece or two.
pub(super) struct Ended<'a> {
    pieces: [&'a [u8]; 2],
    payload_bytes: usize,
}

impl<'a> Ended<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self { pieces: [payload, &END], payload_bytes: payload.len() }
    }

    /// That of a frame, whose `header_bytes` are of no more use: the payload may be moved over them.
    pub(super) fn of_frame(frame: &'a mut [u8], header_bytes: usize) -> Self {
        let payload_bytes = frame.len() - header_bytes;
        if header_bytes < END.len() || payload_bytes > MOVED_BYTES_MAX {
            return Self::new(&frame[header_bytes..]);
        }
        frame.copy_within(header_bytes.., header_bytes - END.len());
        let (_, whole) = frame.split_at_mut(header_bytes - END.len());
        whole[payload_bytes..].copy_from_slice(&END);
        Self { pieces: [whole, &[]], payload_bytes }
    }

    /// How long the payload alone is.
    pub(super) fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }
}

/// How long the payload of a message may be that inflates to at most `message_bytes_max`: what does
/// not get shorter gets longer, by a few bytes a block where it is stored, and to 9 bits a byte where
/// a sender knows the fixed codes only (RFC 1951, section 3.2.6).
pub(crate) fn deflated_bytes_max(message_bytes_max: usize) -> usize {
    message_bytes_max.saturating_add(message_bytes_max / 8).saturating_add(64)
}

/// Inflates messages, one after the other, each by itself.
///
/// It holds nothing of a message that it is done with, only the room for the next, less than 48 KiB,
/// once it has inflated one. So all connections of a thread can share it:
/// [`Wire::receive_with`](super::Wire::receive_with).
#[derive(Debug, Default)]
pub struct Inflater {
    decompress: Option<Decompress>,
    /// How many bytes of whole messages it has made since that was last set to 0.
    pub(super) bytes_made: usize,
}

impl Inflater {
    /// Appends what a payload inflates to, at most `length_max` bytes. Room for [`guess`] is the
    /// caller's to make; more is made as it is needed.
    ///
    /// The bound holds while it runs: of a bomb no more is made than the bound.
    pub(super) fn inflate(
        &mut self,
        Ended { pieces, payload_bytes }: Ended<'_>,
        length_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let start = out.len();
        // One byte more, by which what is too long is told from what is as long as it may be.
        let room_max = length_max.saturating_add(1);
        let decompress = self.decompress.get_or_insert_with(|| Decompress::new(false));
        decompress.reset(false);
        let mut left = payload_bytes + END.len();
        for piece in pieces {
            let mut rest = piece;
            loop {
                let [taken_before, made_before] = [decompress.total_in(), decompress.total_out()];
                let status = decompress.decompress_vec(rest, out, FlushDecompress::None);
                let taken = (decompress.total_in() - taken_before) as usize;
                let made = decompress.total_out() - made_before;
                rest = &rest[taken..];
                left -= taken;
                // First, also of what breaks behind the bound: how far a call comes depends on the pieces.
                if out.len() - start > length_max {
                    return Err(Fault::MessageTooBig);
                }
                match status.map_err(|_| Fault::InvalidDeflate)? {
                    Status::StreamEnd if left == 0 => {
                        self.bytes_made += out.len() - start;
                        return Ok(());
                    }
                    // A block that says it is the last may be followed by others: section 7.2.3.4.
                    Status::StreamEnd if left >= END.len() => decompress.reset(false),
                    Status::StreamEnd => return Err(Fault::InvalidDeflate),
                    Status::Ok | Status::BufError => {}
                }
                if out.len() == out.capacity() {
                    let made = out.len() - start;
                    out.reserve_exact(made.max(64).min(room_max - made));
                } else if rest.is_empty() {
                    break;
                } else if taken == 0 && made == 0 {
                    return Err(Fault::InvalidDeflate);
                }
            }
        }
        Err(Fault::InvalidDeflate)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    fn inflated(payload: &[u8], length_max: usize) -> Result<Vec<u8>, Fault> {
        let mut out = b"before".to_vec();
        Inflater::default().inflate(Ended::new(payload), length_max, &mut out)?;
        assert!(out.starts_with(b"before"));
        Ok(out.split_off(6))
    }

    /// As a peer compresses, its tail left out.
    fn deflated(payload: &[u8], level: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(payload.len() + payload.len() / 16 + 64);
        Compress::new(Compression::new(level), false)
            .compress_vec(payload, &mut out, FlushCompress::Sync)
            .unwrap();
        out.truncate(out.len() - TAIL.len());
        out
    }

    #[test]
    fn the_examples_of_the_rfc_are_inflated() {
        // Sections 7.2.3.1, 7.2.3.3, 7.2.3.4, 7.2.3.5 and 7.2.3.6.
        assert_eq!(inflated(b"\xf2\x48\xcd\xc9\xc9\x07\x00", 5), Ok(b"Hello".to_vec()));
        let stored = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
        assert_eq!(inflated(stored, 5), Ok(b"Hello".to_vec()));
        assert_eq!(inflated(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 5), Ok(b"Hello".to_vec()));
        let two_blocks = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
        assert_eq!(inflated(two_blocks, 5), Ok(b"Hello".to_vec()));
        assert_eq!(inflated(b"\x00", 0), Ok(Vec::new()));
    }

    #[test]
    fn any_length_comes_back() {
        let mut rng = fastrand::Rng::with_seed(1);
        for length in [0, 1, 2, 63, 64, 65, 1000, 65_535, 65_536, 300_000] {
            let payload: Vec<u8> =
                (0..length).map(|n| if n % 3 == 0 { rng.u8(..) } else { b'x' }).collect();
            for level in [0, 1, 6, 9] {
                let deflated = deflated(&payload, level);
                assert!(deflated.len() <= deflated_bytes_max(length), "{length} at {level}");
                assert_eq!(inflated(&deflated, length).as_ref(), Ok(&payload), "{length}");
                if length > 0 {
                    assert_eq!(inflated(&deflated, length - 1), Err(Fault::MessageTooBig));
                }
            }
        }
    }

    #[test]
    fn a_frame_is_inflated_as_its_payload_is() {
        let mut rng = fastrand::Rng::with_seed(1);
        for length in [0, 1, 5, 500, MOVED_BYTES_MAX - 50, 2 * MOVED_BYTES_MAX] {
            let payload: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
            let deflated = deflated(&payload, 6);
            for header_bytes in [0, 2, 4, 5, 6, 8, 14] {
                for (cut, length_max) in [(0, length), (1, length), (7, length), (1, length / 2)] {
                    let mut frame = vec![0xff; header_bytes];
                    frame.extend(&deflated[..deflated.len().saturating_sub(cut)]);
                    let due = inflated(&frame[header_bytes..], length_max);
                    let ended = Ended::of_frame(&mut frame, header_bytes);
                    let mut out = Vec::new();
                    let told = Inflater::default().inflate(ended, length_max, &mut out);
                    assert_eq!(told.map(|()| out), due, "{length} behind {header_bytes}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_long_is_that_though_it_is_broken_behind() {
        // One byte more than may be, and then nothing that ends a block.
        let payload = b"\xaa\xa8\x18\x05\xa3\x60\x14\x54\x0c\x77\x00";
        for header_bytes in [0, 6] {
            let mut frame = [&vec![0xff; header_bytes][..], payload].concat();
            let ended = Ended::of_frame(&mut frame, header_bytes);
            let told = Inflater::default().inflate(ended, 1000, &mut Vec::with_capacity(64));
            assert_eq!(told, Err(Fault::MessageTooBig), "behind {header_bytes}");
        }
    }

    #[test]
    fn of_a_bomb_no_more_is_made_than_the_bound() {
        let bomb = deflated(&vec![0; 64 << 20], 9);
        assert!(bomb.len() < 70_000);
        let mut out = Vec::new();
        assert_eq!(
            Inflater::default().inflate(Ended::new(&bomb), 100_000, &mut out),
            Err(Fault::MessageTooBig)
        );
        assert!(out.capacity() <= 100_001, "{}", out.capacity());
    }

    #[test]
    fn a_message_that_was_cut_off_is_refused() {
        let payload: Vec<u8> = (0..500_u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        for level in [0, 6] {
            let whole = deflated(&payload, level);
            let refused = (0..whole.len())
                .filter(|cut| inflated(&whole[..*cut], 1 << 20) == Err(Fault::InvalidDeflate))
                .count();
            // Nobody can tell when the last byte carries nothing but the beginning of the tail's block,
            // or when the tail is just what a stored block still wants.
            assert!(refused + 2 >= whole.len(), "{refused} of {}", whole.len());
        }
    }

    #[test]
    fn nothing_of_one_message_is_left_for_the_next() {
        let mut inflater = Inflater::default();
        let whole = deflated(b"fanlight, fanlight, fanlight", 9);
        // Points 9 bytes back, where in a message of its own nothing is.
        let later = b"\x03\x22\x02\x00";
        let mut fresh = Vec::new();
        let judged = Inflater::default().inflate(Ended::new(later), 100, &mut fresh);
        for before in [&whole[..], &whole[..9], b"\x07", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"] {
            let _ = inflater.inflate(Ended::new(before), 100, &mut Vec::new());
            let mut out = Vec::new();
            assert_eq!(inflater.inflate(Ended::new(&whole), 100, &mut out), Ok(()));
            assert_eq!(out, b"fanlight, fanlight, fanlight");
            assert_eq!(inflater.inflate(Ended::new(later), 100, &mut Vec::new()), judged);
        }
    }

    #[test]
    fn what_is_no_deflate_is_refused() {
        for broken in [
            &b""[..],
            b"\x07",
            b"\xff\xff\xff",
            b"\x00\x05\x00\xfa\xffHell",
            // The second block points to before the beginning.
            b"\x03\x00\x02",
            // Behind a last block, bytes that are none.
            b"\xf3\x48\xcd\xc9\xc9\x07\x00",
            // A last block that takes the tail for its own.
            b"\x01",
        ] {
            assert_eq!(inflated(broken, 100), Err(Fault::InvalidDeflate), "{broken:x?}");
        }
    }
}
