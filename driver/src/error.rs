//! What can go wrong, and whose fault it is.

use fanlight_core::{Refused, ShardId};

/// Why what was asked through a handle was not taken, or not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// The shard is behind: requests of `mailbox_bytes_max` bytes wait for it. Nobody is at fault;
    /// try again later, or await the [`Ask`](crate::Ask), which never gives this.
    #[error("the shard's mailbox is full")]
    Full,
    /// It is longer than `mailbox_bytes_max`, or a message longer than `outbox_bytes_max`, and will
    /// never be taken. The caller is at fault.
    #[error("the request is longer than a shard's mailbox may be, or than a connection's outbox")]
    TooLong,
    /// The house has ended. Nothing will be taken any more.
    #[error("the house has ended")]
    Stopped,
    /// The connection is gone, or not in the state in which this can be done: it has not opened yet,
    /// or its request has been answered. A race with a leaving peer is nobody's fault.
    #[error("the connection is gone or in another state")]
    Gone,
    /// The connection has not become a member: it has `subscriptions_max` topics, a shard has
    /// `topics_max`, the name is longer than `topic_bytes_max` or empty; or somebody ended the
    /// membership before it began.
    #[error("the subscription was refused")]
    SubscriptionRefused,
    /// The house did not let the stream in, and has told the peer so.
    #[error("the stream was refused: {0}")]
    Refused(Refused),
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
