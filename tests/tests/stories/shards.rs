//! Topics whose members live on several shards, and races on the way to their home.

use fanlight_core::{Audience, Command, ConnId, Event, Message, Settings, ShardId, Topic};
use fanlight_sim::Nature;
use fanlight_tests::Heard;

use super::{
    Story, close_frame, gone, house, house_of, open, open_as, publish, secs, settled, subscribe,
    texts, unsubscribe,
};

pub(super) const A: ShardId = ShardId(0);
pub(super) const B: ShardId = ShardId(1);

/// Topics whose home is `shard`.
pub(super) fn topics_of(world: &Story, shard: ShardId) -> [String; 3] {
    let seat = world.hub(A).seat();
    let names = (0..1000).map(|number| format!("topic-{number}"));
    let names = names.filter(|name| seat.home(&Topic::new(name.as_str()).into()) == shard);
    names.take(3).collect::<Vec<_>>().try_into().unwrap()
}

/// A topic whose home is `shard`.
pub(super) fn topic_of(world: &Story, shard: ShardId) -> String {
    let [topic, ..] = topics_of(world, shard);
    topic
}

/// Two shards, and parcels that wait to be delivered.
pub(super) fn held(settings: Settings) -> Story {
    house_of(2, settings, Nature::HELD)
}

/// Delivers everything, until nothing is left on the way.
pub(super) fn deliver_all(world: &mut Story) {
    while world.deliver(A, B) | world.deliver(B, A) {
        world.flow();
    }
}

pub(super) fn is_subscribed(world: &Story, conn: ConnId) -> bool {
    world.service(conn.shard()).about(conn).any(|heard| matches!(heard, Heard::Subscribed(..)))
}

#[test]
fn members_on_all_shards_see_one_order() {
    let mut world = house(3, Settings::default());
    let shards: Vec<_> = world.shards().collect();
    let members: Vec<_> = shards.iter().map(|shard| open(&mut world, *shard)).collect();
    for &member in &members {
        subscribe(&mut world, member, "lobby");
    }
    for number in 0..30 {
        let via = shards[number % 3];
        world.tell(
            via,
            Event::Publish(fanlight_core::Publish::new(
                "lobby",
                Message::text(&number.to_string()),
            )),
        );
    }
    world.flow();
    assert_eq!(texts(&world, members[0]).len(), 30);
    assert_eq!(texts(&world, members[0]), texts(&world, members[1]));
    assert_eq!(texts(&world, members[0]), texts(&world, members[2]));
    settled(&world);
}

#[test]
fn what_was_said_before_a_join_arrived_is_not_for_the_new_member() {
    let mut world = held(Settings::default());
    let topic = topic_of(&world, B);
    let old = open(&mut world, B);
    subscribe(&mut world, old, &topic);
    let new = open(&mut world, A);
    subscribe(&mut world, new, &topic);
    assert!(!is_subscribed(&world, new));
    publish(&mut world, B, topic.as_str(), "before");
    world.deliver(A, B);
    publish(&mut world, B, topic.as_str(), "after");
    assert_eq!(texts(&world, new), [""; 0]);
    deliver_all(&mut world);
    assert!(is_subscribed(&world, new));
    assert_eq!(texts(&world, new), ["after"]);
    assert_eq!(texts(&world, old), ["before", "after"]);
    settled(&world);
}

#[test]
fn a_second_member_of_a_shard_is_not_given_what_only_the_first_may_have() {
    let mut world = held(Settings::default());
    let topic = topic_of(&world, B);
    let first = open(&mut world, A);
    subscribe(&mut world, first, &topic);
    deliver_all(&mut world);
    publish(&mut world, B, topic.as_str(), "on its way");
    let second = open(&mut world, A);
    subscribe(&mut world, second, &topic);
    deliver_all(&mut world);
    publish(&mut world, B, topic.as_str(), "later");
    deliver_all(&mut world);
    assert_eq!(texts(&world, first), ["on its way", "later"]);
    let seen = texts(&world, second);
    // It may be given no less than what follows its `Subscribed`, and no more.
    assert!(seen == ["later"] || seen == ["on its way", "later"], "{seen:?}");
    let seqs: Vec<_> = [first, second]
        .iter()
        .map(|conn| world.service(A).about(*conn).find_map(Heard::seq))
        .collect();
    let missed = seqs[1].unwrap().0 - seqs[0].unwrap().0;
    assert_eq!(missed, 2 - seen.len() as u64);
    settled(&world);
}

#[test]
fn who_changes_its_mind_before_the_answer_ends_as_it_last_wished() {
    let mut world = held(Settings::default());
    let topic = topic_of(&world, B);
    let conn = open(&mut world, A);
    let other = open(&mut world, A);
    for wishes in [4, 5] {
        for wish in 0..wishes {
            let topic = Topic::new(topic.as_str());
            if wish % 2 == 0 {
                world.tell(A, Event::Subscribe(conn, topic));
            } else {
                world.tell(A, Event::Unsubscribe(conn, topic));
            }
            world.flow();
        }
        deliver_all(&mut world);
        publish(&mut world, B, topic.as_str(), &format!("after {wishes}"));
        deliver_all(&mut world);
    }
    assert_eq!(texts(&world, conn), ["after 5"]);
    assert_eq!(world.stats().members, 1);
    assert_eq!(texts(&world, other), [""; 0]);
    settled(&world);
}

