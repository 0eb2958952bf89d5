//! The connections of one shard.

use slotmap::{DefaultKey, SlotMap};

use super::connection::Connection;
use crate::{
    id::{ConnId, ShardId},
    planted::{Planted, planted},
};

#[cfg(any(test, feature = "audit"))]
mod audit;

/// All connections of a shard, in slots that are used again under new ids.
#[derive(Debug)]
pub(super) struct Pool {
    shard: ShardId,
    slots: SlotMap<DefaultKey, Connection>,
    /// The id of each slot's present user, by slot.
    ids: Vec<Option<ConnId>>,
}

impl Pool {
    pub(super) fn new(shard: ShardId) -> Self {
        // Slot 0 of a slotmap is never used.
        Self { shard, slots: SlotMap::new(), ids: vec![None] }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn insert(&mut self, connection: Connection) -> ConnId {
        let conn = ConnId::new(self.shard, self.slots.insert(connection));
        if self.ids.len() <= conn.index() {
            self.ids.resize(conn.index() + 1, None);
        }
        self.ids[conn.index()] = Some(conn);
        conn
    }

    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        let connection = self.slots.remove(self.key_of(conn))?;
        self.ids[conn.index()] = None;
        Some(connection)
    }

    pub(super) fn get(&self, conn: ConnId) -> Option<&Connection> {
        if conn.shard() == self.shard { self.slots.get(self.key_of(conn)) } else { None }
    }

    pub(super) fn get_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        if conn.shard() == self.shard { self.slots.get_mut(self.key_of(conn)) } else { None }
    }

    fn key_of(&self, conn: ConnId) -> DefaultKey {
        if planted(Planted::StaleIdHonoured)
            && let Some(present) = self.in_slot(conn.index())
        {
            return present.key();
        }
        conn.key()
    }

    /// The connection in a slot.
    pub(super) fn in_slot(&self, index: usize) -> Option<ConnId> {
        self.ids.get(index).copied().flatten()
    }

    /// All connections, in the order of their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, &Connection)> {
        self.slots.iter().map(|(key, connection)| (ConnId::new(self.shard, key), connection))
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (ConnId, &mut Connection)> {
        let shard = self.shard;
        self.slots.iter_mut().map(move |(key, connection)| (ConnId::new(shard, key), connection))
    }

    /// The ids of all connections, in the order of their slots.
    pub(super) fn all(&self) -> Vec<ConnId> {
        self.ids.iter().copied().flatten().collect()
    }
}
