//! The runtimes, each in a file of its own.

mod async_std;
mod smol;
mod tokio;

use crate::platform::Platform;

/// All of them, in the order of the table.
pub(crate) static ALL: [&dyn Platform; 4] =
    [&tokio::Tokio::OneThread, &tokio::Tokio::Threads, &smol::Smol, &async_std::AsyncStd];
