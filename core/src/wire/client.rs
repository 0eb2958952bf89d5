//! A client's opening handshake: RFC 6455, section 4.1.

use data_encoding::BASE64;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Uri,
    header::{
        CONNECTION, HOST, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
        SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use tungstenite::handshake::{
    client::{Response, generate_request},
    derive_accept_key,
    machine::TryParse,
};

use super::{
    Deflate, DeflateAnswerError, HeadLimits,
    handshake::lists,
    head::HeadScan,
    subprotocol::{are_tokens, items},
    token::token,
};

/// Bounds of what a server answers.
const LIMITS: HeadLimits =
    HeadLimits { head_bytes_max: 64 * 1024, request_line_bytes_max: 8 * 1024, headers_max: 100 };

/// What only the handshake itself may say.
const OURS: [HeaderName; 6] =
    [HOST, CONNECTION, UPGRADE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION];

/// A client's opening handshake: the request that it sends, and the judgement of the answer.
///
/// ```
/// use fanlight_core::{http::HeaderMap, wire::{ClientHandshake, HeadLimits, Upgrade, switching_protocols}};
///
/// let uri = "ws://example.com/chat".parse()?;
/// let mut handshake = ClientHandshake::new(&uri, HeaderMap::new(), [7; 16])?;
///
/// // What a server makes of it.
/// let limits = HeadLimits { head_bytes_max: 4096, request_line_bytes_max: 1024, headers_max: 50 };
/// let (request, _) = Upgrade::new(limits).receive(handshake.request())?.expect("it is whole");
/// let answer = switching_protocols(&request, &Default::default(), None).expect("an upgrade");
///
/// let (answered, taken) = handshake.receive(&answer)?.expect("it is whole");
/// assert_eq!((answered.deflate, taken), (None, answer.len()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ClientHandshake {
    request: Vec<u8>,
    headers: HeaderMap,
    accept: String,
    scan: HeadScan,
    head: Vec<u8>,
}

/// A server has let a client in, on these terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What is spoken, if the client offered anything.
    pub subprotocol: Option<String>,
    /// permessage-deflate, if the client offered it: for [`Wire::set_deflate`](super::Wire::set_deflate).
    pub deflate: Option<Deflate>,
    /// All headers of the answer.
    pub headers: HeaderMap,
}

/// Why a request cannot be made. The caller is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientRequestError {
    /// The URI is not `ws://HOST/...` or `wss://HOST/...`: RFC 6455, section 3.
    #[error("{0} is not the URI of a WebSocket")]
    Uri(Uri),
    /// A header that the handshake says itself, one with bytes that are not visible ASCII, a
    /// subprotocol that is no token, or extensions other than [`Deflate::OFFER`], to which no answer
    /// could be judged.
    #[error("the header {0} is not the caller's to set so")]
    Header(HeaderName),
}

/// How a server's answer breaks RFC 6455, section 4.1, or that it is no upgrade. The connection is
/// of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// It is not HTTP, or longer than 64 KiB or 100 header lines.
    #[error("the answer is not HTTP, or too long")]
    Malformed,
    /// The server lets nobody in, or not here.
    #[error("the server answers {0}")]
    Refused(StatusCode),
    /// `Upgrade` or `Connection` do not say that the protocol is switched.
    #[error("the answer switches to no WebSocket")]
    NotWebSocket,
    /// `Sec-WebSocket-Accept` is missing, or made from another key.
    #[error("the answer is to another request")]
    Accept,
    /// A subprotocol that was not offered, or not one alone.
    #[error("the server speaks a subprotocol that was not offered")]
    Subprotocol,
    /// An extension that was not offered, or on other terms.
    #[error(transparent)]
    Deflate(#[from] DeflateAnswerError),
}

