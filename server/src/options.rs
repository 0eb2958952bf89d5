//! What the command line can ask for.

use std::{ffi::OsString, num::NonZeroU8, path::PathBuf, thread, time::Duration};

use bytesize::ByteSize;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, error::ErrorKind};
use fanlight_core::{CloseCode, CloseFrame, Config, Drain, journal::Payloads};
use fanlight_driver::{Recording, WhenFull};
use tracing_subscriber::filter::Targets;

use crate::{
    centrifugo::{Access, Secret, Tokens},
    listen::Listen,
    log,
    origins::{Allowed, Origins},
    replay::ReplayArgs,
    runtime::Runtime,
    settings,
};

/// A WebSocket server that holds very many connections.
///
/// / is a page with a chat and what the server is doing. Over WebSocket, /connection/websocket is for
/// the SDKs of Centrifugo, /broadcast sends each message to everyone there, /echo sends it back.
#[derive(Debug, Parser)]
#[command(name = "fanlight", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    action: Option<Action>,

    /// The address and port to listen on, where port 0 takes a free one; or unix: and a path, for a
    /// Unix socket.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    listen: Listen,

    /// The async runtime to run on.
    #[arg(long, value_enum, env = "FANLIGHT_RUNTIME", default_value = Runtime::DEFAULT)]
    runtime: Option<Runtime>,

    /// Encrypt connections, with the certificate chain in this file, in PEM. When this file or that of
    /// the key changes, both are read again.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// What becomes of peers while every shard has --connections-max: they are refused with 503, or if
    /// connections are encrypted without a word; or they wait in the system's queue until somebody
    /// leaves.
    #[arg(long, value_enum, default_value = "refuse")]
    when_full: Full,

    /// Listen even if other machines can reach the address. Whoever can is served: nobody is asked
    /// who they are but at /connection/websocket, and there only with --token-hmac-secret.
    #[arg(long)]
    allow_remote: bool,

    /// How many shards share the connections, each a task; there are as many threads. From 1 to 255
    /// [default: one a core].
    #[arg(long, value_name = "COUNT", value_parser = shard_count)]
    shards: Option<NonZeroU8>,

    /// Let web pages of this origin connect, as in `https://example.com` or `http://localhost:3000`,
    /// or with `*` those of any. May be given many times. Without it, pages of this server's own host
    /// may connect, and if --listen is a loopback address or a Unix socket, only under a name of
    /// loopback; with it, pages of the origins given and no others. Programs that are not browsers
    /// send no Origin and always may.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<Allowed>,

    /// Let clients of /connection/websocket in only with a token signed by this secret (HMAC with
    /// SHA-256, of at least 32 bytes), and known by the name in it. Without it, whoever comes is
    /// let in, and nobody has a name. /echo and /broadcast never ask. Other users of this machine can
    /// read a command line, and not the environment.
    #[arg(long, value_name = "SECRET", env = "FANLIGHT_TOKEN_HMAC_SECRET", hide_env_values = true)]
    token_hmac_secret: Option<Secret>,

    /// When stopping: how long the goodbyes to all connections are spread over.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    drain_over: Duration,

    /// When stopping: when to disconnect whoever is still there. At least --drain-over.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    drain_timeout: Duration,

    /// Keep a journal of all that the shards are told, in files in this directory: `fanlight replay`
    /// runs it again. It holds all that peers say and their addresses, unless --journal-payloads is
    /// omit.
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,

    /// How long each shard's journal may grow; there it ends, and the server goes on. At least 64KiB.
    #[arg(long, value_name = "BYTES", default_value = "1GiB", value_parser = journal_bytes_max, requires = "journal")]
    journal_bytes_max: u64,

    /// Whether the journal keeps what is said. Without, it cannot be replayed, only summarised.
    #[arg(long, value_enum, default_value = "keep", requires = "journal")]
    journal_payloads: JournalPayloads,

    /// What to log to standard error: off, error, warn, info, debug or trace, also for single parts
    /// of the program, as in warn,fanlight_driver=debug.
    #[arg(long, value_name = "FILTER", env = "FANLIGHT_LOG", default_value = "warn", value_parser = log::filter)]
    log: Targets,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the journal of a shard again, and say whether the same comes of it.
    ///
    /// The exit code is 0 if it does, 1 if it does not or the connection asked for is not there, 2 if
    /// the file cannot be read to its end or replayed.
    Replay(ReplayArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Full {
    Refuse,
    Wait,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum JournalPayloads {
    Keep,
    Omit,
}

/// What the program is to do.
#[derive(Debug)]
pub(crate) enum Task {
    Serve(Box<Options>),
    Replay(ReplayArgs),
}

/// What the command line asked of a server, checked.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: Listen,
    pub(crate) runtime: Runtime,
    /// The files of the certificate and the key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    pub(crate) when_full: WhenFull,
    pub(crate) shards: NonZeroU8,
    pub(crate) origins: Origins,
    pub(crate) access: Access,
    /// The kernel's, of each socket.
    pub(crate) send_buffer_bytes: usize,
    pub(crate) drain: Drain,
    pub(crate) recording: Option<Recording>,
    pub(crate) log: Targets,
    pub(crate) config: Config,
}

impl Task {
    /// Reads the options from `args`, of which the first is the program's name.
    ///
    /// # Errors
    ///
    /// What was wrong, or the help or version that was asked for; it knows its exit code.
    pub(crate) fn parse(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let mut command = Args::command().args(settings::args());
        let matches = command.try_get_matches_from_mut(args)?;
        let args = Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        if let Some(Action::Replay(args)) = args.action {
            return Ok(Self::Replay(args));
        }
        let mut refuse = |why: String| command.error(ErrorKind::ValueValidation, why);

        let Some(runtime) = args.runtime else {
            return Err(refuse(
                "no async runtime is built in, so this program can only replay journals; build it \
                 with the feature tokio, smol or both"
                    .to_owned(),
            ));
        };
        if !args.allow_remote && !args.listen.is_here() {
            let asks = match &args.token_hmac_secret {
                Some(_) => "only /connection/websocket asks them for a token",
                None => "nobody is asked who they are without --token-hmac-secret",
            };
            return Err(refuse(format!(
                "--listen is {}, which other machines may reach, and {asks}; give --allow-remote as \
                 well if that is wanted",
                args.listen
            )));
        }
        #[cfg(unix)]
        if let (Listen::Unix(_), Some(_)) = (&args.listen, &args.tls_cert) {
            return Err(refuse(format!(
                "--listen is {}, which no other machine reaches, so --tls-cert and --tls-key are of \
                 no use; leave them out",
                args.listen
            )));
        }
        if args.drain_timeout < args.drain_over {
            return Err(refuse(format!(
                "--drain-timeout is {}, but must be at least --drain-over, which is {}",
                humantime::format_duration(args.drain_timeout),
                humantime::format_duration(args.drain_over)
            )));
        }
        Ok(Self::Serve(Box::new(Options {
            origins: Origins::new(args.allow_origin, &args.listen),
            listen: args.listen,
            runtime,
            tls: args.tls_cert.zip(args.tls_key),
            when_full: match args.when_full {
                Full::Refuse => WhenFull::Refuse,
                Full::Wait => WhenFull::Wait,
            },
            shards: args.shards.unwrap_or_else(one_shard_a_core),
            access: match &args.token_hmac_secret {
                None => Access::Anonymous,
                Some(secret) => Tokens::new(secret)
                    .map(|tokens| Access::Tokens(tokens.into()))
                    .map_err(|why| refuse(format!("--token-hmac-secret: {why}")))?,
            },
            send_buffer_bytes: settings::send_buffer_bytes(&matches),
            drain: Drain {
                over: args.drain_over,
                timeout: args.drain_timeout,
                farewell: CloseFrame { code: CloseCode::Away, reason: "server stops".into() },
            },
            recording: args.journal.map(|dir| Recording {
                dir,
                journal_bytes_max: args.journal_bytes_max,
                payloads: match args.journal_payloads {
                    JournalPayloads::Keep => Payloads::Kept,
                    JournalPayloads::Omit => Payloads::Omitted,
                },
            }),
            log: args.log,
            config: settings::config(&matches)
                .map_err(|wrong| refuse(settings::explain(&wrong)))?,
        })))
    }
}

fn journal_bytes_max(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .ok()
        .map(|size: ByteSize| size.as_u64())
        .filter(|bytes| *bytes >= 64 * 1024)
        .ok_or("a size of at least 64KiB is needed")
}

fn shard_count(text: &str) -> Result<NonZeroU8, &'static str> {
    text.parse().map_err(|_| "must be a whole number from 1 to 255")
}

fn one_shard_a_core() -> NonZeroU8 {
    thread::available_parallelism()
        .map_or(NonZeroU8::MIN, |cores| NonZeroU8::try_from(cores).unwrap_or(NonZeroU8::MAX))
}

#[cfg(test)]
mod tests;
