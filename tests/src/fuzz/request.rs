//! A request judged naively, line by line, and by tungstenite.

use std::collections::BTreeSet;

use fanlight_core::wire::{Admission, Deflate, HeadLimits, RequestFault, switching_protocols};
use tungstenite::handshake::{
    machine::TryParse,
    server::{Request as TheirRequest, create_response},
};

use super::upgrade::Outcome;

/// What a naive reader finds wrong.
#[derive(Debug, Default)]
struct Verdict {
    /// What is wrong: one of these must be told.
    wrong: BTreeSet<&'static str>,
    /// What the naive reader does not know: one of these may be told.
    doubtful: BTreeSet<&'static str>,
}

/// A head without its blank line, and its fields.
struct Head<'a> {
    line: &'a [u8],
    fields: Vec<(String, &'a [u8])>,
    is_well_formed: bool,
}

/// Asserts that what was taken satisfies RFC 9112 and RFC 6455, section 4.2.1, and that what was
/// refused breaks them.
pub(super) fn judge(bytes: &[u8], limits: &HeadLimits, outcome: &Outcome) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    let mut verdict = Verdict::default();
    judge_bounds(&bytes[..end.unwrap_or(bytes.len())], end.is_some(), limits, &mut verdict);
    if let Some(end) = end {
        let head = read(&bytes[..end - 4]);
        judge_line(&head, &mut verdict);
        judge_fields(&head, &mut verdict);
    }
    match outcome {
        Ok(None) => {
            assert_eq!((end, &verdict.wrong), (None, &BTreeSet::new()), "nothing is told");
        }
        Ok(Some((request, taken))) => {
            assert_eq!((Some(*taken), &verdict.wrong), (end, &BTreeSet::new()), "it is taken");
            assert_eq!(request.is_upgrade(), asks_for_websocket(&read(&bytes[..*taken - 4])));
            assert!(request.path().starts_with('/'), "{:?}", request.path());
            assert!(request.subprotocols().count() <= 16);
            assert!(request.subprotocols().all(|name| name.bytes().all(is_token_byte)));
            let deflate = request.choose_deflate();
            judge_deflate(&read(&bytes[..*taken - 4]), deflate);
            let answer = switching_protocols(request, &Admission::default(), deflate);
            assert_eq!(answer.is_some(), request.is_upgrade());
        }
        Err(fault) => {
            let told = name(*fault);
            assert!(
                verdict.wrong.contains(told) || verdict.doubtful.contains(told),
                "{fault}, but {verdict:?}"
            );
        }
    }
}

/// RFC 7692, section 7.1: what is taken was offered, and can be done.
fn judge_deflate(head: &Head<'_>, deflate: Option<Deflate>) {
    let Some(deflate) = deflate else { return };
    assert!((9..=15).contains(&deflate.window_bits()), "{deflate:?}");
    let lines = values(head, "sec-websocket-extensions").concat().to_ascii_lowercase();
    let offers = |part: &str| lines.windows(part.len()).any(|found| found == part.as_bytes());
    assert!(offers("permessage-deflate"), "{}", lines.escape_ascii());
    // A smaller window is used only where one was asked for.
    assert!(deflate.window_bits() == 15 || offers("server_max_window_bits"), "{deflate:?}");
}

/// What can be said before the head is whole.
fn judge_bounds(head: &[u8], is_whole: bool, limits: &HeadLimits, verdict: &mut Verdict) {
    let line_bytes = head.windows(2).position(|two| two == b"\r\n");
    let least = line_bytes.unwrap_or(head.len().saturating_sub(1));
    if least > limits.request_line_bytes_max {
        verdict.wrong.insert(name(RequestFault::RequestLineTooLong));
    }
    let missing = usize::from(!is_whole && !head.ends_with(b"\n"));
    if head.len() + missing > limits.head_bytes_max {
        verdict.wrong.insert(name(RequestFault::HeadTooLong));
    }
    let lines = head.windows(2).filter(|two| two == b"\r\n").count();
    if lines.saturating_sub(1 + usize::from(is_whole)) > limits.headers_max {
        verdict.wrong.insert(name(RequestFault::TooManyHeaders));
    }
    let is_bare = |at: usize| head[at] == b'\n' && (at == 0 || head[at - 1] != b'\r');
    if (0..head.len()).any(is_bare) || head.starts_with(b"\r\n") {
        verdict.wrong.insert(name(RequestFault::Malformed));
    }
}

fn read(head: &[u8]) -> Head<'_> {
    let mut lines = Vec::new();
    let mut rest = head;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    let mut is_well_formed = true;
    let mut fields = Vec::new();
    for line in &lines[1..] {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(0);
        let (field, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        is_well_formed &= is_token(field)
            && value.iter().all(|byte| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f);
        fields.push((String::from_utf8_lossy(field).to_ascii_lowercase(), value.trim_ascii()));
    }
    Head { line: lines[0], fields, is_well_formed }
}

