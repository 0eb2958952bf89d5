//! What a driver needs of an async runtime, besides sockets.

use std::task::{Context, Poll};

use fanlight_core::Instant;

/// A clock, one timer, and a way to give way.
///
/// Each driver is handed one of its own. The clock decides what has expired; the timer only wakes.
/// All runtimes of a house must count from one epoch.
pub trait Runtime {
    /// The present moment. It may stand still between two calls; if it runs backwards, the hub
    /// takes the latest moment it has seen.
    fn now(&self) -> Instant;

    /// Sets the timer for `deadline`, in place of what it was set for.
    fn arm(&mut self, deadline: Instant);

    /// Ready when the timer has fired since it was last armed; otherwise the task is woken when it
    /// does. May be ready a little too early. Called only while the timer is armed, and not again
    /// after it was ready until it is armed anew.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Has the task woken again, but only after other tasks and the runtime's own watch over
    /// sockets and timers have had their turn.
    fn yield_now(&mut self, cx: &mut Context<'_>);
}
