//! Fanlight beside other libraries: the same bytes in, the same messages out, in one run.
//!
//! Each library does what it does best: it is fed from memory, its buffers are as its own defaults
//! have them (and for tungstenite as we have them too), and it lives on from sample to sample, so
//! nothing is measured but messages. What is asked of each is the same: every message whole, its
//! payload owned, its text valid UTF-8.

pub mod decode;
pub mod encode;
pub mod inflate;
pub mod load;
mod memory;
pub mod ratio;
