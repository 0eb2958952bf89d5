//! Whether the ring's lists and bitmaps say the same.

use super::{NONE, Ring, SLOTS, WORD_BITS, slot_of};
use crate::{hub::audit::ensure, time::Instant};

impl Ring {
    /// The deadline of `entry`, if it has one.
    pub(in crate::hub) fn armed(&self, entry: usize) -> Option<Instant> {
        self.links.get(entry).filter(|link| link.slot != NONE).map(|link| link.at)
    }

    /// How many entries have a deadline.
    pub(in crate::hub) fn len(&self) -> usize {
        self.links.iter().filter(|link| link.slot != NONE).count()
    }

    pub(in crate::hub) fn audit(&self, now: Instant) -> Result<(), String> {
        ensure(self.current <= slot_of(now), || {
            format!("the ring is in slot {}, before its time {now}", self.current)
        })?;
        let next = self.next();
        let mut listed = 0;
        for (slot, head) in self.heads.iter().enumerate() {
            let (mut previous, mut entry) = (NONE, *head);
            while entry != NONE {
                let link = &self.links[entry as usize];
                let fits = link.slot as usize == slot && link.previous == previous;
                ensure(fits, || format!("entry {entry} is in slot {slot} by mistake: {link:?}"))?;
                let number = self.number_of(slot);
                ensure(number <= slot_of(link.at).max(self.current), || {
                    format!("entry {entry} is in slot {number}, too late for {}", link.at)
                })?;
                ensure(next <= link.at, || {
                    format!("next is {next}, but entry {entry} is due at {}", link.at)
                })?;
                listed += 1;
                (previous, entry) = (entry, link.next);
            }
        }
        ensure(listed == self.len(), || {
            format!("{listed} entries are in slots, {} are armed", self.len())
        })?;
        self.audit_bitmaps()
    }

    fn audit_bitmaps(&self) -> Result<(), String> {
        let heads = self.heads.chunks_exact(WORD_BITS as usize);
        for (word, (bits, heads)) in self.occupied.iter().zip(heads).enumerate() {
            let marks =
                heads.iter().rev().fold(0, |marks, head| marks << 1 | u64::from(*head != NONE));
            ensure(*bits == marks, || {
                format!("word {word} marks {bits:#x} as occupied, where {marks:#x} are")
            })?;
            let is_marked = self.summary[word / 64] >> (word % 64) & 1 == 1;
            ensure(is_marked == (*bits != 0), || {
                format!("word {word} is marked as occupied: {is_marked}")
            })?;
        }
        Ok(())
    }

    /// The number, within the ring's reach, of the slot at this place.
    fn number_of(&self, slot: usize) -> u64 {
        self.current + (slot as u64 + SLOTS - self.current % SLOTS) % SLOTS
    }
}
