//! How to break RFC 6455.

use crate::frame::{CLOSE, CONTINUATION, FIN, PING, TEXT, masked};

/// How to break RFC 6455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rudeness {
    /// A frame that is not masked (section 5.1).
    Unmasked,
    /// A reserved opcode (section 5.2).
    ReservedOpcode,
    /// A reserved bit (section 5.2).
    ReservedBit,
    /// Text that is not UTF-8 (section 8.1).
    InvalidText,
    /// A continuation of nothing (section 5.4).
    Continuation,
    /// A fragmented ping (section 5.5).
    FragmentedControl,
    /// A Close with a code that must not be sent (section 7.4.1).
    CloseCode,
    /// A Close of one byte (section 5.5.1).
    CloseOfOneByte,
    /// A length with the top bit set (section 5.2).
    LengthTopBit,
    /// A length not in its shortest form (section 5.2).
    LengthForm,
    /// A message longer than anybody takes (section 7.4.1, code 1009).
    TooBig,
}

impl Rudeness {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Unmasked,
        Self::ReservedOpcode,
        Self::ReservedBit,
        Self::InvalidText,
        Self::Continuation,
        Self::FragmentedControl,
        Self::CloseCode,
        Self::CloseOfOneByte,
        Self::LengthTopBit,
        Self::LengthForm,
        Self::TooBig,
    ];

    /// The bytes that do it.
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Unmasked => b"\x81\x02hi".to_vec(),
            Self::ReservedOpcode => masked(FIN | 0x3, b"hi"),
            Self::ReservedBit => masked(FIN | 0x40 | TEXT, b"hi"),
            Self::InvalidText => masked(FIN | TEXT, b"h\xffi"),
            Self::Continuation => masked(FIN | CONTINUATION, b"hi"),
            Self::FragmentedControl => masked(PING, b"hi"),
            Self::CloseCode => masked(FIN | CLOSE, &1005_u16.to_be_bytes()),
            Self::CloseOfOneByte => masked(FIN | CLOSE, b"\x03"),
            Self::LengthTopBit => b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
            Self::LengthForm => b"\x82\xfe\0\x02\0\0\0\0hi".to_vec(),
            Self::TooBig => b"\x82\xff\0\0\x7f\xff\xff\xff\xff\xff\0\0\0\0".to_vec(),
        }
    }
}
