//! Who may connect, and who may be in which channel.

use std::{collections::BTreeSet, sync::Arc};

use fanlight_core::Instant;

use super::{
    channel,
    client::{Client, Lease},
    code::{Disconnect, ErrorCode},
    token::{TokenError, Tokens},
};

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// The command is answered with this.
    Error(ErrorCode),
    /// The connection is closed with this.
    Disconnect(Disconnect),
}

impl From<ErrorCode> for Denial {
    fn from(error: ErrorCode) -> Self {
        Self::Error(error)
    }
}

impl From<Disconnect> for Denial {
    fn from(disconnect: Disconnect) -> Self {
        Self::Disconnect(disconnect)
    }
}

impl From<TokenError> for Denial {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::Error(ErrorCode::TokenExpired),
            TokenError::Invalid => Self::Disconnect(Disconnect::InvalidToken),
        }
    }
}

/// Who may connect, and who may be in which channel.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// Whoever comes may connect; nobody is known by name.
    Anonymous,
    /// Whoever has a token may connect, and is who it says.
    Tokens(Arc<Tokens>),
}

/// Who a client is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Empty for whoever is anonymous.
    pub(super) user: Arc<str>,
    pub(super) lease: Option<Lease>,
    /// What the connection is subscribed to from the beginning, each once.
    pub(super) channels: BTreeSet<String>,
}

impl Access {
    /// Who a client with this connection token is; an empty one is none.
    ///
    /// # Errors
    ///
    /// If it may not connect, or not with that token.
    pub(super) fn identify(&self, now: Instant, token: &str) -> Result<Identity, Denial> {
        let token = match self {
            Self::Anonymous if token.is_empty() => {
                return Ok(Identity { user: "".into(), lease: None, channels: BTreeSet::new() });
            }
            // Nobody can tell whether it is good.
            Self::Anonymous => return Err(Disconnect::InvalidToken.into()),
            Self::Tokens(_) if token.is_empty() => return Err(ErrorCode::Unauthorized.into()),
            Self::Tokens(tokens) => tokens.connection(token)?,
        };
        let lease = token.seconds.map(|seconds| Lease::new(now, seconds));
        Ok(Identity { user: token.user.into(), lease, channels: token.channels })
    }

    /// Lets `client` into `channel`, and says for how long. A token for a channel opens any; without
    /// one the channel's name decides.
    ///
    /// # Errors
    ///
    /// If it may not be there.
    pub(super) fn admit(
        &self,
        now: Instant,
        client: &Client,
        channel: &str,
        token: &str,
    ) -> Result<Option<Lease>, ErrorCode> {
        if token.is_empty() {
            let is_open = !channel::is_private(channel) && channel::is_for(channel, client.user());
            return is_open.then_some(None).ok_or(ErrorCode::PermissionDenied);
        }
        let Self::Tokens(tokens) = self else { return Err(ErrorCode::PermissionDenied) };
        match tokens.subscription(token) {
            Ok(token) if token.is_for(channel, client) => {
                Ok(token.seconds.map(|seconds| Lease::new(now, seconds)))
            }
            Ok(_) | Err(TokenError::Invalid) => Err(ErrorCode::PermissionDenied),
            Err(TokenError::Expired) => Err(ErrorCode::TokenExpired),
        }
    }
}
