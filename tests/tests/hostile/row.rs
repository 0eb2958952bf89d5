//! One line of a table: what a peer sends, and what must come of it.

use std::time::Duration;

use fanlight_sim::frame::{CLOSE, masked};
use fanlight_tests::victim::Victim;

use crate::{
    memory::Memory,
    peer::{End, Heard, Peer, SLACK, TURN},
    request::{ACCEPT, upgrade},
    room::Room,
};

/// How many peers do the same at once, if a row does not say otherwise.
const CROWD: usize = 100;
/// Longer ones are not sent byte by byte.
const SLOW_BYTES_MAX: usize = 2048;

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) is_upgraded: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) gets: Gets,
    /// What one such peer may cost the server while it is there.
    pub(crate) memory_bytes_max: u64,
    pub(crate) crowd: usize,
}

/// What must come back, all of it, and then the end of the stream.
pub(crate) enum Gets {
    /// A whole answer with this status and these headers.
    Answer(u16, &'static [(&'static str, &'static str)]),
    /// A 101 without the headers named, and a Close that answers the peer's.
    Upgrade(&'static [&'static str]),
    /// A Close with this code; 1005 stands for one without.
    Close(u16),
    /// These frames: opcodes and payloads.
    Frames(Vec<(u8, Vec<u8>)>),
}

impl Gets {
    /// The peer's message and its Close.
    pub(crate) fn echo(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self::Frames(vec![(opcode, payload.into()), (CLOSE, 1000_u16.to_be_bytes().into())])
    }
}

/// The Close of a polite peer.
pub(crate) fn bye() -> Vec<u8> {
    masked(0x88, &1000_u16.to_be_bytes())
}

impl Row {
    /// A peer that sends `bytes` and no more as soon as it is connected.
    pub(crate) fn request(name: impl Into<String>, mut bytes: Vec<u8>, gets: Gets) -> Self {
        if matches!(gets, Gets::Upgrade(_)) {
            bytes.extend(bye());
        }
        Self {
            name: name.into(),
            is_upgraded: false,
            bytes,
            gets,
            memory_bytes_max: 40 << 10,
            crowd: CROWD,
        }
    }

    /// A peer that sends `bytes` and no more on an open connection to `/echo`.
    pub(crate) fn frames(name: impl Into<String>, mut bytes: Vec<u8>, gets: Gets) -> Self {
        if matches!(gets, Gets::Frames(_)) {
            bytes.extend(bye());
        }
        Self {
            name: name.into(),
            is_upgraded: true,
            bytes,
            gets,
            memory_bytes_max: 4 << 10,
            crowd: CROWD,
        }
    }

    pub(crate) fn costs(self, memory_bytes_max: u64) -> Self {
        Self { memory_bytes_max, ..self }
    }

    pub(crate) fn by(self, crowd: usize) -> Self {
        Self { crowd, ..self }
    }

    /// Has one peer do it in one piece, one byte by byte, and many at once.
    pub(crate) fn play(&self, victim: &Victim) -> Result<(), String> {
        let _room = Room::take(self.crowd + 1);
        let memory = Memory::before(victim);

        self.judge(&self.send_whole(victim).listen()).map_err(|why| format!("in one: {why}"))?;
        if self.bytes.len() <= SLOW_BYTES_MAX {
            let mut peer = self.connect(victim);
            peer.send_slowly(&self.bytes, Duration::ZERO);
            self.judge(&peer.listen()).map_err(|why| format!("byte by byte: {why}"))?;
        }
        let peers: Vec<Peer> = (0..self.crowd).map(|_| self.send_whole(victim)).collect();
        for peer in peers {
            self.judge(&peer.listen()).map_err(|why| format!("one of {}: {why}", self.crowd))?;
        }
        victim.empties_within(SLACK)?;

        memory.grew_by_at_most(self.crowd as u64 * self.memory_bytes_max)
    }

