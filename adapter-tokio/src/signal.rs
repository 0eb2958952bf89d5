//! The signals by which an operator ends a process.

use std::io;

/// Hears SIGINT (Ctrl-C) and SIGTERM; where there are no such signals, Ctrl-C.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    /// From now on the signals are heard, and no longer end the process by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        let Self { interrupt, terminate } = self;
        futures_lite::future::or(interrupt.recv(), terminate.recv()).await;
    }
}

#[cfg(not(unix))]
impl StopSignals {
    /// From now on Ctrl-C is heard, and no longer ends the process by itself.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next Ctrl-C; for ever if the system has no way to hear it.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
