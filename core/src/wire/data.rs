//! What is said in one message, wherever it is held.

use super::{Message, header::Encoding};

/// The whole payload of a text or binary message, borrowed: RFC 6455, section 5.6.
///
/// Made of a [`Message`], of a `&str` as text, or of bytes as binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    pub(super) encoding: Encoding,
    pub(super) payload: &'a [u8],
}

impl<'a> From<&'a Message> for Data<'a> {
    fn from(message: &'a Message) -> Self {
        let encoding = if message.is_text() { Encoding::Text } else { Encoding::Binary };
        Self { encoding, payload: message.payload() }
    }
}

impl<'a> From<&'a str> for Data<'a> {
    fn from(text: &'a str) -> Self {
        Self { encoding: Encoding::Text, payload: text.as_bytes() }
    }
}

impl<'a> From<&'a [u8]> for Data<'a> {
    fn from(payload: &'a [u8]) -> Self {
        Self { encoding: Encoding::Binary, payload }
    }
}
