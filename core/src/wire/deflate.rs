//! Agreeing on permessage-deflate: RFC 7692, sections 5 and 7.1.

use std::num::NonZeroU8;

use http::HeaderMap;

use super::extension::{Breach, Extension, Parameter, listed};

const NAME: &str = "permessage-deflate";
const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// The window of a sender that nobody asked for a smaller one: 32 KiB.
const WINDOW_BITS_MAX: NonZeroU8 = NonZeroU8::new(15).expect("15 is not 0");

/// permessage-deflate as the two ends of a connection have agreed on it: RFC 7692.
///
/// Always without context takeover, in both directions: each message is compressed by itself. It
/// costs some of the compression, and is what makes the rest possible: a message is compressed once
/// for all its receivers, an idle connection owns neither a window nor a compressor, and what one
/// message holds cannot be guessed from the length of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    window_bits: NonZeroU8,
}

impl Deflate {
    /// What a client sends as `Sec-WebSocket-Extensions` to offer it.
    pub const OFFER: &str = "permessage-deflate; server_no_context_takeover; \
                             client_no_context_takeover; client_max_window_bits";

    /// The base-2 logarithm of the window with which this end may compress: from 9 to 15.
    pub fn window_bits(self) -> u8 {
        self.window_bits.get()
    }

    /// The first offer of the headers that a server can take. One with a parameter that is unknown,
    /// repeated or has a value that it cannot have is declined (RFC 7692, section 7.1), and so is
    /// one that demands a window of 8 bits: zlib has none.
    pub(super) fn choose(headers: &HeaderMap) -> Option<Self> {
        Self::chosen(headers).map(|(deflate, _)| deflate)
    }

    /// The same, and whether that offer names the window.
    fn chosen(headers: &HeaderMap) -> Option<(Self, bool)> {
        listed(headers).flatten().find_map(|offer| Self::accept(&offer))
    }

    fn accept(offer: &Extension<'_>) -> Option<(Self, bool)> {
        let parameters = Parameters::read(offer)?;
        // Of what the client may send we can inflate all: its own window is no concern of ours.
        let _ = parameters.client_max_window_bits;
        let (window_bits, is_named) = match parameters.server_max_window_bits {
            None => (WINDOW_BITS_MAX, false),
            Some(Some(bits)) => (bits, true),
            Some(None) => return None,
        };
        Self::with(window_bits).map(|deflate| (deflate, is_named))
    }

    /// What the server answers to an offer of the headers: RFC 7692, section 7.1. A window that the
    /// offer names is named again, the widest too (section 7.1.2.1): there are clients that take no
    /// answer without it, and others that take none with one that they did not name.
    pub(super) fn answer(self, headers: &HeaderMap) -> String {
        let mut answer =
            format!("{NAME}; {SERVER_NO_CONTEXT_TAKEOVER}; {CLIENT_NO_CONTEXT_TAKEOVER}");
        if Self::chosen(headers) == Some((self, true)) {
            answer += &format!("; {SERVER_MAX_WINDOW_BITS}={}", self.window_bits);
        }
        answer
    }

    /// What a server has answered to [`OFFER`](Self::OFFER): `None` if it has declined.
    ///
    /// # Errors
    ///
    /// If the answer is none to that offer. The server is at fault, and the connection is to be
    /// given up: RFC 7692, section 5.1.
    pub fn answered(headers: &HeaderMap) -> Result<Option<Self>, DeflateAnswerError> {
        let mut answers = listed(headers);
        let Some(answer) = answers.next() else { return Ok(None) };
        let answer = answer.map_err(|Breach| DeflateAnswerError::Malformed)?;
        let is_ours = answer.name == NAME;
        match answers.next() {
            None if is_ours => {}
            Some(Err(Breach)) => return Err(DeflateAnswerError::Malformed),
            None | Some(Ok(_)) => return Err(DeflateAnswerError::NotOffered),
        }
        let parameters = Parameters::read(&answer).ok_or(DeflateAnswerError::Parameters)?;
        if !parameters.server_no_context_takeover || parameters.server_max_window_bits == Some(None)
        {
            return Err(DeflateAnswerError::Parameters);
        }
        let window_bits = match parameters.client_max_window_bits {
            None => WINDOW_BITS_MAX,
            Some(bits) => bits.ok_or(DeflateAnswerError::Parameters)?,
        };
        Self::with(window_bits).map(Some).ok_or(DeflateAnswerError::Parameters)
    }

