//! The way in for sockets.

use std::{fmt, sync::Arc};

use fanlight_core::Arrival;

use crate::{
    error::DoorError,
    house::{Hall, Newcomers},
    transport::Transport,
};

/// The way into a house for sockets of type `T`, or boxed ones of another. Cloning it makes another way
/// to the same house.
pub struct Door<T> {
    hall: Arc<Hall>,
    newcomers: Arc<[Newcomers<T>]>,
    waiting_max: usize,
    connections_max: usize,
}

impl<T> Door<T> {
    pub(crate) fn new(
        hall: Arc<Hall>,
        newcomers: Arc<[Newcomers<T>]>,
        waiting_max: usize,
        connections_max: usize,
    ) -> Self {
        Self { hall, newcomers, waiting_max, connections_max }
    }

    /// Gives a socket to the shard that has the fewest. It stays there for life.
    ///
    /// # Errors
    ///
    /// The socket is dropped if the shards do not keep up with those who come, or if the house lets
    /// nobody in any more.
    pub fn admit(
        &self,
        socket: impl Into<Transport<T>>,
        arrival: Arrival,
    ) -> Result<(), DoorError> {
        if self.hall.fate.is_closed() {
            return Err(DoorError::Closed);
        }
        let shard = self.hall.emptiest();
        let mailbox = self.hall.mailbox(shard);
        let newcomers = &self.newcomers[usize::from(shard.0)];
        if newcomers.len() >= self.waiting_max {
            mailbox.turn_away();
            return Err(DoorError::Full);
        }
        mailbox.add_load();
        newcomers.push((socket.into(), arrival)).map_err(|_| DoorError::Closed)?;
        mailbox.ready().wake();
        Ok(())
    }
}

impl<T> Door<T> {
    /// Waits until a shard has fewer than `connections_max`, those that wait for it included.
    pub async fn room(&self) {
        while !self.has_room() {
            let listener = self.hall.left.listen();
            // Who left before the listener began to listen is not told to it.
            if self.has_room() {
                return;
            }
            listener.await;
        }
    }

    fn has_room(&self) -> bool {
        self.hall.mailboxes.iter().any(|mailbox| mailbox.load() < self.connections_max)
    }
}

impl<T> Clone for Door<T> {
    fn clone(&self) -> Self {
        Self {
            hall: Arc::clone(&self.hall),
            newcomers: Arc::clone(&self.newcomers),
            waiting_max: self.waiting_max,
            connections_max: self.connections_max,
        }
    }
}

impl<T> fmt::Debug for Door<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("waiting_max", &self.waiting_max).finish_non_exhaustive()
    }
}
