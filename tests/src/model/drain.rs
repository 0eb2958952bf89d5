//! The graceful end of a hub: law 9.

use fanlight_core::{CloseCode, CloseReason};

use super::{
    House, Place, Seen, act::FAREWELL, closing::WhatWaits, connection::State, house::Shard,
};

#[derive(Clone, Debug)]
pub(super) struct Drain {
    /// Whom to tell, and when.
    pub(super) farewells: Vec<(u64, usize)>,
    /// When whoever is left is dropped.
    pub(super) deadline: u64,
    /// Whether it is over.
    pub(super) is_over: bool,
}

fn reason() -> CloseReason {
    CloseReason::Drained(CloseCode::from(FAREWELL))
}

impl House {
    pub(super) fn drain(&mut self, shard: u8, over: u64, timeout: u64) {
        if self.shards[usize::from(shard)].drain.is_some() {
            return;
        }
        let on_shard = |house: &Self| -> Vec<usize> {
            let numbers = 0..house.connections.len();
            numbers.filter(|number| house.connections[*number].shard == shard).collect()
        };
        for number in on_shard(self) {
            if timeout.max(over) == 0 {
                break;
            }
            match self.connections[number].state {
                State::Upgrading if !self.connections[number].has_begun => {
                    self.lose(number, reason());
                }
                State::Upgrading | State::Deciding => self.refuse(number, reason(), 503),
                State::Open | State::Closing | State::Lingering | State::Gone => {}
            }
        }
        let mut open = on_shard(self);
        open.retain(|number| self.connections[*number].is_open());
        // The design leaves the order open; it is that of their slots.
        open.sort_by_key(|number| self.connections[*number].slot);
        // Evenly: the first at once, the last when the time is over.
        let steps = open.len().saturating_sub(1).max(1) as u64;
        let step = |nth: usize| self.now + (over * nth as u64).div_ceil(steps);
        let farewells = open.iter().enumerate().map(|(nth, number)| (step(nth), *number));
        self.shards[usize::from(shard)].drain = Some(Drain {
            farewells: farewells.collect(),
            deadline: self.now + timeout.max(over),
            is_over: false,
        });
        if timeout.max(over) == 0 {
            // No time to tell anybody.
            self.end_drain(shard);
        }
        // The first is told at once.
        self.say_farewell(shard);
        self.end_drain_if_empty(shard);
    }

    /// Says farewell to those whose turn has come.
    pub(super) fn say_farewell(&mut self, shard: u8) {
        let now = self.now;
        let Some(drain) = &mut self.shards[usize::from(shard)].drain else { return };
        if drain.deadline <= now {
            // Nothing that is said now would leave.
            return self.end_drain(shard);
        }
        let (due, later): (Vec<_>, Vec<_>) =
            drain.farewells.iter().copied().partition(|(at, _)| *at <= now);
        drain.farewells = later;
        for (_, number) in due {
            if self.connections[number].is_open() {
                self.begin_close(number, reason(), FAREWELL, WhatWaits::Leaves);
            }
        }
    }

    /// Drops whoever is left.
    pub(super) fn end_drain(&mut self, shard: u8) {
        for number in 0..self.connections.len() {
            let connection = &self.connections[number];
            if connection.shard == shard && !connection.is_gone() {
                self.lose(number, reason());
            }
        }
    }

    pub(super) fn end_drain_if_empty(&mut self, shard: u8) {
        let is_empty = self
            .connections
            .iter()
            .all(|connection| connection.shard != shard || connection.is_gone());
        let now = self.now;
        let Shard { drain, timer, .. } = &mut self.shards[usize::from(shard)];
        if let Some(drain) = drain
            && is_empty
            && !drain.is_over
        {
            drain.is_over = true;
            drain.farewells.clear();
            // The design leaves open what becomes of it; a drained hub waits for nothing.
            *timer = None;
            self.account.add(now, Place::Shard(shard), Seen::Drained);
        }
    }
}
