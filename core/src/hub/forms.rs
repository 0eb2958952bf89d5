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
            // Compressed it is shorter, header and all.
            let has_room = frames.has_room(self.message.frame().len(), config);
            let deflater = Some(config.deflater()).filter(|_| has_room);
            match deflater
                .and_then(|deflater| deflater.deflate((&self.message).into(), window_bits))
            {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_compressed_form_keeps_the_bound_to_the_byte() {
        // Noise with so many zeros behind it that a few bytes are saved, fewer than its header has.
        let mut rng = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(70_000).collect();
        let deflater = Deflater { level: 6, bytes_min: 0 };
        let (message, frame_bytes) = (0..100)
            .find_map(|zeros| {
                let message = Message::binary(&[&noise[..], &vec![0; zeros]].concat());
                let frame = deflater.deflate((&message).into(), 15)?;
                Some((message, frame.bytes().len()))
            })
            .unwrap();
        assert!(frame_bytes > message.payload().len() && frame_bytes < message.frame().len());
        let settings =
            Settings { message_bytes_max: 71_000, deflate_level: 6, ..Settings::default() };
        for room in message.payload().len()..=message.frame().len() {
            let frames_bytes_max = message.frame().len() + room;
            let settings =
                Settings { frames_bytes_max, outbox_bytes_max: 72_000, ..settings.clone() };
            let config = Config::new(settings).unwrap();
            let (mut frames, mut stats) = (Frames::default(), Stats::default());
            let mut forms = Forms::new(message.clone(), &mut frames);
            forms.of(Deflate::recorded(15), &mut frames, &config, &mut stats);
            assert!(frames.bytes() <= frames_bytes_max, "{room} bytes of room");
            assert_eq!(stats.deflated == 1, room == message.frame().len(), "{room}");
            forms.release(&mut frames);
            assert_eq!((frames.len(), frames.bytes()), (0, 0));
        }
    }
}