    /// What was agreed on in another run.
    pub(crate) fn recorded(window_bits: u8) -> Option<Self> {
        NonZeroU8::new(window_bits).filter(|bits| *bits <= WINDOW_BITS_MAX).and_then(Self::with)
    }

    fn with(window_bits: NonZeroU8) -> Option<Self> {
        (window_bits.get() > 8).then_some(Self { window_bits })
    }
}

/// Why what a server answered to an offer of permessage-deflate is no answer to it. The server is
/// at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeflateAnswerError {
    /// A line that breaks the grammar: RFC 6455, section 9.1.
    #[error("what extensions the server takes cannot be read")]
    Malformed,
    /// An extension that was not offered, or more than one.
    #[error("the server takes an extension that was not offered")]
    NotOffered,
    /// A parameter that is missing, unknown, repeated, or has a value that it cannot have: a window
    /// of 8 bits among them, since zlib cannot compress with one.
    #[error("the server takes permessage-deflate on terms that were not offered")]
    Parameters,
}

/// The parameters of RFC 7692, section 7.1: of a window the outer `Option` is whether it is named,
/// the inner one its bits.
#[derive(Debug, Default)]
struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<Option<NonZeroU8>>,
    client_max_window_bits: Option<Option<NonZeroU8>>,
}

impl Parameters {
    /// `None` if this is another extension, or a parameter is unknown, repeated or has a value that
    /// it cannot have.
    fn read(extension: &Extension<'_>) -> Option<Self> {
        if extension.name != NAME {
            return None;
        }
        let mut read = Self::default();
        for Parameter { name, value } in &extension.parameters {
            match (*name, value) {
                (SERVER_NO_CONTEXT_TAKEOVER, None) => once(&mut read.server_no_context_takeover)?,
                (CLIENT_NO_CONTEXT_TAKEOVER, None) => once(&mut read.client_no_context_takeover)?,
                (SERVER_MAX_WINDOW_BITS, value) if read.server_max_window_bits.is_none() => {
                    read.server_max_window_bits = Some(bits(value.as_deref())?);
                }
                (CLIENT_MAX_WINDOW_BITS, value) if read.client_max_window_bits.is_none() => {
                    read.client_max_window_bits = Some(bits(value.as_deref())?);
                }
                _ => return None,
            }
        }
        Some(read)
    }
}

/// Sets a flag that is not set.
fn once(flag: &mut bool) -> Option<()> {
    let is_first = !*flag;
    *flag = true;
    is_first.then_some(())
}

