//! What a replay came to.

use std::io::{Read, Write};

use fanlight_core::{
    Instant,
    journal::{Replay, Tail},
};

/// Says how far the replay went, and whether it agrees with the journal so far.
pub(super) fn report<R: Read>(replay: &Replay<R>, out: &mut impl Write) -> bool {
    // Nobody has to be reading what is written here and below.
    let _ = writeln!(out, "inputs replayed    {}", replay.inputs());
    let _ = writeln!(out, "commands           {}", replay.commands_total());
    let _ = writeln!(out, "time covered       {}", Instant::ZERO + replay.covered());
    let _ = writeln!(out, "connections left   {}", replay.hub().stats().connections);
    let _ = writeln!(out, "digest             {}", replay.digest());
    verdict(replay, out)
}

/// Says whether the replay agrees with the journal so far, and how that ends.
pub(super) fn verdict<R: Read>(replay: &Replay<R>, out: &mut impl Write) -> bool {
    let (compared, inputs) = (replay.compared(), replay.inputs());
    let _ = match replay.parted() {
        Some(parted) => writeln!(
            out,
            "digest agrees      no: from input {} to {} {}",
            parted.first, parted.last, parted.difference
        ),
        None if compared == inputs => {
            writeln!(out, "digest agrees      yes, up to input {compared}")
        }
        None if compared == 0 => {
            writeln!(out, "digest agrees      not known yet: no block has ended")
        }
        None => writeln!(
            out,
            "digest agrees      yes, up to input {compared}, the end of the last whole block"
        ),
    };
    let _ = match replay.tail() {
        _ if replay.has_panicked() => {
            writeln!(out, "the end            the hub panics over input {inputs}")
        }
        Some(tail @ (Tail::Ended | Tail::Full | Tail::Panicked | Tail::Cut)) => {
            writeln!(out, "the end            {tail}")
        }
        None => writeln!(out, "the end            not reached"),
    };
    replay.parted().is_none()
}
