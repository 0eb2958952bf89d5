//! What can be seen of a world.

use fanlight_core::{CloseReason, ConnId, Fingerprint, Hub, Instant, Service, ShardId, Stats};

use crate::{
    record::Record,
    socket::Socket,
    world::{Shard, World},
};

/// # Looking
///
/// At the hubs and services, at every connection there ever was, and at all that was said.
impl<S: Service> World<S> {
    /// Whether a tick was ever late by more than the world's [`Nature`](crate::Nature) has it, or
    /// the time told an earlier one.
    pub fn was_late(&self) -> bool {
        self.time.was_late
    }

    /// The seed that decides everything.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A number by the world's luck, for a test's own.
    pub fn random(&mut self) -> u64 {
        self.rng.u64(..)
    }

    /// A fingerprint of all that the hubs said and wrote so far: two runs alike have the same.
    pub fn digest(&self) -> Fingerprint {
        self.digest.finish()
    }

    /// How many events the hubs were given, by sockets, shards, the clock and from outside; what
    /// services asked for is not counted.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// What the hubs said.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The connections that have not been disconnected, in order of their acceptance.
    pub fn live(&self) -> &[ConnId] {
        &self.live
    }

    /// The connections that have been disconnected, in order of that.
    pub fn dead(&self) -> &[ConnId] {
        &self.dead
    }

    /// All sockets there ever were, in order of their acceptance.
    pub fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.sockets.iter()
    }

    /// The socket of a connection, with its peer.
    ///
    /// # Panics
    ///
    /// If there never was such a connection.
    #[track_caller]
    pub fn socket(&self, conn: ConnId) -> &Socket {
        match self.sockets.get(conn) {
            Some(socket) => socket,
            None => panic!("{conn} is no connection of this world (seed {})", self.seed),
        }
    }

    /// Why a connection ended; `None` while its end has not been told.
    ///
    /// # Panics
    ///
    /// If there never was such a connection.
    #[track_caller]
    pub fn end_of(&self, conn: ConnId) -> Option<&CloseReason> {
        self.socket(conn).ended.as_ref().map(|(_, reason)| reason)
    }

    /// The hub of a shard.
    ///
    /// # Panics
    ///
    /// If there is no such shard.
    #[track_caller]
    pub fn hub(&self, shard: ShardId) -> &Hub {
        &self.shard(shard).hub
    }

    /// The service of a shard.
    ///
    /// # Panics
    ///
    /// If there is no such shard.
    #[track_caller]
    pub fn service(&self, shard: ShardId) -> &S {
        &self.shard(shard).service
    }

    /// The service of a shard, to be changed.
    ///
    /// # Panics
    ///
    /// If there is no such shard.
    #[track_caller]
    pub fn service_mut(&mut self, shard: ShardId) -> &mut S {
        &mut self.shard_mut(shard).service
    }

    /// The hub of a shard, for what the world itself does not offer.
    pub(crate) fn hub_mut(&mut self, shard: ShardId) -> &mut Hub {
        &mut self.shard_mut(shard).hub
    }

    /// The names of all shards.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> + use<S> {
        self.hub(ShardId(0)).seat().all()
    }

    /// What all hubs have counted, added up.
    pub fn stats(&self) -> Stats {
        let mut sum = Stats::default();
        for shard in &self.shards {
            sum += *shard.hub.stats();
        }
        sum
    }

    #[track_caller]
    pub(crate) fn shard(&self, shard: ShardId) -> &Shard<S> {
        let shards = self.shards.len();
        match self.shards.get(usize::from(shard.0)) {
            Some(found) => found,
            None => no_shard(shard, shards),
        }
    }

    #[track_caller]
    pub(crate) fn shard_mut(&mut self, shard: ShardId) -> &mut Shard<S> {
        let shards = self.shards.len();
        match self.shards.get_mut(usize::from(shard.0)) {
            Some(found) => found,
            None => no_shard(shard, shards),
        }
    }
}

#[track_caller]
fn no_shard(ShardId(shard): ShardId, shards: usize) -> ! {
    panic!("there is no shard {shard} in a world of {shards}: the first is shard 0")
}
