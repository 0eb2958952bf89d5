//! One connection's bytes, whole and cut, beside an independent machine.

use fanlight_core::wire::{Limits, Role, Wire};

use super::oracle;

/// Near enough for small inputs to meet it, and past the first length of two bytes.
const LIMITS: Limits = Limits { message_bytes_max: 1_000, overlong_lengths: false };
/// Pieces whose lengths an input can choose.
const PIECES_MAX: usize = 16;

/// The first byte says how many pieces follow in length, which end this is, and whether it has said
/// its Close; the rest is what the other end sends. Cut and whole are told the same, and the oracle
/// says the same.
///
/// # Panics
///
/// On a finding.
pub fn wire(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let pieces = usize::from(first) % PIECES_MAX + 1;
    let Some((pieces, bytes)) = data.split_at_checked(pieces) else { return };
    let has_closed = first & 0x80 != 0;
    let role = if first & 0x40 == 0 { Role::Server } else { Role::Client { mask_seed: [0; 32] } };

    let wire = || {
        let mut wire = Wire::new(role, LIMITS);
        if has_closed {
            assert_eq!(wire.close(None, &mut Vec::new()), Ok(true));
        }
        wire
    };
    let (mut one, mut other) = (wire(), wire());
    let whole = oracle::receive(&mut one, bytes, &[]);
    let cut = oracle::receive(&mut other, bytes, pieces);
    assert_eq!(whole, cut, "cut into {pieces:?}");
    assert_eq!(one.frames_received(), other.frames_received());
    assert_eq!(one.is_mid_message(), other.is_mid_message());
    oracle::compare(bytes, role, has_closed, LIMITS);
}
