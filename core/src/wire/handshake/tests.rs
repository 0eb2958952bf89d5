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
        String::from_utf8(answer).unwrap().contains("\r\nsec-websocket-protocol: superchat\r\n")
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
    for line in ["Bad Name: x", "Bad\u{e9}: x", "No colon: x\r\nhere", "X: a\r\n folded", "X: \0"] {
        assert_eq!(read(&upgrade(&[line])).err(), Some(RequestFault::Malformed), "{line:?}");
    }
    let many = (0..125).map(|n| format!("X-{n}: x")).collect::<Vec<_>>().join("\r\n");
    assert_eq!(read(&upgrade(&[&many])).err(), Some(RequestFault::TooManyHeaders));
}
