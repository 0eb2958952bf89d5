//! Request heads, right and wrong.

/// The upgrade of RFC 6455, section 1.3, to `/echo`.
const UPGRADE: [&str; 6] = [
    "GET /echo HTTP/1.1",
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// What the key above must be answered with.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// An upgrade to `/echo` with these lines added, each in place of those of the same name. A name
/// alone only takes these away. A character is sent as the one byte of its number.
pub(crate) fn upgrade(lines: &[&str]) -> Vec<u8> {
    upgrade_after(UPGRADE[0], lines)
}

/// An upgrade of another path.
pub(crate) fn upgrade_of(path: &str) -> Vec<u8> {
    upgrade_after(&format!("GET {path} HTTP/1.1"), &[])
}

/// An upgrade with another first line.
pub(crate) fn upgrade_after(first: &str, lines: &[&str]) -> Vec<u8> {
    let name = |line: &str| line.split(':').next().map(str::to_ascii_lowercase);
    let is_kept = |kept: &&str| lines.iter().all(|line| name(line) != name(kept));
    let usual = UPGRADE[1..].iter().copied().filter(is_kept);
    let added = lines.iter().copied().filter(|line| line.contains(':'));
    head(&[first].into_iter().chain(usual).chain(added).collect::<Vec<_>>())
}

/// A plain request for a page.
pub(crate) fn get(path: &str) -> Vec<u8> {
    head(&[&format!("GET {path} HTTP/1.1"), UPGRADE[1]])
}

/// These lines and a blank one.
pub(crate) fn head(lines: &[&str]) -> Vec<u8> {
    let byte = |char: char| u8::try_from(u32::from(char)).unwrap();
    (lines.join("\r\n") + "\r\n\r\n").chars().map(byte).collect()
}