impl ClientHandshake {
    /// The handshake for `uri`, with more `headers`: cookies, what is offered as
    /// `Sec-WebSocket-Protocol`, and [`Deflate::OFFER`], the one extension that is known, as
    /// `Sec-WebSocket-Extensions` if messages may be compressed. `nonce` is to be drawn anew for each
    /// (RFC 6455, section 4.1, item 7).
    ///
    /// # Errors
    ///
    /// If the URI is not one of a WebSocket, or a header is not the caller's to set.
    pub fn new(
        uri: &Uri,
        mut headers: HeaderMap,
        nonce: [u8; 16],
    ) -> Result<Self, ClientRequestError> {
        let host = uri.authority().filter(|_| matches!(uri.scheme_str(), Some("ws" | "wss")));
        // Whom to ask is not told to whoever is asked: RFC 9110, section 7.2.
        let host = host.map(|host| host.as_str().rsplit('@').next().unwrap_or_default());
        let host = host.and_then(|host| HeaderValue::from_str(host).ok());
        let host = host.ok_or_else(|| ClientRequestError::Uri(uri.clone()))?;
        let wrong = |(name, value): &(&HeaderName, &HeaderValue)| {
            OURS.contains(name) || value.to_str().is_err()
        };
        if let Some((name, _)) = headers.iter().find(wrong) {
            return Err(ClientRequestError::Header(name.clone()));
        }
        if !are_tokens(&headers) {
            return Err(ClientRequestError::Header(SEC_WEBSOCKET_PROTOCOL));
        }
        let mut extensions = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
        let is_known = match (extensions.next(), extensions.next()) {
            (None, _) => true,
            (Some(offer), None) => offer == Deflate::OFFER,
            (Some(_), Some(_)) => false,
        };
        if !is_known {
            return Err(ClientRequestError::Header(SEC_WEBSOCKET_EXTENSIONS));
        }
        let said = headers.clone();
        let key = BASE64.encode(&nonce);
        for (name, value) in [
            (UPGRADE, HeaderValue::from_static("websocket")),
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
            (SEC_WEBSOCKET_KEY, HeaderValue::from_str(&key).expect("base64 is visible ASCII")),
            (HOST, host),
        ] {
            headers.insert(name, value);
        }
        let mut request = Request::new(());
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        let (request, key) =
            generate_request(request).map_err(|_| ClientRequestError::Uri(uri.clone()))?;
        Ok(Self {
            request,
            headers: said,
            accept: derive_accept_key(key.as_bytes()),
            scan: HeadScan::default(),
            head: Vec::new(),
        })
    }

