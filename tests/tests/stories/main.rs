//! What happens to connections, one story at a time, with the exact times.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

mod beginnings;
mod bench;
mod calls;
mod closings;
mod credit;
mod deflate;
mod drain;
mod edges;
mod heartbeats;
mod outbox;
mod reach;
mod services;
mod shards;
mod timers;
mod topics;

use std::time::Duration;

use fanlight_core::{
    Admission, Arrival, Audience, CloseCode, CloseFrame, CloseReason, Command, Config, ConnId,
    Event, Instant, Message, PeerAddr, Publish, Settings, ShardId, Topic,
};
use fanlight_sim::{Nature, Peer, Setup, World, frame::Stream};
use fanlight_tests::Script;

type Story = World<Script>;

const ONE: ShardId = ShardId(0);

/// A house in which everything arrives at once.
fn house(shards: u8, settings: Settings) -> Story {
    house_of(shards, settings, Nature::GENTLE)
}

fn house_of(shards: u8, settings: Settings, nature: Nature) -> Story {
    let config = Config::new(settings).unwrap();
    World::with_setup(Setup { seed: 7, shards, config, nature }, |_| Script::default())
}

/// One hub with the default settings.
fn hub() -> Story {
    house(1, Settings::default())
}

/// A connection that is open from the start.
fn open(world: &mut Story, shard: ShardId) -> ConnId {
    open_as(world, shard, None)
}

fn open_as(world: &mut Story, shard: ShardId, user: Option<&str>) -> ConnId {
    let admission = Admission { user: user.map(Topic::user), ..Admission::default() };
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, admission.into(), Vec::new());
    let conn = world.connect(shard, Peer::upgraded(1), arrival).unwrap();
    world.flow();
    conn
}

/// A connection whose peer sends these bytes first.
fn fresh(world: &mut Story, bytes: &[u8]) -> ConnId {
    let arrival = Arrival::Fresh(PeerAddr::Unnamed);
    let conn = world.connect(ONE, Peer::asking(1), arrival).unwrap();
    world.peer_sends(conn, bytes);
    world.flow();
    conn
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn say(world: &mut Story, conn: ConnId, text: &str) {
    world.peer_acts(conn, |peer, out| peer.say(text, out));
    world.flow();
}

fn send(world: &mut Story, conn: ConnId, text: &str) {
    world.tell(conn.shard(), Event::Send(conn, Message::text(text)));
    world.flow();
}

fn subscribe(world: &mut Story, conn: ConnId, topic: &str) {
    world.tell(conn.shard(), Event::Subscribe(conn, Topic::new(topic)));
    world.flow();
}

fn unsubscribe(world: &mut Story, conn: ConnId, topic: &str) {
    world.tell(conn.shard(), Event::Unsubscribe(conn, Topic::new(topic)));
    world.flow();
}

fn publish(world: &mut Story, via: ShardId, to: impl Into<Audience>, text: &str) {
    world.tell(via, Event::Publish(Publish::new(to, Message::text(text))));
    world.flow();
}

fn close_frame(code: u16) -> CloseFrame {
    CloseFrame { code: CloseCode::from(code), reason: "because".into() }
}

fn close(world: &mut Story, conn: ConnId, code: u16) {
    world.tell(conn.shard(), Event::Close(conn, close_frame(code)));
    world.flow();
}

fn kick(world: &mut Story, conn: ConnId, code: u16) {
    world.tell(conn.shard(), Event::Kick(conn, close_frame(code)));
    world.flow();
}

/// When and why a connection ended, if it has.
fn ended(world: &Story, conn: ConnId) -> Option<(Duration, CloseReason)> {
    let mut reason = None;
    let at = world.record().when(|command| {
        if let Command::Closed(closed) = command
            && closed.conn == conn
        {
            reason = Some(closed.reason.clone());
        }
        reason.is_some()
    });
    Some((at? - Instant::ZERO, reason?))
}

/// When a connection's socket was dropped, if it has been.
fn gone(world: &Story, conn: ConnId) -> Option<Duration> {
    when(world, &Command::Disconnect(conn))
}

/// When a command was first given.
fn when(world: &Story, command: &Command) -> Option<Duration> {
    world.record().when(|given| given == command).map(|at| at - Instant::ZERO)
}

fn stream(world: &Story, conn: ConnId) -> Stream<'_> {
    let socket = world.socket(conn);
    Stream::read(socket.outward(), socket.peer.came_upgraded()).unwrap()
}

fn texts(world: &Story, conn: ConnId) -> Vec<&str> {
    world.socket(conn).peer.texts()
}

/// The code of the Close that a peer was sent.
fn close_code(world: &Story, conn: ConnId) -> Option<u16> {
    stream(world, conn).close_code()
}

/// No law was seen broken, and everything that ended is gone without a trace.
fn settled(world: &Story) {
    assert_eq!(world.broken(), []);
    if world.live().is_empty() {
        let stats = world.stats();
        assert_eq!((stats.connections, stats.members, stats.queued, stats.frames), (0, 0, 0, 0));
        for shard in world.shards() {
            assert_eq!(world.hub(shard).next_deadline(), None);
        }
    }
}

fn fall_silent(world: &mut Story, conn: ConnId) {
    world.peer_acts(conn, |peer, _| peer.fall_silent());
}

fn stall(world: &mut Story, conn: ConnId) {
    world.set_takes(conn, Some(0));
}
