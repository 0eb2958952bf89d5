//! One connection's frames, in both directions.

use super::{
    Deflate, Fault, Limits, Role,
    assembly::{Assembly, Stage},
    mask::Masks,
};

#[cfg(test)]
mod tests;

/// One connection's RFC 6455, in either role, behind its upgrade.
///
/// It knows no socket: bytes that came are given to [`receive`](Self::receive), and what is to be
/// sent is appended to a buffer of the caller's. While nothing is unfinished it owns no buffer. Nothing
/// is allocated only because a peer announced it: for a whole frame there is room once a 64th of it
/// has come, and before that for twice as much as has come.
#[derive(Debug)]
pub struct Wire {
    pub(super) assembly: Option<Box<Assembly>>,
    /// Of a client; a server masks nothing.
    pub(super) masks: Option<Box<Masks>>,
    pub(super) message_bytes_max: usize,
    pub(super) frames_received: u32,
    pub(super) fault: Option<Fault>,
    pub(super) deflate: Option<Deflate>,
    pub(super) overlong_lengths: bool,
    pub(super) close_sent: bool,
    pub(super) close_received: bool,
}

impl Wire {
    /// How many times `read_bytes_max` a read can have: [`read_bytes`](Self::read_bytes).
    pub const LONG_READS: usize = 4;

    /// A wire on which nothing has been said.
    pub fn new(role: Role, limits: Limits) -> Self {
        let masks = match role {
            Role::Server => None,
            Role::Client { mask_seed } => Some(Box::new(Masks::new(mask_seed))),
        };
        Self {
            assembly: None,
            masks,
            message_bytes_max: limits.message_bytes_max,
            overlong_lengths: limits.overlong_lengths,
            frames_received: 0,
            fault: None,
            deflate: None,
            close_sent: false,
            close_received: false,
        }
    }

    /// Says what was agreed on in the upgrade. By default no message may be compressed.
    pub fn set_deflate(&mut self, deflate: Option<Deflate>) {
        self.deflate = deflate;
    }

    /// What was agreed on in the upgrade.
    pub fn deflate(&self) -> Option<Deflate> {
        self.deflate
    }

    /// Whether a frame, its header included, or a fragmented message has begun and is not finished.
    pub fn is_mid_message(&self) -> bool {
        self.assembly.is_some()
    }

    /// How many bytes to read from the socket at once, where at most `read_bytes_max` should cause
    /// something.
    ///
    /// What a frame lacks causes nothing before it is all there. So in the midst of one that may come
    /// as well, up to [`LONG_READS`](Self::LONG_READS) times as many together.
    pub fn read_bytes(&self, read_bytes_max: usize) -> usize {
        let left = match self.assembly.as_deref() {
            Some(Assembly { stage: Stage::Data { left, .. }, .. }) => *left,
            Some(_) | None => 0,
        };
        left.saturating_add(read_bytes_max).min(read_bytes_max * Self::LONG_READS)
    }

    /// Whether a data message has begun and is not finished, whatever frame is under way.
    pub(crate) fn has_partial_message(&self) -> bool {
        self.assembly.as_ref().is_some_and(|assembly| assembly.message.is_some())
    }

    /// Bytes of heap that are held for what is unfinished: 0 if nothing is.
    pub fn assembly_bytes(&self) -> usize {
        self.assembly.as_ref().map_or(0, |assembly| assembly.heap_bytes())
    }

    /// Drops what is unfinished. To be called when nothing more will be received.
    pub fn discard(&mut self) {
        self.assembly = None;
    }

    /// Whether a Close has been sent: by [`close`](Self::close) or as a reply to the peer's.
    pub fn close_sent(&self) -> bool {
        self.close_sent
    }

    /// Whether a Close of the peer has come.
    pub fn close_received(&self) -> bool {
        self.close_received
    }

    /// How many frames have begun to come, control frames and empty ones included. A compressed
    /// message counts as one more for each 4 KiB that it inflates to. Wraps around.
    pub fn frames_received(&self) -> u32 {
        self.frames_received
    }
}
