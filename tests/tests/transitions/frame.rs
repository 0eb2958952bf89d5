//! Bytes that a peer sends, and what a socket is given.

/// A text frame that is not masked: RFC 6455, section 5.1.
pub(crate) const FAULT: &[u8] = b"\x81\x02hi";

/// A short frame of a client, masked with zeroes.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

pub(crate) fn close(code: u16) -> Vec<u8> {
    masked(0x88, &code.to_be_bytes())
}

/// What bytes for a socket are, when `before` were and it may have taken one of them.
pub(crate) fn words_after(before: &[u8], bytes: &[u8]) -> Vec<String> {
    if !bytes.is_empty() && before.get(1..) == Some(bytes) {
        return vec!["the rest".to_owned()];
    }
    words(bytes)
}

/// What bytes for a socket are, one word each.
fn words(mut bytes: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    while !bytes.is_empty() {
        if let Some(answer) = bytes.strip_prefix(b"HTTP/1.1 ") {
            words.push(String::from_utf8_lossy(&answer[..3]).into_owned());
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
            // Only the answer that upgrades has anything but its own body behind it.
            bytes = if answer.starts_with(b"101") { &bytes[end + 4..] } else { &[] };
            continue;
        }
        let length = usize::from(bytes[1]);
        assert!(length < 126, "frames of these tests are short");
        let (frame, rest) = bytes.split_at(2 + length);
        words.push(match frame[0] {
            0x81 | 0x82 => "message".to_owned(),
            0x88 => match frame[2..] {
                [high, low, ..] => format!("Close {}", u16::from_be_bytes([high, low])),
                _ => "Close".to_owned(),
            },
            0x89 => "ping".to_owned(),
            0x8a => "pong".to_owned(),
            other => panic!("nothing that a server sends: {other:#x}"),
        });
        bytes = rest;
    }
    words
}
