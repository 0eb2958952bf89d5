//! The wire beside tungstenite's own machine: fed the same bytes, both say the same.

use std::io::{self, Cursor, Read, Write};

use fanlight_core::{
    CloseFrame, Message,
    wire::{Fault, Incoming, Limits, ReplyKind, Role, Wire},
};
use tungstenite::{
    Error, Message as TheirMessage,
    error::{CapacityError, ProtocolError},
    protocol::{Role as TheirRole, WebSocketConfig, WebSocketContext},
};

/// What a machine tells of the bytes that came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `Incoming`")]
pub enum Told {
    Message(Message),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseFrame>),
    Reply(ReplyKind, Vec<u8>),
}

/// Gives a wire the bytes, in pieces of so many bytes, round and round; whole if there are none.
pub fn receive(wire: &mut Wire, mut bytes: &[u8], pieces: &[u8]) -> (Vec<Told>, Result<(), Fault>) {
    let (mut told, mut outcome) = (Vec::new(), Ok(()));
    let mut lengths = pieces.iter().cycle();
    while !bytes.is_empty() {
        let length = lengths.next().map_or(bytes.len(), |length| usize::from(*length).max(1));
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        bytes = rest;
        outcome = wire.receive(&mut piece.to_vec(), &mut |incoming| {
            told.push(match incoming {
                Incoming::Message(message) => Told::Message(message),
                Incoming::Ping(payload) => Told::Ping(payload.to_vec()),
                Incoming::Pong(payload) => Told::Pong(payload.to_vec()),
                Incoming::Close(frame) => Told::Close(frame),
                Incoming::Reply(reply) => Told::Reply(reply.kind, reply.frame.to_vec()),
            });
        });
    }
    (told, outcome)
}

/// A socket that gives these bytes and swallows what is written.
struct Script<'a>(Cursor<&'a [u8]>);

impl Read for Script<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room)
    }
}

impl Write for Script<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite makes of the bytes in this role, its own Close sent before them or not: what it
/// tells, and the code that answers its error.
fn theirs(
    bytes: &[u8],
    role: TheirRole,
    has_closed: bool,
    limits: Limits,
) -> (Vec<Told>, Option<u16>) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits.message_bytes_max))
        .max_frame_size(Some(limits.message_bytes_max));
    let mut script = Script(Cursor::new(bytes));
    let mut machine = WebSocketContext::new(role, Some(config));
    if has_closed {
        machine.close(&mut script, None).expect("the script takes it");
    }
    let mut told = Vec::new();
    loop {
        match machine.read(&mut script) {
            Ok(TheirMessage::Text(text)) => told.push(Told::Message(Message::text(&text))),
            Ok(TheirMessage::Binary(bytes)) => told.push(Told::Message(Message::binary(&bytes))),
            Ok(TheirMessage::Ping(payload)) => told.push(Told::Ping(payload.to_vec())),
            Ok(TheirMessage::Pong(payload)) => told.push(Told::Pong(payload.to_vec())),
            Ok(TheirMessage::Close(frame)) => {
                told.push(Told::Close(frame));
                return (told, None);
            }
            Ok(TheirMessage::Frame(_)) => unreachable!("never read"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (told, None);
            }
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                return (told, Some(1009));
            }
            Err(Error::Utf8(_)) => return (told, Some(1007)),
            Err(Error::Protocol(_)) => return (told, Some(1002)),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Where the two are meant to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A length that is not in its shortest form is a fault; the oracle goes on. RFC 6455,
    /// section 5.2.
    LengthForm,
    /// A Close with a code that must not be sent is a fault; the oracle tells another code, unless
    /// the reason is a fault besides. RFC 6455, section 7.4.
    CloseCode,
    /// A Close may carry 1014, which the registry has and the oracle does not know.
    BadGateway,
    /// What is wrong is told at its first wrong byte; the oracle waits for the whole frame, and has
    /// judged its length before.
    Sooner,
}

/// Compares what a wire in this role, which has sent its Close before or not, says of the bytes with
/// what the oracle says. Returns the difference, if there is one that is meant, and the fault.
///
/// # Panics
///
/// If there is one that is not.
pub fn compare(
    bytes: &[u8],
    role: Role,
    has_closed: bool,
    limits: Limits,
) -> (Option<Difference>, Option<Fault>) {
    let mut wire = Wire::new(role, limits);
    if has_closed {
        assert_eq!(wire.close(None, &mut Vec::new()), Ok(true));
    }
    let (mut told, outcome) = receive(&mut wire, bytes, &[]);
    let their_role = match role {
        Role::Server => TheirRole::Server,
        Role::Client { .. } => TheirRole::Client,
    };
    let replies = told.iter().filter(|told| matches!(told, Told::Reply(..))).count();
    assert!(replies == 0 || !has_closed, "a Close is the last frame of an end: {told:?}");
    told.retain(|told| !matches!(told, Told::Reply(..)));
    let fault = outcome.err();
    let code = fault.map(|fault| fault.code().into());
    let (mut their_told, their_code) = theirs(bytes, their_role, has_closed, limits);
    if (&told, code) == (&their_told, their_code) {
        return (None, fault);
    }
    let difference = match fault {
        Some(Fault::LengthNotShortest) => {
            their_told.truncate(told.len());
            Difference::LengthForm
        }
        Some(Fault::CloseCodeNotAllowed(_)) => {
            match their_code {
                None => {
                    let last = their_told.pop();
                    assert!(matches!(last, Some(Told::Close(Some(_)))), "{last:?}");
                }
                Some(code) => assert_eq!(code, 1007, "{fault:?}"),
            }
            Difference::CloseCode
        }
        Some(_) => {
            assert!(
                matches!(their_code, None | Some(1009)),
                "{fault:?}, but theirs {their_code:?}"
            );
            Difference::Sooner
        }
        None => {
            let known = told.pop();
            assert!(
                matches!(&known, Some(Told::Close(Some(frame))) if u16::from(frame.code) == 1014),
                "{known:?}, but theirs {their_told:?} {their_code:?}"
            );
            their_told.pop();
            Difference::BadGateway
        }
    };
    assert_eq!(told, their_told, "{difference:?}, and what was told before it");
    (Some(difference), fault)
}
