//! A whole HTTP answer that ends a connection: a refusal, or a page.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_VERSION,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use tungstenite::handshake::server::write_response;

/// How long a client that was turned away is told to wait, in seconds.
const RETRY_AFTER_SECONDS: u32 = 5;

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// Why a refusal cannot be made like that. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalError {
    /// The status ends no request: it is not from 200 to 599.
    #[error("{0} is no status of a final answer")]
    Status(u16),
    /// The name of a header is not a token: RFC 9110, section 5.1.
    #[error("the name of a header is invalid")]
    HeaderName,
    /// The value of a header holds more than visible ASCII, spaces and tabs.
    #[error("the value of a header is invalid")]
    HeaderValue,
    /// `Connection`, `Content-Length` and `Transfer-Encoding` are not the caller's to set.
    #[error("this header is set by the refusal itself")]
    HeaderReserved,
    /// An answer with the status 204, 205 or 304 has no body: RFC 9110, section 15.
    #[error("an answer with the status {0} has no body")]
    Body(u16),
}

/// A whole HTTP answer that ends a connection: a refusal or, with the status 200, a page.
///
/// ```
/// use fanlight_core::Refusal;
///
/// let page = Refusal::new(200)?.body("text/html; charset=utf-8", "<h1>Hello</h1>")?;
/// assert!(page.encode().starts_with(b"HTTP/1.1 200 OK\r\n"));
/// # Ok::<(), fanlight_core::wire::RefusalError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Refusal {
    /// An answer with this status, no headers of its own and no body.
    ///
    /// # Errors
    ///
    /// [`RefusalError::Status`] if the status is not from 200 to 599.
    pub fn new(status: u16) -> Result<Self, RefusalError> {
        StatusCode::from_u16(status)
            .ok()
            .filter(|_| (200..=599).contains(&status))
            .map(Self::empty)
            .ok_or(RefusalError::Status(status))
    }

    /// An answer with this status and a plain text.
    ///
    /// ```
    /// use fanlight_core::Refusal;
    ///
    /// assert_eq!(Refusal::text(403, "not you")?.status(), 403);
    /// # Ok::<(), fanlight_core::wire::RefusalError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new) and [`body`](Self::body).
    pub fn text(status: u16, text: &str) -> Result<Self, RefusalError> {
        Self::new(status)?.body(PLAIN_TEXT, text)
    }

    /// Adds a header line. A name may be given several times.
    ///
    /// # Errors
    ///
    /// [`RefusalError::HeaderName`] and [`RefusalError::HeaderValue`] if HTTP cannot say it,
    /// [`RefusalError::HeaderReserved`] if the name is `Connection`, `Content-Length` or
    /// `Transfer-Encoding`.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, RefusalError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| RefusalError::HeaderName)?;
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            return Err(RefusalError::HeaderReserved);
        }
        self.headers.append(name, visible(value)?);
        Ok(self)
    }

    /// Sets the body and its `Content-Type`.
    ///
    /// # Errors
    ///
    /// [`RefusalError::Body`] if an answer with this status has none,
    /// [`RefusalError::HeaderValue`] if the type is not visible ASCII.
    pub fn body(
        mut self,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<Self, RefusalError> {
        if [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED]
            .contains(&self.status)
        {
            return Err(RefusalError::Body(self.status.as_u16()));
        }
        self.headers.insert(CONTENT_TYPE, visible(content_type)?);
        self.body = body.into();
        Ok(self)
    }

    /// Says after how many seconds to try again: RFC 9110, section 10.2.3. Meant for 503 and 429.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with(RETRY_AFTER, seconds.into())
    }

    /// 426: only WebSocket is spoken here, version 13. RFC 9110, section 15.5.22.
    pub fn upgrade_required() -> Self {
        Self::plain(StatusCode::UPGRADE_REQUIRED, "a WebSocket upgrade, version 13, is needed\n")
            .with(UPGRADE, HeaderValue::from_static("websocket"))
            .with(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
    }

    /// 403: the page that asks is of another site. RFC 6455, section 10.2.
    pub fn forbidden_origin() -> Self {
        Self::plain(StatusCode::FORBIDDEN, "this origin is not allowed\n")
    }

    /// 404: nothing is here.
    pub fn not_found() -> Self {
        Self::plain(StatusCode::NOT_FOUND, "nothing is here\n")
    }

    /// 408: the request was not finished in time.
    pub fn request_timeout() -> Self {
        Self::plain(StatusCode::REQUEST_TIMEOUT, "the request took too long\n")
    }

    /// 429: too many connections come from one address. Asks to try again after 5 seconds, unless
    /// [`retry_after`](Self::retry_after) says otherwise.
    pub fn too_many_from_address() -> Self {
        Self::plain(StatusCode::TOO_MANY_REQUESTS, "too many connections from this address\n")
            .retry_after(RETRY_AFTER_SECONDS)
    }

    /// 500: the service failed over this request.
    pub fn service_failed() -> Self {
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, "the service failed\n")
    }

    /// 503: no more can be taken. Asks to try again after 5 seconds, unless
    /// [`retry_after`](Self::retry_after) says otherwise.
    pub fn unavailable() -> Self {
        Self::plain(StatusCode::SERVICE_UNAVAILABLE, "no more can be taken now\n")
            .retry_after(RETRY_AFTER_SECONDS)
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The complete answer, head and body: RFC 9112, section 4.
    ///
    /// It says `Connection: close`, because nothing that follows on the connection is read as a
    /// second request.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = self.head();
        // RFC 9110, section 8.6: no length where there can be no body.
        if self.status != StatusCode::NO_CONTENT && self.status != StatusCode::NOT_MODIFIED {
            head.headers_mut().insert(CONTENT_LENGTH, self.body.len().into());
        }
        // RFC 9110, section 7.8: whoever sends Upgrade names it as a connection option.
        let options = if self.headers.contains_key(UPGRADE) { "upgrade, close" } else { "close" };
        head.headers_mut().insert(CONNECTION, HeaderValue::from_static(options));

        let mut answer = Vec::with_capacity(256 + self.body.len());
        write_response(&mut answer, &head)
            .expect("all values are visible ASCII, and a vector takes every write");
        answer.extend_from_slice(&self.body);
        answer
    }

    /// The head of the answer, without what only its transport can say.
    fn head(&self) -> Response<()> {
        let mut head = Response::new(());
        *head.status_mut() = self.status;
        *head.headers_mut() = self.headers.clone();
        head
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new() }
    }

    pub(super) fn plain(status: StatusCode, text: &str) -> Self {
        let plain_text = HeaderValue::from_static(PLAIN_TEXT);
        Self { body: text.into(), ..Self::empty(status).with(CONTENT_TYPE, plain_text) }
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// For a web framework to send, which frames it by itself.
impl From<Refusal> for Response<Vec<u8>> {
    fn from(refusal: Refusal) -> Self {
        let mut answer = refusal.head().map(|()| refusal.body);
        // RFC 9110, section 7.8.
        if answer.headers().contains_key(UPGRADE) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        answer
    }
}

/// A header's value, if it can be written: visible ASCII, spaces and tabs.
fn visible(value: &str) -> Result<HeaderValue, RefusalError> {
    HeaderValue::from_str(value)
        .ok()
        .filter(|value| value.to_str().is_ok())
        .ok_or(RefusalError::HeaderValue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(refusal: &Refusal) -> String {
        String::from_utf8(refusal.encode()).unwrap()
    }

    #[test]
    fn a_page_is_a_complete_answer() {
        let page = Refusal::new(200)
            .unwrap()
            .header("Cache-Control", "no-store")
            .unwrap()
            .body("text/html", "hi")
            .unwrap();
        assert_eq!(
            text(&page),
            "HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-type: text/html\r\n\
             content-length: 2\r\nconnection: close\r\n\r\nhi"
        );
    }

    #[test]
    fn only_final_statuses_are_taken() {
        for status in [0, 99, 100, 101, 199, 600, 999, u16::MAX] {
            assert_eq!(Refusal::new(status), Err(RefusalError::Status(status)));
        }
        for status in [200, 299, 404, 599] {
            assert_eq!(Refusal::new(status).map(|refusal| refusal.status()), Ok(status));
        }
    }

    #[test]
    fn a_header_cannot_smuggle_another() {
        let refusal = || Refusal::new(403).unwrap();
        for value in ["a\r\nb: c", "a\nb", "a\0", "\u{e9}", "\x7f"] {
            assert_eq!(refusal().header("x", value), Err(RefusalError::HeaderValue), "{value:?}");
            assert_eq!(refusal().body(value, ""), Err(RefusalError::HeaderValue), "{value:?}");
        }
        for name in ["", "a b", "a:", "a\r\n", "\u{e9}"] {
            assert_eq!(refusal().header(name, "x"), Err(RefusalError::HeaderName), "{name:?}");
        }
    }

    #[test]
    fn the_framing_is_not_the_callers_to_set() {
        for name in ["connection", "Content-Length", "TRANSFER-ENCODING"] {
            assert_eq!(
                Refusal::new(403).unwrap().header(name, "1"),
                Err(RefusalError::HeaderReserved)
            );
        }
    }

    #[test]
    fn an_answer_that_has_no_body_announces_none() {
        for status in [204, 304] {
            assert_eq!(
                Refusal::new(status).unwrap().body("text/plain", "x"),
                Err(RefusalError::Body(status))
            );
            assert!(!text(&Refusal::new(status).unwrap()).contains("content-length"));
        }
        assert!(text(&Refusal::new(205).unwrap()).contains("content-length: 0\r\n"));
    }

    #[test]
    fn a_header_may_be_given_twice() {
        let refusal =
            Refusal::new(401).unwrap().header("x", "1").unwrap().header("x", "2").unwrap();
        assert!(text(&refusal).contains("x: 1\r\nx: 2\r\n"));
    }

    #[test]
    fn an_upgrade_is_named_as_a_connection_option() {
        assert!(text(&Refusal::upgrade_required()).contains("connection: upgrade, close\r\n"));
        assert!(text(&Refusal::forbidden_origin()).contains("connection: close\r\n"));
    }

    #[test]
    fn a_framework_can_send_it() {
        let answer = Response::<Vec<u8>>::from(Refusal::upgrade_required());
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()[CONNECTION]),
            (426, &"upgrade".parse().unwrap())
        );
        let answer = Response::<Vec<u8>>::from(Refusal::text(401, "who?").unwrap());
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (401, &b"who?"[..]));
        assert!(!answer.headers().contains_key(CONNECTION), "how it is framed is not ours to say");
    }

    #[test]
    fn whoever_is_turned_away_is_told_when_to_come_back() {
        assert!(text(&Refusal::unavailable()).contains("retry-after: 5\r\n"));
        assert!(text(&Refusal::too_many_from_address()).contains("retry-after: 5\r\n"));
        let later = Refusal::unavailable().retry_after(30);
        assert_eq!(text(&later).matches("retry-after").count(), 1);
        assert!(text(&later).contains("retry-after: 30\r\n"));
    }

    #[test]
    fn each_refusal_has_its_status() {
        for (refusal, status) in [
            (Refusal::upgrade_required(), 426),
            (Refusal::forbidden_origin(), 403),
            (Refusal::not_found(), 404),
            (Refusal::request_timeout(), 408),
            (Refusal::too_many_from_address(), 429),
            (Refusal::service_failed(), 500),
            (Refusal::unavailable(), 503),
        ] {
            assert_eq!(refusal.status(), status);
            assert!(text(&refusal).starts_with(&format!("HTTP/1.1 {status} ")));
        }
    }
}
