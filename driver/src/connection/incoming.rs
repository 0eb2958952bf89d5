//! Connections as they open.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use fanlight_core::ConfigError;
use futures_channel::mpsc;
use futures_lite::Stream;

use super::{Connection, ConnectionSettings, Connections};
use crate::handle::Handle;

/// A [`Stream`] of the connections that a house opens, each for a task of its own.
///
/// It comes with [`Connections`], the service that makes them, of which every shard is given a
/// clone. The stream ends when all of those have ended. When it is dropped, connections that nobody
/// has taken are closed, and so is everyone who comes later, with 1013.
///
/// `adapter-tokio/examples/tasks.rs` is a whole server.
#[derive(Debug)]
pub struct Incoming {
    opened: mpsc::UnboundedReceiver<Connection>,
    /// How many wait there: the shards count up, this counts down.
    waiting: Arc<AtomicUsize>,
}

impl Incoming {
    /// The connections of the house of `handle`, and the service that is to be given to its shards.
    pub fn new(handle: &Handle) -> (Self, Connections) {
        Self::build(handle, ConnectionSettings::default())
    }

    /// As [`new`](Self::new), with other bounds than the default ones.
    ///
    /// # Errors
    ///
    /// The first bound that is out of its range.
    pub fn with_settings(
        handle: &Handle,
        settings: ConnectionSettings,
    ) -> Result<(Self, Connections), ConfigError> {
        settings.check()?;
        Ok(Self::build(handle, settings))
    }

    fn build(handle: &Handle, settings: ConnectionSettings) -> (Self, Connections) {
        // A shard must not wait, so it is bounded by the count and not by the channel.
        let (tell, opened) = mpsc::unbounded();
        let waiting = Arc::default();
        let connections = Connections::new(handle, settings, tell, &waiting);
        (Self { opened, waiting }, connections)
    }
}

impl Stream for Incoming {
    type Item = Connection;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Connection>> {
        let next = Pin::new(&mut self.opened).poll_next(cx);
        if let Poll::Ready(Some(_)) = &next {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
        }
        next
    }
}
