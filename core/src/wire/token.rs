//! The tokens of HTTP: RFC 9110, section 5.6.2.

/// Whether a token may hold the byte.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `item` as text, if it is a token.
pub(super) fn token(item: &[u8]) -> Option<&str> {
    let is_token = !item.is_empty() && item.iter().all(|byte| is_token_byte(*byte));
    is_token.then(|| str::from_utf8(item).ok()).flatten()
}
