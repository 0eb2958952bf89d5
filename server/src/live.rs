//! What each shard counts, told once a second to whoever listens.

use std::time::Duration;

use fanlight_core::{Context, Instant, Stats, Timer, Topic};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::centrifugo;

/// The channel in which it is told.
pub(crate) const CHANNEL: &str = "fanlight:stats";

const INTERVAL: Duration = Duration::from_secs(1);

/// Tells it: on the shard that is the channel's home, and nowhere else.
#[derive(Debug)]
pub(crate) struct Live {
    topic: Topic,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { topic: Topic::new(CHANNEL) }
    }

    /// Begins, if this shard is the one.
    pub(crate) fn start(&self, cx: &mut Context<'_>) {
        if cx.is_home(&self.topic) {
            cx.set_timer(Timer::Shard, Some(cx.now() + INTERVAL));
        }
    }

    /// The timer of the shard has expired: asks for the figures of all shards if anybody listens.
    pub(crate) fn tell(&self, cx: &mut Context<'_>, shards: impl FnOnce() -> Vec<Stats>) {
        cx.set_timer(Timer::Shard, Some(cx.now() + INTERVAL));
        if cx.has_members(&self.topic) {
            let told = figures(cx.now(), &shards());
            // If it is not taken, the next one says it all again.
            cx.publish(&self.topic, centrifugo::publication(CHANNEL, &told));
        }
    }
}

/// What is told. Counters stand as they are: whoever hears two of these knows the rates between
/// them, and misses nothing by not having heard one.
#[derive(Debug, Serialize)]
struct House<'a> {
    /// When, in milliseconds. Only differences mean anything.
    at_ms: u64,
    shards: &'a [Shard],
}

#[derive(Debug, Serialize)]
struct Shard {
    open: u64,
    homes: u64,
    received_messages: u64,
    deliveries: u64,
    frame_bytes: u64,
}

fn figures(now: Instant, shards: &[Stats]) -> Box<RawValue> {
    let shards: Vec<Shard> = shards
        .iter()
        .map(|stats| Shard {
            open: stats.open,
            homes: stats.homes,
            received_messages: stats.received_messages,
            deliveries: stats.deliveries,
            frame_bytes: stats.frame_bytes,
        })
        .collect();
    to_raw_value(&House { at_ms: now.as_nanos() / 1_000_000, shards: &shards })
        .expect("numbers under names are always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_is_an_object_and_counters_stand_as_they_are() {
        let now = Instant::ZERO + Duration::from_micros(2_500_900);
        let one = Stats { open: 1, homes: 2, received_messages: 3, ..Stats::default() };
        let two = Stats { deliveries: 4, frame_bytes: 5, ..Stats::default() };
        assert_eq!(
            figures(now, &[one, two]).get(),
            concat!(
                r#"{"at_ms":2500,"shards":["#,
                r#"{"open":1,"homes":2,"received_messages":3,"deliveries":0,"frame_bytes":0},"#,
                r#"{"open":0,"homes":0,"received_messages":0,"deliveries":4,"frame_bytes":5}]}"#,
            )
        );
    }
}
