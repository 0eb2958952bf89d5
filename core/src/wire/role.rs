//! With what a wire begins: which end it is, and its bounds.

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that was connected to. It sends frames that are not masked.
    Server,
    /// The end that connected. It masks what it sends: RFC 6455, section 5.3.
    Client {
        /// Keys the generator of masks, ChaCha12. Drawn from the system's entropy, no mask can be
        /// guessed from those before it, as RFC 6455, section 10.3 demands; fixed, every run is the
        /// same. No two wires should have the same.
        mask_seed: [u8; 32],
    },
}

/// Bounds of one wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message that may come, all its fragments together, in bytes.
    pub message_bytes_max: usize,
    /// Whether a length may be written longer than it must, which RFC 6455, section 5.2 forbids.
    pub overlong_lengths: bool,
}

/// Messages of up to 1 MiB, and lengths as the RFC has them.
impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes_max: 1 << 20, overlong_lengths: false }
    }
}
