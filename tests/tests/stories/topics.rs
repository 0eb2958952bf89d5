//! Who is given what on one hub.

use fanlight_core::{Audience, Event, Message, Publish, Seq, Settings, Topic};
use fanlight_sim::Peer;
use fanlight_tests::Heard;

use super::{
    ONE, close, fall_silent, fresh, house, hub, open, open_as, publish, send, settled, subscribe,
    texts, unsubscribe,
};

#[test]
fn members_get_what_is_published_and_others_do_not() {
    let mut world = hub();
    let (member, other) = (open(&mut world, ONE), open(&mut world, ONE));
    publish(&mut world, ONE, "lobby", "before");
    subscribe(&mut world, member, "lobby");
    publish(&mut world, ONE, "lobby", "hello");
    publish(&mut world, ONE, "elsewhere", "not here");
    unsubscribe(&mut world, member, "lobby");
    publish(&mut world, ONE, "lobby", "after");
    assert_eq!(texts(&world, member), ["hello"]);
    assert_eq!(texts(&world, other), [""; 0]);
    assert_eq!(world.stats().members, 0);
    settled(&world);
}

#[test]
fn a_subscription_tells_where_it_stands() {
    let mut world = hub();
    let (first, second) = (open(&mut world, ONE), open(&mut world, ONE));
    subscribe(&mut world, first, "lobby");
    for _ in 0..3 {
        publish(&mut world, ONE, "lobby", "hello");
    }
    subscribe(&mut world, second, "lobby");
    let seq = |conn| world.service(ONE).about(conn).find_map(Heard::seq);
    let (Some(Seq(first)), Some(Seq(second))) = (seq(first), seq(second)) else {
        panic!("both were told");
    };
    assert_eq!(second, first + 3);
    settled(&world);
}

#[test]
fn subscribing_twice_is_one_membership() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    subscribe(&mut world, conn, "lobby");
    subscribe(&mut world, conn, "lobby");
    publish(&mut world, ONE, "lobby", "once");
    assert_eq!((texts(&world, conn), world.stats().members), (vec!["once"], 1));
    unsubscribe(&mut world, conn, "lobby");
    publish(&mut world, ONE, "lobby", "never");
    assert_eq!(texts(&world, conn), ["once"]);
    settled(&world);
}

#[test]
fn one_is_left_out_if_the_publisher_wishes() {
    let mut world = hub();
    let (first, second) = (open(&mut world, ONE), open(&mut world, ONE));
    for conn in [first, second] {
        subscribe(&mut world, conn, "lobby");
    }
    let publish = Publish { except: Some(first), ..Publish::new("lobby", Message::text("hello")) };
    world.tell(ONE, Event::Publish(publish));
    world.flow();
    assert_eq!((texts(&world, first), texts(&world, second)), (vec![], vec!["hello"]));
    let publish =
        Publish { except: Some(second), ..Publish::new(Audience::Everyone, Message::text("all")) };
    world.tell(ONE, Event::Publish(publish));
    world.flow();
    assert_eq!((texts(&world, first), texts(&world, second)), (vec!["all"], vec!["hello"]));
    settled(&world);
}

#[test]
fn everyone_is_every_open_connection_and_no_other() {
    let mut world = hub();
    let upgraded = open(&mut world, ONE);
    let asked = fresh(&mut world, &Peer::request("/", true));
    let undecided = fresh(&mut world, &Peer::request("/wait", true));
    let closing = open(&mut world, ONE);
    fall_silent(&mut world, closing);
    close(&mut world, closing, 1000);
    publish(&mut world, ONE, Audience::Everyone, "all");
    for (conn, count) in [(upgraded, 1), (asked, 1), (undecided, 0), (closing, 0)] {
        assert_eq!(texts(&world, conn).len(), count, "{conn}");
    }
    settled(&world);
}

#[test]
fn a_user_is_a_topic_of_all_its_connections() {
    let mut world = hub();
    let phone = open_as(&mut world, ONE, Some("alice"));
    let laptop = fresh(&mut world, &Peer::request("/user/alice", true));
    let other = open_as(&mut world, ONE, Some("bob"));
    let namesake = open(&mut world, ONE);
    subscribe(&mut world, namesake, "alice");
    publish(&mut world, ONE, Topic::user("alice"), "for alice");
    publish(&mut world, ONE, "alice", "for the topic");
    assert_eq!(texts(&world, phone), ["for alice"]);
    assert_eq!(texts(&world, laptop), ["for alice"]);
    assert_eq!(texts(&world, other), [""; 0]);
    assert_eq!(texts(&world, namesake), ["for the topic"]);
    settled(&world);
}

#[test]
fn who_has_enough_topics_is_told_so() {
    let mut world = house(1, Settings { subscriptions_max: 2, ..Settings::default() });
    let conn = open(&mut world, ONE);
    for topic in ["a", "b", "c"] {
        subscribe(&mut world, conn, topic);
    }
    let declined = Heard::Declined(Topic::new("c"));
    assert!(world.service(ONE).about(conn).any(|heard| *heard == declined));
    publish(&mut world, ONE, "b", "yes");
    publish(&mut world, ONE, "c", "no");
    assert_eq!(texts(&world, conn), ["yes"]);
    unsubscribe(&mut world, conn, "a");
    subscribe(&mut world, conn, "c");
    publish(&mut world, ONE, "c", "now");
    assert_eq!(texts(&world, conn), ["yes", "now"]);
    settled(&world);
}

#[test]
fn a_topic_without_a_name_or_with_too_long_a_one_is_declined() {
    let mut world = house(1, Settings { topic_bytes_max: 5, ..Settings::default() });
    let conn = open(&mut world, ONE);
    for topic in ["", "longer", "short"] {
        subscribe(&mut world, conn, topic);
    }
    let declined = |topic: &str| {
        let declined = Heard::Declined(Topic::new(topic));
        world.service(ONE).about(conn).any(|heard| *heard == declined)
    };
    assert_eq!((declined(""), declined("longer"), declined("short")), (true, true, false));
    assert_eq!(world.stats().members, 1);
    settled(&world);
}

#[test]
fn memberships_end_with_their_connection() {
    let mut world = hub();
    let conn = open_as(&mut world, ONE, Some("alice"));
    for topic in ["a", "b"] {
        subscribe(&mut world, conn, topic);
    }
    assert_eq!((world.stats().members, world.stats().topics), (3, 3));
    world.reset(conn);
    assert_eq!((world.stats().members, world.stats().topics), (0, 0));
    publish(&mut world, ONE, "a", "nobody");
    settled(&world);
}

#[test]
fn what_is_sent_to_one_comes_in_order() {
    let mut world = hub();
    let conn = open(&mut world, ONE);
    world.set_takes(conn, Some(5));
    let all: Vec<_> = (0..50).map(|number| format!("{number}")).collect();
    for text in &all {
        send(&mut world, conn, text);
    }
    world.set_takes(conn, None);
    world.flow();
    assert_eq!(texts(&world, conn), all);
    settled(&world);
}
