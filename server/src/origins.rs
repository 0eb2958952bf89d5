//! Which web pages may connect.
//!
//! A browser sends the user's cookies and reaches the user's own machine for whatever page asks,
//! and says which page it was in Origin: RFC 6455, section 10.2.

use std::{str::FromStr, sync::Arc};

use fanlight_tokio::{
    Request,
    wire::{Origin, OriginError},
};

/// Which web pages may connect. What sends no Origin is no page, and may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origins {
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

impl From<Vec<Allowed>> for Origins {
    fn from(allowed: Vec<Allowed>) -> Self {
        if allowed.is_empty() {
            return Self::SameHost;
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
