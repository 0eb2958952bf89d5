//! Whether scenarios reach what the laws are about: a law that is never put to the test holds.

use std::collections::BTreeMap;

use fanlight_core::{Command, Stats};
use fanlight_tests::scenario;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

#[test]
fn scenarios_reach_every_end_and_move_every_counter() {
    let mut runner = TestRunner::deterministic();
    let mut ends: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut happened: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut sum = Stats::default();
    for shards in [1, 3] {
        for _ in 0..400 {
            let tree = scenario(shards).new_tree(&mut runner).expect("nothing is filtered out");
            let stage = tree.current().play();
            sum += stage.world.stats();
            for command in stage.world.record().commands() {
                if let Command::Closed(closed) = command {
                    *ends.entry(closed.reason.name()).or_default() += 1;
                }
                *happened.entry(name(command)).or_default() += 1;
            }
            for (name, value) in stage.probe.iter().flat_map(|probe| probe.stats.all()) {
                *happened.entry(name).or_default() += u32::from(value > 0);
            }
        }
    }
    for end in [
        "peer_closed",
        "peer_gone",
        "bad_request",
        "fault",
        "upgrade_timeout",
        "message_timeout",
        "heartbeat_timeout",
        "stalled",
        "outbox_full",
        "assembly_full",
        "refused",
        "decision_timeout",
        "service_closed",
        "service_panicked",
        "drained",
    ] {
        assert!(ends.get(end).is_some_and(|times| *times >= 5), "{end}: {ends:?}");
    }
    let now = ["connections", "upgrading", "open", "topics", "members", "frames", "frame_bytes"];
    let now = [&now[..], &["homes", "queued", "assembly_bytes"]].concat();
    for (counter, value) in sum.all() {
        // What no application may say is said in `bounds.rs`.
        assert!(
            value >= 5 || counter == "unpublishable" || now.contains(&counter),
            "{counter} is {value}"
        );
    }
    for command in ["pause", "resume", "shutdown", "declined", "timer", "forward", "subscribed"] {
        assert!(happened.get(command).is_some_and(|times| *times >= 5), "{command}");
    }
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Pause(_) => "pause",
        Command::Resume(_) => "resume",
        Command::Shutdown(_) => "shutdown",
        Command::Disconnect(_) => "disconnect",
        Command::Requested(..) => "requested",
        Command::Opened(_) => "opened",
        Command::Deliver(..) => "deliver",
        Command::Subscribed(..) => "subscribed",
        Command::SubscriptionRefused(..) => "declined",
        Command::Closed(_) => "closed",
        Command::Timer(_) => "timer",
        Command::Drained => "drained",
        Command::Forward(..) => "forward",
    }
}
