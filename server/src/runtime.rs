//! The async runtimes that the server can run on.

use clap::ValueEnum;

use crate::{
    log::Log,
    options::Options,
    run::{self, Failure},
};

/// An async runtime that is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    #[cfg(feature = "tokio")]
    Tokio,
    #[cfg(feature = "smol")]
    Smol,
}

impl Runtime {
    /// Where the server runs if it is not told.
    #[cfg(feature = "tokio")]
    pub(crate) const DEFAULT: Self = Self::Tokio;
    #[cfg(all(feature = "smol", not(feature = "tokio")))]
    pub(crate) const DEFAULT: Self = Self::Smol;
    #[cfg(not(any(feature = "tokio", feature = "smol")))]
    pub(crate) const DEFAULT: Self =
        compile_error!("the server needs a runtime: enable the feature `tokio`, `smol`, or both");

    /// Serves on this runtime until a signal has drained every shard.
    pub(crate) fn serve(self, options: Options, log: &Log) -> Result<(), Failure> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio => tokio_runtime(options.shards)
                .map_err(|source| Failure::Runtime { shards: options.shards, source })?
                .block_on(run::serve::<fanlight_tokio::Tokio>(options, log)),
            #[cfg(feature = "smol")]
            Self::Smol => async_io::block_on(run::serve::<fanlight_smol::Smol>(options, log)),
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
