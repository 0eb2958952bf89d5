//! Crowds that say anything at all, in worlds of every character.

use fanlight_sim::{Crowd, Manners};

use super::*;

/// What is said: mostly commands, some of them not in place, and some that are none.
const WORDS: [&str; 14] = [
    r#"{"id":1,"connect":{}}"#,
    r#"{"id":1,"connect":{}}"#,
    r#"{"id":2,"subscribe":{"channel":"a"}}"#,
    r#"{"id":3,"subscribe":{"channel":"b"}}"#,
    r#"{"id":4,"subscribe":{"channel":"c#1"}}"#,
    r#"{"id":5,"publish":{"channel":"a","data":{"x":[1,2]}}}"#,
    r#"{"id":6,"publish":{"channel":"b","data":null}}"#,
    r#"{"id":7,"unsubscribe":{"channel":"a"}}"#,
    r#"{"id":8,"rpc":{}}"#,
    r#"{"id":9,"history":{"channel":"a"}}"#,
    r#"{"id":10,"ping":{}}"#,
    "{}",
    r#"{"send":{}}"#,
    "nonsense",
];

#[test]
fn whoever_comes_and_whatever_happens_the_books_are_right() {
    for seed in 0..100 {
        let mut world = world(1 + (seed % 3) as u8, Nature::swarm(seed), seed, &Access::Anonymous);
        let mut crowd = Crowd::new(12, PATH, |rng, _| {
            // In the order of the words, so that many get far.
            let first = rng.usize(..WORDS.len());
            let mut words = WORDS[first..].to_vec();
            words.truncate(rng.usize(1..8));
            if rng.bool() {
                words.insert(0, WORDS[0]);
            }
            words.join("\n")
        });
        // Slowly enough that pings fall due meanwhile.
        crowd.pause_max = Duration::from_millis(200);
        crowd.manners = Manners::swarm(seed);
        world.run_checked(&mut crowd, Duration::from_secs(30), |world| {
            // Whoever is let go is forgotten at once, so there may be fewer.
            let clients: usize =
                world.shards().map(|shard| world.service(shard).clients.len()).sum();
            let live = world.live().len();
            if clients > live { Err(format!("{clients} of {live} are known")) } else { Ok(()) }
        });
        // By then nobody has answered a ping, or said who it is.
        world.settle();
        assert!(world.shards().all(|shard| world.service(shard).clients.len() == 0), "seed {seed}");
        world.assert_lawful();
    }
}
