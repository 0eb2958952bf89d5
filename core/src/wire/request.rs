//! What a client asks for when it connects.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Uri, header::ORIGIN, uri::Authority};

use super::{
    Deflate, Origin, OriginError, RequestFault,
    handshake::{judge_foreign, switching_head},
    subprotocol::{Subprotocol, offered},
};
use crate::{event::PeerAddr, topic::Topic};

/// A client's request: to upgrade to WebSocket or, if it is plain, for a page.
///
/// All that RFC 9112 and RFC 6455, section 4.2.1 demand of it has been checked. Whether to take it
/// is the service's to decide. Printing it for debugging shows neither the query nor any header's
/// value, since these carry secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) host: Authority,
    /// `Sec-WebSocket-Key`, if this is an upgrade.
    pub(super) key: Option<[u8; 24]>,
    pub(crate) peer: Option<PeerAddr>,
}

impl Request {
    /// The request that a web framework has read, and may hand on.
    ///
    /// ```
    /// use fanlight_core::{Admission, Request};
    ///
    /// # fn example(asked: http::Request<()>) -> Result<(), fanlight_core::wire::RequestFault> {
    /// let request = Request::of_http(&asked)?;
    /// if let Some((answer, negotiated)) = request.accept(Admission::user("alice"), true) {
    ///     // Send `answer`, and attach what the framework then gives with `negotiated`.
    /// }
    /// # Ok(())
    /// # }
    /// # use fanlight_core::http;
    /// # let asked = http::Request::get("/chat").header("host", "a").body(()).unwrap();
    /// # assert!(example(asked).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// The first thing that RFC 9112 or RFC 6455, section 4.2.1, forbids; its
    /// [`refusal`](RequestFault::refusal) is the answer. HTTP/2 is not spoken (RFC 8441).
    pub fn of_http<B>(request: &http::Request<B>) -> Result<Self, RequestFault> {
        judge_foreign(request)
    }

    /// The whole answer that takes the request (RFC 6455, section 4.2.2), and with what the stream
    /// behind it is [let in](crate::Arrival::Upgraded). `None` if no upgrade is asked for.
    ///
    /// permessage-deflate is agreed on if the client offers it, `deflates` and the admission allows
    /// it. A hub that does not compress (`deflate_level` 0) must not be given a stream on which it
    /// was.
    pub fn accept(
        &self,
        admission: Admission,
        deflates: bool,
    ) -> Option<(http::Response<()>, Negotiated)> {
        let may_deflate = deflates && !admission.never_deflate;
        let deflate = if may_deflate { self.choose_deflate() } else { None };
        let answer = switching_head(self, &admission, deflate)?;
        Some((answer, Negotiated { admission, deflate }))
    }

    /// Whether an upgrade to WebSocket is asked for: RFC 6455, section 4.2.1.
    pub fn is_upgrade(&self) -> bool {
        self.key.is_some()
    }

    /// The path, as it was sent: it begins with `/` and may hold percent escapes.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// What stands behind the first `?`.
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// The first header of this name, in whatever case the name is given.
    ///
    /// `None` also if its value holds anything but visible ASCII, spaces and tabs.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The host, and the port if one is named, that the client wants to speak to.
    ///
    /// It is what the request line names, if it names one: RFC 9112, section 3.2.2.
    pub fn host(&self) -> &str {
        self.host.as_str()
    }

    /// The `Origin` header, which every browser sends: of which site the page is that asks.
    ///
    /// To decide by it, use [`is_same_origin`](Self::is_same_origin) or
    /// [`is_allowed_origin`](Self::is_allowed_origin): they also see what cannot be read.
    pub fn origin(&self) -> Option<&str> {
        self.header("origin")
    }

    /// Whether no page of another site asks: there is no `Origin`, or it names the host and port
    /// that the request is for. RFC 6455, section 10.2.
    ///
    /// A missing port is the default one of the origin's scheme. `null`, several origins and
    /// whatever cannot be read are another site.
    pub fn is_same_origin(&self) -> bool {
        self.parsed_origin()
            .is_none_or(|origin| origin.is_ok_and(|origin| origin.is_at(&self.host)))
    }

    /// Whether no page of a site that is not `allowed` asks: there is no `Origin`, or it equals one
    /// of these in scheme, host and port. RFC 6455, section 10.2.
    ///
    /// The host that the request is for is not allowed unless listed. `null`, several origins and
    /// whatever cannot be read are not allowed.
    pub fn is_allowed_origin(&self, allowed: &[Origin]) -> bool {
        self.parsed_origin()
            .is_none_or(|origin| origin.is_ok_and(|origin| allowed.contains(&origin)))
    }

