//! With what a wire begins: which end it is, and its bounds.

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that was connected to. It sends frames that are not masked.
    Server,
    /// The end that connected. It masks what it sends: RFC 6455, section 5.3.
    Client {
        /// Starts the generator of masks. The generator is fast and repeatable, but can be guessed:
        /// whoever sends what strangers wrote through strangers' proxies needs another client (RFC
        /// 6455, section 10.3).
        mask_seed: u64,
    },
}

/// Bounds of one wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message that may come, all its fragments together, in bytes.
    pub message_bytes_max: usize,
}
