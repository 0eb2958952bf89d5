//! A client from its first word to its last, and its silence.

use fanlight_sim::fanlight_core::Instant;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn clients(world: &World<Centrifugo>) -> usize {
    world.shards().map(|shard| world.service(shard).clients.len()).sum()
}

#[test]
fn whoever_does_not_say_who_it_is_is_stale() {
    let mut world = house();
    let conn = world.open(PATH);
    world.peer(conn).expect_silence(SECOND * 9).expect_close(3502.into());
    world.settle();
    assert_eq!(clients(&world), 0);
    world.assert_lawful();
}

#[test]
fn a_client_that_answers_pings_stays_and_the_hub_asks_for_no_pongs() {
    let mut world = house();
    let conn = say(&mut world, r#"{"id":1,"connect":{}}"#);
    let told = reply(&mut world, conn)["connect"].clone();
    assert_eq!((told["ping"].as_u64(), told["pong"].as_bool()), (Some(18), Some(true)));
    let begun = world.now();
    let mut pings = 0;
    while world.now() < begun + SECOND * 3600 {
        let last = world.now();
        answer_ping(&mut world, conn);
        assert!(world.now() - last <= SECOND * 18 + Duration::from_millis(200), "{pings}");
        pings += 1;
    }
    assert!((200..=201).contains(&pings), "{pings}");
    assert_eq!(world.socket(conn).peer.pings(), 0);
    assert_eq!(world.live(), [conn]);
    world.assert_lawful();
}

#[test]
fn a_client_that_does_not_answer_a_ping_is_let_go_with_its_code() {
    let mut world = house();
    let conn = connected(&mut world);
    world.peer(conn).expect("{}");
    let asked = world.now();
    world.peer(conn).expect_close(3012.into());
    let waited = world.now() - asked;
    let config = Config::default();
    assert!(waited >= config.pong_timeout - SECOND && waited <= config.pong_timeout + SECOND);
}

#[test]
fn other_words_are_no_pong() {
    let mut world = house();
    let conn = connected(&mut world);
    world.peer(conn).expect("{}").send(r#"{"id":2,"ping":{}}"#).expect(r#"{"id":2,"ping":{}}"#);
    world.peer(conn).expect_close(3012.into());
}

#[test]
fn a_pong_answers_one_ping() {
    let mut world = house();
    let conn = connected(&mut world);
    world.peer(conn).send("{}").expect_close(3501.into());
    let conn = connected(&mut world);
    answer_ping(&mut world, conn);
    world.peer(conn).send("{}").expect_close(3501.into());
}

#[test]
fn pings_of_those_who_came_together_are_spread() {
    let mut world = house();
    let conns: Vec<ConnId> = (0..200).map(|_| connected(&mut world)).collect();
    // The first comes after half the interval of 18 s at the earliest, and after it at the latest.
    let mut asked = [9, 13, 18].map(|second| {
        world.advance(SECOND * second - (world.now() - Instant::ZERO));
        conns.iter().filter(|conn| world.socket(**conn).peer.texts().len() > 1).count()
    });
    asked[1] /= 50;
    assert_eq!(asked, [0, 1, 200], "fiftieths by 13 s");
}

#[test]
fn a_client_is_forgotten_with_its_connection_and_an_idle_one_is_small() {
    let mut world = world(2, Nature::WILD, 3, &Access::Anonymous);
    let conns: Vec<ConnId> = (0..20)
        .map(|number| {
            let channel = number % 3;
            say(
                &mut world,
                &format!(
                    "{{\"id\":1,\"connect\":{{}}}}\n\
                     {{\"id\":2,\"subscribe\":{{\"channel\":\"c{channel}\"}}}}"
                ),
            )
        })
        .collect();
    assert_eq!(clients(&world), 20);
    for (number, conn) in conns.iter().enumerate() {
        match number % 3 {
            0 => drop(world.peer(*conn).vanish()),
            1 => drop(world.peer(*conn).reset()),
            _ => drop(world.peer(*conn).send("nonsense")),
        }
    }
    world.advance(SECOND * 60);
    world.settle();
    assert_eq!(clients(&world), 0);
    assert_eq!(world.live(), []);
    world.assert_lawful();
    assert!(size_of::<super::super::Client>() <= 112, "{}", size_of::<super::super::Client>());
}
