//! Compressed bytes of a client made into messages, in the server's role.
//!
//! Of the libraries compared elsewhere none inflates, so each of them is given the same payloads as
//! plain binary messages, and what it makes of them to `flate2`, as an application would that
//! compresses by itself. `yawc` has permessage-deflate.

use std::hint::black_box;

use fanlight_core::wire::Deflate;
use fastwebsockets::{FragmentCollector, Role as FastRole, WebSocket};
use flate2::{Decompress, FlushDecompress};
use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use tungstenite::{
    Message,
    protocol::{Role as TheirRole, WebSocketConfig, WebSocketContext},
};

use crate::{
    decode::{Decode, Fanlight, READ_BYTES},
    load::{Arrival, Load, TAIL},
    memory::{Spring, at_once},
};

/// What is agreed on: every message is compressed by itself.
const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/// The first byte of a header: a whole text that is compressed, and a whole binary that is not.
const DEFLATED_TEXT: u8 = 0xc1;
const BINARY: u8 = 0x82;
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// All of them, ours first, and their names.
pub fn all(load: Load, arrival: Arrival) -> Vec<(&'static str, Box<dyn Decode>)> {
    let spring = |first| Spring::new(load.deflated_frames(first), arrival);
    vec![
        ("fanlight", Box::new(Fanlight::agreed(spring(DEFLATED_TEXT), Some(agreed())))),
        ("yawc", Box::new(Yawc::new(spring(DEFLATED_TEXT)))),
        ("tungstenite+flate2", Box::new(Tungstenite::new(spring(BINARY)))),
        ("fastwebsockets+flate2", Box::new(Fast::new(spring(BINARY)))),
    ]
}

fn agreed() -> Deflate {
    let mut headers = HeaderMap::new();
    headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(AGREED));
    Deflate::answered(&headers).ok().flatten().expect("this answers what we offer")
}

struct Yawc(yawc::WebSocket<Spring>);

impl Yawc {
    fn new(spring: Spring) -> Self {
        let options = yawc::Options::default()
            .with_balanced_compression()
            .with_utf8()
            .with_limits(MESSAGE_BYTES_MAX, 2 * MESSAGE_BYTES_MAX);
        let (role, agreed) = (yawc::Role::Server, Some(AGREED));
        let socket = yawc::WebSocket::from_stream_with_extensions(spring, role, agreed, options);
        Self(socket.expect("the options allow compression"))
    }
}

impl Decode for Yawc {
    fn decode(&mut self, messages: usize) -> (usize, usize) {
        let mut sum = 0;
        for _ in 0..messages {
            let frame = at_once(self.0.next_frame()).expect("the frames are valid");
            sum += frame.payload().len();
            black_box(frame);
        }
        (messages, sum)
    }
}

/// `flate2` as it is used best: one state, begun anew with each message.
struct Inflater(Decompress);

impl Inflater {
    fn new() -> Self {
        Self(Decompress::new(false))
    }

    /// What it was, if it is text: it is judged as fast as ours is.
    fn text(&mut self, payload: &[u8]) -> Vec<u8> {
        self.0.reset(false);
        let mut out = Vec::with_capacity((4 * payload.len()).max(64));
        for part in [payload, &TAIL] {
            let begun = self.0.total_in();
            loop {
                let taken = (self.0.total_in() - begun) as usize;
                self.0
                    .decompress_vec(&part[taken..], &mut out, FlushDecompress::None)
                    .expect("it was compressed so");
                if out.len() < out.capacity() {
                    break;
                }
                out.reserve(out.len());
            }
        }
        simdutf8::basic::from_utf8(&out).expect("what was compressed is text");
        out
    }
}

struct Tungstenite {
    context: WebSocketContext,
    spring: Spring,
    inflater: Inflater,
}

impl Tungstenite {
    fn new(spring: Spring) -> Self {
        let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
        let context = WebSocketContext::new(TheirRole::Server, Some(config));
        Self { context, spring, inflater: Inflater::new() }
    }
}

impl Decode for Tungstenite {
    fn decode(&mut self, messages: usize) -> (usize, usize) {
        let mut sum = 0;
        for _ in 0..messages {
            let message: Message =
                self.context.read(&mut self.spring).expect("the frames are valid");
            let text = self.inflater.text(&message.into_data());
            sum += text.len();
            black_box(text);
        }
        (messages, sum)
    }
}

struct Fast {
    socket: FragmentCollector<Spring>,
    inflater: Inflater,
}

impl Fast {
    fn new(spring: Spring) -> Self {
        let socket = WebSocket::after_handshake(spring, FastRole::Server);
        Self { socket: FragmentCollector::new(socket), inflater: Inflater::new() }
    }
}

impl Decode for Fast {
    fn decode(&mut self, messages: usize) -> (usize, usize) {
        let mut sum = 0;
        for _ in 0..messages {
            let frame = at_once(self.socket.read_frame()).expect("the frames are valid");
            let text = self.inflater.text(&frame.payload);
            sum += text.len();
            black_box(text);
        }
        (messages, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_make_the_same_of_the_same_payloads() {
        for load in Load::deflated() {
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
