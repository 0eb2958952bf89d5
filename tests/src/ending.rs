//! How a scenario is brought to rest, asked about, and ended.

use std::time::Duration;

use fanlight_core::{Audience, ConnId, Event, ShardId, Stats, Timer, Topic};

use fanlight_sim::lifeless_max;

use crate::{
    op::{Ending, TOPICS, USERS},
    stage::Stage,
};

/// Longer than any parcel and its answer take.
const REST: Duration = Duration::from_secs(10);

/// In how many steps a drain at the end is watched.
const PACES: u32 = 16;

/// A last message for every audience, said when nothing else moved.
#[derive(Debug)]
pub struct Probe {
    /// The connections that were open before and after.
    pub open: Vec<ConnId>,
    /// What the hubs held after it.
    pub stats: Stats,
    /// The texts, by audience.
    pub texts: Vec<(Audience, String)>,
    /// Whether nobody came or went meanwhile.
    pub is_exact: bool,
}

impl Stage {
    /// Says something to every audience, so that who gets it shows who is a member.
    pub fn probe(&mut self) {
        if self.is_drained {
            return;
        }
        let before = self.open();
        let topics = TOPICS.iter().map(|topic| Topic::new(*topic));
        let users = USERS.iter().map(|user| Topic::user(*user));
        let audiences = topics.chain(users).map(Audience::Topic).chain([Audience::Everyone]);
        let mut texts = Vec::new();
        for (nth, audience) in audiences.enumerate() {
            let via = self.shard(nth as u8);
            texts.extend(self.publish(via, &audience, 0, None).map(|text| (audience, text)));
            self.world.flow();
        }
        self.world.advance(REST);
        let open = self.open();
        let is_exact = before == open && self.world.live().len() == open.len();
        self.probe = Some(Probe { open, stats: self.world.stats(), texts, is_exact });
    }

    /// The open connections, without those whose peer is not there any more and whose window is
    /// full: what they are given waits in their outbox, where no law looks for it.
    fn open(&self) -> Vec<ConnId> {
        let mut open = self.world.live().to_vec();
        open.retain(|conn| {
            let is_stuck =
                self.world.socket(*conn).is_lost() && !self.world.unsent(*conn).is_empty();
            self.world.hub(conn.shard()).is_open(*conn) && !is_stuck
        });
        open
    }

    /// Ends everybody, and lets the last parcels arrive.
    pub fn end(&mut self, ending: Ending) {
        for shard in self.world.shards() {
            self.world.tell(shard, Event::SetTimer(Timer::Shard, None));
        }
        match ending {
            Ending::Drain(over, timeout) => {
                self.drain(over, timeout);
                let slice = timeout.max(over) / PACES;
                for _ in 0..PACES {
                    self.world.advance(slice);
                    self.keep_pace();
                }
            }
            Ending::Vanish => {
                for conn in self.world.live().to_vec() {
                    self.world.peer_acts(conn, |peer, _| peer.fall_silent());
                    self.world.set_takes(conn, Some(0));
                    self.world.set_gives(conn, Some(0));
                }
                let lifeless_max = lifeless_max(self.world.hub(ShardId(0)).config());
                self.world.advance(lifeless_max);
            }
            Ending::Reset => {
                for conn in self.world.live().to_vec() {
                    self.world.reset(conn);
                }
                // Who has shut down its half already cannot be reset, but does not stay.
                self.world.advance(lifeless_max(self.world.hub(ShardId(0)).config()));
            }
        }
        self.world.advance(REST);
        self.world.inspect();
        self.world.nothing_left();
    }
}
