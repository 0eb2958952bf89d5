//! Who may connect, and who may be in which channel.

use std::sync::Arc;

use super::{
    channel,
    client::Lease,
    code::{Disconnect, ErrorCode},
};

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
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

/// Who a client is.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Empty for whoever is anonymous.
    pub(crate) user: Arc<str>,
    pub(crate) lease: Option<Lease>,
}

/// Who a client with this connection token is.
///
/// # Errors
///
/// If it may not connect, or not with that token.
pub(crate) fn identify(token: &str) -> Result<Identity, Denial> {
    if token.is_empty() {
        Ok(Identity { user: "".into(), lease: None })
    } else {
        Err(Disconnect::InvalidToken.into())
    }
}

/// Lets `user` into `channel`, for as long as it says.
///
/// # Errors
///
/// If it may not be there.
pub(crate) fn admit(channel: &str, user: &str, token: &str) -> Result<Option<Lease>, Denial> {
    if channel::is_private(channel) || !channel::is_for(channel, user) || !token.is_empty() {
        return Err(ErrorCode::PermissionDenied.into());
    }
    Ok(None)
}
