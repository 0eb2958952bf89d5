//! What RFC 9112 and RFC 6455, section 4.2.1 demand of a request, and the answer that takes it.

use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, HeaderName, SEC_WEBSOCKET_ACCEPT,
        SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
        TRANSFER_ENCODING, UPGRADE,
    },
    uri::Authority,
};
use tungstenite::{
    Error,
    error::{CapacityError, ProtocolError},
    handshake::{
        derive_accept_key,
        machine::TryParse,
        server::{Request as ParsedRequest, write_response},
    },
};

use super::{
    Admission, Deflate, Request, RequestFault, extension, origin::plain_authority, subprotocol,
};

/// Reads a whole head, which ends with its blank line, and judges it.
pub(super) fn read(head: &[u8]) -> Result<Request, RequestFault> {
    check_request_line(head)?;
    let (_, parsed) = ParsedRequest::try_parse(head)
        .map_err(|error| fault_of(&error))?
        .ok_or(RequestFault::Malformed)?;
    let (parts, ()) = parsed.into_parts();
    judge(parts.uri, parts.headers)
}

/// Judges a head that somebody else has read.
pub(super) fn judge_foreign<B>(request: &http::Request<B>) -> Result<Request, RequestFault> {
    if request.method() != Method::GET {
        return Err(RequestFault::MethodNotGet);
    }
    if request.version() != Version::HTTP_11 {
        return Err(RequestFault::HttpVersionNot11);
    }
    judge(request.uri().clone(), request.headers().clone())
}

fn judge(uri: Uri, headers: HeaderMap) -> Result<Request, RequestFault> {
    let host = host(&uri, &headers)?;
    check_no_body(&headers)?;
    let key = if asks_for_websocket(&headers) {
        check_version(&headers)?;
        let key = key(&headers)?;
        check_offers(&headers)?;
        Some(key)
    } else {
        None
    };
    Ok(Request { uri, headers, host, key, peer: None })
}

/// The answer that takes a request, for whoever has HTTP framed by another.
pub(super) fn switching_head(
    request: &Request,
    admission: &Admission,
    deflate: Option<Deflate>,
) -> Option<Response<()>> {
    // `create_response` would judge the request once more, more laxly than it has been judged, and
    // by the first line of each header only.
    let accept =
        HeaderValue::from_str(&derive_accept_key(&request.key?)).expect("base64 is visible ASCII");
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = head.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(subprotocol) = &admission.subprotocol {
        let name = HeaderValue::from_str(subprotocol.as_str()).expect("a subprotocol is a token");
        headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    if let Some(deflate) = deflate {
        let taken = HeaderValue::from_str(&deflate.answer(&request.headers))
            .expect("parameters are visible ASCII");
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, taken);
    }
    Some(head)
}

/// The bytes of the answer that takes a request, for whoever frames HTTP by itself: RFC 6455, section
/// 4.2.2. `None` if the request asks for no upgrade.
///
/// After it the connection speaks frames.
pub fn switching_protocols(
    request: &Request,
    admission: &Admission,
    deflate: Option<Deflate>,
) -> Option<Vec<u8>> {
    switching_head(request, admission, deflate).map(|head| encode(&head))
}

/// The bytes of an answer that has no body of its own.
pub(crate) fn encode(head: &Response<()>) -> Vec<u8> {
    let mut answer = Vec::with_capacity(192);
    write_response(&mut answer, head)
        .expect("all values are visible ASCII, and a vector takes every write");
    answer
}

