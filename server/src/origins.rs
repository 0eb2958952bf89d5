//! Which web pages may connect.
//!
//! A browser sends the user's cookies and reaches the user's own machine for whatever page asks,
//! and says which page it was in Origin: RFC 6455, section 10.2.

use std::{str::FromStr, sync::Arc};

use fanlight_core::{
    Request,
    http::header,
    wire::{Origin, OriginError},
};

use crate::{listen::Listen, loopback::names_loopback};

/// Which web pages may connect. What sends no Origin is no page, and may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origins {
    /// Pages of the host that they connect to, under a name that only this machine has.
    ///
    /// For a server that only this machine reaches: a page of a stranger can have its own name
    /// resolve to this machine, and then is of the host that it connects to.
    SameHostHere,
    /// Pages of the host that they connect to.
    SameHost,
    /// Pages of exactly these origins.
    Listed(Arc<[Origin]>),
    /// All pages.
    Any,
}

impl Origins {
    /// Whether whoever sent `request` may connect.
    pub(crate) fn allow(&self, request: &Request) -> bool {
        match self {
            Self::SameHostHere => {
                let is_page = request.headers().contains_key(header::ORIGIN);
                request.is_same_origin() && (!is_page || names_loopback(request.host()))
            }
            Self::SameHost => request.is_same_origin(),
            Self::Listed(origins) => request.is_allowed_origin(origins),
            Self::Any => true,
        }
    }
}

/// One value of the option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    One(Origin),
    Any,
}

impl FromStr for Allowed {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "*" { Ok(Self::Any) } else { text.parse().map(Self::One) }
    }
}

impl Origins {
    /// What is asked for by the values of the option, for a server that listens there.
    pub(crate) fn new(allowed: Vec<Allowed>, listen: &Listen) -> Self {
        if allowed.is_empty() {
            return match listen {
                Listen::Tcp(_) if listen.is_here() => Self::SameHostHere,
                Listen::Tcp(_) => Self::SameHost,
                // No browser gets here but through a proxy, which has a name of its own.
                #[cfg(unix)]
                Listen::Unix(_) => Self::SameHost,
            };
        }
        allowed
            .into_iter()
            .map(|allowed| match allowed {
                Allowed::One(origin) => Some(origin),
                Allowed::Any => None,
            })
            .collect::<Option<_>>()
            .map_or(Self::Any, Self::Listed)
    }
}
