//! Runs drawn by proptest, which it shrinks to few and simple operations.

use proptest::{collection::vec, option, prelude::*};

use super::{
    Arrival, Ask, Audience, Bounds, Breach, Decision, Ending, Late, Name, Nth, Op, Parcels, Setup,
    Size, Speech, Until,
};

/// A house of one shard or of three, and what is done to it.
pub fn run(shards: u8) -> impl Strategy<Value = (Setup, Vec<Op>)> {
    let bounds = prop_oneof![Just(Bounds::Roomy), Just(Bounds::Tight)];
    let parcels = if shards == 1 {
        Just(Parcels::Prompt).boxed()
    } else {
        prop_oneof![Just(Parcels::Prompt), Just(Parcels::Held)].boxed()
    };
    let setup =
        (bounds, parcels).prop_map(move |(bounds, parcels)| Setup { shards, bounds, parcels });
    (setup, vec(op(), 1..60))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (shard(), 0..3_u8, arrival()).prop_map(|(shard, from, how)| Op::Accept(shard, from, how)),
        40 => of_peers(),
        40 => of_applications(),
        25 => until().prop_map(Op::Passes),
        15 => (shard(), shard()).prop_map(|(from, to)| Op::Delivers(from, to)),
        3 => (shard(), nth(), late()).prop_map(|(via, who, late)| Op::Stale(via, who, late)),
        1 => (shard(), prop_oneof![Just(0), 0..4_000_u16], 0..6_000_u16)
            .prop_map(|(shard, over, timeout)| Op::Drains(shard, over, timeout)),
    ]
}

fn of_peers() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (nth(), ask()).prop_map(|(who, ask)| Op::Asks(who, ask)),
        2 => (nth(), ask(), speech())
            .prop_map(|(who, ask, speech)| Op::AsksAndSpeaks(who, ask, speech)),
        12 => (nth(), speech()).prop_map(|(who, speech)| Op::Speaks(who, speech)),
        5 => (nth(), speech(), speech())
            .prop_map(|(who, first, second)| Op::SpeaksTwice(who, first, second)),
        2 => (nth(), prop_oneof![Just(Ending::Eof), Just(Ending::Reset)])
            .prop_map(|(who, ending)| Op::Ends(who, ending)),
        10 => nth().prop_map(Op::Stalls),
        3 => nth().prop_map(Op::Moves),
    ]
}

fn of_applications() -> impl Strategy<Value = Op> {
    let code = || prop_oneof![Just(1000), Just(4321), Just(1005)];
    prop_oneof![
        3 => (shard(), nth(), decision()).prop_map(|(via, who, how)| Op::Decides(via, who, how)),
        8 => (shard(), nth(), name()).prop_map(|(via, who, name)| Op::Subscribes(via, who, name)),
        3 => (shard(), nth(), name()).prop_map(|(via, who, name)| Op::Unsubscribes(via, who, name)),
        24 => (shard(), (0..2_u8).prop_map(Nth), size())
            .prop_map(|(via, who, size)| Op::Sends(via, who, size)),
        8 => (shard(), audience(), size())
            .prop_map(|(via, whom, size)| Op::Publishes(via, whom, size)),
        3 => (shard(), audience(), size(), nth())
            .prop_map(|(via, whom, size, who)| Op::PublishesExcept(via, whom, size, who)),
        2 => (shard(), nth(), code()).prop_map(|(via, who, code)| Op::Closes(via, who, code)),
        2 => (shard(), nth(), code()).prop_map(|(via, who, code)| Op::Kicks(via, who, code)),
        3 => (shard(), nth()).prop_map(|(via, who)| Op::Pauses(via, who)),
        3 => (shard(), nth()).prop_map(|(via, who)| Op::Resumes(via, who)),
        1 => nth().prop_map(Op::Panics),
        2 => (shard(), option::of(0..5_000_u16))
            .prop_map(|(via, millis)| Op::SetsTimer(via, millis)),
        3 => (shard(), nth(), option::of(0..5_000_u16))
            .prop_map(|(via, who, millis)| Op::SetsTimerOf(via, who, millis)),
    ]
}

