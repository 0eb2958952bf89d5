//! The server from its start to its end.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU8,
    path::{Path, PathBuf},
};

use fanlight_tokio::Server;
use tokio::runtime::{Builder, Runtime};

use crate::{log::Log, options::Options, page::Figures, service::Site};

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The system did not give the threads.
    #[error("cannot start {shards} threads: {source}")]
    Runtime { shards: NonZeroU8, source: io::Error },
    /// Another program is there already.
    #[error(
        "cannot listen on {0}: the address is in use; stop what listens there, or choose another with --listen"
    )]
    InUse(SocketAddr),
    /// The system did not give the address.
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    /// The system did not give the files.
    #[error("cannot keep a journal: {0}")]
    Journal(io::Error),
    /// The shards ended before they were asked to.
    #[error("stopped: {0}")]
    Stopped(#[source] io::Error),
}

/// Serves until a signal has drained every shard.
///
/// # Errors
///
/// If the server could not start, or a shard failed.
pub(crate) fn run(options: Options) -> Result<(), Failure> {
    let log = Log::start(options.log.clone());
    raise_descriptor_limit();
    runtime(options.shards)
        .map_err(|source| Failure::Runtime { shards: options.shards, source })?
        .block_on(serve(options, &log))
}

async fn serve(options: Options, log: &Log) -> Result<(), Failure> {
    let cannot_listen = |source: io::Error| {
        if source.kind() == io::ErrorKind::AddrInUse {
            Failure::InUse(options.listen)
        } else {
            Failure::Listen { address: options.listen, source }
        }
    };
    let server = Server::bind(options.listen).await.map_err(cannot_listen)?;
    let address = server.local_addr().map_err(cannot_listen)?;
    let server = server
        .config(options.config)
        .shards(options.shards.get())
        .send_buffer_bytes(Some(options.send_buffer_bytes))
        .drain_on_signal(options.drain);
    let server = match &options.recording {
        Some(recording) => server.journal(recording).map_err(Failure::Journal)?,
        None => server,
    };
    let (handle, dropped) = (server.handle(), log.dropped());
    let journals: Vec<_> = server.journals().map(Path::to_owned).collect();

    // Nobody has to be reading this.
    let _ = greet(&mut io::stdout(), address, &journals);
    server
        .run(|| {
            let (handle, dropped) = (handle.clone(), dropped.clone());
            let figures =
                move || Figures { house: handle.stats(), log_lines_dropped: dropped.lines() };
            Site::new(options.origins.clone(), figures)
        })
        .await
        .map_err(Failure::Stopped)
}

/// Says where to look and how to stop it.
fn greet(out: &mut impl Write, address: SocketAddr, journals: &[PathBuf]) -> io::Result<()> {
    let at = SocketAddr::new(reachable(address.ip()), address.port());
    writeln!(out, "Fanlight listens on {address}. Ctrl-C stops it.")?;
    match journals {
        [] => {}
        [only] => writeln!(out, "It keeps a journal in {}.", only.display())?,
        [first, .., last] => {
            writeln!(out, "It keeps journals in {} to {}.", first.display(), last.display())?;
        }
    }
    writeln!(out, "  ws://{at}/echo       sends each message back")?;
    writeln!(out, "  ws://{at}/broadcast  sends each message to everyone there")?;
    writeln!(out, "  http://{at}/         says more")?;
    out.flush()
}

/// An address at which this machine finds what listens on `ip`.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => ip,
    }
}

fn runtime(shards: NonZeroU8) -> io::Result<Runtime> {
    let mut builder = if shards == NonZeroU8::MIN {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder.worker_threads(shards.get().into()).enable_all().build()
}

/// A connection is a descriptor, and the usual soft limit is 1024.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::info!(limit, "file descriptors"),
        Err(error) => tracing::warn!(%error, "cannot raise the limit of file descriptors"),
    }
}