/// From 8 to 15 without a leading zero, or no value at all: RFC 7692, section 7.1.2.
fn bits(value: Option<&str>) -> Option<Option<NonZeroU8>> {
    let Some(value) = value else { return Some(None) };
    let is_plain = !value.starts_with('0') && value.bytes().all(|byte| byte.is_ascii_digit());
    let bits: NonZeroU8 = value.parse().ok().filter(|_| is_plain)?;
    (8..=15).contains(&bits.get()).then_some(Some(bits))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};

    use super::*;

    fn headers(line: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(line).unwrap());
        headers
    }

    fn chosen(offers: &str) -> Option<u8> {
        Deflate::choose(&headers(offers)).map(Deflate::window_bits)
    }

    #[test]
    fn what_clients_offer_is_taken() {
        for (offers, window_bits) in [
            ("permessage-deflate", 15),
            ("permessage-deflate; client_max_window_bits", 15),
            ("permessage-deflate; client_max_window_bits=8", 15),
            ("permessage-deflate; server_max_window_bits=9", 9),
            (r#"permessage-deflate; server_max_window_bits="10""#, 10),
            ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", 15),
            ("x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=15", 15),
            (Deflate::OFFER, 15),
        ] {
            assert_eq!(chosen(offers), Some(window_bits), "{offers}");
        }
    }

    #[test]
    fn an_offer_with_a_wrong_parameter_is_declined_and_the_next_is_looked_at() {
        for wrong in [
            "server_max_window_bits",
            "server_max_window_bits=8",
            "server_max_window_bits=16",
            "server_max_window_bits=09",
            "server_max_window_bits=+9",
            "server_max_window_bits=10; server_max_window_bits=10",
            "client_max_window_bits=7",
            "client_max_window_bits; client_max_window_bits",
            "server_no_context_takeover=1",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "unknown",
            "Server_No_Context_Takeover",
        ] {
            let offer = format!("permessage-deflate; {wrong}");
            assert_eq!(chosen(&offer), None, "{offer}");
            let offers = format!("{offer}, permessage-deflate; server_max_window_bits=12");
            assert_eq!(chosen(&offers), Some(12), "{offers}");
        }
        assert_eq!(chosen("permessage-foo"), None);
    }

    #[test]
    fn the_answer_is_without_context_takeover_and_names_a_window_that_was_asked_for() {
        let answer = |offer| {
            let headers = headers(offer);
            Deflate::choose(&headers).unwrap().answer(&headers)
        };
        let plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(answer("permessage-deflate; client_max_window_bits"), plain);
        assert_eq!(
            answer("permessage-deflate; server_max_window_bits=10"),
            format!("{plain}; server_max_window_bits=10")
        );
        // Section 7.1.2.1: whoever names one finds it in the answer, the widest too.
        assert_eq!(
            answer("permessage-deflate; server_max_window_bits=15"),
            format!("{plain}; server_max_window_bits=15")
        );
        let second = "permessage-deflate; server_max_window_bits=8, permessage-deflate";
        assert_eq!(answer(second), plain);
    }

    #[test]
    fn a_client_takes_what_it_offered_and_nothing_else() {
        let answered = |line: &str| {
            Deflate::answered(&headers(line)).map(|deflate| deflate.map(Deflate::window_bits))
        };
        assert_eq!(Deflate::answered(&HeaderMap::new()), Ok(None));
        let offer = headers(Deflate::OFFER);
        let server = Deflate::choose(&offer).unwrap();
        assert_eq!(answered(&server.answer(&offer)), Ok(Some(15)));
        let taken = "permessage-deflate; server_no_context_takeover";
        assert_eq!(answered(&format!("{taken}; client_max_window_bits=9")), Ok(Some(9)));
        assert_eq!(answered(&format!("{taken}; server_max_window_bits=8")), Ok(Some(15)));
        for wrong in [
            "permessage-deflate".to_owned(),
            format!("{taken}; client_max_window_bits"),
            format!("{taken}; client_max_window_bits=8"),
            format!("{taken}; server_max_window_bits"),
            format!("{taken}; unknown"),
        ] {
            assert_eq!(answered(&wrong), Err(DeflateAnswerError::Parameters), "{wrong}");
        }
        for broken in [";".to_owned(), format!("{taken}; x="), format!("{taken}, {taken} x")] {
            assert_eq!(answered(&broken), Err(DeflateAnswerError::Malformed), "{broken}");
        }
        for other in ["permessage-foo".to_owned(), format!("{taken}, {taken}")] {
            assert_eq!(answered(&other), Err(DeflateAnswerError::NotOffered), "{other}");
        }
    }

    #[test]
    fn it_costs_a_connection_one_byte() {
        assert_eq!(size_of::<Option<Deflate>>(), 1);
    }
}
