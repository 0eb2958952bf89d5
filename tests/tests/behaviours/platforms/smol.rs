//! Smol.

use std::{io, net::TcpStream, os::unix::net::UnixStream, time::Duration};

use smol::{Async, Timer};

use crate::{
    house::{Plan, Served, serve},
    platform::{Link, Platform, Play, Task},
};

#[derive(Debug)]
pub(crate) struct Smol;

impl Platform for Smol {
    fn name(&self) -> &'static str {
        "smol"
    }

    fn block_on(&self, behaviour: Play) {
        smol::block_on(behaviour);
    }

    fn spawn(&self, task: Task<()>) {
        smol::spawn(task).detach();
    }

    fn sleep(&self, time: Duration) -> Task<()> {
        Box::pin(async move {
            Timer::after(time).await;
        })
    }

    fn tcp(&self, stream: TcpStream) -> io::Result<Link> {
        Ok(Box::new(Async::new(stream)?))
    }

    fn unix(&self, stream: UnixStream) -> io::Result<Link> {
        Ok(Box::new(Async::new(stream)?))
    }

    fn serve(&self, plan: Plan) -> Task<io::Result<Served>> {
        Box::pin(serve::<fanlight_smol::Smol>(plan))
    }
}
