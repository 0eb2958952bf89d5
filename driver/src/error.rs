//! What can go wrong, and whose fault it is.

use fanlight_core::ShardId;

/// Why a handle's request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// The shard is behind: requests of `mailbox_bytes_max` bytes wait for it. Try again later.
    ///
    /// A single request of more than `mailbox_bytes_max` bytes is never taken.
    #[error("the shard's mailbox is full")]
    Full,
    /// The house has ended. No later request will be taken.
    #[error("the house has ended")]
    Stopped,
}

/// Why a socket was not let in. It has been dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DoorError {
    /// As many sockets as may wait for the emptiest shard already.
    #[error("too many sockets wait to be let in")]
    Full,
    /// The house is being drained, or has ended. No later socket will be let in.
    #[error("the house lets nobody in any more")]
    Closed,
}

/// Why a house ended other than by a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// [`Handle::stop`](crate::Handle::stop) was called: the application wanted it.
    #[error("the house was told to stop")]
    Asked,
    /// Code of Fanlight panicked on this shard, not the service's. A bug; nothing that the shard
    /// held can be trusted, so all shards have ended.
    #[error("shard {} of the house panicked", .0.0)]
    Panicked(ShardId),
    /// The future of this shard was dropped before its end: its task was cancelled, or the runtime
    /// was shut down. The house cannot do without it, so all shards have ended.
    #[error("shard {} of the house was dropped before its end", .0.0)]
    Dropped(ShardId),
}
