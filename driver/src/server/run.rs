//! The run of a server: accepting, signals, shards, and the end of them all.

use std::{future, io};

use fanlight_core::Service;
use futures_lite::future::or;
use tracing::{info, warn};

use super::{Adapter, Server, accept::accept};
use crate::{handle::Handle, house::Shard, runtime::Runtime};

impl<A: Adapter> Server<A> {
    /// Serves until the server has drained. `service` is called once for each shard.
    ///
    /// The future accepts; where the shards run is said by the adapter's crate. Dropping the future
    /// ends them at once.
    ///
    /// # Errors
    ///
    /// If signals could not be listened for, or the system did not give what shards run on; or if the
    /// server ended in another way than by a drain, with a [`Stopped`](crate::Stopped) inside. No
    /// trouble with a peer, a socket or the listener ends the server.
    ///
    /// # Panics
    ///
    /// If the operating system has no entropy to give.
    pub async fn run<S>(self, service: impl FnMut() -> S) -> io::Result<()>
    where
        S: Service + Send + 'static,
    {
        let epoch = A::epoch();
        self.run_by(service, || A::runtime(epoch)).await
    }

    /// As [`run`](Self::run), with a clock and a timer of the caller's own for each shard: so a test
    /// can have hours pass without waiting. All of them must count from one epoch.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub async fn run_by<S, R>(
        self,
        mut service: impl FnMut() -> S,
        mut runtime: impl FnMut() -> R,
    ) -> io::Result<()>
    where
        S: Service + Send + 'static,
        R: Runtime + Send + 'static,
    {
        self.house();
        let house = self.house.into_inner().expect("it was opened in the line above");
        let signals = match self.drain_on_signal {
            Some(drain) => Some((A::stop_signals()?, drain)),
            None => None,
        };
        let (handle, door) = (house.handle(), house.door());
        let _ends = EndsWithRun(handle.clone());
        let mut run = |shard: Shard<_>| {
            let driver = shard.driver(service(), runtime());
            // The house keeps its end, which is asked for below.
            async {
                let _ = driver.run().await;
            }
        };
        let shards = house.into_shards().into_iter().map(&mut run).collect();
        info!(at = %self.listener, shards = handle.shards(), "serving");

        let accepting = async {
            or(accept(self.listener, door, self.setup, self.when_full), handle.closed()).await;
            future::pending().await
        };
        let signalled = async {
            if let Some((mut signals, drain)) = signals {
                A::next_signal(&mut signals).await;
                info!("draining, as a signal asks");
                drop(handle.drain(drain));
                A::next_signal(&mut signals).await;
                warn!("stopping, as a second signal asks");
                handle.stop();
            }
            future::pending().await
        };
        // A shard that fails is told of by the others' end, which is the house's.
        or(A::run_all(shards), or(accepting, signalled)).await?;
        handle.ended().await.map_err(io::Error::other)
    }
}

/// However the run ends, the house does.
struct EndsWithRun(Handle);

impl Drop for EndsWithRun {
    fn drop(&mut self) {
        self.0.stop();
    }
}