    /// The subprotocols that the client offers, its favourite first, at most 16: RFC 6455, section
    /// 11.3.4. Of a plain request, what is not a token is passed over; no upgrade has such.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        offered(&self.headers)
    }

    /// The first of `ours` that the client offers.
    pub fn choose_subprotocol(&self, ours: &[&str]) -> Option<Subprotocol> {
        Subprotocol::choose(&self.headers, ours)
    }

    /// permessage-deflate as the client offers it, on terms that a server of ours can take: RFC 7692,
    /// section 7.1.
    pub fn choose_deflate(&self) -> Option<Deflate> {
        Deflate::choose(&self.headers)
    }

    /// Where the client is; [`PeerAddr::Unnamed`] if nobody has said.
    pub fn peer(&self) -> PeerAddr {
        self.peer.unwrap_or(PeerAddr::Unnamed)
    }

    fn parsed_origin(&self) -> Option<Result<Origin, OriginError>> {
        let mut lines = self.headers.get_all(ORIGIN).iter();
        let line = lines.next()?;
        if lines.next().is_some() {
            return Some(Err(OriginError::Unreadable));
        }
        Some(match line.to_str() {
            Ok(text) => text.parse(),
            Err(_) => Err(OriginError::Unreadable),
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("path", &format_args!("\"{}\"", self.path().as_bytes().escape_ascii()))
            .field("headers", &self.headers.len())
            .field("is_upgrade", &self.is_upgrade())
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// With what a connection is let in. By default with nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// What is spoken on the connection.
    pub subprotocol: Option<Subprotocol>,
    /// The user whose topic the connection is a member of from the start; made with [`Topic::user`].
    pub user: Option<Topic>,
    /// Whether nothing is to be compressed on the connection, though the config and the client would:
    /// where a message holds a secret beside what a stranger wrote, its length can tell the secret
    /// (RFC 7692, section 8).
    pub never_deflate: bool,
}

impl Admission {
    /// As the user called `name`, with nothing else.
    ///
    /// ```
    /// use fanlight_core::{Admission, Topic};
    ///
    /// assert_eq!(Admission::user("alice").user, Some(Topic::user("alice")));
    /// ```
    pub fn user(name: impl Into<Arc<str>>) -> Self {
        Self { user: Some(Topic::user(name)), ..Self::default() }
    }
}

/// What somebody else has answered to a request for an upgrade, and with what the connection is let
/// in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// With what the connection is let in.
    pub admission: Admission,
    /// permessage-deflate as the answer has it.
    pub deflate: Option<Deflate>,
}

/// Without any extension.
impl From<Admission> for Negotiated {
    fn from(admission: Admission) -> Self {
        Self { admission, deflate: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{HeadLimits, Upgrade};

    /// A request for `target` at `example.com` with these lines more.
    fn request(target: &str, lines: &[u8]) -> Request {
        let limits =
            HeadLimits { head_bytes_max: 4096, request_line_bytes_max: 1024, headers_max: 50 };
        let mut head = format!("GET {target} HTTP/1.1\r\nHost: example.com\r\n").into_bytes();
        head.extend_from_slice(lines);
        head.extend_from_slice(b"\r\n");
        Upgrade::new(limits).receive(&head).unwrap().unwrap().0
    }

    #[test]
    fn path_and_query_are_told_apart() {
        let request = request("/a%20b?c=d?e", b"");
        assert_eq!(request.path(), "/a%20b");
        assert_eq!(request.query(), Some("c=d?e"));
        assert!(!request.is_upgrade());
    }

    #[test]
    fn the_request_line_names_the_host_if_it_names_one() {
        let request = request("http://other.test:81/x", b"");
        assert_eq!(request.host(), "other.test:81");
        assert_eq!(request.path(), "/x");
    }

    #[test]
    fn a_header_is_found_in_any_case_unless_it_cannot_be_read() {
        let request = request("/", b"X-One: 1\r\nX-Two: \xff\r\n");
        assert_eq!(request.header("x-ONE"), Some("1"));
        assert_eq!(request.header("x-two"), None);
        assert_eq!(request.header("no header: name"), None);
    }

    #[test]
    fn a_page_of_this_host_is_of_the_same_origin() {
        for (lines, same) in [
            (&b""[..], true),
            (b"Origin: https://example.com\r\n", true),
            (b"Origin: http://EXAMPLE.COM:80\r\n", true),
            (b"Origin: http://example.com:8080\r\n", false),
            (b"Origin: https://example.com.evil.test\r\n", false),
            (b"Origin: null\r\n", false),
            (b"Origin: \r\n", false),
            (b"Origin: \xff\r\n", false),
            (b"Origin: https://example.com\r\nOrigin: https://example.com\r\n", false),
        ] {
            assert_eq!(request("/", lines).is_same_origin(), same, "{}", lines.escape_ascii());
        }
    }

    #[test]
    fn an_allow_list_is_exact() {
        let allowed = ["https://app.test".parse().unwrap()];
        for (lines, is_allowed) in [
            (&b""[..], true),
            (b"Origin: https://app.test\r\n", true),
            (b"Origin: http://app.test\r\n", false),
            (b"Origin: https://example.com\r\n", false),
            (b"Origin: null\r\n", false),
            (b"Origin: \xff\r\n", false),
        ] {
            let request = request("/", lines);
            assert_eq!(request.is_allowed_origin(&allowed), is_allowed, "{request:?}");
        }
    }

    #[test]
    fn printing_it_shows_no_secret() {
        let request = request("/p%7f\u{e9}?token=hidden", b"Cookie: secret=value\r\n");
        let printed = format!("{request:?}");
        assert!(printed.contains(r#"path: "/p%7f\xc3\xa9""#), "{printed}");
        assert!(!printed.contains("hidden") && !printed.contains("secret"), "{printed}");
    }

    #[test]
    fn a_request_shows_what_it_was_made_of() {
        let lines =
            b"Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\nOrigin: http://x\r\n";
        let request = request("/", lines);
        assert_eq!(request.headers().len(), 4);
        assert_eq!(request.origin(), Some("http://x"));
        assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["a", "b", "c"]);
        let chosen = request.choose_subprotocol(&["d", "c", "b"]);
        assert_eq!(chosen, request.choose_subprotocol(&["c"]));
        assert!(chosen.is_some());
        assert_eq!(request.choose_subprotocol(&["d"]), None);
        assert_eq!(request.peer(), PeerAddr::Unnamed);
        let address = PeerAddr::Inet("10.0.0.1:1".parse().unwrap());
        assert_eq!(Request { peer: Some(address), ..request }.peer(), address);
    }
}
