//! The protocol as its clients meet it, in a world without sockets or waiting.

mod batches;
mod lives;
mod swarm;
mod tickets;

use std::time::Duration;

use fanlight_sim::{
    Nature, Setup, World,
    fanlight_core::{Config, ConnId, ShardId},
};
use serde_json::Value;

use super::{Access, Centrifugo, Secret, Tokens};

const PATH: &str = "/connection/websocket";

/// The wall clock of these tests stands still.
const NOW: u64 = 1_800_000_000;
const SECRET: &str = "a secret that a backend shares with this server";

fn world(shards: u8, nature: Nature, seed: u64, access: &Access) -> World<Centrifugo> {
    let setup = Setup { shards, nature, ..Setup::new(seed) };
    let config = setup.config.clone();
    World::with_setup(setup, |_| Centrifugo::new(&config, access.clone()))
}

/// A world of one shard, in which whoever comes is let in.
fn house() -> World<Centrifugo> {
    world(1, Nature::GENTLE, 1, &Access::Anonymous)
}

/// A world of one shard that wants tokens.
fn guarded() -> World<Centrifugo> {
    world(1, Nature::GENTLE, 1, &guard())
}

fn guard() -> Access {
    let tokens = Tokens::with_clock(&Secret::from(SECRET.to_owned()), || NOW);
    Access::Tokens(tokens.expect("the secret is long enough").into())
}

/// A new client that has sent this much.
fn say(world: &mut World<Centrifugo>, lines: &str) -> ConnId {
    let conn = world.open(PATH);
    world.peer(conn).send(lines);
    conn
}

/// A new client that is connected.
fn connected(world: &mut World<Centrifugo>) -> ConnId {
    let conn = say(world, r#"{"id":1,"connect":{}}"#);
    assert!(reply(world, conn)["connect"].is_object());
    conn
}

/// The next message, which is to hold one line.
fn reply(world: &mut World<Centrifugo>, conn: ConnId) -> Value {
    let mut lines = next(world, conn);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

/// The lines of the next message.
fn next(world: &mut World<Centrifugo>, conn: ConnId) -> Vec<Value> {
    read(world.peer(conn).next_message().as_text().expect("all that is said is text"))
}

fn read(text: &str) -> Vec<Value> {
    text.split('\n').map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// What a client does about a ping.
fn answer_ping(world: &mut World<Centrifugo>, conn: ConnId) {
    world.peer(conn).expect("{}").send("{}");
}

/// The code of the error in a reply.
fn error(reply: &Value) -> Option<u64> {
    reply["error"]["code"].as_u64()
}