    fn connect(&self, victim: &Victim) -> Peer {
        if self.is_upgraded { Peer::open(victim, "/echo") } else { Peer::connect(victim) }
    }

    /// The system need not take it all: the server may have ended by then.
    pub(crate) fn send_whole(&self, victim: &Victim) -> Peer {
        let mut peer = self.connect(victim);
        peer.send(&self.bytes);
        peer
    }

    pub(crate) fn judge(&self, heard: &Heard) -> Result<(), String> {
        if heard.end != Some(End::Eof) {
            return Err(format!("no end in order: {}", heard.shown()));
        }
        self.gets.judge(heard).map_err(|why| format!("{why}: {}", heard.shown()))
    }
}

impl Gets {
    fn judge(&self, heard: &Heard) -> Result<(), String> {
        let stream = heard.stream()?;
        let header_is = |name: &str, wanted: &str| match heard.header(name) {
            Some(value) if value.eq_ignore_ascii_case(wanted) => Ok(()),
            found => Err(format!("{name} is {found:?}, not {wanted}")),
        };
        let status = stream.status.unwrap_or_default();
        let closed = stream.close_code();
        match self {
            Self::Answer(wanted, headers) => {
                equal("status", *wanted, status)?;
                headers.iter().try_for_each(|(name, value)| header_is(name, value))?;
                header_is("content-length", &stream.body.len().to_string())?;
                let connection = heard.header("connection").unwrap_or_default();
                equal("connection", true, connection.ends_with("close"))
            }
            Self::Upgrade(lacks) => {
                equal("status", 101, status)?;
                header_is("sec-websocket-accept", ACCEPT)?;
                if let Some(name) = lacks.iter().find(|name| heard.header(name).is_some()) {
                    return Err(format!("{name} was answered"));
                }
                equal("close code", Some(1000), closed)?;
                equal("frames", 1, stream.frames.len())
            }
            Self::Close(wanted) => {
                equal("close code", Some(*wanted), closed)?;
                equal("frames", 1, stream.frames.len())
            }
            Self::Frames(wanted) => {
                let frames = stream.frames.iter();
                let found: Vec<_> =
                    frames.map(|frame| (frame.opcode, frame.payload.to_vec())).collect();
                if *wanted == found { Ok(()) } else { Err("other frames".into()) }
            }
        }
    }
}

/// Plays all rows, and tells of all that went wrong.
pub(crate) fn play(victim: &Victim, rows: &[Row]) {
    warm_up(victim);
    let failures: Vec<_> = rows
        .iter()
        .filter_map(|row| row.play(victim).err().map(|why| format!("{}: {why}\n", row.name)))
        .collect();
    assert!(failures.is_empty(), "of {} rows\n{}", rows.len(), failures.concat());
}

/// Has the server see a crowd of honest peers once, so that what it keeps for all is there.
pub(crate) fn warm_up(victim: &Victim) {
    let hello = Row::request("an honest peer", upgrade(&[]), Gets::Upgrade(&[]));
    let _room = Room::take(CROWD);
    let peers: Vec<Peer> = (0..CROWD).map(|_| hello.send_whole(victim)).collect();
    for peer in peers {
        hello.judge(&peer.listen()).unwrap();
    }
    victim.empties_within(SLACK).unwrap();
}

/// Whether `found` is at most `allowed`.
pub(crate) fn within<T: PartialOrd + std::fmt::Debug>(allowed: T, found: T) -> Result<(), String> {
    if found <= allowed { Ok(()) } else { Err(format!("{found:?} is more than {allowed:?}")) }
}

/// Whether a deadline was kept to: what ended `after` so long did not end before its `timeout`.
pub(crate) fn not_before(timeout: Duration, after: Duration) -> Result<(), String> {
    within(after + TURN, timeout).map_err(|_| format!("{after:?} is before {timeout:?}"))
}

pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
    what: &str,
    wanted: T,
    found: T,
) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: {found:?}, not {wanted:?}")) }
}
