//! What connections come for, and which connection came for what.

use fanlight_core::ConnId;

/// What a WebSocket connection can come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Each message is sent back to whoever sent it.
    Echo,
    /// Each message is sent to everyone here, its sender included.
    Broadcast,
    /// The client protocol of Centrifugo is spoken.
    Centrifugo,
}

impl Endpoint {
    /// What is found at `path`.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path {
            "/echo" => Some(Self::Echo),
            "/broadcast" => Some(Self::Broadcast),
            "/connection/websocket" => Some(Self::Centrifugo),
            _ => None,
        }
    }
}

/// What each connection of one shard came for: a byte a slot, found without hashing.
///
/// Slots are used again: who enters takes the place of who was there before.
#[derive(Debug, Default)]
pub(crate) struct Endpoints(Vec<Option<Endpoint>>);

impl Endpoints {
    pub(crate) fn enter(&mut self, conn: ConnId, endpoint: Endpoint) {
        let index = conn.index();
        if self.0.len() <= index {
            self.0.resize(index + 1, None);
        }
        self.0[index] = Some(endpoint);
    }

    pub(crate) fn of(&self, conn: ConnId) -> Option<Endpoint> {
        self.0.get(conn.index()).copied().flatten()
    }
}
