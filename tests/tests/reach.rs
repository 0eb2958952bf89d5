//! Whether scenarios reach what the laws are about: a law that is never put to the test holds.

use std::collections::BTreeMap;

use fanlight_core::{Command, Refused, Stats};
use fanlight_tests::{scenario, swarm};
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
    every_end_is_reached(&ends);
    every_counter_moves(&sum);
    for command in ["pause", "resume", "shutdown", "declined", "timer", "forward", "subscribed"] {
        assert!(happened.get(command).is_some_and(|times| *times >= 5), "{command}");
    }
}

/// What the runs of the swarm reach, of which these are the beginnings.
#[test]
fn the_swarm_reaches_every_end_and_moves_every_counter() {
    let mut ends: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut refused: BTreeMap<String, u32> = BTreeMap::new();
    let mut sum = Stats::default();
    for seed in 0..150 {
        let stage = swarm::stage(seed, 800).expect("it is lawful");
        sum += stage.world.stats();
        for command in stage.world.record().commands() {
            if let Command::Closed(closed) = command {
                *ends.entry(closed.reason.name()).or_default() += 1;
            }
        }
        for why in &stage.refused {
            *refused.entry(format!("{why:?}")).or_default() += 1;
        }
    }
    every_end_is_reached(&ends);
    every_counter_moves(&sum);
    for why in [Refused::Full, Refused::Upgrading, Refused::Address, Refused::Draining] {
        let times = refused.get(&format!("{why:?}"));
        assert!(times.is_some_and(|times| *times >= 5), "{why:?}: {refused:?}");
    }
}

fn every_end_is_reached(ends: &BTreeMap<&'static str, u32>) {
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
}

fn every_counter_moves(sum: &Stats) {
    let now = ["connections", "upgrading", "open", "topics", "members", "frames", "frame_bytes"];
    let now = [&now[..], &["homes", "queued", "assembly_bytes"]].concat();
    for (counter, value) in sum.all() {
        // What no application may say is said in `bounds.rs`.
        assert!(
            value >= 5 || counter == "unpublishable" || now.contains(&counter),
            "{counter} is {value}"
        );
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
