//! The binary as its users meet it: started, spoken to by clients that are not ours, and stopped.

#![cfg(unix)] // for its signals
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod centrifugo;
mod process;
mod ways;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Instant,
};

use process::{Client, Fanlight, WAIT_MAX};
use rustix::process::Signal;
use tungstenite::{Bytes, Message, http::StatusCode, protocol::frame::coding::CloseCode};

/// What --runtime can name.
const RUNTIMES: &[&str] = &[
    #[cfg(feature = "tokio")]
    "tokio",
    #[cfg(feature = "smol")]
    "smol",
];

fn status_of(refused: Result<Client, StatusCode>) -> u16 {
    refused.map_or_else(|status| status.as_u16(), |_| 101)
}

/// The head and the body of the answer to a plain request.
fn get(fanlight: &Fanlight, path: &str, host: &str) -> (String, String) {
    let mut stream = TcpStream::connect(fanlight.address()).unwrap();
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn echo_sends_each_message_back() {
    RUNTIMES.iter().for_each(|runtime| echo_sends_each_message_back_on(runtime));
}

fn echo_sends_each_message_back_on(runtime: &str) {
    let fanlight = Fanlight::start(&["--shards", "1", "--runtime", runtime]);
    let mut client = fanlight.connect("/echo", None).unwrap();
    let long = "long ".repeat(40_000);
    let messages = [
        Message::text("hello"),
        Message::text(""),
        Message::text("grüße, 世界"),
        Message::binary(vec![0, 255, 1]),
        Message::text(long),
    ];
    for message in messages {
        client.send(message.clone()).unwrap();
        assert_eq!(client.read().unwrap(), message);
    }
    client.send(Message::Ping(Bytes::from_static(b"still there?"))).unwrap();
    assert_eq!(client.read().unwrap(), Message::Pong(Bytes::from_static(b"still there?")));
}

#[test]
fn broadcast_sends_each_message_to_everyone_there_in_one_order() {
    RUNTIMES.iter().for_each(|runtime| broadcast_has_one_order_on(runtime));
}

fn broadcast_has_one_order_on(runtime: &str) {
    let fanlight = Fanlight::start(&["--shards", "3", "--runtime", runtime]);
    let mut clients: Vec<Client> =
        (0..3).map(|_| fanlight.connect("/broadcast", None).unwrap()).collect();
    // Each hears itself once it is a member, so after this round all three are.
    for client in &mut clients {
        client.send(Message::text("here")).unwrap();
        while client.read().unwrap() != Message::text("here") {}
    }
    for (index, client) in clients.iter_mut().enumerate() {
        for number in 0..20 {
            client.send(Message::text(format!("{index}: {number}"))).unwrap();
        }
    }
    let heard: Vec<Vec<Message>> = clients
        .iter_mut()
        .map(|client| {
            std::iter::repeat_with(|| client.read().unwrap())
                .filter(|message| *message != Message::text("here"))
                .take(60)
                .collect()
        })
        .collect();
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
    for index in 0..3 {
        let own: Vec<&Message> = heard[0]
            .iter()
            .filter(|message| message.to_text().unwrap().starts_with(&format!("{index}: ")))
            .collect();
        let sent: Vec<Message> =
            (0..20).map(|number| Message::text(format!("{index}: {number}"))).collect();
        assert_eq!(own, sent.iter().collect::<Vec<_>>(), "what one said keeps its order");
    }
}

#[test]
fn an_echo_is_nobody_elses_and_a_broadcast_does_not_reach_it() {
    let fanlight = Fanlight::start(&[]);
    let mut echo = fanlight.connect("/echo", None).unwrap();
    let mut broadcast = fanlight.connect("/broadcast", None).unwrap();
    broadcast.send(Message::text("to all")).unwrap();
    assert_eq!(broadcast.read().unwrap(), Message::text("to all"));
    echo.send(Message::text("to me")).unwrap();
    assert_eq!(echo.read().unwrap(), Message::text("to me"));
    broadcast.send(Message::text("again")).unwrap();
    assert_eq!(broadcast.read().unwrap(), Message::text("again"));
}

#[test]
fn what_is_not_there_is_404_and_an_endpoint_without_upgrade_is_426() {
    let fanlight = Fanlight::start(&[]);
    let host = fanlight.address().to_string();
    for path in ["/nowhere", "/echo/", "/ECHO", "/favicon.ico"] {
        assert!(get(&fanlight, path, &host).0.starts_with("HTTP/1.1 404 "), "{path}");
    }
    for path in ["/", "/nowhere", "/healthz", "/stats"] {
        assert_eq!(status_of(fanlight.connect(path, None)), 404, "upgrade of {path}");
    }
    for path in ["/echo", "/broadcast"] {
        let (head, _) = get(&fanlight, path, &host);
        assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
        assert!(head.to_ascii_lowercase().contains("\r\nupgrade: websocket"), "{head}");
    }
}

#[test]
fn a_page_of_another_site_is_403() {
    let fanlight = Fanlight::start(&[]);
    let own = format!("http://{}", fanlight.address());
    assert_eq!(status_of(fanlight.connect("/echo", Some(&own))), 101);
    for foreign in ["http://example.com", "null", "", &format!("{own}.example.com")] {
        for path in ["/echo", "/broadcast"] {
            assert_eq!(status_of(fanlight.connect(path, Some(foreign))), 403, "{foreign:?}");
        }
    }
}

#[test]
fn listed_origins_may_connect_and_no_others() {
    let fanlight = Fanlight::start(&[
        "--allow-origin",
        "https://example.com",
        "--allow-origin",
        "http://localhost:3000",
    ]);
    for (origin, status) in [
        (None, 101),
        (Some("https://example.com"), 101),
        (Some("http://localhost:3000"), 101),
        (Some("http://example.com"), 403),
        (Some("https://example.com:444"), 403),
        (Some("https://www.example.com"), 403),
        (Some("null"), 403),
    ] {
        assert_eq!(status_of(fanlight.connect("/echo", origin)), status, "{origin:?}");
    }
}

#[test]
fn a_star_lets_every_origin_in() {
    let fanlight = Fanlight::start(&["--allow-origin", "*"]);
    for origin in ["http://example.com", "null"] {
        assert_eq!(status_of(fanlight.connect("/echo", Some(origin))), 101, "{origin}");
    }
}

#[test]
fn health_figures_and_page_are_told_over_http() {
    let fanlight = Fanlight::start(&["--shards", "2"]);
    let host = fanlight.address().to_string();
    let (head, body) = get(&fanlight, "/healthz", &host);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, "ok");

    let (head, body) = get(&fanlight, "/", &host);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("\r\ncontent-type: text/html; charset=utf-8"), "{head}");
    assert!(head.contains("\r\ncontent-security-policy: default-src 'none'"), "{head}");
    assert!(head.contains("\r\nx-content-type-options: nosniff"), "{head}");
    assert!(body.starts_with("<!doctype html>") && body.ends_with("</html>\n"), "{body}");

    let mut clients: Vec<Client> =
        (0..4).map(|_| fanlight.connect("/echo", None).unwrap()).collect();
    for client in &mut clients {
        client.send(Message::text("counted")).unwrap();
        client.read().unwrap();
    }
    wait_for_figure(&fanlight, "open", 4);
    wait_for_figure(&fanlight, "received_messages", 4);
    let (head, _) = get(&fanlight, "/stats", "example.com");
    assert!(head.starts_with("HTTP/1.1 404 "), "asked by another name: {head}");
}

