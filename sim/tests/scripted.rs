//! What a test can make peers do, and what the world says of it.

use std::time::Duration;

use fanlight_core::{
    CloseCode, CloseReason, Config, ConnId, Context, Message, Service, Settings, ShardId,
};
use fanlight_sim::{Crowd, Manners, Nature, Rudeness, Setup, World};

/// Whatever anybody says everybody is told; "secret" closes whoever says it.
#[derive(Default)]
struct Chat;

impl Service for Chat {
    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        cx.subscribe(conn, "lobby");
    }
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message) {
        if message.as_text() == Some("secret") {
            cx.close(from, CloseCode::Policy, "hush");
        } else {
            cx.publish("lobby", message);
        }
    }
}

fn chat(shards: u8, nature: Nature) -> World<Chat> {
    World::with_setup(Setup { shards, nature, ..Setup::new(7) }, |_| Chat)
}

#[test]
fn peers_speak_and_hear_whichever_shard_they_are_on() {
    let mut world = chat(3, Nature::WILD);
    let peers: Vec<_> = (0..6).map(|_| world.open("/chat")).collect();
    world.advance(Duration::from_secs(10));
    world.peer(peers[0]).send("hello").send_in_fragments("again");
    for &peer in &peers {
        world.peer(peer).expect("hello").expect("again").expect_silence(Duration::from_secs(1));
    }
    let shards: std::collections::BTreeSet<_> = peers.iter().map(|peer| peer.shard()).collect();
    assert_eq!(shards.len(), 3, "each shard has its share");
    world.assert_lawful();
}

#[test]
fn a_peer_is_told_why_it_is_closed() {
    let mut world = chat(1, Nature::GENTLE);
    let [one, other] = [world.open("/chat"), world.open("/chat")];
    world.peer(one).send("secret").expect_close(CloseCode::Policy);
    world.peer(other).break_rules(Rudeness::InvalidText).expect_close(CloseCode::Invalid);
    world.settle();
    assert_eq!(world.end_of(one), Some(&CloseReason::ServiceClosed(CloseCode::Policy)));
    assert_eq!(world.live(), []);
    world.assert_lawful();
}

#[test]
fn who_vanishes_is_found_by_the_heartbeat_and_who_stalls_by_its_socket() {
    let mut world = chat(1, Nature::GENTLE);
    let [gone, stalled, well] = [(); 3].map(|()| world.open("/chat"));
    world.peer(gone).vanish();
    world.peer(stalled).stall();
    // More than lies between them: 64 KiB are on the way, and the rest waits.
    for _ in 0..40 {
        world.peer(well).send(&"x".repeat(4_000));
    }
    world.advance(Duration::from_secs(40));
    assert_eq!(world.live(), [well]);
    assert_eq!(world.stats().timeouts, 2);
    world.assert_lawful();
}

#[test]
fn a_slow_way_takes_its_time() {
    let mut world = chat(1, Nature::GENTLE);
    let conn = world.open("/chat");
    world.peer(conn).slow_down(100).send(&"x".repeat(300));
    let before = world.now();
    world.peer(conn).next_message();
    assert!(world.now() - before > Duration::from_secs(6), "300 bytes there and back");
}

#[test]
#[should_panic(expected = "expected \"hello\", and got \"hallo\"")]
fn another_message_than_expected_is_told() {
    let mut world = chat(1, Nature::GENTLE);
    let conn = world.open("/chat");
    world.peer(conn).send("hallo").expect("hello");
}

#[test]
#[should_panic(expected = "(seed 7)")]
fn a_message_that_never_comes_is_told_with_the_seed() {
    let mut world = chat(1, Nature::GENTLE);
    let conn = world.open("/chat");
    world.peer(conn).expect("hello");
}

/// A crowd with manners of every kind, in a nature of every kind, under tight bounds.
fn crowd(seed: u64) -> World<Chat> {
    let settings = Settings {
        ping_interval: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(8),
        outbox_messages_max: 60,
        ..Settings::default()
    };
    let config = Config::new(settings).expect("the settings agree with each other");
    let setup = Setup { seed, shards: 2, config, nature: Nature::swarm(seed) };
    let mut world = World::with_setup(setup, |_| Chat);
    world.inspect_every(1);
    let mut crowd = Crowd::new(8, "/chat", |rng, _| format!("number {}", rng.u16(..)));
    crowd.manners = Manners::swarm(seed);
    world.run(&mut crowd, Duration::from_secs(3));
    world.settle();
    world
}

#[test]
fn the_laws_hold_for_crowds_of_all_manners() {
    let mut messages = 0;
    for seed in 0..40 {
        let world = crowd(seed);
        world.assert_lawful();
        messages += world.stats().received_messages;
    }
    assert!(messages > 4_000, "only {messages} messages");
}

#[test]
fn a_seed_makes_one_world() {
    assert_eq!(crowd(3).digest(), crowd(3).digest());
    assert_ne!(crowd(3).digest(), crowd(4).digest());
}

#[test]
fn the_service_of_each_shard_is_its_own() {
    let mut world = chat(2, Nature::GENTLE);
    let first = world.open("/chat");
    assert_eq!(first.shard(), ShardId(0));
    assert_eq!(world.open("/chat").shard(), ShardId(1));
}
