//! The payload of a Close: RFC 6455, sections 5.5.1 and 7.4.

use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::{Fault, header::CONTROL_BYTES_MAX};

/// A close code that must not be sent: RFC 6455, section 7.4. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("close code {0} must not be sent")]
pub struct CloseCodeNotAllowed(pub CloseCode);

/// Whether a Close may carry the code: those that RFC 6455, section 7.4.1 and the registry it
/// founded define for that (1012 to 1014 came later), and those of section 7.4.2 that are free.
fn is_allowed(code: u16) -> bool {
    // `CloseCode::is_allowed` does not know 1014.
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads the payload of a Close.
pub(super) fn read(payload: &[u8]) -> Result<Option<CloseFrame>, Fault> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Fault::CloseOfOneByte),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !is_allowed(code) {
        return Err(Fault::CloseCodeNotAllowed(code));
    }
    let reason = str::from_utf8(reason).map_err(|_| Fault::CloseReasonNotUtf8)?;
    Ok(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}

/// Writes the payload of a Close to the front of `room`, and says how long it is. Of a reason that
/// is too long as many characters are kept as fit.
pub(super) fn write(
    frame: Option<&CloseFrame>,
    room: &mut [u8; CONTROL_BYTES_MAX],
) -> Result<usize, CloseCodeNotAllowed> {
    let Some(CloseFrame { code, reason }) = frame else { return Ok(0) };
    let number = u16::from(*code);
    if !is_allowed(number) {
        return Err(CloseCodeNotAllowed(*code));
    }
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(CONTROL_BYTES_MAX - 2)];
    room[..2].copy_from_slice(&number.to_be_bytes());
    room[2..2 + reason.len()].copy_from_slice(reason);
    Ok(2 + reason.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(code: u16, reason: &str) -> CloseFrame {
        CloseFrame { code: code.into(), reason: reason.into() }
    }

    #[test]
    fn the_same_codes_may_be_sent_and_received() {
        let mut room = [0; CONTROL_BYTES_MAX];
        for code in 0..=u16::MAX {
            let expected = match code {
                1000..=1015 => ![1004, 1005, 1006, 1015].contains(&code),
                3000..=4999 => true,
                _ => false,
            };
            let received = read(&code.to_be_bytes());
            let sent = write(Some(&frame(code, "")), &mut room);
            if expected {
                assert_eq!(received, Ok(Some(frame(code, ""))));
                assert_eq!((sent, &room[..2]), (Ok(2), &code.to_be_bytes()[..]));
            } else {
                assert_eq!(received, Err(Fault::CloseCodeNotAllowed(code)));
                assert_eq!(sent, Err(CloseCodeNotAllowed(code.into())));
            }
        }
    }

    #[test]
    fn a_close_may_be_empty_but_not_half_a_code() {
        assert_eq!(read(b""), Ok(None));
        assert_eq!(write(None, &mut [0; CONTROL_BYTES_MAX]), Ok(0));
        assert_eq!(read(b"\x03"), Err(Fault::CloseOfOneByte));
    }

    #[test]
    fn the_reason_is_text() {
        assert_eq!(read(b"\x03\xe8bye"), Ok(Some(frame(1000, "bye"))));
        assert_eq!(read(b"\x03\xe8\xff"), Err(Fault::CloseReasonNotUtf8));
        assert_eq!(read(b"\x03\xe8\xe2\x82"), Err(Fault::CloseReasonNotUtf8));
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let mut room = [0; CONTROL_BYTES_MAX];
        assert_eq!(write(Some(&frame(1000, &"x".repeat(124))), &mut room), Ok(125));
        assert_eq!(write(Some(&frame(1000, &"\u{20ac}".repeat(41))), &mut room), Ok(125));
        let length = write(Some(&frame(1000, &"x\u{e9}".repeat(80))), &mut room).unwrap();
        assert_eq!(length, 125);
        let length = write(Some(&frame(1000, &"\u{1f600}".repeat(40))), &mut room).unwrap();
        assert_eq!(length, 2 + 120);
        assert_eq!(read(&room[..length]), Ok(Some(frame(1000, &"\u{1f600}".repeat(30)))));
    }
}
