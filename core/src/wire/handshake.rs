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

#[cfg(test)]
mod tests;

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
