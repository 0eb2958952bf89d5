//! Law 8: a slow, hostile or dead peer changes nothing that another peer can observe.
//!
//! A world is played twice, with the same seed and the same peers that talk to each other. In the
//! second run one of them, who only listens, misbehaves. All others must be told the same, at the
//! same times, and read the same.

use std::time::Duration;

use fanlight_core::{Command, Config, ConnId, Context, Instant, Message, Service, Settings};
use fanlight_sim::{
    Line, Nature, Peer, Rudeness, Setup, World,
    frame::{TEXT, masked},
};
use fastrand::Rng;

const SEEDS: u64 = 220;
const TALKERS: usize = 5;

/// What nobody hears.
const NONSENSE: &str = "blah";

/// Everybody is in the lobby, and what anybody says everybody hears, but for nonsense.
struct Lobby;

impl Service for Lobby {
    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        cx.subscribe(conn, "lobby");
    }
    fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
        if message.as_text() != Some(NONSENSE) {
            cx.publish("lobby", message);
        }
    }
}

/// What the one does that misbehaves, and when.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Stalls,
    Vanishes,
    FallsSilent,
    Resets,
    Ends,
    BreaksRules,
    SlowsDown,
    Pings,
    BeginsAMessage,
    TalksNonsense,
    BringsACrowd,
}

impl Trouble {
    const ALL: &[Self] = &[
        Self::Stalls,
        Self::Vanishes,
        Self::FallsSilent,
        Self::Resets,
        Self::Ends,
        Self::BreaksRules,
        Self::SlowsDown,
        Self::Pings,
        Self::BeginsAMessage,
        Self::TalksNonsense,
        Self::BringsACrowd,
    ];

    fn make(self, world: &mut World<Lobby>, conn: ConnId) {
        match self {
            Self::Stalls => world.set_reads(conn, false),
            Self::Vanishes => world.vanish(conn),
            Self::FallsSilent => world.peer_acts(conn, |peer, _| peer.fall_silent()),
            Self::Resets => world.reset(conn),
            Self::Ends => world.peer_ends(conn),
            Self::BreaksRules => {
                world.peer_acts(conn, |peer, out| peer.break_rules(Rudeness::ReservedBit, out));
            }
            Self::SlowsDown => world.set_bytes_per_second(conn, Some(30)),
            Self::Pings => {
                for _ in 0..2_000 {
                    world.peer_acts(conn, |peer, out| peer.ping(b"are you there?", out));
                }
            }
            Self::BeginsAMessage => {
                // A first fragment, and no other.
                world.peer_sends(conn, &masked(TEXT, &[b'x'; 500]));
            }
            Self::TalksNonsense => {
                for _ in 0..2_000 {
                    world.peer_acts(conn, |peer, out| peer.say(NONSENSE, out));
                }
            }
            Self::BringsACrowd => {
                for _ in 0..200 {
                    _ = world.arrive();
                }
            }
        }
    }
}

/// A nature in which nobody's luck depends on another's.
fn nature(seed: u64) -> Nature {
    Nature {
        shuffles: false,
        parcel_jitter_max: Duration::ZERO,
        tick_late_max: Duration::ZERO,
        ..Nature::swarm(seed)
    }
}

fn play(seed: u64, shards: u8, trouble: Option<Trouble>) -> (World<Lobby>, ConnId) {
    let settings = Settings {
        ping_interval: Duration::from_secs(5),
        pong_timeout: Duration::from_secs(4),
        stall_timeout: Duration::from_secs(6),
        outbox_messages_max: 200,
        inbound_frames_per_second_max: 200,
        message_timeout: Duration::from_secs(9),
        ..Settings::default()
    };
    let config = Config::new(settings).expect("the settings agree with each other");
    let setup = Setup { seed, shards, config, nature: nature(seed) };
    let mut world = World::with_setup(setup, |_| Lobby);
    let peers: Vec<_> = (0..=TALKERS).map(|_| world.arrive().expect("there is room")).collect();
    for &peer in &peers {
        world.peer_sends(peer, &Peer::request("/", true));
    }
    world.advance(Duration::from_secs(4));
    let mut rng = Rng::with_seed(seed);
    let (odd, at) = (peers[rng.usize(..peers.len())], rng.usize(..200));
    for number in 0..400 {
        if number == at
            && let Some(trouble) = trouble
        {
            trouble.make(&mut world, odd);
        }
        let talker = peers[rng.usize(..peers.len())];
        let text = format!("{number} {}", "y".repeat(rng.usize(..300)));
        if talker != odd {
            world.peer_acts(talker, |peer, out| peer.say(&text, out));
        }
        world.advance(Duration::from_millis(rng.u64(..100)));
    }
    world.advance(Duration::from_secs(20));
    world.assert_lawful();
    (world, odd)
}

/// What a hub said about a connection, but for when it is read and written.
fn told(world: &World<Lobby>, conn: ConnId) -> Vec<(Instant, &Command)> {
    let lines = world.record().lines.iter();
    lines
        .filter_map(|(at, _, line)| match line {
            Line::Command(command) => Some((*at, command)),
            Line::Write(_) => None,
        })
        .filter(|(_, command)| command.connection() == Some(conn))
        .collect()
}

#[test]
fn whoever_misbehaves_is_noticed_by_nobody_else() {
    let mut differences = 0;
    for seed in 0..SEEDS {
        let shards = [1, 3][(seed % 2) as usize];
        let trouble = Trouble::ALL[(seed / 2) as usize % Trouble::ALL.len()];
        let (well, odd) = play(seed, shards, None);
        let (ill, _) = play(seed, shards, Some(trouble));
        differences += u32::from(told(&well, odd) != told(&ill, odd));
        for (socket, other) in well.sockets().zip(ill.sockets()) {
            let conn = socket.conn();
            if conn == odd {
                continue;
            }
            let (mut well, mut ill) = (told(&well, conn).into_iter(), told(&ill, conn).into_iter());
            while let (one, other) = (well.next(), ill.next())
                && (&one, &other) != (&None, &None)
            {
                assert_eq!(one, other, "{trouble:?}, seed {seed}, {conn}");
            }
            assert_eq!(socket.peer.texts(), other.peer.texts(), "{trouble:?}, seed {seed}");
            assert_eq!(socket.peer.pings(), other.peer.pings(), "{trouble:?}, seed {seed}");
        }
    }
    assert!(differences > SEEDS as u32 / 2, "only {differences} were themselves any different");
}
