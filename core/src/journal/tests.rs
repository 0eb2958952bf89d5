//! Journals of whole houses, and files that nobody should have made.

mod hostile;
mod house;
mod replaying;
mod round_trip;