#[test]
fn those_who_join_before_the_answer_are_told_once_each_when_it_comes() {
    let mut world = held(Settings::default());
    let topic = topic_of(&world, B);
    let old = open(&mut world, B);
    subscribe(&mut world, old, &topic);
    publish(&mut world, B, topic.as_str(), "before");
    let conns = [open(&mut world, A), open(&mut world, A)];
    for conn in conns {
        subscribe(&mut world, conn, &topic);
    }
    deliver_all(&mut world);
    for conn in conns {
        let told: Vec<_> = world.service(A).about(conn).filter_map(Heard::seq).collect();
        assert_eq!(told, [fanlight_core::Seq(1)]);
    }
    settled(&world);
}

#[test]
fn a_member_that_ends_before_the_answer_leaves_no_trace() {
    let mut world = held(Settings::default());
    let topic = topic_of(&world, B);
    let conn = open(&mut world, A);
    subscribe(&mut world, conn, &topic);
    world.reset(conn);
    deliver_all(&mut world);
    publish(&mut world, B, topic.as_str(), "nobody");
    deliver_all(&mut world);
    assert!(!is_subscribed(&world, conn));
    assert_eq!((world.stats().members, world.stats().topics), (0, 0));
    settled(&world);
}

#[test]
fn a_home_without_room_declines_and_who_is_declined_is_no_member() {
    let mut world = held(Settings { topics_max: 1, ..Settings::default() });
    let [x, y, _] = topics_of(&world, B);
    let (here, there) = (open(&mut world, A), open(&mut world, B));
    subscribe(&mut world, there, &x);
    subscribe(&mut world, here, &y);
    deliver_all(&mut world);
    let declined = Heard::Declined(Topic::new(y.as_str()));
    assert!(world.service(A).about(here).any(|heard| *heard == declined));
    assert!(!is_subscribed(&world, here));
    unsubscribe(&mut world, there, &x);
    subscribe(&mut world, there, &y);
    publish(&mut world, A, y.as_str(), "hello");
    deliver_all(&mut world);
    assert_eq!((texts(&world, here), texts(&world, there)), (vec![], vec!["hello"]));
    assert_eq!(world.stats().members, 1);
    settled(&world);
}

#[test]
fn a_home_that_had_no_room_at_first_forgets_a_topic_that_it_took_later() {
    let mut world = held(Settings { topics_max: 1, ..Settings::default() });
    let [x, y, z] = topics_of(&world, B);
    let (here, there) = (open(&mut world, A), open(&mut world, B));
    subscribe(&mut world, there, &x);
    // The first Join will find no room at the home, the second will.
    subscribe(&mut world, here, &y);
    unsubscribe(&mut world, here, &y);
    subscribe(&mut world, here, &y);
    world.deliver(A, B);
    unsubscribe(&mut world, there, &x);
    deliver_all(&mut world);
    assert!(is_subscribed(&world, here));
    publish(&mut world, B, y.as_str(), "hello");
    deliver_all(&mut world);
    assert_eq!(texts(&world, here), ["hello"]);
    unsubscribe(&mut world, here, &y);
    deliver_all(&mut world);
    let before = world.service(B).about(there).filter_map(Heard::seq).count();
    subscribe(&mut world, there, &z);
    assert_eq!(world.service(B).about(there).filter_map(Heard::seq).count(), before + 1);
    settled(&world);
}

#[test]
fn a_publish_goes_only_where_members_are() {
    let mut world = house(3, Settings::default());
    let topic = topic_of(&world, B);
    let conn = open(&mut world, ShardId(2));
    subscribe(&mut world, conn, &topic);
    let forwards = |world: &Story, to: ShardId| {
        let forwards = world.record().commands();
        forwards.filter(|it| matches!(it, Command::Forward(shard, _) if *shard == to)).count()
    };
    let before = forwards(&world, A);
    publish(&mut world, B, topic.as_str(), "hello");
    assert_eq!((texts(&world, conn), forwards(&world, A)), (vec!["hello"], before));
    settled(&world);
}

#[test]
fn everyone_is_everyone_on_all_shards_in_one_order() {
    let mut world = house(3, Settings::default());
    let shards: Vec<_> = world.shards().collect();
    let conns: Vec<_> = shards.iter().map(|shard| open(&mut world, *shard)).collect();
    for &shard in &shards {
        publish(&mut world, shard, Audience::Everyone, &format!("from {}", shard.0));
    }
    for conn in conns {
        assert_eq!(texts(&world, conn), ["from 0", "from 1", "from 2"]);
    }
    settled(&world);
}

#[test]
fn a_user_is_reached_on_every_shard() {
    let mut world = house(3, Settings::default());
    let shards: Vec<_> = world.shards().collect();
    let conns: Vec<_> =
        shards.iter().map(|shard| open_as(&mut world, *shard, Some("alice"))).collect();
    publish(&mut world, A, Topic::user("alice"), "hello");
    for conn in conns {
        assert_eq!(texts(&world, conn), ["hello"]);
    }
    settled(&world);
}

#[test]
fn any_shard_may_be_asked_about_any_connection() {
    let mut world = house(2, Settings::default());
    let conn = open(&mut world, B);
    let topic = Topic::new("lobby");
    world.tell(A, Event::Send(conn, Message::text("one")));
    world.tell(A, Event::Subscribe(conn, topic.clone()));
    world.flow();
    publish(&mut world, A, "lobby", "two");
    world.tell(A, Event::Unsubscribe(conn, topic));
    world.flow();
    publish(&mut world, A, "lobby", "three");
    world.tell(A, Event::Close(conn, close_frame(1000)));
    world.flow();
    assert_eq!(texts(&world, conn), ["one", "two"]);
    assert_eq!(gone(&world, conn), Some(secs(0)));
    settled(&world);
}
