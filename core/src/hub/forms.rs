//! One message in the forms in which it waits here.

use super::frames::{FrameId, Frames, Kind};
use crate::{
    config::Config,
    stats::Stats,
    wire::{Deflate, Deflater, Message},
};

/// The smallest window of a form.
const WINDOW_BITS_MIN: u8 = 9;

/// One message in the frame table: as it is and, when the first receiver that wants it so is met,
/// compressed; with a smaller window once more for those who cannot look as far back. However many
/// receivers there are, nothing is compressed twice.
#[derive(Debug)]
pub(super) struct Forms {
    plain: FrameId,
    message: Message,
    /// By window. A form that is not worth it, or for which there is no room, is the plain one.
    deflated: [Option<FrameId>; 7],
}

impl Forms {
    pub(super) fn new(message: Message, frames: &mut Frames) -> Self {
        let plain = frames.insert(message.frame_of(), Kind::Message);
        Self { plain, message, deflated: [None; 7] }
    }

    /// The form for a receiver that has agreed on `deflate`, or on no extension.
    pub(super) fn of(
        &mut self,
        deflate: Option<Deflate>,
        frames: &mut Frames,
        config: &Config,
        stats: &mut Stats,
    ) -> FrameId {
        let Some(deflate) = deflate else { return self.plain };
        let length = self.message.payload().len();
        let window_bits = Deflater::window_bits(length, deflate);
        let form = &mut self.deflated[usize::from(window_bits - WINDOW_BITS_MIN)];
        *form.get_or_insert_with(|| {
            let has_room = frames.bytes() + length <= config.frames_bytes_max;
            let deflater = Some(config.deflater()).filter(|_| has_room);
            match deflater.and_then(|deflater| deflater.deflate(&self.message, window_bits)) {
                Some(frame) => {
                    stats.deflated += 1;
                    frames.insert(frame, Kind::Message)
                }
                None => self.plain,
            }
        })
    }

    /// Forgets the forms for which nobody waits.
    pub(super) fn release(self, frames: &mut Frames) {
        for form in self.deflated.into_iter().flatten().filter(|form| *form != self.plain) {
            frames.release(form);
        }
        frames.release(self.plain);
    }
}
