//! What two ends agree on before they compress.

use fanlight_core::wire::{Deflate, HeadLimits, Upgrade};

/// What is agreed on with a client that asks for such a window, 9 to 15 bits.
///
/// # Panics
///
/// If it cannot be had.
pub fn agreed(window_bits: u8) -> Deflate {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits={window_bits}\r\n\r\n"
    );
    let limits = HeadLimits { head_bytes_max: 4096, request_line_bytes_max: 1024, headers_max: 50 };
    let request = Upgrade::new(limits).receive(head.as_bytes());
    let (request, _) = request.expect("it is valid").expect("it is whole");
    request.choose_deflate().expect("the offer can be taken")
}
