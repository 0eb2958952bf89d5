//! Every way in which a peer can break RFC 6455 and RFC 7692 after the upgrade.

use tungstenite::protocol::frame::coding::CloseCode;

/// How a peer broke RFC 6455 after the upgrade. The peer is at fault, and the connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A reserved bit is set and no extension gives it a meaning: section 5.2.
    #[error("a reserved bit is set")]
    ReservedBits,
    /// The opcode has no meaning: section 5.2.
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A client's frame is not masked: section 5.1.
    #[error("a frame of a client is not masked")]
    Unmasked,
    /// A server's frame is masked: section 5.1.
    #[error("a frame of a server is masked")]
    Masked,
    /// A control frame carries more than 125 bytes: section 5.5.
    #[error("a control frame carries more than 125 bytes")]
    ControlTooLong,
    /// A control frame is fragmented: section 5.5.
    #[error("a control frame is fragmented")]
    ControlFragmented,
    /// A length is not written in its shortest form: section 5.2.
    #[error("a length is not in its shortest form")]
    LengthNotShortest,
    /// The top bit of a 64-bit length is set: section 5.2.
    #[error("the top bit of a length is set")]
    LengthTopBit,
    /// A message, all its fragments together and inflated if it was compressed, is longer than
    /// [`message_bytes_max`](super::Limits::message_bytes_max).
    #[error("a message is too big")]
    MessageTooBig,
    /// A continuation came and no message had begun: section 5.4.
    #[error("a continuation of nothing")]
    ContinuationOfNothing,
    /// A message began inside another: section 5.4.
    #[error("a message began inside another")]
    MessageInsideMessage,
    /// A text message is not UTF-8: section 8.1.
    #[error("a text message is not UTF-8")]
    InvalidUtf8,
    /// A compressed message cannot be inflated: RFC 7692, section 7.2.2.
    #[error("a compressed message cannot be inflated")]
    InvalidDeflate,
    /// A Close carries one byte, which is half a code: section 5.5.1.
    #[error("a Close carries half a code")]
    CloseOfOneByte,
    /// A Close carries a code that must not be sent: section 7.4.
    #[error("close code {0} must not be sent")]
    CloseCodeNotAllowed(u16),
    /// The reason in a Close is not UTF-8: section 5.5.1.
    #[error("the reason of a Close is not UTF-8")]
    CloseReasonNotUtf8,
}

impl Fault {
    /// The close code that answers it: 1002, 1007 or 1009. RFC 6455, section 7.4.1.
    pub fn code(&self) -> CloseCode {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::Unmasked
            | Self::Masked
            | Self::ControlTooLong
            | Self::ControlFragmented
            | Self::LengthNotShortest
            | Self::LengthTopBit
            | Self::ContinuationOfNothing
            | Self::MessageInsideMessage
            | Self::CloseOfOneByte
            | Self::CloseCodeNotAllowed(_) => CloseCode::Protocol,
            Self::InvalidUtf8 | Self::InvalidDeflate | Self::CloseReasonNotUtf8 => {
                CloseCode::Invalid
            }
            Self::MessageTooBig => CloseCode::Size,
        }
    }
}
