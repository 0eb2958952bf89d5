//! How many connections may wait for a task, and how much between a task and its shard.

use std::ops::RangeInclusive;

use fanlight_core::ConfigError;

/// How many connections may wait for a task, and how much between the task of one and its shard.
///
/// What waits comes on top of the outbox, and is held for as long as it does: nothing for an idle
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Most connections that wait in [`Incoming`](super::Incoming) to be taken, among them those that
    /// have ended meanwhile. Whoever opens while so many wait is closed with 1013.
    ///
    /// Default 16,384; from 1 to 1,048,576.
    pub incoming_connections_max: usize,
    /// Most messages that wait for the task before its peer is read no more. What one read has
    /// brought besides still comes on top: up to `read_bytes_max`, and where permessage-deflate was
    /// agreed on up to 256 KiB and one message more.
    ///
    /// Default 64; from 1 to 1,048,576.
    pub inbound_messages_max: usize,
    /// Most bytes of such messages, one more message and what one read has brought not counted.
    ///
    /// Default 256 KiB; from 1 B to 1 GiB.
    pub inbound_bytes_max: usize,
    /// Most bytes of messages that wait for the outbox to have room before the task has to wait, one
    /// more message not counted.
    ///
    /// Default 64 KiB; from 1 B to 1 GiB.
    pub outbound_bytes_max: usize,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            incoming_connections_max: 16 * 1024,
            inbound_messages_max: 64,
            inbound_bytes_max: 256 * 1024,
            outbound_bytes_max: 64 * 1024,
        }
    }
}

impl ConnectionSettings {
    const COUNT: RangeInclusive<usize> = 1..=1 << 20;
    const BYTES: RangeInclusive<usize> = 1..=1 << 30;

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (field, value, range) in [
            ("incoming_connections_max", self.incoming_connections_max, Self::COUNT),
            ("inbound_messages_max", self.inbound_messages_max, Self::COUNT),
            ("inbound_bytes_max", self.inbound_bytes_max, Self::BYTES),
            ("outbound_bytes_max", self.outbound_bytes_max, Self::BYTES),
        ] {
            if !range.contains(&value) {
                return Err(ConfigError::OutOfRange {
                    field,
                    value: value.to_string(),
                    min: range.start().to_string(),
                    max: range.end().to_string(),
                });
            }
        }
        Ok(())
    }
}
