//! Every way in which a request cannot be taken, and the HTTP answer to each.

use http::{HeaderValue, StatusCode, header};

use super::Refusal;

/// Why a request was not taken. The client is at fault, and is told by
/// [`refusal`](Self::refusal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// It is not HTTP: RFC 9112, sections 2.2, 3 and 5. Answered by 400.
    #[error("the request is malformed")]
    Malformed,
    /// The first line is longer than `request_line_bytes_max`. Answered by 414.
    #[error("the request line is too long")]
    RequestLineTooLong,
    /// The head is longer than `head_bytes_max`. Answered by 431.
    #[error("the request head is too long")]
    HeadTooLong,
    /// There are more header lines than `headers_max`. Answered by 431.
    #[error("the request has too many headers")]
    TooManyHeaders,
    /// The method is not GET: RFC 6455, section 4.2.1. Answered by 405.
    #[error("the method is not GET")]
    MethodNotGet,
    /// The version of HTTP is not 1.1: RFC 6455, section 4.2.1. Answered by 505.
    #[error("the HTTP version is not 1.1")]
    HttpVersionNot11,
    /// There is no Host: RFC 9112, section 3.2. Answered by 400.
    #[error("the Host header is missing")]
    HostMissing,
    /// There are several Host headers: RFC 9112, section 3.2. Answered by 400.
    #[error("the Host header is repeated")]
    HostRepeated,
    /// The Host is no name or address with an optional port: RFC 9112, section 3.2. Answered by
    /// 400.
    #[error("the Host header is invalid")]
    HostInvalid,
    /// A body follows, or may follow: RFC 9112, section 6. Answered by 400.
    #[error("the request announces a body")]
    BodyAnnounced,
    /// `Sec-WebSocket-Version` is not 13, once: RFC 6455, section 4.2.1. Answered by 426.
    #[error("the WebSocket version is not 13")]
    VersionNot13,
    /// There is no `Sec-WebSocket-Key`: RFC 6455, section 4.2.1. Answered by 400.
    #[error("the Sec-WebSocket-Key header is missing")]
    KeyMissing,
    /// There are several `Sec-WebSocket-Key`: RFC 6455, section 11.3.1. Answered by 400.
    #[error("the Sec-WebSocket-Key header is repeated")]
    KeyRepeated,
    /// `Sec-WebSocket-Key` is not 16 bytes of base64: RFC 6455, section 4.2.1. Answered by 400.
    #[error("the Sec-WebSocket-Key header is invalid")]
    KeyInvalid,
    /// `Sec-WebSocket-Protocol` offers what is no token: RFC 6455, section 4.3. Answered by 400.
    #[error("the Sec-WebSocket-Protocol header is invalid")]
    SubprotocolsInvalid,
    /// `Sec-WebSocket-Extensions` breaks its grammar: RFC 6455, section 9.1. Answered by 400.
    #[error("the Sec-WebSocket-Extensions header is invalid")]
    ExtensionsInvalid,
}

impl RequestFault {
    /// The whole HTTP answer to it, which says in a line of text what is wrong.
    pub fn refusal(&self) -> Refusal {
        let status = match self {
            Self::Malformed
            | Self::HostMissing
            | Self::HostRepeated
            | Self::HostInvalid
            | Self::BodyAnnounced
            | Self::KeyMissing
            | Self::KeyRepeated
            | Self::KeyInvalid
            | Self::SubprotocolsInvalid
            | Self::ExtensionsInvalid => StatusCode::BAD_REQUEST,
            Self::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLong | Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            // No body: the request may have been a HEAD.
            Self::MethodNotGet => {
                return Refusal::empty(StatusCode::METHOD_NOT_ALLOWED)
                    .with(header::ALLOW, HeaderValue::from_static("GET"));
            }
            Self::HttpVersionNot11 => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::VersionNot13 => return Refusal::upgrade_required(),
        };
        Refusal::plain(status, &format!("{self}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_status() {
        for (fault, status) in [
            (RequestFault::Malformed, 400),
            (RequestFault::RequestLineTooLong, 414),
            (RequestFault::HeadTooLong, 431),
            (RequestFault::TooManyHeaders, 431),
            (RequestFault::MethodNotGet, 405),
            (RequestFault::HttpVersionNot11, 505),
            (RequestFault::HostMissing, 400),
            (RequestFault::HostRepeated, 400),
            (RequestFault::HostInvalid, 400),
            (RequestFault::BodyAnnounced, 400),
            (RequestFault::VersionNot13, 426),
            (RequestFault::KeyMissing, 400),
            (RequestFault::KeyRepeated, 400),
            (RequestFault::KeyInvalid, 400),
            (RequestFault::SubprotocolsInvalid, 400),
            (RequestFault::ExtensionsInvalid, 400),
        ] {
            assert_eq!(fault.refusal().status(), status, "{fault}");
        }
    }

    #[test]
    fn the_answer_says_what_is_wrong() {
        let answer = String::from_utf8(RequestFault::KeyRepeated.refusal().encode()).unwrap();
        assert_eq!(
            answer,
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-length: 41\r\nconnection: close\r\n\r\nthe Sec-WebSocket-Key header is repeated\n"
        );
    }

    #[test]
    fn a_wrong_method_is_told_the_right_one_without_a_body() {
        let answer = String::from_utf8(RequestFault::MethodNotGet.refusal().encode()).unwrap();
        assert_eq!(
            answer,
            "HTTP/1.1 405 Method Not Allowed\r\nallow: GET\r\ncontent-length: 0\r\n\
             connection: close\r\n\r\n"
        );
    }

    #[test]
    fn a_wrong_version_is_told_the_right_one() {
        let answer = String::from_utf8(RequestFault::VersionNot13.refusal().encode()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
        assert!(answer.contains("\r\nupgrade: websocket\r\n"), "{answer}");
        assert!(answer.contains("\r\nsec-websocket-version: 13\r\n"), "{answer}");
        assert!(answer.contains("\r\nconnection: upgrade, close\r\n"), "{answer}");
    }
}
