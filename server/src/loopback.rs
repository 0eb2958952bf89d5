//! What is meant for this machine only.

use std::net::IpAddr;

use fanlight_core::{PeerAddr, Request, http::uri::Authority};

/// Whether `ip` is reached from this machine only. An IPv4 address may come dressed as IPv6.
pub(crate) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Whether a program on this machine asks, and asks this machine by a name of its own.
///
/// The address alone would not do: a proxy on this machine passes on what strangers ask, and a web
/// page can have its own name resolve to this machine. Both leave a foreign name in Host.
pub(crate) fn is_asked_by(request: &Request) -> bool {
    let peer_is_here = match request.peer() {
        PeerAddr::Inet(peer) => is_loopback(peer.ip()),
        // A Unix socket.
        PeerAddr::Unnamed => true,
    };
    peer_is_here && names_loopback(request.host())
}

/// Whether `host`, as a Host header has it, is a name or an address of this machine.
pub(crate) fn names_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let ip = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || ip.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known_with_and_without_a_port() {
        for host in
            ["localhost", "LocalHost:9000", "127.0.0.1", "127.8.8.8:80", "[::1]", "[::1]:9000"]
        {
            assert!(names_loopback(host), "{host}");
        }
    }

    #[test]
    fn other_names_are_foreign() {
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "192.0.2.1:9000",
            "[2001:db8::1]",
            "[::1",
            "a b",
        ] {
            assert!(!names_loopback(host), "{host}");
        }
    }

    #[test]
    fn loopback_in_the_dress_of_ipv6_is_loopback() {
        assert!(is_loopback("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!is_loopback("::ffff:192.0.2.1".parse().unwrap()));
        assert!(!is_loopback("0.0.0.0".parse().unwrap()));
    }
}
