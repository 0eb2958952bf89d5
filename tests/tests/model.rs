//! The obvious implementation and the real one, side by side over whatever can happen to them.

use std::{collections::BTreeSet, env};

use fanlight_tests::model::{
    self, Arrival::*, Ask::*, Audience::*, Bounds::*, Decision::*, Ending, Name::*, Nth, Op, Op::*,
    Parcels::*, Setup, Size::*, Speech::*, Until::*,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::FileFailurePersistence};

fn judge(setup: Setup, ops: &[Op]) -> Result<(), TestCaseError> {
    model::compare(setup, ops).map(|_| ()).map_err(|difference| {
        let done = &ops[..=difference.number];
        TestCaseError::fail(format!("{difference}\n\n{}", model::story(setup, done)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: env::var_os("PROPTEST_CASES").map_or(1024, |_| ProptestConfig::default().cases),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/proptest-regressions/model.txt"
        )))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn one_hub_does_what_the_model_says((setup, ops) in model::run(1)) {
        judge(setup, &ops)?;
    }

    #[test]
    fn three_hubs_do_what_the_model_says((setup, ops) in model::run(3)) {
        judge(setup, &ops)?;
    }
}

/// Found by the model: what was asked of a connection that is not open was answered nonetheless.
#[test]
fn a_name_that_no_topic_has_is_declined_to_open_connections_only() {
    model::agree(
        Setup::three(Roomy, Prompt),
        &[
            Accept(0, 0, Fresh),
            Subscribes(0, Nth(0), Nameless),
            Subscribes(1, Nth(0), LongerName),
            Accept(1, 0, Upgraded),
            Subscribes(0, Nth(1), Nameless),
        ],
    );
}

/// Found by the model: a member that asked again at its bound was told that it is none.
#[test]
fn who_is_a_member_already_is_not_declined_at_the_bound() {
    model::agree(
        Setup::alone(Tight),
        &[
            Accept(0, 0, Upgraded),
            Subscribes(0, Nth(0), Topic(1)),
            Subscribes(0, Nth(0), Topic(2)),
            Subscribes(0, Nth(0), Topic(1)),
            Subscribes(0, Nth(0), Topic(3)),
        ],
    );
}

/// Found by the model: a pong or an answer that waited counted against the messages' bound.
#[test]
fn what_waits_in_the_control_lane_takes_no_room_of_messages() {
    for first in [Asks(Nth(0), Upgrade(Admit)), Speaks(Nth(0), Ping)] {
        let arrival = if first == Speaks(Nth(0), Ping) { Upgraded } else { Fresh };
        model::agree(
            Setup::alone(Tight),
            &[
                Accept(0, 0, arrival),
                Stalls(Nth(0)),
                first,
                Sends(0, Nth(0), WholeOutbox),
                Moves(Nth(0)),
            ],
        );
    }
}

/// Found by chance: a tick that comes late finds two deadlines, and the Close takes the ping's place.
#[test]
fn of_a_ping_and_a_close_in_one_late_tick_only_the_close_leaves() {
    model::agree(
        Setup::alone(Roomy),
        &[
            Accept(0, 0, Upgraded),
            SpeaksTwice(Nth(0), Chat, Begin),
            Stalls(Nth(0)),
            Accept(0, 0, Upgraded),
            Stalls(Nth(0)),
            Passes(Unticked(0)),
            Publishes(0, Everyone, Short),
            Passes(Unticked(0)),
            Moves(Nth(2)),
        ],
    );
}

/// Found by chance: a second read behind what ended the wire brought its Close forward, and without
/// one a peer that ended its half was told nothing.
#[test]
fn what_ends_a_wire_is_answered_however_it_was_read() {
    let reads: [&[Op]; 5] = [
        &[SpeaksTwice(Nth(0), Say(Topic(0)), Middle)],
        &[SpeaksTwice(Nth(0), Say(Topic(0)), Middle), Speaks(Nth(0), Chat)],
        &[Speaks(Nth(0), Say(Topic(0))), Speaks(Nth(0), Middle)],
        &[SpeaksTwice(Nth(0), Say(Topic(0)), CloseWith(1000))],
        &[Speaks(Nth(0), Say(Topic(0))), Speaks(Nth(0), CloseWith(1000))],
    ];
    for read in reads {
        let begun = [Accept(0, 0, Upgraded), Pauses(0, Nth(0))];
        let ended = [Ends(Nth(0), Ending::Eof), Resumes(0, Nth(0))];
        let ops = [&begun[..], read, &ended].concat();
        let run = model::compare(Setup::alone(Roomy), &ops).expect("model and hub agree");
        let mut seen = run.iter().flat_map(|(_, account)| account.seen.values().flatten());
        assert!(seen.any(|(_, seen)| matches!(seen, model::Seen::Close(_))), "{read:?}");
    }
}

/// Found by chance: a timer that is set too late was taken for what was due first.
#[test]
fn a_timer_that_is_set_for_the_past_is_due_now() {
    model::agree(
        Setup::three(Roomy, Held),
        &[
            Accept(2, 0, Upgraded),
            SetsTimerOf(0, Nth(0), Some(0)),
            Passes(At),
            Passes(Unticked(1)),
            Delivers(0, 2),
        ],
    );
}

/// Found by chance: a timer was swallowed by the decision's deadline of the same moment.
#[test]
fn a_timer_at_the_moment_of_another_deadline_is_told() {
    model::agree(
        Setup::alone(Roomy),
        &[
            Accept(0, 0, Fresh),
            SetsTimerOf(0, Nth(0), Some(1709)),
            Asks(Nth(0), UpgradeAndWait),
            Passes(At),
        ],
    );
}

/// A model that is never put to the test agrees with anything.
#[test]
fn runs_reach_every_end_and_do_every_operation() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut ends, mut done) = (BTreeSet::new(), BTreeSet::new());
    for nth in 0..2_000 {
        let run = model::run(if nth % 2 == 0 { 1 } else { 3 });
        let (setup, ops) = run.new_tree(&mut runner).expect("nothing is filtered out").current();
        for (op, account) in model::compare(setup, &ops).expect("model and hubs agree") {
            let name = format!("{op:?}");
            done.insert(name.split('(').next().unwrap_or_default().to_owned());
            for (_, seen) in account.seen.values().flatten() {
                if let model::Seen::Closed(reason) | model::Seen::Unheard(reason) = seen {
                    ends.insert(reason.name());
                }
            }
        }
    }
    // All but `assembly_full`: how much memory the unfinished takes is not the model's to know.
    assert_eq!(ends.len(), 14, "{ends:?}");
    assert_eq!(done.len(), 25, "{done:?}");
}
