//! The hub's one timer: a ring of slots with a bitmap.

use crate::time::Instant;

#[cfg(any(test, feature = "audit"))]
mod audit;

/// A slot is 2^22 ns wide: about 4 ms.
const SLOT_SHIFT: u32 = 22;
/// A power of two. The ring reaches 34 s: longer than most deadlines are away.
const SLOTS: u64 = 8192;
const WORD_BITS: u64 = 64;
const WORDS: u64 = SLOTS / WORD_BITS;
const NONE: u32 = u32::MAX;

/// Deadlines of many entries, at most one for each. Arming, moving and expiring are O(1).
///
/// What is due beyond the ring waits in the ring's last slot and is placed again from there.
#[derive(Debug)]
pub(super) struct Ring {
    /// The number of the slot that time stands in. Invariant: an armed entry's slot is in
    /// `current..current + SLOTS`.
    current: u64,
    /// The nearest deadline in the current slot, or earlier.
    current_min: Instant,
    heads: Vec<u32>,
    /// One bit a slot: it has an entry.
    occupied: Vec<u64>,
    /// One bit a word of `occupied`: it is not zero.
    summary: [u64; (WORDS / 64) as usize],
    links: Vec<Link>,
}

#[derive(Clone, Debug)]
struct Link {
    at: Instant,
    slot: u32,
    previous: u32,
    next: u32,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self {
            current: 0,
            current_min: Instant::NEVER,
            heads: vec![NONE; SLOTS as usize],
            occupied: vec![0; WORDS as usize],
            summary: [0; (WORDS / 64) as usize],
            links: Vec::new(),
        }
    }

    /// Moves time to `now` if nothing is armed: then nobody ticks, and time would stand still.
    pub(super) fn catch_up(&mut self, now: Instant) {
        if self.summary.iter().all(|word| *word == 0) {
            self.current = self.current.max(slot_of(now));
        }
    }

    /// Sets or moves the deadline of `entry`.
    pub(super) fn arm(&mut self, entry: usize, at: Instant) {
        self.disarm(entry);
        if self.links.len() <= entry {
            let vacant = Link { at: Instant::NEVER, slot: NONE, previous: NONE, next: NONE };
            self.links.resize(entry + 1, vacant);
        }
        let last = self.current + SLOTS - 1;
        let number = slot_of(at).clamp(self.current, last);
        let slot = (number % SLOTS) as usize;
        let next = self.heads[slot];
        if next != NONE {
            self.links[next as usize].previous = entry as u32;
        }
        self.links[entry] = Link { at, slot: slot as u32, previous: NONE, next };
        self.heads[slot] = entry as u32;
        let word = slot / 64;
        self.occupied[word] |= 1 << (slot % 64);
        self.summary[word / 64] |= 1 << (word % 64);
        if number == self.current {
            self.current_min = self.current_min.min(at);
        }
    }

    /// Removes the deadline of `entry`, if it has one.
    pub(super) fn disarm(&mut self, entry: usize) {
        let Some(link) = self.links.get_mut(entry) else { return };
        if link.slot == NONE {
            return;
        }
        let Link { slot, previous, next, .. } = *link;
        link.slot = NONE;
        let slot = slot as usize;
        if previous == NONE {
            self.heads[slot] = next;
        } else {
            self.links[previous as usize].next = next;
        }
        if next != NONE {
            self.links[next as usize].previous = previous;
        }
        if self.heads[slot] == NONE {
            let word = slot / 64;
            self.occupied[word] &= !(1 << (slot % 64));
            if self.occupied[word] == 0 {
                self.summary[word / 64] &= !(1 << (word % 64));
            }
            if slot as u64 == self.current % SLOTS {
                self.current_min = Instant::NEVER;
            }
        }
    }

    /// The nearest deadline, or something earlier than it but later than the last
    /// [`expire`](Self::expire).
    pub(super) fn next(&self) -> Instant {
        if self.current_min != Instant::NEVER {
            return self.current_min;
        }
        match self.next_occupied(self.current) {
            Some(number) => Instant::from_nanos(number << SLOT_SHIFT),
            None => Instant::NEVER,
        }
    }

    /// Moves time to `now` and takes out every entry due by then.
    pub(super) fn expire(&mut self, now: Instant, due: &mut Vec<usize>) {
        let target = slot_of(now).max(self.current);
        let end = self.current + SLOTS;
        let mut number = self.current;
        let mut far = Vec::new();
        // Everything before the target slot is due, except what was waiting beyond the ring.
        while number < target.min(end) {
            let mut entry = self.heads[(number % SLOTS) as usize];
            while entry != NONE {
                let link = &self.links[entry as usize];
                let next = link.next;
                if link.at > now { &mut far } else { &mut *due }.push(entry as usize);
                self.disarm(entry as usize);
                entry = next;
            }
            match self.next_occupied(number) {
                Some(next) => number = next,
                None => break,
            }
        }
        self.current = target;
        self.current_min = Instant::NEVER;
        let mut entry = self.heads[(target % SLOTS) as usize];
        while entry != NONE {
            let link = &self.links[entry as usize];
            let (at, next) = (link.at, link.next);
            if at <= now {
                due.push(entry as usize);
                self.disarm(entry as usize);
            } else if slot_of(at) > target {
                far.push(entry as usize);
                self.disarm(entry as usize);
            } else {
                self.current_min = self.current_min.min(at);
            }
            entry = next;
        }
        for entry in far {
            self.arm(entry, self.links[entry].at);
        }
    }

    /// The number of the first occupied slot after slot `after`, which is in the ring.
    fn next_occupied(&self, after: u64) -> Option<u64> {
        let end = self.current + SLOTS;
        let mut number = after + 1;
        while number < end {
            let position = number % SLOTS;
            let word = position / WORD_BITS;
            let rest = self.occupied[word as usize] >> (position % WORD_BITS);
            if rest != 0 {
                let found = number + u64::from(rest.trailing_zeros());
                return (found < end).then_some(found);
            }
            number += WORD_BITS - position % WORD_BITS;
            number += self.empty_words_from((word + 1) % WORDS) * WORD_BITS;
        }
        None
    }

    /// How many words from `word` on are zero, up to the end of the summary's own word.
    fn empty_words_from(&self, word: u64) -> u64 {
        let rest = self.summary[(word / 64) as usize] >> (word % 64);
        u64::from(rest.trailing_zeros()).min(64 - word % 64)
    }
}