/// RFC 9110, section 5.6.2.
fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9112, section 3.
fn judge_line(head: &Head<'_>, verdict: &mut Verdict) {
    let parts: Vec<&[u8]> = head.line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else {
        verdict.wrong.insert(name(RequestFault::Malformed));
        // Which of two wrong things is told is not said.
        verdict.doubtful.insert(name(RequestFault::HttpVersionNot11));
        verdict.doubtful.insert(name(RequestFault::MethodNotGet));
        return;
    };
    if method != b"GET" {
        verdict.wrong.insert(name(if is_token(method) {
            RequestFault::MethodNotGet
        } else {
            RequestFault::Malformed
        }));
        verdict.doubtful.insert(name(RequestFault::MethodNotGet));
    }
    match version {
        b"HTTP/1.1" => {}
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            verdict.wrong.insert(name(RequestFault::HttpVersionNot11));
        }
        _ => _ = verdict.wrong.insert(name(RequestFault::Malformed)),
    }
    // RFC 3986, section 3.3 and 3.4, without percent escapes gone wrong.
    let is_plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(byte);
    if !(target.starts_with(b"/") && target.iter().all(is_plain)) {
        verdict.doubtful.insert(name(RequestFault::Malformed));
    }
    let is_absolute = target.windows(3).any(|three| three == b"://");
    let is_wrong = !(target.starts_with(b"/") || is_absolute)
        || target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f || *byte == b'#');
    if is_wrong {
        verdict.wrong.insert(name(RequestFault::Malformed));
    }
}

fn judge_fields(head: &Head<'_>, verdict: &mut Verdict) {
    if !head.is_well_formed {
        verdict.wrong.insert(name(RequestFault::Malformed));
        // What stands where nothing is well formed is not said.
        for fault in [RequestFault::MethodNotGet, RequestFault::HttpVersionNot11] {
            verdict.doubtful.insert(name(fault));
        }
    }
    match values(head, "host")[..] {
        [] => _ = verdict.wrong.insert(name(RequestFault::HostMissing)),
        [host] => judge_host(host, verdict),
        _ => _ = verdict.wrong.insert(name(RequestFault::HostRepeated)),
    }
    let lengths = values(head, "content-length");
    let is_zero = |length: &&[u8]| !length.is_empty() && length.iter().all(|digit| *digit == b'0');
    if !lengths.iter().all(is_zero) || !values(head, "transfer-encoding").is_empty() {
        verdict.wrong.insert(name(RequestFault::BodyAnnounced));
    }
    if !asks_for_websocket(head) {
        return;
    }
    if values(head, "sec-websocket-version") != [b"13"] {
        verdict.wrong.insert(name(RequestFault::VersionNot13));
    }
    match values(head, "sec-websocket-key")[..] {
        [] => _ = verdict.wrong.insert(name(RequestFault::KeyMissing)),
        [key] if is_key(key) => {}
        [_] => _ = verdict.wrong.insert(name(RequestFault::KeyInvalid)),
        _ => _ = verdict.wrong.insert(name(RequestFault::KeyRepeated)),
    }
    let protocols = values(head, "sec-websocket-protocol").join(&b","[..]);
    let mut protocols = protocols.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if !protocols.all(|name| name.is_empty() || is_token(name)) {
        verdict.wrong.insert(name(RequestFault::SubprotocolsInvalid));
    }
    if !values(head, "sec-websocket-extensions").into_iter().all(lists_extensions) {
        verdict.wrong.insert(name(RequestFault::ExtensionsInvalid));
    }
}

/// RFC 6455, section 9.1, with the empty elements of RFC 9110, section 5.6.1.2.
fn lists_extensions(line: &[u8]) -> bool {
    let Some(line) = without_quotes(line) else { return false };
    let is_value = |value: &[u8]| value == QUOTED || is_token(value);
    let is_parameter = |part: &[u8]| match part.iter().position(|byte| *byte == b'=') {
        Some(at) => is_token(part[..at].trim_ascii()) && is_value(part[at + 1..].trim_ascii()),
        None => is_token(part),
    };
    line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(|extension| {
        let mut parts = extension.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        extension.is_empty() || parts.next().is_some_and(is_token) && parts.all(is_parameter)
    })
}

/// In the place of a quoted token: a byte that no line has.
const QUOTED: &[u8] = b"\0";

/// `None` if a quote is not closed, or what is quoted is no token.
fn without_quotes(line: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'"' {
            plain.push(byte);
            continue;
        }
        let mut quoted = Vec::new();
        loop {
            match bytes.next()? {
                b'"' => break,
                b'\\' => quoted.push(bytes.next()?),
                byte => quoted.push(byte),
            }
        }
        if !is_token(&quoted) {
            return None;
        }
        plain.extend(QUOTED);
    }
    Some(plain)
}

