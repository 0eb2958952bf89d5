//! What a hub was told, kept so that it can be told again.

mod digest;
mod encoding;
mod values;

pub use digest::{Digest, Fingerprint};
