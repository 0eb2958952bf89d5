//! What the suite needs of a runtime.

use std::{
    future::Future, io, net::TcpStream, os::unix::net::UnixStream, pin::Pin, time::Duration,
};

use fanlight_driver::Stream;

use crate::house::{Plan, Served};

/// A future that a platform may move to another thread.
pub(crate) type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A behaviour at play, which stays on its thread.
pub(crate) type Play = Pin<Box<dyn Future<Output = ()>>>;

/// A stream of whichever runtime.
pub(crate) type Link = Box<dyn Stream>;

/// A runtime with the adapter that is made for it.
pub(crate) trait Platform: Sync {
    /// Its name in the table.
    fn name(&self) -> &'static str;

    /// Runs a behaviour to its end, on this thread.
    fn block_on(&self, behaviour: Play);

    /// Runs a task beside the behaviour.
    fn spawn(&self, task: Task<()>);

    /// Waits, by the real clock.
    fn sleep(&self, time: Duration) -> Task<()>;

    /// A socket that does not block, as the runtime has it.
    fn tcp(&self, stream: TcpStream) -> io::Result<Link>;

    /// A socket that does not block, as the runtime has it.
    fn unix(&self, stream: UnixStream) -> io::Result<Link>;

    /// Sets a server up, which runs as long as a future of the answer is polled.
    fn serve(&self, plan: Plan) -> Task<io::Result<Served>>;
}
