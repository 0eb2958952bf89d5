//! What that protocol has for "no": errors in replies, and codes with which a connection is closed.

use std::{borrow::Cow, fmt};

use fanlight_core::CloseCode;
use serde::Serialize;

/// Why one command was not done. The connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorCode {
    Unauthorized = 101,
    PermissionDenied = 103,
    MethodNotFound = 104,
    AlreadySubscribed = 105,
    LimitExceeded = 106,
    BadRequest = 107,
    NotAvailable = 108,
    TokenExpired = 109,
    TooManyRequests = 111,
}

impl ErrorCode {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::PermissionDenied => "permission denied",
            Self::MethodNotFound => "method not found",
            Self::AlreadySubscribed => "already subscribed",
            Self::LimitExceeded => "limit exceeded",
            Self::BadRequest => "bad request",
            Self::NotAvailable => "not available",
            Self::TokenExpired => "token expired",
            Self::TooManyRequests => "too many requests",
        }
    }

    /// Whether the same command may be taken later.
    pub(super) fn is_temporary(self) -> bool {
        match self {
            Self::TooManyRequests => true,
            Self::Unauthorized
            | Self::PermissionDenied
            | Self::MethodNotFound
            | Self::AlreadySubscribed
            | Self::LimitExceeded
            | Self::BadRequest
            | Self::NotAvailable
            | Self::TokenExpired => false,
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields {
            code: u16,
            message: &'static str,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            temporary: bool,
        }
        Fields { code: *self as u16, message: self.message(), temporary: self.is_temporary() }
            .serialize(serializer)
    }
}

/// Why a connection is closed. A client comes again by itself below 3500, and not above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disconnect {
    /// The connection token expired and was not refreshed, or with one that had expired as well.
    Expired,
    /// Replies piled up beyond what may wait for one connection.
    Slow,
    NoPong,
    /// More commands at once than are taken.
    TooManyRequests,
    InvalidToken,
    /// What came is no command of that protocol, or not at this point; and why.
    BadRequest(&'static str),
    /// Nobody said who it is in time.
    Stale,
    /// A connection token asks for more channels than a connection may have.
    ChannelLimit,
    /// A message for an application, of which there is none.
    NotAvailable,
}

impl Disconnect {
    pub(super) fn code(self) -> CloseCode {
        let code: u16 = match self {
            Self::Expired => 3005,
            Self::Slow => 3008,
            Self::NoPong => 3012,
            Self::TooManyRequests => 3013,
            Self::InvalidToken => 3500,
            Self::BadRequest(_) => 3501,
            Self::Stale => 3502,
            Self::ChannelLimit => 3505,
            Self::NotAvailable => 3508,
        };
        code.into()
    }

    pub(super) fn reason(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Expired => "connection expired",
            Self::Slow => "slow",
            Self::NoPong => "no pong",
            Self::TooManyRequests => "too many requests",
            Self::InvalidToken => "invalid token",
            Self::BadRequest(why) => return format!("bad request: {why}").into(),
            Self::Stale => "stale",
            Self::ChannelLimit => "channel limit",
            Self::NotAvailable => "not available",
        })
    }
}

/// Why a client is no longer in a channel. It comes there again by itself, with a new token if it had
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsubscribe {
    /// The subscription token expired and was not refreshed.
    Expired = 2501,
}

impl Unsubscribe {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason(), self.code())
    }
}
