//! Bytes of a client made into messages, in the server's role.

use std::hint::black_box;

use fanlight_core::wire::{Deflate, Incoming, Inflater, Limits, Role, Wire};
use fastwebsockets::{FragmentCollector, OpCode, Role as FastRole, WebSocket};
use tungstenite::{
    Message,
    protocol::{Role as TheirRole, WebSocketConfig, WebSocketContext},
};

use crate::{
    load::{Arrival, Load},
    memory::{Spring, at_once},
};

/// As many bytes as our driver reads at once, where a frame lacks none.
pub(crate) const READ_BYTES: usize = 16 << 10;
/// As many as make the copying cheapest where reading is no system call: what was read, and what is
/// made of it, fit the first cache.
const READ_BYTES_FEW: usize = 8 << 10;

/// Something that makes messages of bytes.
pub trait Decode {
    /// Makes so many messages, or a few more, and says how many, and how many bytes of payload.
    fn decode(&mut self, messages: usize) -> (usize, usize);
}

/// All of them, ours first, and their names.
pub fn all(load: Load, arrival: Arrival) -> Vec<(&'static str, Box<dyn Decode>)> {
    let spring = || Spring::new(load.frames(), arrival);
    vec![
        ("fanlight", Box::new(Fanlight::new(spring()))),
        ("fanlight-8k", Box::new(Fanlight { reads: Reads::Few, ..Fanlight::new(spring()) })),
        ("tungstenite", Box::new(Tungstenite::new(spring(), WebSocketConfig::default()))),
        (
            "tungstenite-16k",
            Box::new(Tungstenite::new(
                spring(),
                WebSocketConfig::default().read_buffer_size(READ_BYTES),
            )),
        ),
        ("fastwebsockets", Box::new(Fast::new(spring()))),
    ]
}

/// How much is read at once.
enum Reads {
    /// As our driver does: more of a frame that is long.
    AsDriver,
    /// Always [`READ_BYTES_FEW`].
    Few,
}

pub(crate) struct Fanlight {
    reads: Reads,
    wire: Wire,
    spring: Spring,
    room: Vec<u8>,
    inflater: Inflater,
}

impl Fanlight {
    fn new(spring: Spring) -> Self {
        Self::agreed(spring, None)
    }

    /// Where this was agreed on.
    pub(crate) fn agreed(spring: Spring, deflate: Option<Deflate>) -> Self {
        let limits = Limits { message_bytes_max: 64 << 20, ..Limits::default() };
        let mut wire = Wire::new(Role::Server, limits);
        wire.set_deflate(deflate);
        Self {
            reads: Reads::AsDriver,
            wire,
            spring,
            room: vec![0; Wire::LONG_READS * READ_BYTES],
            inflater: Inflater::default(),
        }
    }
}

impl Decode for Fanlight {
    fn decode(&mut self, messages: usize) -> (usize, usize) {
        let (mut count, mut sum) = (0, 0);
        while count < messages {
            let bytes = self.spring.take(match self.reads {
                Reads::AsDriver => self.wire.read_bytes(READ_BYTES),
                Reads::Few => READ_BYTES_FEW,
            });
            let room = &mut self.room[..bytes.len()];
            room.copy_from_slice(bytes);
            let mut at = 0;
            while at < room.len() {
                let rest = &mut room[at..];
                let taken = self.wire.receive_with(&mut self.inflater, rest, &mut |incoming| {
                    if let Incoming::Message(message) = incoming {
                        count += 1;
                        sum += message.payload().len();
                        black_box(message);
                    }
                });
                at += taken.expect("the frames are valid");
            }
        }
        (count, sum)
    }
}

struct Tungstenite {
    context: WebSocketContext,
    spring: Spring,
}

impl Tungstenite {
    fn new(spring: Spring, config: WebSocketConfig) -> Self {
        Self { context: WebSocketContext::new(TheirRole::Server, Some(config)), spring }
    }
}

impl Decode for Tungstenite {
    fn decode(&mut self, messages: usize) -> (usize, usize) {
        let mut sum = 0;
        for _ in 0..messages {
            match self.context.read(&mut self.spring).expect("the frames are valid") {
                Message::Text(text) => {
                    sum += text.len();
                    black_box(text);
                }
                Message::Binary(payload) => {
                    sum += payload.len();
                    black_box(payload);
                }
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                    unreachable!("it was not sent")
                }
            }
        }
        (messages, sum)
    }
}

struct Fast(FragmentCollector<Spring>);

impl Fast {
    fn new(spring: Spring) -> Self {
        Self(FragmentCollector::new(WebSocket::after_handshake(spring, FastRole::Server)))
    }
}

impl Decode for Fast {
    fn decode(&mut self, messages: usize) -> (usize, usize) {
        let mut sum = 0;
        for _ in 0..messages {
            let frame = at_once(self.0.read_frame()).expect("the frames are valid");
            assert!(matches!(frame.opcode, OpCode::Text | OpCode::Binary));
            sum += frame.payload.len();
            black_box(frame);
        }
        (messages, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_make_the_same_of_the_same_bytes() {
        for load in Load::plain() {
            for arrival in Arrival::ALL {
                for (name, mut machine) in all(load, arrival) {
                    let (messages, payload_bytes) = machine.decode(10);
                    assert!(messages >= 10, "{name}");
                    assert_eq!(payload_bytes, messages * load.payload_bytes, "{name} {load:?}");
                }
            }
        }
    }
}
