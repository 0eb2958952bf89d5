//! Commands in one message and over several, on one shard and on many.

use fanlight_sim::fanlight_core::Settings;
use serde_json::json;

use super::*;

#[test]
fn what_falls_in_one_turn_is_answered_in_one_message_in_order() {
    let mut world = house();
    let conn = say(
        &mut world,
        &[
            r#"{"id":1,"connect":{"name":"test","data":{"a":1}}}"#,
            r#"{"id":2,"subscribe":{"channel":"a"}}"#,
            r#"{"id":3,"subscribe":{"channel":"a"}}"#,
            r#"{"id":3,"presence":{"channel":"a"}}"#,
            r#"{"id":3,"presence_stats":{"channel":"a"}}"#,
            r#"{"id":7,"history":{"channel":"a","limit":10}}"#,
            r#"{"id":7,"subscribe":{"channel":"c","recover":true,"epoch":"e","offset":9}}"#,
            r#"{"id":7,"subscribe":{"channel":"c","type":4}}"#,
            r#"{"id":7,"subscribe":{"channel":"c","tf":{"op":"eq"}}}"#,
            r#"{"id":8,"rpc":{"method":"m","data":{}}}"#,
            r#"{"id":9,"publish":{"channel":"b","data":1}}"#,
            r#"{"id":10,"refresh":{"token":"t"}}"#,
            r#"{"id":11,"sub_refresh":{"channel":"a","token":"t"}}"#,
            r#"{"id":12,"ping":{}}"#,
            r#"{"id":13,"ping":{},"rpc":{}}"#,
            r#"{"id":14,"unsubscribe":{"channel":"a"}}"#,
            r#"{"id":15,"unsubscribe":{"channel":"never"}}"#,
        ]
        .join("\n"),
    );
    let replies = next(&mut world, conn);
    let said: Vec<(u64, Option<u64>)> =
        replies.iter().map(|reply| (reply["id"].as_u64().unwrap(), error(reply))).collect();
    assert_eq!(
        said,
        [
            (1, None),
            (2, None),
            (3, Some(105)),
            (3, Some(108)),
            (3, Some(108)),
            (7, Some(108)),
            (7, Some(108)),
            (7, Some(108)),
            (7, Some(108)),
            (8, Some(104)),
            (9, Some(103)),
            (10, Some(108)),
            (11, Some(103)),
            (12, None),
            (13, Some(107)),
            (14, None),
            (15, None),
        ]
    );
    world.assert_lawful();
}

