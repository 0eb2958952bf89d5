//! Tokio, with one thread and with several.

use std::{io, net::TcpStream, os::unix::net::UnixStream, time::Duration};

use fanlight_tokio::Compat;
use tokio::{net, runtime::Builder, time};

use crate::{
    house::{Plan, Served, serve},
    platform::{Link, Platform, Play, Task},
};

#[derive(Debug)]
pub(crate) enum Tokio {
    OneThread,
    Threads,
}

impl Platform for Tokio {
    fn name(&self) -> &'static str {
        match self {
            Self::OneThread => "tokio, one thread",
            Self::Threads => "tokio, threads",
        }
    }

    fn block_on(&self, behaviour: Play) {
        let mut builder = match self {
            Self::OneThread => Builder::new_current_thread(),
            Self::Threads => Builder::new_multi_thread(),
        };
        builder.worker_threads(2).enable_all().build().unwrap().block_on(behaviour);
    }

    fn spawn(&self, task: Task<()>) {
        tokio::spawn(task);
    }

    fn sleep(&self, time: Duration) -> Task<()> {
        Box::pin(time::sleep(time))
    }

    fn tcp(&self, stream: TcpStream) -> io::Result<Link> {
        Ok(Box::new(Compat::new(net::TcpStream::from_std(stream)?)))
    }

    fn unix(&self, stream: UnixStream) -> io::Result<Link> {
        Ok(Box::new(Compat::new(net::UnixStream::from_std(stream)?)))
    }

    fn serve(&self, plan: Plan) -> Task<io::Result<Served>> {
        Box::pin(serve::<fanlight_tokio::Tokio>(plan))
    }
}