    /// What is to be sent first.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Takes bytes of the answer. Once its head is whole: the terms, and how many of `bytes` belong
    /// to it; what follows them are frames.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer, or that the server declines.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<(Answered, usize)>, AnswerFault> {
        let end = self.scan.advance(bytes, &LIMITS).map_err(|_| AnswerFault::Malformed)?;
        self.head.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        let Some(end) = end else { return Ok(None) };
        self.judge().map(|answered| Some((answered, end)))
    }

    fn judge(&self) -> Result<Answered, AnswerFault> {
        let parsed = Response::try_parse(&self.head).ok().flatten();
        let (_, answer) = parsed.ok_or(AnswerFault::Malformed)?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(AnswerFault::Refused(answer.status()));
        }
        let headers = answer.headers();
        if !lists(headers, UPGRADE, "websocket") || !lists(headers, CONNECTION, "upgrade") {
            return Err(AnswerFault::NotWebSocket);
        }
        let mut accepts = headers.get_all(SEC_WEBSOCKET_ACCEPT).iter();
        let accept = (accepts.next(), accepts.next());
        if !matches!(accept, (Some(accept), None) if accept == &*self.accept) {
            return Err(AnswerFault::Accept);
        }
        let mut spoken = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
        let subprotocol = match (spoken.next(), spoken.next()) {
            (None, _) => None,
            (Some(one), None) if items(&self.headers).any(|ours| ours == one.as_bytes()) => {
                Some(token(one.as_bytes()).ok_or(AnswerFault::Subprotocol)?)
            }
            (Some(_), _) => return Err(AnswerFault::Subprotocol),
        };
        let deflate = Deflate::answered(headers)?;
        if deflate.is_some() && !self.headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            return Err(DeflateAnswerError::NotOffered.into());
        }
        Ok(Answered {
            subprotocol: subprotocol.map(str::to_owned),
            deflate,
            headers: headers.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Admission, Upgrade, switching_protocols};

    fn offering() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("chat, superchat"));
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(Deflate::OFFER));
        headers
    }

    fn handshake(headers: HeaderMap) -> ClientHandshake {
        let uri = "ws://example.com:81/chat?room=1".parse().unwrap();
        ClientHandshake::new(&uri, headers, *b"the sample nonce").unwrap()
    }

    /// The answer to the nonce of RFC 6455, section 1.3, with these lines more.
    fn answer(lines: &str) -> Vec<u8> {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{lines}\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn a_server_of_ours_takes_the_request_and_its_answer_is_taken() {
        let mut handshake = handshake(offering());
        let (request, _) = Upgrade::new(LIMITS).receive(handshake.request()).unwrap().unwrap();
        assert_eq!((request.host(), request.path()), ("example.com:81", "/chat"));
        let subprotocol = request.choose_subprotocol(&["superchat"]);
        let admission = Admission { subprotocol, ..Admission::default() };
        let deflate = request.choose_deflate();
        let mut answer = switching_protocols(&request, &admission, deflate).unwrap();
        let end = answer.len();
        answer.extend_from_slice(b"\x81\x00");
        for cut in 0..end {
            let mut handshake = self::handshake(offering());
            assert_eq!(handshake.receive(&answer[..cut]), Ok(None));
            let (answered, taken) = handshake.receive(&answer[cut..]).unwrap().unwrap();
            assert_eq!((taken, answered.deflate), (end - cut, deflate));
            assert_eq!(answered.subprotocol.as_deref(), Some("superchat"));
        }
        assert!(handshake.receive(&answer).unwrap().is_some());
    }

    #[test]
    fn the_example_of_the_rfc_is_taken_and_what_was_not_offered_is_not() {
        let plain = |lines: &str| {
            let mut handshake = handshake(HeaderMap::new());
            handshake.receive(&answer(lines)).map(|answered| answered.is_some())
        };
        assert_eq!(plain(""), Ok(true));
        let extension =
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
        for (lines, fault) in [
            ("Sec-WebSocket-Protocol: chat\r\n", AnswerFault::Subprotocol),
            (extension, AnswerFault::Deflate(DeflateAnswerError::NotOffered)),
            ("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", AnswerFault::Accept),
        ] {
            assert_eq!(plain(lines), Err(fault), "{lines}");
        }
    }

    #[test]
    fn of_the_subprotocols_that_were_offered_one_is_taken_alone() {
        let mut many = HeaderMap::new();
        let names: Vec<String> = (0..20).map(|n| format!("chat{n}")).collect();
        many.insert(SEC_WEBSOCKET_PROTOCOL, names.join(", ,").parse().unwrap());
        let spoken = |lines: &[&str]| {
            let lines: String =
                lines.iter().map(|line| format!("Sec-WebSocket-Protocol: {line}\r\n")).collect();
            let answered = handshake(many.clone()).receive(&answer(&lines))?;
            Ok(answered.unwrap().0.subprotocol)
        };
        assert_eq!(spoken(&[]), Ok(None));
        assert_eq!(spoken(&["chat0"]), Ok(Some("chat0".to_owned())));
        assert_eq!(spoken(&["chat19"]), Ok(Some("chat19".to_owned())), "however many are offered");
        for wrong in [
            &["chat"][..],
            &["Chat0"],
            &[""],
            &["chat0, chat1"],
            &["chat0,"],
            &["chat0, a b"],
            &["chat0", "chat0"],
            &["chat0", ""],
        ] {
            assert_eq!(spoken(wrong), Err(AnswerFault::Subprotocol), "{wrong:?}");
        }
    }

    #[test]
    fn an_answer_that_is_no_upgrade_is_refused() {
        let text = String::from_utf8(answer("")).unwrap();
        for (from, to, fault) in [
            (
                "101 Switching Protocols",
                "403 Forbidden",
                AnswerFault::Refused(StatusCode::FORBIDDEN),
            ),
            ("Upgrade: websocket", "Upgrade: h2c", AnswerFault::NotWebSocket),
            ("Connection: Upgrade", "Connection: close", AnswerFault::NotWebSocket),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "x3pPLMBiTxaQ9kYGzzhZRbK+xOo=", AnswerFault::Accept),
            ("HTTP/1.1", "SSH-2.0", AnswerFault::Malformed),
        ] {
            let wrong = text.replace(from, to);
            assert_eq!(handshake(offering()).receive(wrong.as_bytes()), Err(fault), "{to}");
        }
        let endless = vec![b'x'; 100_000];
        assert_eq!(handshake(offering()).receive(&endless), Err(AnswerFault::Malformed));
    }

    #[test]
    fn what_is_not_the_callers_to_say_is_refused() {
        for uri in ["http://example.com/", "/chat", "example.com"] {
            let uri: Uri = uri.parse().unwrap();
            let made = ClientHandshake::new(&uri, HeaderMap::new(), [0; 16]);
            assert_eq!(made.map(|_| ()), Err(ClientRequestError::Uri(uri)));
        }
        for name in OURS {
            let mut headers = HeaderMap::new();
            headers.insert(name.clone(), HeaderValue::from_static("x"));
            let uri = "ws://example.com/".parse().unwrap();
            let made = ClientHandshake::new(&uri, headers, [0; 16]);
            assert_eq!(made.map(|_| ()), Err(ClientRequestError::Header(name)));
        }
        for (name, value) in [
            (SEC_WEBSOCKET_PROTOCOL, "a b"),
            (SEC_WEBSOCKET_PROTOCOL, "a/b, c"),
            (SEC_WEBSOCKET_EXTENSIONS, "permessage-deflate"),
            (SEC_WEBSOCKET_EXTENSIONS, "permessage-bzip2"),
            (SEC_WEBSOCKET_EXTENSIONS, ""),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name.clone(), HeaderValue::from_static(value));
            let uri = "ws://example.com/".parse().unwrap();
            let made = ClientHandshake::new(&uri, headers, [0; 16]);
            assert_eq!(made.map(|_| ()), Err(ClientRequestError::Header(name)), "{value:?}");
        }
        let mut twice = offering();
        twice.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(Deflate::OFFER));
        let uri = "ws://example.com/".parse().unwrap();
        let made = ClientHandshake::new(&uri, twice, [0; 16]);
        assert_eq!(made.map(|_| ()), Err(ClientRequestError::Header(SEC_WEBSOCKET_EXTENSIONS)));
        let uri = "wss://user:secret@example.com".parse().unwrap();
        let request = ClientHandshake::new(&uri, HeaderMap::new(), [0; 16]).unwrap().request;
        let request = String::from_utf8(request).unwrap();
        assert!(request.starts_with("GET / HTTP/1.1\r\n") && !request.contains("secret"));
    }
}