/// What the parser does not tell apart or lets pass in the first line: RFC 9112, section 3.
fn check_request_line(head: &[u8]) -> Result<(), RequestFault> {
    // A return alone ends no line; the parser refuses it.
    let end = head.windows(2).position(|two| two == b"\r\n").unwrap_or(head.len());
    let line = &head[..end];
    match line.rsplit(|byte| *byte == b' ').next() {
        Some(b"HTTP/1.1") => {}
        Some([b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']) => {
            return Err(RequestFault::HttpVersionNot11);
        }
        _ => return Err(RequestFault::Malformed),
    }
    // A target has no fragment; the parser would cut one off in silence. A method may have that sign.
    let mut behind_method = line.iter().skip_while(|byte| **byte != b' ');
    if behind_method.any(|byte| *byte == b'#') { Err(RequestFault::Malformed) } else { Ok(()) }
}

fn fault_of(error: &Error) -> RequestFault {
    if matches!(error, Error::Protocol(ProtocolError::WrongHttpMethod)) {
        RequestFault::MethodNotGet
    } else if matches!(error, Error::Capacity(CapacityError::TooManyHeaders)) {
        RequestFault::TooManyHeaders
    } else {
        RequestFault::Malformed
    }
}

/// RFC 9112, section 3.2: exactly one Host, and a valid one; a target that names a host goes before
/// it.
fn host(target: &Uri, headers: &HeaderMap) -> Result<Authority, RequestFault> {
    let mut lines = headers.get_all(HOST).iter();
    let line = lines.next().ok_or(RequestFault::HostMissing)?;
    if lines.next().is_some() {
        return Err(RequestFault::HostRepeated);
    }
    let host = line.to_str().ok().and_then(plain_authority).ok_or(RequestFault::HostInvalid)?;
    match target.authority() {
        Some(named) if target.scheme().is_some() => {
            plain_authority(named.as_str()).ok_or(RequestFault::Malformed)
        }
        // A host alone is a target for CONNECT only, and an asterisk for OPTIONS only.
        Some(_) => Err(RequestFault::Malformed),
        None if target.path().starts_with('/') => Ok(host),
        None => Err(RequestFault::Malformed),
    }
}

/// Whoever disagrees with us about where a body ends could hide a request or a frame in it, so
/// there is none: RFC 9112, sections 6.3 and 11.2.
fn check_no_body(headers: &HeaderMap) -> Result<(), RequestFault> {
    let is_nothing = |length: &HeaderValue| {
        let digits = length.as_bytes();
        !digits.is_empty() && digits.iter().all(|digit| *digit == b'0')
    };
    if headers.contains_key(TRANSFER_ENCODING)
        || !headers.get_all(CONTENT_LENGTH).iter().all(is_nothing)
    {
        return Err(RequestFault::BodyAnnounced);
    }
    Ok(())
}

/// RFC 6455, section 4.2.1, items 3 and 4.
fn asks_for_websocket(headers: &HeaderMap) -> bool {
    lists(headers, UPGRADE, "websocket") && lists(headers, CONNECTION, "upgrade")
}

/// Whether a header, on any of its lines, lists the token, in any case.
pub(super) fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// RFC 6455, section 4.2.1, item 6, and section 4.4.
fn check_version(headers: &HeaderMap) -> Result<(), RequestFault> {
    let mut lines = headers.get_all(SEC_WEBSOCKET_VERSION).iter();
    match (lines.next(), lines.next()) {
        (Some(version), None) if version == "13" => Ok(()),
        _ => Err(RequestFault::VersionNot13),
    }
}

/// RFC 6455, section 4.2.1, item 5: 16 bytes in base64, which are 22 digits and two paddings; the
/// last digit carries two bits only.
fn key(headers: &HeaderMap) -> Result<[u8; 24], RequestFault> {
    let mut lines = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let line = lines.next().ok_or(RequestFault::KeyMissing)?;
    if lines.next().is_some() {
        return Err(RequestFault::KeyRepeated);
    }
    let key = <[u8; 24]>::try_from(line.as_bytes()).map_err(|_| RequestFault::KeyInvalid)?;
    match key {
        [digits @ .., b'A' | b'Q' | b'g' | b'w', b'=', b'=']
            if digits
                .iter()
                .all(|digit| digit.is_ascii_alphanumeric() || b"+/".contains(digit)) =>
        {
            Ok(key)
        }
        _ => Err(RequestFault::KeyInvalid),
    }
}

/// What is offered may be declined, but not be misspelled: RFC 6455, sections 4.2.1, 4.3 and 9.1.
fn check_offers(headers: &HeaderMap) -> Result<(), RequestFault> {
    if !subprotocol::are_tokens(headers) {
        return Err(RequestFault::SubprotocolsInvalid);
    }
    if !extension::is_well_formed(headers) {
        return Err(RequestFault::ExtensionsInvalid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::subprotocol::Subprotocol;

    /// The upgrade of RFC 6455, section 1.3, with each line that starts like one of `lines`
    /// replaced by it, or added. A line without a value takes the header away.
    fn upgrade(lines: &[&str]) -> Vec<u8> {
        let mut head = vec![
            "GET /chat HTTP/1.1",
            "Host: server.example.com",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ];
        let name = |line: &str| line.split(':').next().map(str::to_owned);
        for line in lines {
            head.retain(|old| name(old) != name(line));
        }
        head.extend(lines.iter().filter(|line| line.contains(": ")));
        (head.join("\r\n") + "\r\n\r\n").into_bytes()
    }

    fn with_first_line(line: &str) -> Vec<u8> {
        let head = String::from_utf8(upgrade(&[])).unwrap();
        head.replace("GET /chat HTTP/1.1", line).into_bytes()
    }

    /// The example of the RFC as a framework has it, changed as the test wants.
    fn foreign(change: impl FnOnce(&mut http::Request<()>)) -> Result<Request, RequestFault> {
        let mut request = http::Request::new(());
        *request.uri_mut() = "/chat?room=1".parse().unwrap();
        for (name, value) in [
            ("host", "server.example.com"),
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ] {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        change(&mut request);
        judge_foreign(&request)
    }

    #[test]
    fn what_a_framework_has_read_is_judged_by_the_same_rules() {
        let request = foreign(|_| ()).unwrap();
        assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
        let (answer, negotiated) = request.accept(Admission::user("ann"), true).unwrap();
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(negotiated, Admission::user("ann").into());
        let plain = foreign(|request| drop(request.headers_mut().remove(UPGRADE))).unwrap();
        assert!(plain.accept(Admission::default(), true).is_none());

        let header = |name: HeaderName, value| {
            foreign(|request| drop(request.headers_mut().insert(name, value)))
        };
        let value = HeaderValue::from_static;
        for (refused, fault) in [
            (foreign(|it| *it.method_mut() = Method::POST), RequestFault::MethodNotGet),
            (foreign(|it| *it.version_mut() = Version::HTTP_2), RequestFault::HttpVersionNot11),
            (foreign(|it| drop(it.headers_mut().remove(HOST))), RequestFault::HostMissing),
            (header(SEC_WEBSOCKET_KEY, value("short")), RequestFault::KeyInvalid),
            (header(SEC_WEBSOCKET_VERSION, value("8")), RequestFault::VersionNot13),
            (header(TRANSFER_ENCODING, value("chunked")), RequestFault::BodyAnnounced),
        ] {
            assert_eq!(refused.err(), Some(fault));
        }
    }

    #[test]
    fn compression_is_agreed_on_only_where_all_want_it() {
        let offer = |request: &mut http::Request<()>| {
            let offer = HeaderValue::from_static("permessage-deflate");
            request.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, offer);
        };
        let request = foreign(offer).unwrap();
        let never = Admission { never_deflate: true, ..Admission::default() };
        for (admission, deflates, expected) in [
            (Admission::default(), true, true),
            (Admission::default(), false, false),
            (never, true, false),
        ] {
            let (answer, negotiated) = request.accept(admission, deflates).unwrap();
            assert_eq!(negotiated.deflate.is_some(), expected);
            assert_eq!(answer.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS), expected);
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_taken() {
        let request = read(&upgrade(&[])).unwrap();
        assert!(request.is_upgrade());
        let answer = switching_protocols(&request, &Admission::default(), None).unwrap();
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        );
    }

    #[test]
    fn the_chosen_subprotocol_is_answered() {
        let request = read(&upgrade(&["Sec-WebSocket-Protocol: chat, superchat"])).unwrap();
        let subprotocol = request.choose_subprotocol(&["superchat"]);
        assert_eq!(subprotocol.as_ref().map(Subprotocol::as_str), Some("superchat"));
        let admission = Admission { subprotocol, ..Admission::default() };
        let answer = switching_protocols(&request, &admission, None).unwrap();
        assert!(
            String::from_utf8(answer)
                .unwrap()
                .contains("\r\nsec-websocket-protocol: superchat\r\n")
        );
    }

    #[test]
    fn the_extension_that_was_agreed_on_is_answered() {
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12";
        let request = read(&upgrade(&[offer])).unwrap();
        let deflate = request.choose_deflate();
        let answer = switching_protocols(&request, &Admission::default(), deflate).unwrap();
        assert!(String::from_utf8(answer).unwrap().contains(
            "\r\nsec-websocket-extensions: permessage-deflate; server_no_context_takeover; \
             client_no_context_takeover; server_max_window_bits=12\r\n"
        ));
    }

    #[test]
    fn a_plain_request_cannot_be_switched() {
        let request = read(&upgrade(&["Upgrade"])).unwrap();
        assert!(!request.is_upgrade());
        assert_eq!(switching_protocols(&request, &Admission::default(), None), None);
    }

    #[test]
    fn an_upgrade_is_known_by_two_tokens_in_any_case_and_on_any_line() {
        for (lines, is_upgrade) in [
            (&["Upgrade: WebSocket", "Connection: keep-alive, UPGRADE"][..], true),
            (&["Upgrade: h2c\r\nUpgrade: websocket"], true),
            (&["Connection: keep-alive\r\nConnection: ,\tupgrade ,"], true),
            (&["Upgrade: websockets"], false),
            (&["Upgrade: x websocket"], false),
            (&["Connection: close"], false),
            (&["Connection"], false),
        ] {
            let request = read(&upgrade(lines)).unwrap();
            assert_eq!(request.is_upgrade(), is_upgrade, "{lines:?}");
        }
    }

    #[test]
    fn the_first_line_is_judged() {
        for (line, fault) in [
            ("POST /chat HTTP/1.1", RequestFault::MethodNotGet),
            ("HEAD / HTTP/1.1", RequestFault::MethodNotGet),
            ("get / HTTP/1.1", RequestFault::MethodNotGet),
            ("#ET / HTTP/1.1", RequestFault::MethodNotGet),
            ("GET / HTTP/1.0", RequestFault::HttpVersionNot11),
            ("PRI * HTTP/2.0", RequestFault::HttpVersionNot11),
            ("GET / HTTP/1.1 ", RequestFault::Malformed),
            ("HTTP/0.1\rGET / HTTP/1.1", RequestFault::Malformed),
            ("GET / HTTP/0.1\rGET / HTTP/1.1", RequestFault::Malformed),
            ("GET  / HTTP/1.1", RequestFault::Malformed),
            ("GET / ICE/1.1", RequestFault::Malformed),
            ("GET /", RequestFault::Malformed),
            ("GET /a#b HTTP/1.1", RequestFault::Malformed),
            ("GET * HTTP/1.1", RequestFault::Malformed),
            ("GET example.com:80 HTTP/1.1", RequestFault::Malformed),
            ("GET example HTTP/1.1", RequestFault::Malformed),
            ("GET http:// HTTP/1.1", RequestFault::Malformed),
            ("GET http://a@b/ HTTP/1.1", RequestFault::Malformed),
            ("GET http://a:99999/ HTTP/1.1", RequestFault::Malformed),
            ("GET /\x01 HTTP/1.1", RequestFault::Malformed),
            (" GET / HTTP/1.1", RequestFault::Malformed),
        ] {
            assert_eq!(read(&with_first_line(line)).err(), Some(fault), "{line:?}");
        }
    }

    #[test]
    fn a_target_may_be_absolute() {
        for line in ["GET http://a/b HTTP/1.1", "GET wss://a:1/?b HTTP/1.1", "GET //a HTTP/1.1"] {
            assert!(read(&with_first_line(line)).is_ok(), "{line}");
        }
        let request = read(&with_first_line("GET http://a HTTP/1.1")).unwrap();
        assert_eq!((request.path(), request.host()), ("/", "a"));
    }

    #[test]
    fn the_host_is_judged() {
        for (line, fault) in [
            ("Host", RequestFault::HostMissing),
            ("Host: a\r\nHost: a", RequestFault::HostRepeated),
            ("Host: ", RequestFault::HostInvalid),
            ("Host: a b", RequestFault::HostInvalid),
            ("Host: a@b", RequestFault::HostInvalid),
            ("Host: a/b", RequestFault::HostInvalid),
            ("Host: a, b", RequestFault::HostInvalid),
            ("Host: a:x", RequestFault::HostInvalid),
            ("Host: :80", RequestFault::HostInvalid),
            ("Host: \u{e9}", RequestFault::HostInvalid),
        ] {
            assert_eq!(read(&upgrade(&[line])).err(), Some(fault), "{line}");
        }
        for line in ["Host: a", "Host: a:80", "Host: a:", "Host: 127.0.0.1:9", "Host: [::1]:9"] {
            assert!(read(&upgrade(&[line])).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_body_is_refused_with_and_without_an_upgrade() {
        for lines in [
            &["Content-Length: 1"][..],
            &["Content-Length: 0\r\nContent-Length: 5"],
            &["Content-Length: -0"],
            &["Content-Length: "],
            &["Content-Length: 0, 0"],
            &["Transfer-Encoding: chunked"],
            &["Transfer-Encoding: identity", "Content-Length: 0"],
            &["Upgrade", "Content-Length: 1"],
        ] {
            assert_eq!(read(&upgrade(lines)).err(), Some(RequestFault::BodyAnnounced), "{lines:?}");
        }
        assert!(read(&upgrade(&["Content-Length: 0"])).is_ok());
    }

    #[test]
    fn only_version_13_is_spoken() {
        for line in [
            "Sec-WebSocket-Version",
            "Sec-WebSocket-Version: 8",
            "Sec-WebSocket-Version: 13, 8",
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13",
        ] {
            assert_eq!(read(&upgrade(&[line])).err(), Some(RequestFault::VersionNot13), "{line}");
        }
    }

    #[test]
    fn the_key_is_judged() {
        for (value, fault) in [
            ("", RequestFault::KeyMissing),
            (": dGhlIHNhbXBsZSBub25jZQ=", RequestFault::KeyInvalid),
            (": dGhlIHNhbXBsZSBub25jZQ===", RequestFault::KeyInvalid),
            (": dGhlIHNhbXBsZSBub25jZR==", RequestFault::KeyInvalid),
            (": dGhlIHNhbXBsZSBub25jZWE=", RequestFault::KeyInvalid),
            (": dGhl_HNhbXBsZSBub25jZQ==", RequestFault::KeyInvalid),
            (": \u{e9}GhlHNhbXBsZSBub25jZQ==", RequestFault::KeyInvalid),
            (
                ": dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                RequestFault::KeyRepeated,
            ),
        ] {
            let line = format!("Sec-WebSocket-Key{value}");
            assert_eq!(read(&upgrade(&[&line])).err(), Some(fault), "{line}");
        }
    }

    #[test]
    fn the_grammar_of_offers_is_judged_where_an_upgrade_is_asked_for() {
        for (line, fault) in [
            ("Sec-WebSocket-Protocol: a b", RequestFault::SubprotocolsInvalid),
            ("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b;c", {
                RequestFault::SubprotocolsInvalid
            }),
            ("Sec-WebSocket-Protocol: \u{e9}", RequestFault::SubprotocolsInvalid),
            ("Sec-WebSocket-Extensions: a b", RequestFault::ExtensionsInvalid),
            ("Sec-WebSocket-Extensions: ;a", RequestFault::ExtensionsInvalid),
            ("Sec-WebSocket-Extensions: a; b=", RequestFault::ExtensionsInvalid),
            ("Sec-WebSocket-Extensions: a; b=\"c", RequestFault::ExtensionsInvalid),
            ("Sec-WebSocket-Extensions: permessage-deflate, \u{e9}", {
                RequestFault::ExtensionsInvalid
            }),
        ] {
            assert_eq!(read(&upgrade(&[line])).err(), Some(fault), "{line}");
            assert!(read(&upgrade(&[line, "Upgrade"])).is_ok(), "{line}");
        }
        for line in [
            "Sec-WebSocket-Protocol: ,a,,b, ",
            "Sec-WebSocket-Protocol: ",
            "Sec-WebSocket-Extensions: ,permessage-deflate; client_max_window_bits, ,x;y=\"z\"",
            "Sec-WebSocket-Extensions: ",
        ] {
            assert!(read(&upgrade(&[line])).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_not_http_is_malformed() {
        for line in
            ["Bad Name: x", "Bad\u{e9}: x", "No colon: x\r\nhere", "X: a\r\n folded", "X: \0"]
        {
            assert_eq!(read(&upgrade(&[line])).err(), Some(RequestFault::Malformed), "{line:?}");
        }
        let many = (0..125).map(|n| format!("X-{n}: x")).collect::<Vec<_>>().join("\r\n");
        assert_eq!(read(&upgrade(&[&many])).err(), Some(RequestFault::TooManyHeaders));
    }
}
