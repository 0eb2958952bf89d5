//! A replay up to the place where somebody wants to look.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

use fanlight_core::{
    Arrival, Closed, Command, ConnId, Event, Instant,
    journal::{Input, JournalError, Replay},
};

use super::{input::Line, stream::Stream, whereabouts::Whereabouts};

/// Replays up to the end, or behind input `stop_at`, and shows that one.
pub(super) fn play<R: Read>(
    replay: &mut Replay<R>,
    stop_at: Option<u64>,
    mut whereabouts: Option<&mut Whereabouts>,
    out: &mut impl Write,
) -> Result<(), JournalError> {
    let mut streams = Streams::default();
    while stop_at != Some(replay.inputs()) {
        let number = replay.inputs() + 1;
        let is_last = stop_at == Some(number);
        let mut shown = None;
        let stepped = replay.step_with(|now, input| {
            // Where no frame is shown none has to be found.
            let said = if stop_at.is_some() { streams.follow(input, is_last) } else { Vec::new() };
            shown = is_last.then(|| Shown { now, what: what(input), said });
        })?;
        if !stepped {
            return Ok(());
        }
        streams.note(replay);
        if let Some(whereabouts) = &mut whereabouts {
            whereabouts.note(replay);
        }
        if let Some(shown) = shown {
            shown.show(replay, out);
        }
    }
    Ok(())
}

/// The input at which the replay stops.
struct Shown {
    now: Instant,
    what: What,
    said: Vec<String>,
}

/// What the input is: in words where there are better ones than its parts.
enum What {
    Line(Line),
    Parts(String),
}

fn what(input: &Input<'_>) -> What {
    match input {
        Input::Accept(_) | Input::Drawn | Input::Event(Event::Received(..)) => {
            What::Line(Line::of(input))
        }
        Input::Event(event) => What::Parts(format!("{event:?}")),
    }
}

impl Shown {
    fn show<R: Read>(self, replay: &Replay<R>, out: &mut impl Write) {
        // Nobody has to be reading what is written here and below.
        let _ = writeln!(out, "input              {} at {}", replay.inputs(), self.now);
        let what = match self.what {
            What::Line(line) => line.answered(replay.accepted()),
            What::Parts(parts) => parts,
        };
        let _ = writeln!(out, "  is               {what}");
        for piece in self.said {
            let _ = writeln!(out, "  says             {piece}");
        }
        for command in &replay.commands().others {
            let _ = writeln!(out, "  wants            {command:?}");
        }
        for conn in &replay.commands().writes {
            let _ = writeln!(out, "  has bytes for    {conn}");
        }
    }
}

/// What every connection sends, followed so that any input can be shown in frames.
#[derive(Default)]
struct Streams {
    streams: BTreeMap<ConnId, Stream>,
    /// The bytes that came with an arrival that sent its request elsewhere.
    upgraded: Option<Vec<u8>>,
}

impl Streams {
    /// Follows an input; what is in it, if that is wanted.
    fn follow(&mut self, input: &Input<'_>, is_wanted: bool) -> Vec<String> {
        self.upgraded = None;
        match input {
            Input::Event(Event::Received(conn, bytes)) => {
                let stream = self.streams.entry(*conn).or_default();
                if is_wanted { stream.show(bytes) } else { stream.skip(bytes) }
            }
            Input::Accept(Arrival::Upgraded(_, _, read)) => {
                self.upgraded = Some(read.clone());
                let mut stream = Stream::upgraded();
                if is_wanted { stream.show(read) } else { Vec::new() }
            }
            Input::Accept(Arrival::Fresh(_)) | Input::Drawn | Input::Event(_) => Vec::new(),
        }
    }

    /// Takes note of what the input came to.
    fn note<R: Read>(&mut self, replay: &Replay<R>) {
        if let (Some(read), Some(Ok(conn))) = (self.upgraded.take(), replay.accepted()) {
            let mut stream = Stream::upgraded();
            stream.skip(&read);
            self.streams.insert(conn, stream);
        }
        for command in &replay.commands().others {
            if let Command::Closed(Closed { conn, .. }) = command {
                self.streams.remove(conn);
            }
        }
    }
}
