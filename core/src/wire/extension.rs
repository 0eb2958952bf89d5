//! The grammar of `Sec-WebSocket-Extensions`: RFC 6455, section 9.1.

use http::{HeaderMap, header::SEC_WEBSOCKET_EXTENSIONS};

use super::token::{is_token_byte, token};

/// How many of the extensions that a peer lists are looked at.
const LISTED_MAX: usize = 16;

/// One extension that a peer offers or takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension<'a> {
    pub(super) name: &'a str,
    pub(super) parameters: Vec<Parameter<'a>>,
}

/// A parameter, with its value if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    /// Without the quotes that it may have had.
    pub(super) value: Option<String>,
}

/// A line breaks the grammar; what follows on it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Breach;

/// The extensions that the headers list, in order, at most 16. Of a line that breaks the grammar
/// what comes before the breach, and that there is one.
pub(super) fn listed(headers: &HeaderMap) -> impl Iterator<Item = Result<Extension<'_>, Breach>> {
    all(headers).take(LISTED_MAX)
}

/// Whether no line breaks the grammar.
pub(super) fn is_well_formed(headers: &HeaderMap) -> bool {
    all(headers).all(|extension| extension.is_ok())
}

fn all(headers: &HeaderMap) -> impl Iterator<Item = Result<Extension<'_>, Breach>> {
    headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().flat_map(|line| Line { rest: line.as_bytes() })
}

/// What has not been read of a line. Each byte is looked at once.
struct Line<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Line<'a> {
    type Item = Result<Extension<'a>, Breach>;

    fn next(&mut self) -> Option<Result<Extension<'a>, Breach>> {
        // A list may have empty elements: RFC 9110, section 5.6.1.2.
        while self.takes(b',') {}
        if self.rest.is_empty() {
            return None;
        }
        let extension = self.extension().ok_or(Breach);
        if extension.is_err() {
            self.rest = &[];
        }
        Some(extension)
    }
}

impl<'a> Line<'a> {
    /// Up to its comma or the end of the line.
    fn extension(&mut self) -> Option<Extension<'a>> {
        let mut extension = Extension { name: self.token()?, parameters: Vec::new() };
        while self.takes(b';') {
            let name = self.token()?;
            let value = if self.takes(b'=') { Some(self.value()?) } else { None };
            extension.parameters.push(Parameter { name, value });
        }
        (self.takes(b',') || self.rest.is_empty()).then_some(extension)
    }

    fn value(&mut self) -> Option<String> {
        self.skip_space();
        match self.rest.strip_prefix(b"\"") {
            Some(rest) => {
                self.rest = rest;
                self.quoted()
            }
            None => self.token().map(str::to_owned),
        }
    }

    /// What stands before the closing quote; without quotes and escapes it must be a token.
    fn quoted(&mut self) -> Option<String> {
        let mut value = Vec::new();
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return token(&value).map(str::to_owned),
                b'\\' => {
                    let (&escaped, rest) = self.rest.split_first()?;
                    self.rest = rest;
                    value.push(escaped);
                }
                _ => value.push(byte),
            }
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        self.skip_space();
        let length = self.rest.iter().take_while(|byte| is_token_byte(**byte)).count();
        let (found, rest) = self.rest.split_at(length);
        self.rest = rest;
        token(found)
    }

    /// Takes `byte` and the space before it, if it comes next.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        let space = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.rest = &self.rest[space..];
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The extensions of these lines, written the plain way.
    fn read(lines: &[&[u8]]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_bytes(line).unwrap());
        }
        let plain = |extension: Extension<'_>| {
            extension.parameters.iter().fold(extension.name.to_owned(), |text, parameter| {
                let value = parameter.value.as_ref().map(|value| format!("={value}"));
                text + ";" + parameter.name + &value.unwrap_or_default()
            })
        };
        listed(&headers).flatten().map(plain).collect()
    }

    #[test]
    fn extensions_come_with_their_parameters_from_all_lines() {
        assert_eq!(read(&[b"a; x=1;y , b", b"", b" ,\t,c ;z = \"q\" "]), ["a;x=1;y", "b", "c;z=q"]);
    }

    #[test]
    fn a_quoted_value_is_a_token_without_its_quotes() {
        assert_eq!(read(&[br#"a; x="1\0""#]), ["a;x=10"]);
        for broken in [&br#"a; x="""#[..], br#"a; x="1 0""#, br#"a; x="1"#, br#"a; x="1\"#] {
            assert_eq!(read(&[broken]), [""; 0], "{}", broken.escape_ascii());
        }
    }

    #[test]
    fn what_stands_before_a_breach_is_kept_and_the_next_line_is_read() {
        for broken in [&b"a, b c, d"[..], b"a, ;, d", b"a, b;=, d", b"a, b; x=, d", b"a, \xff, d"] {
            assert_eq!(read(&[broken, b"e"]), ["a", "e"], "{}", broken.escape_ascii());
            let mut headers = HeaderMap::new();
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_bytes(broken).unwrap());
            assert_eq!(listed(&headers).nth(1), Some(Err(Breach)), "{}", broken.escape_ascii());
            assert_eq!(listed(&headers).count(), 2, "{}", broken.escape_ascii());
            assert!(!is_well_formed(&headers), "{}", broken.escape_ascii());
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let list = (0..1000).map(|n| format!("e{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(read(&[list.as_bytes()]).len(), LISTED_MAX);
        let mut headers = HeaderMap::new();
        for (line, is_well_formed) in [(list, true), (String::new(), true), ("a b".into(), false)] {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, line.parse().unwrap());
            assert_eq!(super::is_well_formed(&headers), is_well_formed, "also behind the cut");
        }
    }
}
