//! Counters of one hub.

use std::{ops::AddAssign, time::Duration};

macro_rules! stats {
    ($($(#[doc = $about:literal])+ $name:ident,)+) => {
        /// What one hub has counted since it began, and what it holds now.
        ///
        /// Plain numbers: copy them, add those of several shards up with `+=`, subtract two
        /// readings for a rate.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Stats {
            $($(#[doc = $about])+ pub $name: u64,)+
        }

        impl Stats {
            /// Names and values, in the order of their declaration.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name),)+].into_iter()
            }
        }

        impl AddAssign for Stats {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

stats! {
    /// Connections in the pool now, in whatever state.
    connections,
    /// Connections in the pool now that have not opened yet.
    upgrading,
    /// Connections that are open now.
    open,
    /// Topics that have members here now, users among them.
    topics,
    /// Topics that have their home here now.
    homes,
    /// Memberships here now.
    members,
    /// Messages queued here now, each counted once however many connections wait for it.
    frames,
    /// Bytes of those messages.
    frame_bytes,
    /// Deliveries queued here now: a message counts once for each connection that waits for it.
    queued,
    /// Bytes of unfinished messages held now.
    assembly_bytes,

    /// Connections accepted so far.
    accepted,
    /// Connections declined before they had a place in the pool, so far.
    refused,
    /// Connections that have opened so far.
    opened,
    /// Connections that have ended so far.
    closed,
    /// Connections ended for breaking RFC 6455 so far.
    faults,
    /// Connections that a timeout ended so far.
    timeouts,
    /// Connections ended because too much waited for them, so far.
    overflows,
    /// Bytes taken from sockets so far.
    received_bytes,
    /// Messages received so far.
    received_messages,
    /// Bytes that sockets took so far.
    sent_bytes,
    /// Messages queued for single connections so far: the deliveries.
    deliveries,
    /// Messages compressed here so far, each once however many connections are given it; with
    /// another window once more.
    deflated,
    /// Publishes put in order here so far.
    publishes,
    /// Messages from outside that nobody could ever be given, so far: longer than an outbox, or for a
    /// name that no topic can have. A service is told so in place of this.
    unpublishable,
    /// Pings sent so far.
    pings,
    /// Pongs that answered a ping of ours so far.
    round_trips,
    /// The sum of those round trips, in microseconds.
    round_trip_micros,
    /// Events for connections that were already gone, so far.
    stale_events,
    /// Service methods that panicked so far.
    panics,
    /// Ticks that came too late, so far.
    late_ticks,
    /// Times that reading was paused because another shard could not keep up, so far.
    credit_pauses,
    /// Times that reading was slowed because a peer sent too many frames, so far.
    rate_pauses,
}

impl Stats {
    /// The mean time between a ping and its pong, if any pong has come.
    pub fn round_trip_mean(&self) -> Option<Duration> {
        self.round_trip_micros.checked_div(self.round_trips).map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_needs_something_to_measure() {
        let mut stats = Stats::default();
        assert_eq!(stats.round_trip_mean(), None);
        (stats.round_trips, stats.round_trip_micros) = (4, 10_000);
        assert_eq!(stats.round_trip_mean(), Some(Duration::from_micros(2_500)));
    }
}
