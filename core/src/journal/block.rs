//! The head of a block: what it holds, and how far the run had come at its end.

use super::digest::Fingerprint;

/// Facts about a block, which stand before its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Bytes of its inputs.
    pub body_bytes: u64,
    /// How many inputs it has.
    pub inputs: u32,
    /// The number of the first of them; a journal's first is 1.
    pub first: u64,
    /// The digest at its end.
    pub digest: Fingerprint,
    /// Connections that had been accepted at its end.
    pub accepted: u64,
    /// The most connections that were in the pool at once within it.
    pub connections_peak: u32,
}

/// How long the head is.
pub(super) const HEAD_BYTES: usize = 8 + 4 + 8 + 16 + 8 + 4 + 4 + 4;
/// A block that has grown so long is closed.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;

impl Block {
    pub(super) fn write(&self, body: &[u8], head: &mut [u8]) {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend_from_slice(&self.body_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.inputs.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.digest.as_u128().to_le_bytes());
        bytes.extend_from_slice(&self.accepted.to_le_bytes());
        bytes.extend_from_slice(&self.connections_peak.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        head.copy_from_slice(&bytes);
    }

    /// The head and the checksum of its body; `None` if its own is wrong.
    pub(super) fn read(bytes: &[u8; HEAD_BYTES]) -> Option<(Self, u32)> {
        let (checked, sum) = bytes.split_last_chunk().expect("the head is longer than 4 bytes");
        if crc32fast::hash(checked) != u32::from_le_bytes(*sum) {
            return None;
        }
        let mut rest = checked;
        let block = Self {
            body_bytes: u64::from_le_bytes(next(&mut rest)),
            inputs: u32::from_le_bytes(next(&mut rest)),
            first: u64::from_le_bytes(next(&mut rest)),
            digest: Fingerprint::from_u128(u128::from_le_bytes(next(&mut rest))),
            accepted: u64::from_le_bytes(next(&mut rest)),
            connections_peak: u32::from_le_bytes(next(&mut rest)),
        };
        Some((block, u32::from_le_bytes(next(&mut rest))))
    }
}

fn next<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (taken, rest) = bytes.split_first_chunk().expect("a head has its length");
    *bytes = rest;
    *taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_as_it_was_written_unless_a_bit_is_wrong() {
        let block = Block {
            body_bytes: 4,
            inputs: 2,
            first: 7,
            digest: Fingerprint::from_u128(9),
            accepted: 3,
            connections_peak: 2,
        };
        let mut head = [0; HEAD_BYTES];
        block.write(b"body", &mut head);
        assert_eq!(Block::read(&head), Some((block, crc32fast::hash(b"body"))));
        for bit in 0..HEAD_BYTES * 8 {
            let mut wrong = head;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Block::read(&wrong), None, "bit {bit}");
        }
    }
}
