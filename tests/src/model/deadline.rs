//! What happens when a deadline passes: design, section 6.

use fanlight_core::CloseReason;

use super::{
    House, Place, Seen,
    closing::WhatWaits,
    connection::{Ping, Wait},
};

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Connection(usize, Wait),
    ShardTimer(u8),
    Farewell(u8),
    DrainEnd(u8),
}

impl Whose {
    fn turn(self) -> u8 {
        match self {
            Self::ShardTimer(_) => 0,
            Self::Farewell(_) | Self::DrainEnd(_) => 1,
            Self::Connection(..) => 2,
        }
    }
}

impl House {
    fn deadlines(&self) -> Vec<(u64, Whose)> {
        let mut deadlines = Vec::new();
        for (number, connection) in self.connections.iter().enumerate() {
            let waits = connection.deadlines(&self.settings).into_iter();
            deadlines.extend(waits.map(|(at, wait)| (at, Whose::Connection(number, wait))));
        }
        for (index, shard) in self.shards.iter().enumerate() {
            let index = index as u8;
            deadlines.extend(shard.timer.map(|at| (at, Whose::ShardTimer(index))));
            if let Some(drain) = shard.drain.as_ref().filter(|drain| !drain.is_over) {
                let farewells = drain.farewells.iter();
                deadlines.extend(farewells.map(|(at, _)| (*at, Whose::Farewell(index))));
                deadlines.push((drain.deadline, Whose::DrainEnd(index)));
            }
        }
        deadlines
    }

    /// The nearest deadline.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines().into_iter().map(|(at, _)| at).min()
    }

    /// Lets time pass; every deadline is met at its moment, or now if that has passed. A ping leaves
    /// once a tick has dealt with all that is due, unless a Close has taken its place.
    pub(super) fn advance(&mut self, until: u64) {
        loop {
            let mut due = self.nearest();
            if due.is_none_or(|(at, _)| at > self.now) {
                self.take_all();
                due = self.nearest();
            }
            let Some((at, whose)) = due.filter(|(at, _)| *at <= until) else { break };
            self.now = self.now.max(at);
            self.expire(whose);
            self.arrive();
        }
        self.now = until;
    }

    /// What is due next. The design leaves open in which order a late tick meets what is due: the
    /// shard's before its connections'.
    fn nearest(&self) -> Option<(u64, Whose)> {
        let turn = |(at, whose): &(u64, Whose)| ((*at).max(self.now), whose.turn(), *at);
        self.deadlines().into_iter().min_by_key(turn)
    }

    fn expire(&mut self, whose: Whose) {
        match whose {
            Whose::Connection(number, wait) => self.expire_connection(number, wait),
            Whose::ShardTimer(shard) => {
                self.shards[usize::from(shard)].timer = None;
                self.account.add(self.now, Place::Shard(shard), Seen::Timer);
            }
            Whose::Farewell(shard) => self.say_farewell(shard),
            Whose::DrainEnd(shard) => self.end_drain(shard),
        }
    }

    fn expire_connection(&mut self, number: usize, wait: Wait) {
        match wait {
            Wait::Upgrade | Wait::Decision | Wait::Pong | Wait::Stall | Wait::Message => {
                self.count("timeouts");
            }
            Wait::LastWord | Wait::Ping | Wait::Close | Wait::Linger | Wait::Timer => {}
        }
        match wait {
            Wait::LastWord => self.say_last_word(number),
            Wait::Upgrade if self.connections[number].has_begun => {
                self.refuse(number, CloseReason::UpgradeTimeout, 408);
            }
            Wait::Upgrade => self.lose(number, CloseReason::UpgradeTimeout),
            Wait::Decision => self.refuse(number, CloseReason::DecisionTimeout, 503),
            Wait::Ping => {
                let ping = Ping { left_at: None, is_answered: false, has_pong: false };
                self.connections[number].ping = Some(ping);
                self.count("pings");
                self.queue(number, Seen::Ping);
            }
            Wait::Pong => self.lose(number, CloseReason::HeartbeatTimeout),
            Wait::Stall => self.lose(number, CloseReason::Stalled),
            Wait::Message => {
                // The design leaves open whether what waits still leaves; an end for the sake of a
                // deadline is taken as one at once.
                let reason = CloseReason::MessageTimeout;
                self.begin_close(number, reason, 1008, WhatWaits::IsDropped);
            }
            Wait::Close => self.linger(number),
            Wait::Linger => self.drop(number),
            Wait::Timer => {
                self.connections[number].timer = None;
                self.account.add(self.now, Place::Application(number), Seen::Timer);
            }
        }
    }
}
