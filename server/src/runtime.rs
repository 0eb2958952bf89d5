//! The async runtimes that the server can run on.
//!
//! Without any of them there is no server, but journals can still be replayed.

use clap::ValueEnum;

use crate::{log::Log, options::Options, run::Failure};

/// An async runtime that is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    #[cfg(feature = "tokio")]
    Tokio,
    #[cfg(feature = "smol")]
    Smol,
}

impl Runtime {
    /// Where the server runs if it is not told; nowhere, if no runtime is built in.
    pub(crate) const DEFAULT: Option<&'static str> = if cfg!(feature = "tokio") {
        Some("tokio")
    } else if cfg!(feature = "smol") {
        Some("smol")
    } else {
        None
    };

    /// Serves on this runtime until a signal has drained every shard.
    pub(crate) fn serve(self, options: Options, log: &Log) -> Result<(), Failure> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio => tokio_runtime(options.shards)
                .map_err(|source| Failure::Runtime { shards: options.shards, source })?
                .block_on(crate::run::serve::<fanlight_tokio::Tokio>(options, log)),
            #[cfg(feature = "smol")]
            Self::Smol => {
                async_io::block_on(crate::run::serve::<fanlight_smol::Smol>(options, log))
            }
        }
    }
}

#[cfg(feature = "tokio")]
fn tokio_runtime(shards: std::num::NonZeroU8) -> std::io::Result<tokio::runtime::Runtime> {
    use tokio::runtime::Builder;
    let mut builder = if shards == std::num::NonZeroU8::MIN {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder.worker_threads(shards.get().into()).enable_all().build()
}
