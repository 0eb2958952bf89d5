//! What is spoken on top of WebSocket: RFC 6455, section 1.9.

use http::{HeaderMap, header::SEC_WEBSOCKET_PROTOCOL};

use super::token::token;

/// How many of the subprotocols that a client offers are looked at.
const OFFERED_MAX: usize = 16;

/// A subprotocol that the client offers and the service speaks.
///
/// Made only by [`Request::choose_subprotocol`](super::Request::choose_subprotocol), so a client is
/// never answered with something that it did not offer: RFC 6455, section 4.2.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprotocol(String);

impl Subprotocol {
    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One that was chosen in another run, if it is a token.
    pub(crate) fn recorded(name: &str) -> Option<Self> {
        token(name.as_bytes()).map(|name| Self(name.to_owned()))
    }

    /// The first of `ours` that the client offers.
    pub(super) fn choose(headers: &HeaderMap, ours: &[&str]) -> Option<Self> {
        ours.iter()
            .find(|ours| offered(headers).any(|offered| offered == **ours))
            .map(|ours| Self((*ours).to_owned()))
    }
}

/// The subprotocols that the headers offer, the client's favourite first, at most 16. What is not a
/// token is passed over.
pub(super) fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    items(headers).filter_map(token).take(OFFERED_MAX)
}

/// Whether nothing but tokens is offered: RFC 6455, section 4.3.
pub(super) fn are_tokens(headers: &HeaderMap) -> bool {
    // A list may have empty elements: RFC 9110, section 5.6.1.2.
    items(headers).all(|item| item.is_empty() || token(item).is_some())
}

/// What stands between the commas.
pub(super) fn items(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn the_servers_preference_decides() {
        let headers = headers(&[b"a, b"]);
        assert_eq!(Subprotocol::choose(&headers, &["b", "a"]).unwrap().as_str(), "b");
        assert_eq!(Subprotocol::choose(&headers, &["c", "a"]).unwrap().as_str(), "a");
        assert_eq!(Subprotocol::choose(&headers, &["c"]), None);
        assert_eq!(Subprotocol::choose(&headers, &["A"]), None);
    }

    #[test]
    fn offers_may_stand_on_several_lines() {
        let headers = headers(&[b"a,b", b"", b" , ,c\t"]);
        assert_eq!(offered(&headers).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(are_tokens(&headers));
    }

    #[test]
    fn bytes_that_are_not_ascii_are_passed_over() {
        let headers = headers(&[b"\x80\xff, chat, \xc3\xa9", b"a b", b"x\"y"]);
        assert_eq!(offered(&headers).collect::<Vec<_>>(), ["chat"]);
        assert!(!are_tokens(&headers));
        assert_eq!(Subprotocol::choose(&headers, &["\u{e9}", "a b", ""]), None);
    }

    #[test]
    fn a_long_list_is_cut() {
        let list = (0..1000).map(|n| format!("p{n}")).collect::<Vec<_>>().join(",");
        let headers = headers(&[list.as_bytes()]);
        assert_eq!(offered(&headers).count(), 16);
        assert!(are_tokens(&headers));
        assert!(Subprotocol::choose(&headers, &["p15"]).is_some());
        assert!(Subprotocol::choose(&headers, &["p16"]).is_none());
    }
}