fn slot_of(at: Instant) -> u64 {
    at.as_nanos() >> SLOT_SHIFT
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::*;

    #[test]
    fn a_ring_that_was_empty_for_long_keeps_time() {
        let mut ring = Ring::new();
        let [now, at] = [60, 70].map(|seconds| Instant::ZERO + Duration::from_secs(seconds));
        ring.catch_up(now);
        ring.arm(0, at);
        assert!(now < ring.next() && ring.next() <= at);
    }

    /// The obvious timer, and the same operations on both.
    #[test]
    fn it_agrees_with_a_sorted_map() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut ring = Ring::new();
        let mut map: BTreeMap<usize, Instant> = BTreeMap::new();
        let mut now = Instant::ZERO;
        for _ in 0..60_000 {
            let entry = rng.usize(..50);
            if rng.u32(..100) == 0 && map.is_empty() {
                now = now + Duration::from_secs(rng.u64(..200));
                ring.catch_up(now);
            }
            match rng.u32(..10) {
                0..5 => {
                    let reach = [1, 10, 1_000, 40_000, 3_600_000][rng.usize(..5)];
                    let at = now + Duration::from_micros(rng.u64(..reach * 1_000));
                    ring.arm(entry, at);
                    map.insert(entry, at);
                }
                5..7 => {
                    ring.disarm(entry);
                    map.remove(&entry);
                }
                _ => {
                    now = match map.values().min() {
                        Some(nearest) if rng.bool() => {
                            assert!(ring.next() <= *nearest, "never late");
                            assert!(ring.next() >= now, "never in the past");
                            ring.next()
                        }
                        _ => {
                            let reach = [5, 500, 60_000][rng.usize(..3)];
                            now + Duration::from_millis(rng.u64(..reach))
                        }
                    };
                    let mut due = Vec::new();
                    ring.expire(now, &mut due);
                    due.sort_unstable();
                    let expected: Vec<usize> =
                        map.iter().filter(|(_, at)| **at <= now).map(|(entry, _)| *entry).collect();
                    assert_eq!(due, expected);
                    map.retain(|_, at| *at > now);
                    assert!(map.is_empty() || ring.next() > now, "all that was due is gone");
                }
            }
            assert_eq!(ring.next() == Instant::NEVER, map.is_empty());
        }
    }
}
