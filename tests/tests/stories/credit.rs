//! What a shard that cannot keep up does to those who publish, and to nobody else.

use fanlight_core::{ConnId, Settings};

use super::{
    Story, ended, gone, millis, open, say, secs, send, settled,
    shards::{A, B, deliver_all, held, is_subscribed, topic_of},
    subscribe, texts,
};

/// A house whose shards may owe each other little, and a peer on one that publishes to the other.
fn short_of_credit() -> (Story, ConnId, String) {
    let mut world = held(Settings { parcel_bytes_max: 1024, ..Settings::default() });
    let topic = topic_of(&world, B);
    let publisher = open(&mut world, A);
    for _ in 0..200 {
        if world.socket(publisher).is_paused() {
            return (world, publisher, topic);
        }
        say(&mut world, publisher, &format!("say {topic} {}", "x".repeat(20)));
    }
    panic!("nobody was paused");
}

#[test]
fn who_publishes_more_than_the_house_keeps_up_with_is_paused_until_it_does() {
    let (mut world, publisher, topic) = short_of_credit();
    let member = open(&mut world, B);
    subscribe(&mut world, member, &topic);
    let said = world.service(A).said().len();
    assert_eq!(world.stats().credit_pauses, 1);
    assert!(world.hub(A).is_short_of_credit());
    say(&mut world, publisher, &format!("say {topic}"));
    assert_eq!(world.service(A).said().len(), said);
    deliver_all(&mut world);
    assert!(!world.socket(publisher).is_paused());
    assert!(!world.hub(A).is_short_of_credit());
    assert_eq!(world.service(A).said().len(), said + 1);
    assert_eq!(texts(&world, member).len(), said + 1);
    assert_eq!(world.stats().publishes, said as u64 + 1);
    settled(&world);
}

#[test]
fn a_publish_past_twice_the_bound_is_refused_and_nobody_is_sent_it() {
    let (mut world, _, topic) = short_of_credit();
    let member = open(&mut world, B);
    subscribe(&mut world, member, &topic);
    // Each on a new connection, since the ones that published are paused.
    for _ in 0..100 {
        let conn = open(&mut world, A);
        say(&mut world, conn, &format!("say {topic}"));
    }
    let said = world.service(A).said().len();
    assert!(said < 100, "{said}");
    deliver_all(&mut world);
    assert_eq!(texts(&world, member).len(), said);
    settled(&world);
}

#[test]
fn the_silence_of_a_paused_peer_does_not_count() {
    let (mut world, publisher, _) = short_of_credit();
    world.advance(secs(500));
    assert_eq!(ended(&world, publisher), None);
    deliver_all(&mut world);
    world.advance(secs(100));
    assert_eq!(ended(&world, publisher), None);
    settled(&world);
}

#[test]
fn what_does_not_publish_goes_on_while_credit_is_short() {
    let (mut world, _, topic) = short_of_credit();
    let conn = open(&mut world, A);
    say(&mut world, conn, "echo");
    subscribe(&mut world, conn, &topic);
    send(&mut world, conn, "direct");
    assert_eq!(texts(&world, conn).len(), 2);
    world.advance(millis(1));
    deliver_all(&mut world);
    assert!(is_subscribed(&world, conn));
    settled(&world);
}

#[test]
fn a_paused_peer_that_resets_is_gone_and_forgotten() {
    let (mut world, publisher, _) = short_of_credit();
    world.reset(publisher);
    assert_eq!(gone(&world, publisher), Some(secs(0)));
    deliver_all(&mut world);
    settled(&world);
}

#[test]
fn a_home_that_cannot_deliver_refuses_its_own_publishers_too() {
    let mut world = held(Settings { parcel_bytes_max: 1024, ..Settings::default() });
    let topic = topic_of(&world, A);
    let member = open(&mut world, B);
    subscribe(&mut world, member, &topic);
    deliver_all(&mut world);
    // Each on a new connection, since the ones that published are paused.
    for _ in 0..100 {
        let conn = open(&mut world, A);
        say(&mut world, conn, &format!("say {topic}"));
    }
    let said = world.service(A).said().len();
    assert!((5..50).contains(&said), "{said}");
    deliver_all(&mut world);
    assert_eq!(texts(&world, member).len(), said);
    settled(&world);
}