fn shard() -> impl Strategy<Value = u8> {
    0..3_u8
}

fn nth() -> impl Strategy<Value = Nth> {
    (0..8_u8).prop_map(Nth)
}

fn arrival() -> impl Strategy<Value = Arrival> {
    prop_oneof![
        3 => Just(Arrival::Fresh),
        5 => Just(Arrival::Upgraded),
        2 => (0..2_u8).prop_map(Arrival::UpgradedAs),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        6 => decision().prop_map(Ask::Upgrade),
        4 => Just(Ask::UpgradeAndWait),
        1 => decision().prop_map(Ask::Page),
        3 => Just(Ask::Half),
        1 => Just(Ask::Nonsense),
        1 => Just(Ask::Post),
        1 => Just(Ask::Keyless),
        1 => Just(Ask::OldVersion),
    ]
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        4 => Just(Decision::Admit),
        2 => (0..2_u8).prop_map(Decision::AdmitAs),
        1 => prop_oneof![Just(200), Just(403), Just(503)].prop_map(Decision::Refuse),
    ]
}

fn speech() -> impl Strategy<Value = Speech> {
    prop_oneof![
        3 => Just(Speech::Chat),
        4 => Just(Speech::Echo),
        1 => Just(Speech::Bye),
        3 => (0..2_u8).prop_map(|topic| Speech::Say(Name::Topic(topic))),
        1 => (0..2_u8).prop_map(|user| Speech::Say(Name::User(user))),
        1 => Just(Speech::Longest),
        1 => Just(Speech::TooLong),
        4 => Just(Speech::Begin),
        2 => Just(Speech::Middle),
        2 => Just(Speech::Finish),
        4 => Just(Speech::Ping),
        4 => Just(Speech::Pong),
        1 => Just(Speech::StrayPong),
        2 => prop_oneof![Just(1000), Just(3001)].prop_map(Speech::CloseWith),
        1 => Just(Speech::CloseWithout),
        1 => breach().prop_map(Speech::Breach),
    ]
}

fn breach() -> impl Strategy<Value = Breach> {
    prop_oneof![
        Just(Breach::Bit),
        Just(Breach::Opcode),
        Just(Breach::Bare),
        Just(Breach::Fragment),
        Just(Breach::Text),
        Just(Breach::HalfCode),
        Just(Breach::Code),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        16 => (0..4_u8).prop_map(Name::Topic),
        3 => (0..2_u8).prop_map(Name::User),
        1 => Just(Name::Nameless),
        1 => Just(Name::LongName),
        1 => Just(Name::LongerName),
    ]
}

fn audience() -> impl Strategy<Value = Audience> {
    prop_oneof![1 => Just(Audience::Everyone), 4 => name().prop_map(Audience::MembersOf)]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        12 => Just(Size::Short),
        2 => Just(Size::HalfOutbox),
        1 => Just(Size::WholeOutbox),
        1 => Just(Size::OverOutbox),
    ]
}

fn until() -> impl Strategy<Value = Until> {
    prop_oneof![
        3 => (0..6_000_u16).prop_map(Until::For),
        2 => Just(Until::Before),
        4 => Just(Until::At),
        1 => Just(Until::After),
        1 => (0..40_u8).prop_map(Until::Unticked),
    ]
}

fn late() -> impl Strategy<Value = Late> {
    prop_oneof![
        Just(Late::LateBytes),
        Just(Late::LateSent),
        Just(Late::LateEof),
        Just(Late::LateReset),
        Just(Late::LateAdmit),
        Just(Late::LateRefuse),
        Just(Late::LateSubscribe),
        Just(Late::LateUnsubscribe),
        Just(Late::LateSend),
        Just(Late::LateClose),
        Just(Late::LateKick),
        Just(Late::LatePause),
        Just(Late::LateResume),
        Just(Late::LateTimer),
        Just(Late::LatePanic),
        Just(Late::LateAwaitCredit),
    ]
}
