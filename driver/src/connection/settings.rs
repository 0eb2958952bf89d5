//! How much may wait between a connection's task and its shard.

use std::ops::RangeInclusive;

use fanlight_core::ConfigError;

/// How much may wait between the task of a connection and its shard.
///
/// It comes on top of the outbox, and is held for as long as something waits: nothing for an idle
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Most messages that wait for the task before its peer is read no more. What one read has
    /// brought besides, up to `read_bytes_max`, still comes on top.
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
            inbound_messages_max: 64,
            inbound_bytes_max: 256 * 1024,
            outbound_bytes_max: 64 * 1024,
        }
    }
}

impl ConnectionSettings {
    const MESSAGES: RangeInclusive<usize> = 1..=1 << 20;
    const BYTES: RangeInclusive<usize> = 1..=1 << 30;

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (field, value, range) in [
            ("inbound_messages_max", self.inbound_messages_max, Self::MESSAGES),
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
