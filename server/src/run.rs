//! The server from its start to its end.

use std::{
    fmt,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use fanlight_driver::{Server, Tls, TlsAdapter, TlsError};

use crate::{
    centrifugo::Centrifugo, listen::Listen, log::Log, options::Options, page::Figures,
    service::Site,
};

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The system did not give the threads.
    #[cfg(feature = "tokio")]
    #[error("cannot start {shards} threads: {source}")]
    Runtime { shards: std::num::NonZeroU8, source: io::Error },
    /// Another program is there already.
    #[error(
        "cannot listen on {0}: the address is in use; stop what listens there, or choose another with --listen"
    )]
    InUse(Listen),
    /// The system did not give the address.
    #[error("cannot listen on {address}: {source}")]
    Listen { address: Listen, source: io::Error },
    /// The certificate or its key cannot be used.
    #[error("cannot encrypt: {0}")]
    Tls(#[from] TlsError),
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
    options.runtime.serve(options, &log)
}

/// Serves on the runtime that `A` stands for.
pub(crate) async fn serve<A: TlsAdapter>(options: Options, log: &Log) -> Result<(), Failure> {
    let cannot_listen = |source: io::Error| {
        if source.kind() == io::ErrorKind::AddrInUse {
            Failure::InUse(options.listen.clone())
        } else {
            Failure::Listen { address: options.listen.clone(), source }
        }
    };
    let server = match &options.listen {
        Listen::Tcp(address) => Server::<A>::bind(address).await,
        #[cfg(unix)]
        Listen::Unix(path) => Server::<A>::bind_unix(path).await,
    };
    let server = server.map_err(cannot_listen)?;
    let at = match &options.listen {
        Listen::Tcp(_) => Listen::Tcp(server.local_addr().map_err(cannot_listen)?),
        #[cfg(unix)]
        Listen::Unix(_) => options.listen.clone(),
    };
    let server = server
        .config(options.config.clone())
        .shards(options.shards.get())
        .send_buffer_bytes(Some(options.send_buffer_bytes))
        .when_full(options.when_full)
        .drain_on_signal(options.drain);
    let is_encrypted = options.tls.is_some();
    let server = match options.tls {
        Some((cert, key)) => server.tls(Tls::open(cert, key)?),
        None => server,
    };
    let server = match &options.recording {
        Some(recording) => server.journal(recording).map_err(Failure::Journal)?,
        None => server,
    };
    let (handle, dropped) = (server.handle(), log.dropped());
    let journals: Vec<_> = server.journals().map(Path::to_owned).collect();

    // Nobody has to be reading this.
    let _ = greet(&mut io::stdout(), &at, is_encrypted, &journals);
    server
        .run(|| {
            let (handle, dropped) = (handle.clone(), dropped.clone());
            let figures = move || Figures {
                shards: handle.shard_stats(),
                log_lines_dropped: dropped.lines(),
            };
            Site::new(
                options.origins.clone(),
                figures,
                Centrifugo::new(&options.config, options.access.clone()),
            )
        })
        .await
        .map_err(Failure::Stopped)
}

/// Says where to look and how to stop it.
fn greet(
    out: &mut impl Write,
    at: &Listen,
    is_encrypted: bool,
    journals: &[PathBuf],
) -> io::Result<()> {
    writeln!(out, "Fanlight listens on {at}. Ctrl-C stops it.")?;
    match journals {
        [] => {}
        [only] => writeln!(out, "It keeps a journal in {}.", only.display())?,
        [first, .., last] => {
            writeln!(out, "It keeps journals in {} to {}.", first.display(), last.display())?;
        }
    }
    #[cfg(unix)]
    if let Listen::Unix(path) = at {
        let path = path.display();
        writeln!(out, "As in `curl --unix-socket {path} http://localhost/`, through the socket")?;
    }
    let (ws, http) = if is_encrypted { ("wss", "https") } else { ("ws", "http") };
    let at: &dyn fmt::Display = match at {
        Listen::Tcp(address) => &SocketAddr::new(reachable(address.ip()), address.port()),
        #[cfg(unix)]
        Listen::Unix(_) => &"localhost",
    };
    for (address, what) in [
        (format!("{http}://{at}/"), "shows a chat, and what the server is doing"),
        (format!("{ws}://{at}/connection/websocket"), "is for the SDKs of Centrifugo"),
        (format!("{ws}://{at}/broadcast"), "sends each message to everyone there"),
        (format!("{ws}://{at}/echo"), "sends each message back"),
    ] {
        writeln!(out, "  {address:<45}  {what}")?;
    }
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

/// A connection is a descriptor, and the usual soft limit is 1024.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::info!(limit, "file descriptors"),
        Err(error) => tracing::warn!(%error, "cannot raise the limit of file descriptors"),
    }
}
