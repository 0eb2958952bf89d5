//! The signals by which an operator ends a process.

use std::io;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;

/// Hears SIGINT (Ctrl-C) and SIGTERM; where there are no such signals, Ctrl-C.
#[derive(Debug)]
pub struct StopSignals(Signals);

impl StopSignals {
    /// From now on the signals are heard, and no longer end the process by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        let signals = [Signal::Int, Signal::Term];
        #[cfg(not(unix))]
        let signals = [Signal::Int];
        Signals::new(signals).map(Self)
    }

    /// Waits for the next of them; for ever if the system has no way to hear it.
    pub(crate) async fn next(&mut self) {
        if !matches!(self.0.next().await, Some(Ok(_))) {
            std::future::pending::<()>().await;
        }
    }
}