/// RFC 9110, section 7.2.
fn judge_host(host: &[u8], verdict: &mut Verdict) {
    let invalid = name(RequestFault::HostInvalid);
    let (bare, port) = match host.iter().rposition(|byte| *byte == b':') {
        Some(at) if !host.ends_with(b"]") => (&host[..at], Some(&host[at + 1..])),
        Some(_) | None => (host, None),
    };
    let port = port.map(|digits| str::from_utf8(digits).unwrap_or("?"));
    let port_is_valid = port.is_none_or(|digits| {
        digits.bytes().all(|digit| digit.is_ascii_digit())
            && (digits.is_empty() || digits.parse::<u16>().is_ok())
    });
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    if bare.is_empty() || !port_is_valid || bare.iter().any(|byte| b" /?#@\\".contains(byte)) {
        verdict.wrong.insert(invalid);
    } else if !bare.iter().all(is_name) {
        verdict.doubtful.insert(invalid);
    }
}

/// RFC 6455, section 4.2.1, items 3 and 4.
fn asks_for_websocket(head: &Head<'_>) -> bool {
    lists(head, "upgrade", b"websocket") && lists(head, "connection", b"upgrade")
}

fn lists(head: &Head<'_>, field: &str, token: &[u8]) -> bool {
    let joined = values(head, field).join(&b","[..]);
    joined.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

fn values<'a>(head: &Head<'a>, field: &str) -> Vec<&'a [u8]> {
    head.fields.iter().filter(|(name, _)| name == field).map(|(_, value)| *value).collect()
}

/// RFC 6455, section 4.2.1, item 5: 16 bytes in base64, of which the last four bits are none.
fn is_key(key: &[u8]) -> bool {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = key.strip_suffix(b"==").unwrap_or_default();
    let values: Option<Vec<usize>> =
        digits.iter().map(|digit| DIGITS.iter().position(|known| known == digit)).collect();
    values.is_some_and(|values| values.len() == 22 && values[21] % 16 == 0)
}

/// A fault's name, to be kept in a set.
fn name(fault: RequestFault) -> &'static str {
    match fault {
        RequestFault::Malformed => "malformed",
        RequestFault::RequestLineTooLong => "request line too long",
        RequestFault::HeadTooLong => "head too long",
        RequestFault::TooManyHeaders => "too many headers",
        RequestFault::MethodNotGet => "method",
        RequestFault::HttpVersionNot11 => "HTTP version",
        RequestFault::HostMissing => "host missing",
        RequestFault::HostRepeated => "host repeated",
        RequestFault::HostInvalid => "host invalid",
        RequestFault::BodyAnnounced => "body",
        RequestFault::VersionNot13 => "version",
        RequestFault::KeyMissing => "key missing",
        RequestFault::KeyRepeated => "key repeated",
        RequestFault::KeyInvalid => "key invalid",
        RequestFault::SubprotocolsInvalid => "subprotocols invalid",
        RequestFault::ExtensionsInvalid => "extensions invalid",
    }
}

/// Where tungstenite is meant to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It looks at the first line of `Upgrade` and `Connection` only, and takes `Upgrade` for one
    /// token. Both are lists, on as many lines as there are: RFC 9110, section 5.3.
    Lists,
    /// It takes a space in `Connection` for the end of a token; we take the request for a plain one.
    SpacedTokens,
    /// It takes what breaks a rule, as the naive reading of the head has found.
    Laxer,
}

/// Compares what came of the bytes with what tungstenite makes of the same head. Returns the
/// difference, if there is one that is meant.
pub(super) fn compare(bytes: &[u8], outcome: &Outcome) -> Option<Difference> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let theirs = TheirRequest::try_parse(&bytes[..end])
        .ok()
        .flatten()
        .and_then(|(taken, request)| (taken == end).then(|| create_response(&request).ok()))
        .flatten();
    match (outcome, theirs) {
        (Ok(Some((request, _))), theirs) if request.is_upgrade() => {
            let Some(theirs) = theirs else {
                let head = read(&bytes[..end - 4]);
                let first = |field| values(&head, field)[0].to_ascii_lowercase();
                let lists_upgrade = first("connection")
                    .split(|byte| b" ,".contains(byte))
                    .any(|item| item == b"upgrade");
                let is_ascii = first("connection").iter().all(|byte| *byte < 0x80);
                assert!(
                    first("upgrade") != b"websocket" || !lists_upgrade || !is_ascii,
                    "tungstenite refuses {}",
                    bytes.escape_ascii()
                );
                return Some(Difference::Lists);
            };
            let ours = switching_protocols(request, &Admission::default(), None);
            let ours = String::from_utf8(ours.expect("it is an upgrade")).expect("it is text");
            let accept = theirs.headers()["sec-websocket-accept"].to_str().expect("it is base64");
            assert!(ours.contains(&format!("\r\nsec-websocket-accept: {accept}\r\n")), "{ours}");
            None
        }
        (_, None) => None,
        (Ok(Some(_)), Some(_)) => Some(Difference::SpacedTokens),
        (Ok(None), Some(_)) => unreachable!("the head is whole"),
        (Err(_), Some(_)) => Some(Difference::Laxer),
    }
}
