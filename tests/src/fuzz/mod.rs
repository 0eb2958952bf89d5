//! What the fuzz targets do: each function takes any bytes, and panics only on a finding.
//!
//! `cargo fuzz` calls them with bytes of its own making, `tests/tests/corpus.rs` with those in
//! `fuzz/corpus` and `fuzz/findings`.

mod deflate;
mod draw;
mod hub;
mod journal;
pub mod oracle;
pub mod request;
pub mod upgrade;
mod wire;
mod world;

pub use deflate::deflate;
pub use hub::hub;
pub use journal::journal;
pub use upgrade::upgrade;
pub use wire::wire;
pub use world::world;

/// A target's name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("deflate", deflate),
    ("hub", hub),
    ("journal", journal),
    ("upgrade", upgrade),
    ("wire", wire),
    ("world", world),
];