/// A shard shows its figures at the end of a turn, so they may come a little late.
fn wait_for_figure(fanlight: &Fanlight, name: &str, value: u64) {
    let expected = format!("{name} {value}");
    let begun = Instant::now();
    loop {
        let (head, body) = get(fanlight, "/stats", &fanlight.address().to_string());
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        if body.lines().any(|line| line == expected) {
            return;
        }
        assert!(begun.elapsed() < WAIT_MAX, "no {expected:?} in {body}");
    }
}

#[test]
fn a_setting_on_the_command_line_bounds_what_peers_do() {
    let fanlight = Fanlight::start(&["--message-bytes-max", "16", "--ping-interval", "50ms"]);
    let mut client = fanlight.connect("/echo", None).unwrap();
    assert!(matches!(client.read().unwrap(), Message::Ping(_)));
    client.send(Message::text("x".repeat(17))).unwrap();
    assert_eq!(process::close_code(&mut client), Some(CloseCode::Size));
}

#[test]
fn a_signal_tells_everyone_to_go_and_ends_with_0() {
    for (signal, runtime) in [Signal::TERM, Signal::INT]
        .into_iter()
        .flat_map(|signal| RUNTIMES.iter().map(move |runtime| (signal, runtime)))
    {
        let args = ["--shards", "2", "--drain-over", "100ms", "--runtime", runtime];
        let mut fanlight = Fanlight::start(&args);
        let mut clients: Vec<Client> = ["/echo", "/broadcast", "/echo"]
            .into_iter()
            .map(|path| fanlight.connect(path, None).unwrap())
            .collect();
        fanlight.signal(signal);
        for client in &mut clients {
            assert_eq!(process::close_code(client), Some(CloseCode::Away));
        }
        assert_eq!(fanlight.exit_code(), Some(0), "{signal:?} on {runtime}");
    }
}

#[test]
fn a_drain_ends_though_a_peer_does_not_answer() {
    for runtime in RUNTIMES {
        let args = ["--drain-over", "0s", "--drain-timeout", "300ms", "--runtime", runtime];
        let mut fanlight = Fanlight::start(&args);
        let _silent = fanlight.connect("/echo", None).unwrap();
        let _half = TcpStream::connect(fanlight.address()).unwrap();
        fanlight.signal(Signal::TERM);
        assert_eq!(fanlight.exit_code(), Some(0), "{runtime}");
    }
}

#[test]
fn an_address_in_use_is_named_and_ends_with_1() {
    let first = Fanlight::start(&[]);
    let address = first.address().to_string();
    let output = Fanlight::output(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&address) && said.contains("in use"), "{said}");
}

#[test]
fn wrong_options_end_with_2_and_help_with_0() {
    for args in [
        &["--listen", "0.0.0.0:0"][..],
        &["--ping-jitter-percent", "200"],
        &["--message-bytes-max", "8MiB"],
        &["--allow-origin", "null"],
        &["--nonsense"],
    ] {
        let output = Fanlight::output(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{args:?}");
    }
    assert_eq!(Fanlight::output(&["--help"]).status.code(), Some(0));
    assert_eq!(Fanlight::output(&["--version"]).status.code(), Some(0));
}
