//! What was said, and what each connection was sent of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use fanlight_core::ConnId;
use fanlight_sim::frame::Stream;

use crate::{
    script::{Said, Script},
    stage::Stage,
};

/// A text that a connection was sent.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// How many messages it was sent before this one.
    pub nth: usize,
    /// The text.
    pub text: &'a str,
    /// The shard that said it.
    pub shard: u8,
    /// Its number there.
    pub number: u64,
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.shard, self.number)
    }
}

/// The entries around the nth, for people.
pub(super) fn around<'a, 'b>(entries: &'b [Entry<'a>], nth: usize) -> &'b [Entry<'a>] {
    &entries[nth.saturating_sub(AROUND)..entries.len().min(nth + AROUND)]
}

/// How many entries on each side are shown.
const AROUND: usize = 8;

/// What was said, and what each connection was sent of it, by label.
#[derive(Debug)]
pub struct Ledger<'a> {
    sent: BTreeMap<ConnId, BTreeMap<&'a str, Vec<Entry<'a>>>>,
    said: BTreeMap<&'a str, Vec<&'a Said>>,
    excepted: BTreeMap<ConnId, BTreeSet<&'a str>>,
}

impl<'a> Ledger<'a> {
    /// The ledger of a run.
    pub fn of(stage: &'a Stage) -> Self {
        let mut ledger =
            Self { sent: BTreeMap::new(), said: BTreeMap::new(), excepted: BTreeMap::new() };
        for socket in stage.world.sockets() {
            let stream = Stream::read(socket.outward(), socket.peer.came_upgraded());
            let sent = ledger.sent.entry(socket.conn()).or_default();
            let stream = stream.unwrap_or_default();
            for (nth, text) in stream.texts().enumerate() {
                if let Some((label, shard, number)) = Script::parse(text) {
                    sent.entry(label).or_default().push(Entry { nth, text, shard, number });
                }
            }
        }
        for said in stage.world.shards().flat_map(|shard| stage.world.service(shard).said()) {
            ledger.said.entry(&said.label).or_default().push(said);
            if let Some(conn) = said.except {
                ledger.excepted.entry(conn).or_default().insert(&said.text);
            }
        }
        ledger
    }

    /// All that a connection was sent, by label, in order.
    pub fn all_sent(&self) -> impl Iterator<Item = (ConnId, &str, &[Entry<'a>])> {
        self.sent.iter().flat_map(|(conn, labels)| {
            labels.iter().map(|(label, entries)| (*conn, *label, &entries[..]))
        })
    }

    /// The texts that a connection was sent with this label, in order.
    pub fn sent(&self, conn: ConnId, label: &str) -> &[Entry<'a>] {
        self.sent.get(&conn).and_then(|labels| labels.get(label)).map_or(&[], Vec::as_slice)
    }

    /// What was said with this label, in the order of each shard.
    pub fn said(&self, label: &str) -> &[&'a Said] {
        self.said.get(label).map_or(&[], Vec::as_slice)
    }

    /// Whether a connection was left out of a text.
    pub fn is_excepted(&self, conn: ConnId, text: &str) -> bool {
        self.excepted.get(&conn).is_some_and(|texts| texts.contains(text))
    }

    /// Whether a connection was sent a text with this label.
    pub fn has(&self, conn: ConnId, label: &str, text: &str) -> bool {
        self.sent(conn, label).iter().any(|entry| entry.text == text)
    }
}
