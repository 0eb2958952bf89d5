//! Messages made into bytes that a socket has taken.

use std::{cell::Cell, ops::Range, rc::Rc};

use fanlight_core::{
    Message,
    wire::{Limits, Role, Wire},
};
use fastwebsockets::{Frame, Payload, Role as FastRole, WebSocket};
use tungstenite::{
    Message as TheirMessage,
    protocol::{Role as TheirRole, WebSocketContext},
};

use crate::{
    load::Load,
    memory::{Sink, at_once, placed},
};

/// What is asked of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A server says what somebody else also hears: the message is at hand in the form that the
    /// library shares best.
    Again,
    /// A server says something new: a borrowed payload becomes a message of the library's own.
    Anew,
    /// A client says something new: as `Anew`, and masked.
    Masked,
}

impl Task {
    /// Every task, and its name.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Again, "encode-again"),
        (Self::Anew, "encode-anew"),
        (Self::Masked, "encode-masked"),
    ];
}

/// Something that makes bytes of messages.
pub trait Encode {
    /// Says so many messages.
    fn encode(&mut self, messages: usize);
}

/// A library's name, what it is made to do here, and how many bytes its socket has taken.
pub type Contender = (&'static str, Box<dyn Encode>, Rc<Cell<u64>>);

/// All of them, ours first.
pub fn all(load: Load, task: Task) -> Vec<Contender> {
    let (ours, theirs, fast) = (Sink::new(), Sink::new(), Sink::new());
    let taken = [ours.taken(), theirs.taken(), fast.taken()];
    let machines: [(_, Box<dyn Encode>); 3] = [
        ("fanlight", Box::new(Fanlight::new(load, task, ours))),
        ("tungstenite", Box::new(Tungstenite::new(load, task, theirs))),
        ("fastwebsockets", Box::new(Fast::new(load, task, fast))),
    ];
    machines.into_iter().zip(taken).map(|((name, machine), taken)| (name, machine, taken)).collect()
}

/// What is to be said, somewhere in memory.
struct Words {
    text: Option<String>,
    payload: Vec<u8>,
    range: Range<usize>,
}

impl Words {
    fn of(load: Load) -> Self {
        let (payload, range) = placed(&load.payload());
        let text = load
            .kind
            .is_text()
            .then(|| String::from_utf8(payload.clone()).expect("what is sent as text is text"));
        Self { text, payload, range }
    }

    fn text(&self) -> Option<&str> {
        self.text.as_ref().map(|text| &text[self.range.clone()])
    }

    fn payload(&self) -> &[u8] {
        &self.payload[self.range.clone()]
    }
}

struct Fanlight {
    wire: Wire,
    sink: Sink,
    task: Task,
    words: Words,
    again: Message,
    out: Vec<u8>,
}

impl Fanlight {
    fn new(load: Load, task: Task, sink: Sink) -> Self {
        let limits = Limits { message_bytes_max: 64 << 20, ..Limits::default() };
        let role = match task {
            Task::Again | Task::Anew => Role::Server,
            Task::Masked => Role::Client { mask_seed: [1; 32] },
        };
        let words = Words::of(load);
        let again = message(&words);
        Self { wire: Wire::new(role, limits), sink, task, words, again, out: Vec::new() }
    }
}

fn message(words: &Words) -> Message {
    words.text().map_or_else(|| Message::binary(words.payload()), Message::text)
}

impl Encode for Fanlight {
    fn encode(&mut self, messages: usize) {
        for _ in 0..messages {
            match self.task {
                // As a hub does: the frame goes from the message to the socket.
                Task::Again => self.sink.take_all(self.again.frame()),
                Task::Anew => {
                    let message = message(&self.words);
                    self.sink.take_all(message.frame());
                }
                Task::Masked => {
                    let is_said = match self.words.text() {
                        Some(text) => self.wire.send(text, &mut self.out),
                        None => self.wire.send(self.words.payload(), &mut self.out),
                    };
                    assert!(is_said);
                    self.sink.take_all(&self.out);
                    self.out.clear();
                }
            }
        }
    }
}

struct Tungstenite {
    context: WebSocketContext,
    sink: Sink,
    task: Task,
    words: Words,
    again: TheirMessage,
}

impl Tungstenite {
    fn new(load: Load, task: Task, sink: Sink) -> Self {
        let role = match task {
            Task::Again | Task::Anew => TheirRole::Server,
            Task::Masked => TheirRole::Client,
        };
        let words = Words::of(load);
        let again = their_message(&words);
        Self { context: WebSocketContext::new(role, None), sink, task, words, again }
    }
}

fn their_message(words: &Words) -> TheirMessage {
    match words.text() {
        Some(text) => TheirMessage::text(text),
        None => TheirMessage::binary(words.payload().to_vec()),
    }
}

impl Encode for Tungstenite {
    fn encode(&mut self, messages: usize) {
        for _ in 0..messages {
            let message = match self.task {
                Task::Again => self.again.clone(),
                Task::Anew | Task::Masked => their_message(&self.words),
            };
            self.context.write(&mut self.sink, message).expect("the sink takes all");
        }
        self.context.flush(&mut self.sink).expect("the sink takes all");
    }
}

struct Fast {
    socket: WebSocket<Sink>,
    task: Task,
    words: Words,
}

impl Fast {
    fn new(load: Load, task: Task, sink: Sink) -> Self {
        let role = match task {
            Task::Again | Task::Anew => FastRole::Server,
            Task::Masked => FastRole::Client,
        };
        let socket = WebSocket::after_handshake(sink, role);
        Self { socket, task, words: Words::of(load) }
    }
}

impl Encode for Fast {
    fn encode(&mut self, messages: usize) {
        for _ in 0..messages {
            let payload = match self.task {
                Task::Again => Payload::Borrowed(self.words.payload()),
                Task::Anew | Task::Masked => Payload::Owned(self.words.payload().to_vec()),
            };
            let is_text = self.words.text.is_some();
            let frame = if is_text { Frame::text(payload) } else { Frame::binary(payload) };
            at_once(self.socket.write_frame(frame)).expect("the sink takes all");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_say_as_many_bytes() {
        for load in Load::plain() {
            for (task, name) in Task::ALL {
                let taken = all(load, task).into_iter().map(|(_, mut machine, taken)| {
                    machine.encode(10);
                    taken.get()
                });
                let taken: Vec<u64> = taken.collect();
                assert!(taken[0] > 10 * load.payload_bytes as u64, "{name} {load:?}");
                assert!(taken.iter().all(|bytes| *bytes == taken[0]), "{name} {load:?}: {taken:?}");
            }
        }
    }
}
