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

/// On loopback the host must have a name that only this machine has: a stranger's page can have its
/// own name resolve to here.
#[test]
fn by_default_pages_of_the_same_host_may_come_in() {
    let cases: &[Case] = &[
        ("A10 no page", &[], true),
        ("A10 the same host", &["Host: localhost", "Origin: https://localhost"], true),
        ("A10 in other case", &["Host: localhost", "Origin: HTTP://LocalHost"], true),
        ("A10 with the default port", &["Host: localhost", "Origin: https://localhost:443"], true),
        ("A10 the same name, bound to loopback", &["Origin: https://server.example.com"], false),
        ("A10 foreign", &["Origin: https://evil.example"], false),
        ("A10 null", &["Origin: null"], false),
        ("A10 another port", &["Host: localhost", "Origin: http://localhost:8080"], false),
        (
            "A10 a longer name",
            &["Host: localhost", "Origin: https://localhost.evil.example"],
            false,
        ),
        ("A10 a name before", &["Host: localhost", "Origin: https://evillocalhost"], false),
        ("A10 a user", &["Host: localhost", "Origin: https://localhost@evil.example"], false),
        ("A10 a path", &["Host: localhost", "Origin: https://localhost/x"], false),
        ("A10 another scheme", &["Host: localhost", "Origin: file://localhost"], false),
        ("A10 no scheme", &["Host: localhost", "Origin: localhost"], false),
        ("A10 empty", &["Origin: "], false),
        ("A10 a star", &["Origin: *"], false),
        ("A10 bytes past ASCII", &["Host: localhost", "Origin: https://localhost\u{e9}"], false),
        (
            "A10 two",
            &["Host: localhost", "Origin: https://localhost", "Origin: https://evil.example"],
            false,
        ),
        (
            "A10 a list",
            &["Host: localhost", "Origin: https://localhost, https://evil.example"],
            false,
        ),
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
