//! What a wire tells of the bytes that came.

use tungstenite::protocol::CloseFrame;

use super::Message;

/// What a wire made of the bytes that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A whole message: RFC 6455, section 5.6.
    Message(Message),
    /// A ping with its payload: RFC 6455, section 5.5.2. If no Close has been sent, the
    /// pong that answers it follows as a [`Reply`](Self::Reply).
    Ping(&'a [u8]),
    /// A pong with its payload: RFC 6455, section 5.5.3.
    Pong(&'a [u8]),
    /// The peer's Close: RFC 6455, section 5.5.1. If none has been sent, the one that answers it
    /// follows as a [`Reply`](Self::Reply). Nothing comes after these.
    Close(Option<CloseFrame>),
    /// A frame that the RFC demands to be sent.
    Reply(Reply<'a>),
}

/// A frame that the RFC demands to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// What it is.
    pub kind: ReplyKind,
    /// The encoded frame.
    pub frame: &'a [u8],
}

/// What a reply is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// The answer to a ping. If a later ping came before it was sent, it may be left out: RFC 6455,
    /// section 5.5.3.
    Pong,
    /// The answer to a Close or to a [`Fault`](super::Fault). The last frame that this end sends.
    Close,
}
