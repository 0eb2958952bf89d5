//! Everything that moves a hub, as it is written down.

use super::encoding::{Decode, Encode, Malformed, Sink, Source, encoding};
use crate::event::{Arrival, Event};

/// One thing that a hub was told or asked for, as a journal has it.
#[derive(Debug)]
pub enum Input<'a> {
    /// [`Hub::accept`](crate::Hub::accept).
    Accept(Arrival),
    /// The service drew a number: [`Context::random`](crate::Context::random).
    Drawn,
    /// [`Hub::handle`](crate::Hub::handle).
    Event(Event<'a>),
}

// Recording writes the tag and the borrowed value, so that nothing is cloned for it.
pub(super) const ACCEPT: u8 = 0;
pub(super) const DRAWN: u8 = 1;
pub(super) const EVENT: u8 = 2;

impl<'a> Decode<'a> for Input<'a> {
    fn decode(source: &mut Source<'a>) -> Result<Self, Malformed> {
        match source.byte()? {
            ACCEPT => Decode::decode(source).map(Self::Accept),
            DRAWN => Ok(Self::Drawn),
            EVENT => Decode::decode(source).map(Self::Event),
            _ => Err(Malformed),
        }
    }
}

encoding! { enum<'a> Event<'a> {
    0 => Received(conn, bytes);
    1 => Sent(conn, count);
    2 => Ended(conn, end);
    3 => Panicked(conn);
    4 => Admit(conn, admission);
    5 => Refuse(conn, refusal);
    6 => Subscribe(conn, topic);
    7 => Unsubscribe(conn, topic);
    8 => Send(conn, message);
    9 => Publish(publish);
    10 => AwaitCredit(conn);
    11 => Close(conn, frame);
    12 => Kick(conn, frame);
    13 => SetTimer(timer, at);
    14 => Drain(drain);
    15 => Parcel(shard, parcel);
    16 => Tick;
    17 => Pause(conn);
    18 => Resume(conn);
} }
