//! async-std: its executor, its timer and its sockets, and smol's adapter unchanged.

use std::{io, net::TcpStream, os::unix::net::UnixStream, time::Duration};

use async_std::{net, os, task};

use crate::{
    house::{Plan, Served, serve},
    platform::{Link, Platform, Play, Task},
};

#[derive(Debug)]
pub(crate) struct AsyncStd;

impl Platform for AsyncStd {
    fn name(&self) -> &'static str {
        "async-std"
    }

    fn block_on(&self, behaviour: Play) {
        task::block_on(behaviour);
    }

    fn spawn(&self, task: Task<()>) {
        task::spawn(task);
    }

    fn sleep(&self, time: Duration) -> Task<()> {
        Box::pin(task::sleep(time))
    }

    fn tcp(&self, stream: TcpStream) -> io::Result<Link> {
        Ok(Box::new(net::TcpStream::from(stream)))
    }

    fn unix(&self, stream: UnixStream) -> io::Result<Link> {
        Ok(Box::new(os::unix::net::UnixStream::from(stream)))
    }

    fn serve(&self, plan: Plan) -> Task<io::Result<Served>> {
        Box::pin(serve::<fanlight_smol::Smol>(plan))
    }
}
