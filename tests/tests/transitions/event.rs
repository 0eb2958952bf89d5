//! Everything that can happen to a connection.

use std::time::Duration;

use fanlight_core::{Admission, Drain, End, Event, Message, Publish, Refusal, Timer};

use crate::{
    frame,
    state::{PLAIN_REQUEST, REQUEST, close_frame},
    subject::{HALF, Subject, topic},
};

/// Something that happens, with its name.
pub(crate) struct Happening {
    /// The name of the event, and behind a blank, a comma or a colon what is special about it.
    pub(crate) name: &'static str,
    pub(crate) happen: fn(&mut Subject),
    /// Whether an application asks it, and so may from another shard.
    pub(crate) is_asked: bool,
}

impl Happening {
    /// The name of the event alone.
    pub(crate) fn event(&self) -> &'static str {
        self.name.split([' ', ',', ':']).next().unwrap_or(self.name)
    }
}

const fn world(name: &'static str, happen: fn(&mut Subject)) -> Happening {
    Happening { name, happen, is_asked: false }
}

const fn asked(name: &'static str, happen: fn(&mut Subject)) -> Happening {
    Happening { name, happen, is_asked: true }
}

pub(crate) const ALL: &[Happening] = &[
    world("Received a request", |s| s.receive(REQUEST)),
    world("Received a plain request", |s| s.receive(PLAIN_REQUEST)),
    world("Received a request and a message", |s| {
        s.receive(&[REQUEST, &frame::masked(0x81, b"hi")].concat());
    }),
    world("Received garbage", |s| s.receive(b"\0\xff\n\r\n\r\n and so on, and on")),
    world("Received a message", |s| s.receive(&frame::masked(0x81, b"hi"))),
    world("Received half a message", |s| s.receive(HALF)),
    world("Received a ping", |s| s.receive(&frame::masked(0x89, b"ping"))),
    world("Received a pong", |s| s.receive(&frame::masked(0x8a, b"pong"))),
    world("Received a Close", |s| s.receive(&frame::close(1000))),
    world("Received a Close without a code", |s| s.receive(&frame::masked(0x88, b""))),
    world("Received a message and a Close", |s| {
        s.receive(&[frame::masked(0x81, b"hi"), frame::close(1001)].concat());
    }),
    world("Received a fault", |s| s.receive(frame::FAULT)),
    world("Received 64 KiB and more", |s| s.receive(&vec![b'x'; 65 * 1024])),
    world("Sent a byte", |s| s.tell(Event::Sent(s.conn, usize::from(!s.unsent().is_empty())))),
    world("Sent all", Subject::drain_socket),
    world("Ended: Eof", |s| s.tell(Event::Ended(s.conn, End::Eof))),
    world("Ended: Failed", |s| s.tell(Event::Ended(s.conn, End::Failed))),
    world("Panicked", |s| s.tell(Event::Panicked(Some(s.conn)))),
    asked("Admit", |s| s.ask(Event::Admit(s.conn, Admission::default()))),
    asked("Refuse", |s| s.ask(Event::Refuse(s.conn, Refusal::forbidden_origin()))),
    asked("Subscribe", |s| s.ask(Event::Subscribe(s.conn, topic("attic")))),
    asked("Subscribe again", |s| s.ask(Event::Subscribe(s.conn, topic("lobby")))),
    asked("Unsubscribe", |s| s.ask(Event::Unsubscribe(s.conn, topic("lobby")))),
    asked("Send", |s| s.ask(Event::Send(s.conn, Message::text("hi")))),
    asked("Publish", |s| {
        s.ask(Event::Publish(Publish::new(topic("lobby"), Message::text("hi"))));
    }),
    world("AwaitCredit", |s| s.tell(Event::AwaitCredit(s.conn))),
    world("AwaitCredit, there being none", |s| {
        s.run_short_of_credit();
        s.tell(Event::AwaitCredit(s.conn));
    }),
    world("Parcel: credit", Subject::deliver_parcels),
    asked("Close", |s| s.ask(Event::Close(s.conn, close_frame()))),
    asked("Kick", |s| s.ask(Event::Kick(s.conn, close_frame()))),
    asked("Pause", |s| s.ask(Event::Pause(s.conn))),
    asked("Resume", |s| s.ask(Event::Resume(s.conn))),
    asked("SetTimer", |s| {
        let at = s.now + Duration::from_millis(1);
        s.ask(Event::SetTimer(Timer::Connection(s.conn), Some(at)));
    }),
    world("SetTimer, and its Tick", |s| {
        let at = s.now + Duration::from_millis(1);
        s.tell(Event::SetTimer(Timer::Connection(s.conn), Some(at)));
        s.tick_after(Duration::from_millis(1));
    }),
    world("Drain", |s| s.tell(drain())),
    world("Drain, and Tick past its end", |s| {
        s.tell(drain());
        s.tick_after(Duration::from_millis(500));
    }),
    world("Tick, early", |s| s.tell(Event::Tick)),
    world(TICK, |s| {
        let deadline = s.portrait().and_then(|portrait| portrait.deadline);
        let at = deadline.map_or(s.now, |(at, _)| at);
        s.tick_after(at - s.now);
    }),
];

/// The tick at the state's own deadline, which the table names.
pub(crate) const TICK: &str = "Tick";

fn drain() -> Event<'static> {
    let timeout = Duration::from_millis(500);
    Event::Drain(Drain { over: Duration::ZERO, timeout, farewell: close_frame() })
}
