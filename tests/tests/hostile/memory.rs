//! What peers cost the server while they are there.

use fanlight_tests::victim::Victim;

use crate::row::within;

/// What memory may vary by itself, whatever peers do.
const SLACK: u64 = 1 << 20;
/// What may be reserved and not touched: one arena of the allocator.
const RESERVED_SLACK: u64 = 128 << 20;

/// The server's memory before something was done to it.
pub(crate) struct Memory<'a> {
    victim: &'a Victim,
    resident: u64,
    reserved: u64,
}

impl<'a> Memory<'a> {
    pub(crate) fn before(victim: &'a Victim) -> Self {
        // Who has answered has begun: its threads are all there.
        victim.figures().unwrap();
        victim.forget_peak();
        let (resident, reserved) = (victim.resident_bytes(), victim.reserved_bytes_peak());
        Self { victim, resident, reserved }
    }

    /// Whether the server never had more than so many bytes more than before.
    pub(crate) fn grew_by_at_most(&self, bytes: u64) -> Result<(), String> {
        // The system counts a process's pages only roughly while it runs.
        let resident = self.victim.resident_bytes_peak().saturating_sub(self.resident);
        let reserved = self.victim.reserved_bytes_peak() - self.reserved;
        within(bytes + SLACK, resident).map_err(|why| format!("resident memory: {why}"))?;
        within(bytes + RESERVED_SLACK, reserved).map_err(|why| format!("reserved memory: {why}"))
    }
}
