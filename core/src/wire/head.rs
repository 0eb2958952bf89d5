//! Finds the end of a request head, and its bounds, in bytes as they come.

use super::RequestFault;

/// The longest request target that can be held.
const TARGET_BYTES_MAX: usize = 65_534;

/// Bounds of a request head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Most bytes of the whole head, its blank line included; past it the answer is 431.
    pub head_bytes_max: usize,
    /// Most bytes of the first line, without its end; past it the answer is 414. At most 65,534,
    /// and 4 less than the whole head.
    pub request_line_bytes_max: usize,
    /// Most header lines; past it the answer is 431. More than 124 are never taken.
    pub headers_max: usize,
}

/// How far the search for the blank line has come. Every byte is looked at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadScan {
    /// Bytes seen.
    seen: usize,
    /// Where the line begins that has not ended.
    line_start: usize,
    /// Lines that have ended.
    lines: usize,
    /// Whether the last byte was a carriage return.
    after_cr: bool,
}

impl HeadScan {
    pub(super) fn has_begun(&self) -> bool {
        self.seen > 0
    }

    /// Looks at the next bytes. Once the blank line has come: how many of them belong to the head.
    pub(super) fn advance(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<usize>, RequestFault> {
        let mut at = 0;
        while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\n') {
            let end = at + found;
            let is_after_cr = if found == 0 { self.after_cr } else { bytes[end - 1] == b'\r' };
            self.seen += found + 1;
            self.check_length(limits, 0)?;
            // RFC 9112, section 2.2 lets a lone line feed pass; two readers of one head that
            // disagree about that are how requests are smuggled.
            if !is_after_cr {
                return Err(RequestFault::Malformed);
            }
            let is_blank = self.seen - self.line_start == 2;
            if is_blank {
                // Before the first line there is no other message that a blank one could end.
                return if self.lines > 0 {
                    Ok(Some(end + 1))
                } else {
                    Err(RequestFault::Malformed)
                };
            }
            if self.lines > limits.headers_max {
                return Err(RequestFault::TooManyHeaders);
            }
            self.lines += 1;
            self.line_start = self.seen;
            self.after_cr = false;
            at = end + 1;
        }
        if let Some(last) = bytes[at..].last() {
            self.after_cr = *last == b'\r';
            self.seen += bytes.len() - at;
            // At least one byte is missing to the end of the line.
            self.check_length(limits, 1)?;
        }
        Ok(None)
    }

    /// Judges the length of what has been seen, of which `missing` bytes have not come.
    fn check_length(&self, limits: &HeadLimits, missing: usize) -> Result<(), RequestFault> {
        let end = self.seen + missing;
        if self.lines == 0 {
            let line_bytes_max = limits
                .request_line_bytes_max
                .min(TARGET_BYTES_MAX)
                .min(limits.head_bytes_max.saturating_sub(4));
            if end > line_bytes_max + 2 {
                return Err(RequestFault::RequestLineTooLong);
            }
        } else if end > limits.head_bytes_max {
            return Err(RequestFault::HeadTooLong);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits =
        HeadLimits { head_bytes_max: 64, request_line_bytes_max: 20, headers_max: 3 };

    /// What comes of a head, and that it is the same however the head is cut in two.
    fn scan(head: &[u8]) -> Result<Option<usize>, RequestFault> {
        let whole = HeadScan::default().advance(head, &LIMITS);
        for cut in 0..=head.len() {
            let mut scan = HeadScan::default();
            let halves = match scan.advance(&head[..cut], &LIMITS) {
                Ok(None) => scan.advance(&head[cut..], &LIMITS).map(|end| end.map(|end| end + cut)),
                ended => ended,
            };
            assert_eq!(halves, whole, "cut at {cut} of {}", head.escape_ascii());
        }
        whole
    }

    #[test]
    fn the_head_ends_at_the_blank_line() {
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: b\r\n\r\nrest"), Ok(Some(24)));
        assert_eq!(scan(b"GET / HTTP/1.1\r\n\r\n"), Ok(Some(18)));
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: b\r\n"), Ok(None));
        assert_eq!(scan(b""), Ok(None));
    }

    #[test]
    fn a_line_feed_alone_ends_no_line() {
        assert_eq!(scan(b"GET / HTTP/1.1\na: b\r\n\r\n"), Err(RequestFault::Malformed));
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: b\n\r\n"), Err(RequestFault::Malformed));
        assert_eq!(scan(b"GET / HTTP/1.1\r\na: b\r\n\n"), Err(RequestFault::Malformed));
        assert_eq!(scan(b"\r\nGET / HTTP/1.1\r\n\r\n"), Err(RequestFault::Malformed));
    }

    #[test]
    fn the_request_line_is_taken_at_its_bound_and_not_past_it() {
        let line = [b'x'; 21];
        let at = [&line[..20], b"\r\n\r\n"].concat();
        assert_eq!(scan(&at), Ok(Some(24)));
        let past = [&line[..21], b"\r\n\r\n"].concat();
        assert_eq!(scan(&past), Err(RequestFault::RequestLineTooLong));
        assert_eq!(scan(&[b'x'; 21]), Ok(None));
        assert_eq!(scan(&[b'x'; 22]), Err(RequestFault::RequestLineTooLong));
    }

    #[test]
    fn the_head_is_taken_at_its_bound_and_not_past_it() {
        let head = |filler: usize| {
            let mut head = b"GET / HTTP/1.1\r\na: ".to_vec();
            head.resize(head.len() + filler, b'x');
            head.extend_from_slice(b"\r\n\r\n");
            head
        };
        assert_eq!(head(41).len(), 64);
        assert_eq!(scan(&head(41)), Ok(Some(64)));
        assert_eq!(scan(&head(42)), Err(RequestFault::HeadTooLong));
        assert_eq!(scan(&head(80)), Err(RequestFault::HeadTooLong));
        assert_eq!(scan(&head(80)[..63]), Ok(None));
        assert_eq!(scan(&head(80)[..64]), Err(RequestFault::HeadTooLong));
    }

    #[test]
    fn header_lines_are_taken_at_their_bound_and_not_past_it() {
        let three = b"GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\n\r\n";
        assert_eq!(scan(three), Ok(Some(three.len())));
        let four = b"GET / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\n";
        assert_eq!(scan(four), Err(RequestFault::TooManyHeaders));
    }

    #[test]
    fn bounds_of_any_size_do_no_harm() {
        for bound in [0, 1, 5, usize::MAX] {
            let limits = HeadLimits {
                head_bytes_max: bound,
                request_line_bytes_max: bound,
                headers_max: bound,
            };
            let taken = HeadScan::default().advance(b"GET / HTTP/1.1\r\n\r\n", &limits);
            assert_eq!(taken.is_ok(), bound == usize::MAX);
        }
    }
}
