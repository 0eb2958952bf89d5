//! Takes the first bytes of a connection until they are a request.

use std::mem;

use super::{HeadLimits, Request, RequestFault, handshake, head::HeadScan};

/// Finds a request head in bytes as they trickle in: RFC 6455, section 4.2.1.
///
/// Each byte is looked at once, and the bounds are kept while they come. Nothing is allocated
/// before the first byte, and nothing is held after the last; a head that comes in one piece is not
/// copied.
#[derive(Debug)]
pub struct Upgrade {
    limits: HeadLimits,
    scan: HeadScan,
    /// What has come of a head that is not whole.
    head: Vec<u8>,
    /// How it ended. There is no second request on a connection.
    ended: Option<Result<(), RequestFault>>,
}

impl Upgrade {
    /// Waits for the first byte.
    pub fn new(limits: HeadLimits) -> Self {
        Self { limits, scan: HeadScan::default(), head: Vec::new(), ended: None }
    }

    /// Whether any byte has come.
    pub fn has_begun(&self) -> bool {
        self.scan.has_begun()
    }

    /// Takes the next bytes. Once the head is whole: the request, and how many of `bytes` belong to
    /// it. What follows them are frames if the request is taken, and nothing if it is not.
    ///
    /// After that it takes nothing and says `None`.
    ///
    /// # Errors
    ///
    /// The first thing found wrong; the same again at each later call.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<(Request, usize)>, RequestFault> {
        if let Some(ended) = self.ended {
            return ended.map(|()| None);
        }
        let outcome = self.advance(bytes);
        if !matches!(outcome, Ok(None)) {
            self.head = Vec::new();
            self.ended = Some(outcome.as_ref().map(|_| ()).map_err(|fault| *fault));
        }
        outcome
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<(Request, usize)>, RequestFault> {
        let Some(end) = self.scan.advance(bytes, &self.limits)? else {
            self.head.extend_from_slice(bytes);
            return Ok(None);
        };
        let request = if self.head.is_empty() {
            handshake::read(&bytes[..end])?
        } else {
            let mut head = mem::take(&mut self.head);
            head.extend_from_slice(&bytes[..end]);
            handshake::read(&head)?
        };
        Ok(Some((request, end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits =
        HeadLimits { head_bytes_max: 16_384, request_line_bytes_max: 8_192, headers_max: 100 };

    fn head(headers: usize) -> Vec<u8> {
        let mut head = b"GET /chat?room=1 HTTP/1.1\r\nHost: example.com\r\n".to_vec();
        for n in 1..headers {
            head.extend_from_slice(format!("X-{n}: value\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    #[test]
    fn a_head_in_one_piece_and_what_follows_are_told_apart() {
        let mut bytes = head(3);
        let end = bytes.len();
        bytes.extend_from_slice(b"\x81\x00");
        let mut upgrade = Upgrade::new(LIMITS);
        assert!(!upgrade.has_begun());
        let (request, taken) = upgrade.receive(&bytes).unwrap().unwrap();
        assert_eq!((request.path(), taken), ("/chat", end));
        assert!(upgrade.has_begun());
    }

    #[test]
    fn a_head_cut_anywhere_is_the_same_request() {
        let head = head(5);
        let (whole, _) = Upgrade::new(LIMITS).receive(&head).unwrap().unwrap();
        for cut in 0..head.len() {
            let mut upgrade = Upgrade::new(LIMITS);
            assert_eq!(upgrade.receive(&head[..cut]), Ok(None));
            assert_eq!(upgrade.receive(&head[cut..]), Ok(Some((whole.clone(), head.len() - cut))));
            assert_eq!(upgrade.head.capacity(), 0);
        }
    }

    #[test]
    fn nothing_is_allocated_before_the_first_byte() {
        let mut upgrade = Upgrade::new(LIMITS);
        assert_eq!(upgrade.receive(b""), Ok(None));
        assert_eq!(upgrade.head.capacity(), 0);
        assert!(!upgrade.has_begun());
    }

    #[test]
    fn a_hundred_headers_are_taken_and_two_hundred_are_not() {
        assert!(Upgrade::new(LIMITS).receive(&head(100)).unwrap().is_some());
        assert_eq!(Upgrade::new(LIMITS).receive(&head(101)), Err(RequestFault::TooManyHeaders));
        assert_eq!(Upgrade::new(LIMITS).receive(&head(200)), Err(RequestFault::TooManyHeaders));
    }

    #[test]
    fn a_header_of_70_kib_is_refused_while_it_comes() {
        let mut bytes = b"GET / HTTP/1.1\r\nX: ".to_vec();
        bytes.resize(70 * 1024, b'x');
        let mut upgrade = Upgrade::new(LIMITS);
        let mut taken = 0;
        let fault = loop {
            if let Err(fault) = upgrade.receive(&bytes[taken..taken + 1]) {
                break fault;
            }
            taken += 1;
        };
        assert_eq!((fault, taken), (RequestFault::HeadTooLong, LIMITS.head_bytes_max - 1));
        assert_eq!(upgrade.head.capacity(), 0);
    }

    #[test]
    fn a_request_line_of_70_kib_is_refused_while_it_comes() {
        let mut upgrade = Upgrade::new(LIMITS);
        assert_eq!(upgrade.receive(&[b'x'; 8_193]), Ok(None));
        assert_eq!(upgrade.receive(b"x"), Err(RequestFault::RequestLineTooLong));
    }

    #[test]
    fn byte_by_byte_is_linear() {
        // At one MiB, looking at each byte anew for each byte would take hours.
        let limits = HeadLimits { head_bytes_max: 1 << 20, ..LIMITS };
        let mut bytes = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
        bytes.resize((1 << 20) - 4, b'x');
        bytes.extend_from_slice(b"\r\n\r\n");
        let mut upgrade = Upgrade::new(limits);
        let (last, rest) = bytes.split_last().unwrap();
        for byte in rest {
            assert_eq!(upgrade.receive(&[*byte]), Ok(None));
        }
        let (request, taken) = upgrade.receive(&[*last]).unwrap().unwrap();
        assert_eq!((request.header("x").map(str::len), taken), (Some((1 << 20) - 32), 1));
    }

    #[test]
    fn there_is_no_second_request() {
        let mut upgrade = Upgrade::new(LIMITS);
        assert!(upgrade.receive(&head(1)).unwrap().is_some());
        assert_eq!(upgrade.receive(&head(1)), Ok(None));
        assert_eq!(upgrade.head.capacity(), 0);

        let mut upgrade = Upgrade::new(LIMITS);
        assert_eq!(upgrade.receive(b"\n"), Err(RequestFault::Malformed));
        assert_eq!(upgrade.receive(&head(1)), Err(RequestFault::Malformed));
    }
}
