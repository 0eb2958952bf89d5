//! A10: pages of other sites.

use fanlight_tests::victim::Victim;

use crate::{
    request::upgrade,
    row::{Gets, Row, play},
};

/// A name, the lines that say the origin, and whether it may come in.
type Case = (&'static str, &'static [&'static str], bool);

fn rows(cases: &[Case]) -> Vec<Row> {
    let row = |&(name, lines, may): &Case| {
        let gets = if may { Gets::Upgrade(&[]) } else { Gets::Answer(403, &[]) };
        Row::request(name, upgrade(lines), gets)
    };
    cases.iter().map(row).collect()
}

#[test]
fn by_default_pages_of_the_same_host_may_come_in() {
    let cases: &[Case] = &[
        ("A10 no page", &[], true),
        ("A10 the same host", &["Origin: https://server.example.com"], true),
        ("A10 in other case", &["Origin: HTTP://Server.Example.COM"], true),
        ("A10 with the default port", &["Origin: https://server.example.com:443"], true),
        ("A10 foreign", &["Origin: https://evil.example"], false),
        ("A10 null", &["Origin: null"], false),
        ("A10 another port", &["Origin: http://server.example.com:8080"], false),
        ("A10 a longer name", &["Origin: https://server.example.com.evil.example"], false),
        ("A10 a name before", &["Origin: https://evilserver.example.com"], false),
        ("A10 a user", &["Origin: https://server.example.com@evil.example"], false),
        ("A10 a path", &["Origin: https://server.example.com/x"], false),
        ("A10 another scheme", &["Origin: file://server.example.com"], false),
        ("A10 no scheme", &["Origin: server.example.com"], false),
        ("A10 empty", &["Origin: "], false),
        ("A10 a star", &["Origin: *"], false),
        ("A10 bytes past ASCII", &["Origin: https://server.example.com\u{e9}"], false),
        ("A10 two", &["Origin: https://server.example.com", "Origin: https://evil.example"], false),
        ("A10 a list", &["Origin: https://server.example.com, https://evil.example"], false),
        (
            "A10 loopback is nothing special",
            &["Host: server.example.com", "Origin: http://127.0.0.1"],
            false,
        ),
    ];
    play(&Victim::start("--shards 1"), &rows(cases));
}

#[test]
fn with_a_list_pages_of_these_origins_may_come_in() {
    let cases: &[Case] = &[
        ("A10 no page", &[], true),
        ("A10 listed", &["Origin: https://app.example.com"], true),
        ("A10 listed with a port", &["Origin: http://localhost:3000"], true),
        ("A10 another scheme", &["Origin: http://app.example.com"], false),
        ("A10 another port", &["Origin: https://app.example.com:444"], false),
        ("A10 no port", &["Origin: http://localhost"], false),
        ("A10 the same host, not listed", &["Origin: https://server.example.com"], false),
        ("A10 above", &["Origin: https://example.com"], false),
        ("A10 below", &["Origin: https://x.app.example.com"], false),
        ("A10 null", &["Origin: null"], false),
    ];
    let options = "--shards 1 --allow-origin https://app.example.com \
                   --allow-origin http://localhost:3000";
    play(&Victim::start(options), &rows(cases));
}

#[test]
fn with_a_star_every_page_may_come_in() {
    let cases: &[Case] = &[
        ("A10 foreign, any allowed", &["Origin: https://evil.example"], true),
        ("A10 null, any allowed", &["Origin: null"], true),
    ];
    play(&Victim::start("--shards 1 --allow-origin *"), &rows(cases));
}
