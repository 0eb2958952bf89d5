//! Of which site a page is that asks for a connection.

use std::str::FromStr;

use http::uri::Authority;

/// The origin of a page: scheme, host and port. RFC 6454, section 4.
///
/// Two origins are equal if all three are, whatever the case of letters and whether a default port
/// is spelled out.
///
/// ```
/// use fanlight_core::wire::Origin;
///
/// let ours: Origin = "https://example.com".parse()?;
/// assert_eq!("HTTPS://Example.com:443".parse(), Ok(ours));
/// # Ok::<(), fanlight_core::wire::OriginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// Why a text is not an origin: RFC 6454, section 6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is `null`: a page that belongs to no site.
    #[error("a null origin is no site")]
    Null,
    /// It does not begin with a scheme and `://`.
    #[error("an origin begins with a scheme and \"://\"")]
    Scheme,
    /// What follows the scheme is not a host with an optional port.
    #[error("after its scheme an origin is a host and perhaps a port")]
    Host,
    /// There are several `Origin` headers, or one that is not visible ASCII.
    #[error("the Origin header is repeated or unreadable")]
    Unreadable,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "null" {
            return Err(OriginError::Null);
        }
        let (scheme, authority) = text.split_once("://").ok_or(OriginError::Scheme)?;
        // RFC 3986, section 3.1.
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            return Err(OriginError::Scheme);
        }
        let authority = plain_authority(authority).ok_or(OriginError::Host)?;
        let scheme = scheme.to_ascii_lowercase();
        let port = authority.port_u16().or_else(|| default_port(&scheme));
        Ok(Self { scheme, host: authority.host().to_ascii_lowercase(), port })
    }
}

impl Origin {
    /// Whether a page of this origin was served by `host`, which a `Host` header names.
    pub(super) fn is_at(&self, host: &Authority) -> bool {
        // Only these schemes serve pages from where a connection can be made to.
        default_port(&self.scheme).is_some_and(|default| {
            self.port == Some(host.port_u16().unwrap_or(default))
                && self.host.eq_ignore_ascii_case(host.host())
        })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// A host with an optional port, and nothing else: RFC 9110, section 7.2.
pub(super) fn plain_authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    let port = text.strip_prefix(host)?;
    let is_plain = !host.is_empty()
        && match port.strip_prefix(':') {
            None => port.is_empty(),
            Some(digits) => {
                digits.bytes().all(|byte| byte.is_ascii_digit())
                    && (digits.is_empty() || digits.parse::<u16>().is_ok())
            }
        };
    is_plain.then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn scheme_host_and_port_all_count() {
        let ours = origin("https://example.com");
        assert_eq!(origin("https://EXAMPLE.com:443"), ours);
        for other in [
            "http://example.com",
            "https://example.com:8443",
            "https://example.com.evil.test",
            "https://sub.example.com",
            "https://xexample.com",
        ] {
            assert_ne!(origin(other), ours, "{other}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for (text, error) in [
            ("null", OriginError::Null),
            ("", OriginError::Scheme),
            ("example.com", OriginError::Scheme),
            ("://example.com", OriginError::Scheme),
            ("ht tp://example.com", OriginError::Scheme),
            ("https://", OriginError::Host),
            ("https://example.com/", OriginError::Host),
            ("https://example.com/path", OriginError::Host),
            ("https://user@example.com", OriginError::Host),
            ("https://example.com:99999", OriginError::Host),
            ("https://example.com:+80", OriginError::Host),
            ("https://example.com:1:2", OriginError::Host),
            ("https://a b", OriginError::Host),
            ("https://a https://b", OriginError::Host),
            ("https://[::1", OriginError::Host),
            ("https://:80", OriginError::Host),
            ("https://\u{e9}.example", OriginError::Host),
        ] {
            assert_eq!(text.parse::<Origin>(), Err(error), "{text}");
        }
    }

    #[test]
    fn other_schemes_can_be_listed() {
        assert_eq!(origin("tauri://localhost"), origin("tauri://LOCALHOST"));
        assert_ne!(origin("tauri://localhost"), origin("http://localhost"));
    }

    #[test]
    fn a_host_may_be_an_address() {
        let host = plain_authority("[::1]:9000").unwrap();
        assert!(origin("http://[::1]:9000").is_at(&host));
        assert!(!origin("http://[::1]").is_at(&host));
    }

    #[test]
    fn a_missing_port_is_the_default_of_the_origins_scheme() {
        let host = plain_authority("example.com").unwrap();
        assert!(origin("http://example.com").is_at(&host));
        assert!(origin("https://example.com").is_at(&host));
        assert!(!origin("https://example.com:80").is_at(&host));
        assert!(!origin("tauri://example.com").is_at(&host));
    }
}