#[test]
fn a_publication_comes_after_the_answer_that_lets_one_hear_it() {
    let mut world = house();
    let conn = connected(&mut world);
    world.peer(conn).send(concat!(
        r#"{"id":2,"subscribe":{"channel":"a"}}"#,
        "\n",
        r#"{"id":3,"publish":{"channel":"a","data":{ "x" : 1.0}}}"#,
        "\n",
        r#"{"id":4,"publish":{"channel":"a","data":"two"}}"#
    ));
    world.peer(conn).expect(r#"{"id":2,"subscribe":{}}"#);
    let text = world.peer(conn).next_message();
    assert!(text.as_text().unwrap().contains(r#""data":{ "x" : 1.0}"#), "{text:?}");
    let second = reply(&mut world, conn);
    assert_eq!(second["push"]["pub"]["data"], "two");
    assert_eq!(second["push"]["channel"], "a");
    let said: Vec<Value> = next(&mut world, conn);
    assert_eq!(said.iter().map(|reply| &reply["id"]).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn all_subscribers_hear_one_publication_and_nobody_else_does() {
    let mut world = house();
    let [one, two, other] = std::array::from_fn(|_| connected(&mut world));
    for (conn, channel) in [(one, "a"), (two, "a"), (other, "b")] {
        let subscribe = format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}"}}}}"#);
        world.peer(conn).send(&subscribe).expect(r#"{"id":2,"subscribe":{}}"#);
    }
    world.peer(one).send(r#"{"id":3,"publish":{"channel":"a","data":[1]}}"#);
    let heard = [one, two].map(|conn| world.peer(conn).next_message());
    // The very same bytes, which name the publisher to both.
    assert_eq!(heard[0], heard[1]);
    world.peer(other).expect_silence(Duration::from_secs(1));
    // Who has left hears no more, and may not speak any more.
    world.peer(two).send(r#"{"id":4,"unsubscribe":{"channel":"a"}}"#);
    world.peer(two).expect(r#"{"id":4,"unsubscribe":{}}"#);
    world.peer(two).send(r#"{"id":5,"publish":{"channel":"a","data":2}}"#);
    assert_eq!(error(&reply(&mut world, two)), Some(103));
}

#[test]
fn the_servers_own_channels_are_heard_here_only_and_nobody_speaks_there() {
    let mut world = house();
    let conn = connected(&mut world);
    // A peer of this world has no address.
    world.peer(conn).send(concat!(
        r#"{"id":2,"subscribe":{"channel":"fanlight:stats"}}"#,
        "\n",
        r#"{"id":3,"publish":{"channel":"fanlight:stats","data":1}}"#
    ));
    let said = next(&mut world, conn);
    assert_eq!(said.iter().map(error).collect::<Vec<_>>(), [Some(103), Some(103)]);
}

#[test]
fn channels_and_names_have_bounds() {
    let mut world = house();
    let conn = connected(&mut world);
    let name = "n".repeat(255);
    for (name, code) in [(&*name, None), (&format!("{name}n"), Some(107)), ("grüße", Some(107))] {
        let line = format!(r#"{{"id":2,"subscribe":{{"channel":"{name}"}}}}"#);
        world.peer(conn).send(&line);
        assert_eq!(error(&reply(&mut world, conn)), code, "{name}");
    }
    let lines: Vec<String> = (0..200)
        .map(|number| {
            let id = number + 3;
            format!(r#"{{"id":{id},"subscribe":{{"channel":"c{number}"}}}}"#)
        })
        .collect();
    world.peer(conn).send(&lines.join("\n"));
    let mut errors = Vec::new();
    while errors.len() < 200 {
        errors.extend(next(&mut world, conn).iter().map(error));
    }
    assert_eq!(errors.iter().filter(|error| error.is_none()).count(), 127);
    assert_eq!(errors.iter().filter(|error| **error == Some(106)).count(), 73);
}

#[test]
fn what_no_outbox_can_hold_is_refused_where_it_is_said() {
    let settings =
        Settings { message_bytes_max: 250, outbox_bytes_max: 260, ..Settings::default() };
    let config = Config::new(settings).unwrap();
    let setup = Setup { config: config.clone(), ..Setup::new(1) };
    let mut world = World::with_setup(setup, |_| Centrifugo::new(&config, Access::Anonymous));
    let conn = connected(&mut world);
    world.peer(conn).send(r#"{"id":2,"subscribe":{"channel":"a"}}"#);
    reply(&mut world, conn);
    let publish = |bytes: usize| {
        format!(r#"{{"id":3,"publish":{{"channel":"a","data":"{}"}}}}"#, "x".repeat(bytes))
    };
    world.peer(conn).send(&publish(20));
    assert_eq!(reply(&mut world, conn)["push"]["channel"], "a");
    assert_eq!(reply(&mut world, conn)["publish"], json!({}));
    world.peer(conn).send(&publish(180));
    assert_eq!(error(&reply(&mut world, conn)), Some(106));
    // Nor can it hold all these answers.
    world.peer(conn).send(&[r#"{"id":4,"rpc":{}}"#; 10].join("\n")).expect_close(3008.into());
}

#[test]
fn more_commands_than_a_message_may_hold_are_too_many() {
    let mut world = house();
    let conn = connected(&mut world);
    let line = r#"{"id":2,"ping":{}}"#;
    world.peer(conn).send(&[line; 1024].join("\n"));
    assert_eq!(next(&mut world, conn).len(), 1024);
    world.peer(conn).send(&[line; 1025].join("\n"));
    assert_eq!(next(&mut world, conn).len(), 1024);
    world.peer(conn).expect_close(3013.into());
}

/// Whatever the network and the other shards do: replies come in the order of the commands, and
/// publications of a channel between the replies that begin and end it.
#[test]
fn answers_keep_their_order_across_shards() {
    for seed in 0..100 {
        let mut world = world(3, Nature::WILD, seed, &Access::Anonymous);
        let channels = ["a", "b", "c", "d"];
        let mut lines = vec![r#"{"id":1,"connect":{}}"#.to_owned()];
        for channel in channels {
            for what in [
                format!(r#""subscribe":{{"channel":"{channel}"}}"#),
                format!(r#""publish":{{"channel":"{channel}","data":"{channel}"}}"#),
                format!(r#""subscribe":{{"channel":"{channel}"}}"#),
                format!(r#""unsubscribe":{{"channel":"{channel}"}}"#),
            ] {
                lines.push(format!(r#"{{"id":{},{what}}}"#, lines.len() + 1));
            }
        }
        let conns: Vec<ConnId> = (0..6)
            .map(|number| {
                let conn = world.open(PATH);
                // As one message, and cut into several.
                for part in lines.chunks(lines.len() / (1 + number % 3)) {
                    world.peer(conn).send(&part.join("\n"));
                }
                conn
            })
            .collect();
        world.advance(Duration::from_secs(60));
        for conn in conns {
            let (mut replies, mut inside) = (0, None);
            for line in world.socket(conn).peer.texts().into_iter().flat_map(read) {
                if let Some(channel) = line["push"]["channel"].as_str() {
                    assert_eq!(inside, Some(channel.to_owned()), "a push of {conn}, seed {seed}");
                } else if let Some(id) = line["id"].as_u64() {
                    replies += 1;
                    assert_eq!(id, replies, "{conn}, seed {seed}");
                    let expected = if id > 1 && (id - 2) % 4 == 2 { Some(105) } else { None };
                    assert_eq!(error(&line), expected, "{line}, {conn}, seed {seed}");
                    let channel = channels[(id.saturating_sub(2) / 4) as usize];
                    match (id.saturating_sub(2)) % 4 {
                        0 if id > 1 => inside = Some(channel.to_owned()),
                        // What is on its way may still come.
                        _ => {}
                    }
                }
            }
            assert_eq!(replies, 17, "{conn}, seed {seed}");
        }
        world.assert_lawful();
    }
}

/// What all hear of one channel is one order, wherever they live.
#[test]
fn publications_have_one_order_on_all_shards() {
    for seed in 0..50 {
        let mut world = world(3, Nature::WILD, seed, &Access::Anonymous);
        let conns: Vec<ConnId> = (0..6)
            .map(|_| {
                let conn = connected(&mut world);
                world.peer(conn).send(r#"{"id":2,"subscribe":{"channel":"a"}}"#);
                while error(&reply(&mut world, conn)).is_some() {}
                conn
            })
            .collect();
        for round in 0..5 {
            for (number, conn) in conns.iter().enumerate() {
                let data = format!("{number}: {round}");
                let line = format!(r#"{{"id":3,"publish":{{"channel":"a","data":"{data}"}}}}"#);
                world.peer(*conn).send(&line);
            }
        }
        world.advance(Duration::from_secs(30));
        let heard = conns.iter().map(|conn| {
            let lines = world.socket(*conn).peer.texts().into_iter().flat_map(read);
            lines.filter_map(|line| line["push"]["pub"]["data"].as_str().map(str::to_owned))
        });
        let heard: Vec<Vec<String>> = heard.map(Iterator::collect).collect();
        assert_eq!(heard[0].len(), 30, "seed {seed}");
        assert!(heard.iter().all(|order| *order == heard[0]), "{heard:?}, seed {seed}");
        world.assert_lawful();
    }
}

#[test]
fn what_waits_for_another_shard_is_bounded() {
    let mut world = world(2, Nature::HELD, 1, &Access::Anonymous);
    let conns = [connected(&mut world), connected(&mut world)];
    // Whose home is elsewhere is not known; of two clients on two shards one has to wait.
    for conn in conns {
        world.peer(conn).send(r#"{"id":2,"subscribe":{"channel":"a"}}"#);
    }
    let mut waits =
        conns.iter().filter(|conn| world.service(conn.shard()).clients.is_waiting(**conn));
    let waiting = *waits.next().expect("one has to wait");
    let data = "x".repeat(500_000);
    let line = format!(r#"{{"id":3,"publish":{{"channel":"a","data":"{data}"}}}}"#);
    world.peer(waiting).send(&line).send(&line).expect_silence(Duration::from_millis(100));
    world.peer(waiting).send(&line).expect_close(3013.into());
    assert_eq!(
        world.service(ShardId(0)).clients.len() + world.service(ShardId(1)).clients.len(),
        1
    );
}
