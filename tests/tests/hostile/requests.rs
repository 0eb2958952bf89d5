//! A3 to A9 and A11: requests that are not to be taken, or not wholly.

use fanlight_sim::frame::{TEXT, masked};
use fanlight_tests::victim::Victim;

use crate::{
    request::{get, head, upgrade, upgrade_after, upgrade_of},
    row::{Gets, Row, bye, play},
};

pub(crate) fn rows() -> Vec<Row> {
    [methods_and_versions(), keys_and_hosts(), bodies(), followed(), offers(), paths()]
        .into_iter()
        .flatten()
        .collect()
}

const BAD: Gets = Gets::Answer(400, &[]);
const PONG: u8 = 0xa;
const NO_OFFER: &[&str] = &["sec-websocket-protocol", "sec-websocket-extensions"];
const TO_WEBSOCKET: Gets =
    Gets::Answer(426, &[("upgrade", "websocket"), ("sec-websocket-version", "13")]);

fn methods_and_versions() -> Vec<Row> {
    let first = |line: &str| upgrade_after(line, &[]);
    let not_get = || Gets::Answer(405, &[("allow", "GET")]);
    let not_11 = || Gets::Answer(505, &[]);
    vec![
        Row::request("A3 POST", first("POST /echo HTTP/1.1"), not_get()),
        Row::request("A3 HEAD", first("HEAD /echo HTTP/1.1"), not_get()),
        Row::request("A3 CONNECT", first("CONNECT /echo HTTP/1.1"), not_get()),
        Row::request("A3 get", first("get /echo HTTP/1.1"), not_get()),
        Row::request("A3 HTTP/1.0", first("GET /echo HTTP/1.0"), not_11()),
        Row::request("A3 HTTP/1.2", first("GET /echo HTTP/1.2"), not_11()),
        Row::request("A3 HTTP/2", head(&["PRI * HTTP/2.0", "", "SM"]), not_11()),
        Row::request("A3 HTTP/0.9", b"GET /echo\r\n\r\n".to_vec(), BAD),
        Row::request("A3 lines end with a line feed", b"GET / HTTP/1.1\nHost: a\n\n".into(), BAD),
        Row::request("A3 a blank line first", [b"\r\n", &get("/")[..]].concat(), BAD),
        Row::request("A3 TLS", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\r\n\r\n".to_vec(), BAD),
        Row::request("A3 no upgrade", get("/echo"), TO_WEBSOCKET),
        Row::request("A3 Upgrade missing", upgrade(&["Upgrade"]), TO_WEBSOCKET),
        Row::request("A3 Connection missing", upgrade(&["Connection"]), TO_WEBSOCKET),
        Row::request("A3 h2c", upgrade(&["Upgrade: h2c"]), TO_WEBSOCKET),
        Row::request("A3 version 8", upgrade(&["Sec-WebSocket-Version: 8"]), TO_WEBSOCKET),
        Row::request("A3 version 7", upgrade(&["Sec-WebSocket-Version: 7"]), TO_WEBSOCKET),
        Row::request("A3 version 013", upgrade(&["Sec-WebSocket-Version: 013"]), TO_WEBSOCKET),
        Row::request("A3 no version", upgrade(&["Sec-WebSocket-Version"]), TO_WEBSOCKET),
        Row::request(
            "A3 two versions",
            upgrade(&["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"]),
            TO_WEBSOCKET,
        ),
    ]
}

fn keys_and_hosts() -> Vec<Row> {
    let key = |key: &str| upgrade(&[&format!("Sec-WebSocket-Key: {key}")]);
    let host = |host: &str| upgrade(&[&format!("Host: {host}")]);
    vec![
        Row::request("A4 no key", upgrade(&["Sec-WebSocket-Key"]), BAD),
        Row::request(
            "A4 two keys",
            upgrade(&[
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==",
            ]),
            BAD,
        ),
        Row::request("A4 an empty key", key(""), BAD),
        Row::request("A4 15 bytes", key("dGhlIHNhbXBsZSBub25j"), BAD),
        Row::request("A4 17 bytes", key("dGhlIHNhbXBsZSBub25jZWU="), BAD),
        Row::request("A4 no padding", key("dGhlIHNhbXBsZSBub25jZQ"), BAD),
        Row::request("A4 bits past the end", key("dGhlIHNhbXBsZSBub25jZR=="), BAD),
        Row::request("A4 not base64", key("dGhlIHNhbXBsZSBub25j*Q=="), BAD),
        Row::request("A4 bytes past ASCII in the key", key("dGhlIHNhbXBsZSBub25j\u{ff}Q=="), BAD),
        Row::request("A4 no Host", upgrade(&["Host"]), BAD),
        Row::request("A4 two Hosts", upgrade(&["Host: a", "Host: b"]), BAD),
        Row::request("A4 the same Host twice", upgrade(&["Host: a", "Host: a"]), BAD),
        Row::request("A4 an empty Host", host(""), BAD),
        Row::request("A4 a Host with a path", host("a/b"), BAD),
        Row::request("A4 a Host with a user", host("user@a"), BAD),
        Row::request("A4 a Host with a wrong port", host("a:65536"), BAD),
        Row::request("A4 bytes past ASCII in the Host", host("\u{e9}.example"), BAD),
    ]
}

fn bodies() -> Vec<Row> {
    let with_body = |lines: &[&str]| [upgrade(lines), b"5\r\nhello\r\n0\r\n\r\n".to_vec()].concat();
    let length = "Content-Length: 15";
    let chunked = "Transfer-Encoding: chunked";
    vec![
        Row::request("A5 Content-Length", with_body(&[length]), BAD),
        Row::request("A5 Transfer-Encoding", with_body(&[chunked]), BAD),
        Row::request("A5 both", with_body(&[length, chunked]), BAD),
        Row::request("A5 a body that does not come", upgrade(&["Content-Length: 999999999"]), BAD),
        Row::request(
            "A5 a length past 64 bits",
            upgrade(&["Content-Length: 99999999999999999999"]),
            BAD,
        ),
        Row::request("A5 no number", upgrade(&["Content-Length: x"]), BAD),
        Row::request("A5 less than nothing", upgrade(&["Content-Length: -1"]), BAD),
        Row::request("A5 two lengths", upgrade(&["Content-Length: 0", "Content-Length: 5"]), BAD),
        Row::request("A5 identity", upgrade(&["Transfer-Encoding: identity"]), BAD),
        Row::request("A5 a space before the colon", upgrade(&["Content-Length : 5"]), BAD),
        Row::request("A5 a folded line", upgrade(&["X: a\r\n Content-Length: 5"]), BAD),
        Row::request("A5 no body", upgrade(&["Content-Length: 0"]), Gets::Upgrade(&[])),
    ]
}

/// What comes right behind the head: frames if it is taken, nothing if it is not.
fn followed() -> Vec<Row> {
    let behind = |head: Vec<u8>, more: Vec<u8>| [head, more].concat();
    let page = || get("/healthz");
    let echo = [masked(0x81, b"at once"), bye()].concat();
    let ping = [masked(0x89, b"early"), bye()].concat();
    vec![
        Row::request("A6 frames behind an upgrade", behind(upgrade(&[]), echo.clone()), {
            Gets::echo(TEXT, *b"at once")
        }),
        Row::request("A6 a ping behind an upgrade", behind(upgrade(&[]), ping), {
            Gets::echo(PONG, *b"early")
        }),
        Row::request("A6 frames behind a 404", behind(upgrade_of("/x"), echo), not_found()),
        Row::request("A6 a request behind a 404", behind(upgrade_of("/x"), page()), not_found()),
        Row::request(
            "A6 a request behind a 426",
            behind(upgrade(&["Sec-WebSocket-Version: 8"]), page()),
            TO_WEBSOCKET,
        ),
        Row::request("A6 a request behind a 400", behind(upgrade(&["Host"]), page()), BAD),
        Row::request(
            "A6 a request behind an upgrade",
            behind(upgrade(&[]), page()),
            // "G" is a text frame's first byte with a reserved bit, and not final.
            Gets::Close(1002),
        ),
        Row::request("A7 two requests", page().repeat(2), Gets::Answer(200, &[])),
        Row::request("A7 1000 requests", page().repeat(1000), Gets::Answer(200, &[])),
        Row::request(
            "A7 an upgrade behind a page",
            behind(page(), upgrade(&[])),
            Gets::Answer(200, &[]),
        ),
    ]
}

fn offers() -> Vec<Row> {
    let taken = || Gets::Upgrade(NO_OFFER);
    let protocol = |value: &str| upgrade(&[&format!("Sec-WebSocket-Protocol: {value}")]);
    let extensions = |value: &str| upgrade(&[&format!("Sec-WebSocket-Extensions: {value}")]);
    let past_ascii: String = ('\u{80}'..='\u{ff}').collect();
    let names: Vec<String> = (0..1000).map(|n| format!("protocol{n}")).collect();
    vec![
        Row::request("A8 bytes past ASCII offered as protocols", protocol(&past_ascii), BAD),
        Row::request("A8 such an extension", extensions(&past_ascii), BAD),
        Row::request(
            "A8 such a parameter",
            extensions(&format!("permessage-deflate; {past_ascii}={past_ascii}")),
            BAD,
        ),
        Row::request("A8 overlong UTF-8", protocol("\u{c0}\u{80}, \u{f8}\u{88}"), BAD),
        Row::request("A9 1000 protocols", protocol(&names.join(",")), taken()),
        Row::request("A9 15,000 commas", protocol(&",".repeat(15_000)), taken()),
        Row::request("A9 15,000 spaces", protocol(&format!("a{}b", " ".repeat(15_000))), BAD),
        Row::request("A9 an empty protocol", protocol(""), taken()),
        Row::request("A9 1000 extensions", extensions(&names.join("; a=1, ")[..15_000]), taken()),
        Row::request(
            "A9 an open quote",
            extensions(&format!("a; b=\"{}", "\\\"".repeat(7000))),
            BAD,
        ),
        Row::request(
            "A9 parameters unknown and repeated",
            extensions(
                "permessage-deflate; a; client_max_window_bits=7; client_max_window_bits=99",
            ),
            taken(),
        ),
    ]
}

fn not_found() -> Gets {
    Gets::Answer(404, &[])
}

/// A11: who may not come in costs the server no more than the answer.
fn paths() -> Vec<Row> {
    let page_of_another = Gets::Answer(403, &[]);
    vec![
        Row::request("A11 an upgrade of nothing", upgrade_of("/nowhere"), not_found())
            .costs(8 << 10),
        Row::request("A11 an upgrade of a page", upgrade_of("/stats"), not_found()).costs(8 << 10),
        Row::request("A11 a way out", upgrade_of("/../../etc/passwd"), not_found()).costs(8 << 10),
        Row::request("A11 escapes", upgrade_of("/%65cho%00%0d%0a"), not_found()).costs(8 << 10),
        Row::request(
            "A11 another site's page",
            upgrade(&["Origin: https://evil.example"]),
            page_of_another,
        )
        .costs(8 << 10),
        Row::request("A11 a fragment", upgrade_of("/echo#x"), BAD).costs(8 << 10),
        Row::request("A11 no path", upgrade_of("echo"), BAD).costs(8 << 10),
    ]
}

#[test]
fn requests_are_answered_in_full_and_once() {
    play(&Victim::start("--shards 1"), &rows());
}
