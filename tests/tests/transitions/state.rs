//! Every state that a connection can be in, and how it comes there.

use std::time::Duration;

use fanlight_core::{
    Arrival, CloseCode, CloseFrame, End, Event, Message, Negotiated, PeerAddr, Refusal,
    wire::{Deflater, Limits, Role, Wire},
};
use fanlight_tests::agreed;

use crate::{
    frame,
    subject::{Subject, topic},
};

/// A state with its name, and a connection that is in it.
pub(crate) struct State {
    pub(crate) name: &'static str,
    pub(crate) build: fn() -> Subject,
}

pub(crate) const ALL: &[State] = &[
    State { name: "Upgrading, silent", build: Subject::fresh },
    State { name: "Upgrading, begun", build: begun },
    State { name: "Deciding", build: deciding },
    State { name: "Deciding, a plain request", build: deciding_plain },
    State { name: "Deciding, the peer has ended", build: deciding_ended },
    State { name: "Open", build: open },
    State { name: "Open, a message waits", build: sending },
    State { name: "Open, its outbox is full", build: full },
    State { name: "Open, a ping waits", build: pinging },
    State { name: "Open, a ping has left", build: pinged },
    State { name: "Open, a message has begun", build: mid_message },
    State { name: "Open, a message began long ago", build: slow_message },
    State { name: "Open, another's message has begun", build: crowded },
    State { name: "Open, paused for its rate", build: hasty },
    State { name: "Open, paused for credit", build: short_of_credit },
    State { name: "Open, paused by the service", build: held },
    State { name: "Open, more was read than is told at once", build: unread },
    State { name: "Open, a Close came behind a message", build: last_word },
    State { name: "Closing, ours is queued", build: closing },
    State { name: "Closing, ours has left", build: closing_sent },
    State { name: "Closing, with something unread", build: closing_unread },
    State { name: "Closing, the peer's is answered", build: closing_answered },
    State { name: "Closing, a fault is told", build: closing_faulty },
    State { name: "Closing, an HTTP answer", build: closing_http },
    State { name: "Lingering", build: lingering },
    State { name: "Gone", build: gone },
];

pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.test\r\n\
    Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
pub(crate) const PLAIN_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

pub(crate) fn close_frame() -> CloseFrame {
    CloseFrame { code: CloseCode::Library(4000), reason: "".into() }
}

fn begun() -> Subject {
    let mut subject = Subject::fresh();
    subject.receive(&REQUEST[..20]);
    subject.settled()
}

fn deciding() -> Subject {
    let mut subject = Subject::fresh();
    subject.receive(REQUEST);
    subject.settled()
}

fn deciding_plain() -> Subject {
    let mut subject = Subject::fresh();
    subject.receive(PLAIN_REQUEST);
    subject.settled()
}

fn deciding_ended() -> Subject {
    let mut subject = deciding();
    subject.tell(Event::Ended(subject.conn, End::Eof));
    subject.settled()
}

/// A member of the topic "lobby".
fn open() -> Subject {
    let mut subject = Subject::upgraded();
    subject.tell(Event::Subscribe(subject.conn, topic("lobby")));
    subject.settled()
}

fn sending() -> Subject {
    let mut subject = open();
    subject.tell(Event::Send(subject.conn, Message::text("waits")));
    subject.settled()
}

fn full() -> Subject {
    let mut subject = sending();
    subject.tell(Event::Send(subject.conn, Message::text("waits too")));
    subject.settled()
}

fn pinging() -> Subject {
    let mut subject = open();
    subject.tick_after(Duration::from_secs(25));
    subject.settled()
}

fn pinged() -> Subject {
    let mut subject = pinging();
    subject.drain_socket();
    subject.settled()
}

fn mid_message() -> Subject {
    let mut subject = open();
    // Not final.
    subject.receive(&frame::masked(0x01, b"beg"));
    subject.settled()
}

/// So long that its deadline is the nearest; the peer has been heard of meanwhile.
fn slow_message() -> Subject {
    let mut subject = mid_message();
    for _ in 0..2 {
        subject.tick_after(Duration::from_secs(24));
        subject.receive(&frame::masked(0x8a, b""));
    }
    subject.settled()
}

fn crowded() -> Subject {
    let mut subject = open();
    subject.crowd();
    subject.settled()
}

fn hasty() -> Subject {
    let mut subject = open();
    subject.receive(&frame::masked(0x8a, b"").repeat(30));
    subject.settled()
}

fn short_of_credit() -> Subject {
    let mut subject = open();
    subject.run_short_of_credit();
    subject.tell(Event::AwaitCredit(subject.conn));
    subject.settled()
}

/// In the middle of a message.
fn held() -> Subject {
    let mut subject = mid_message();
    subject.tell(Event::Pause(subject.conn));
    subject.settled()
}

/// Its frames came too fast as well: they must inflate to 256 KiB.
fn unread() -> Subject {
    let mut subject = Subject::deflating();
    let mut peer = Wire::new(Role::Client { mask_seed: [0; 32] }, Limits::default());
    peer.set_deflate(Some(agreed(15)));
    let mut bytes = Vec::new();
    for _ in 0..260 {
        peer.send_deflated(&*"x".repeat(1024), Deflater { level: 9, bytes_min: 0 }, &mut bytes);
    }
    subject.receive(&bytes);
    subject.settled()
}

fn last_word() -> Subject {
    let mut subject = open();
    subject.receive(&[frame::masked(0x81, b"bye"), frame::close(1000)].concat());
    subject.settled()
}

fn closing() -> Subject {
    let mut subject = sending();
    subject.tell(Event::Close(subject.conn, close_frame()));
    subject.settled()
}

fn closing_sent() -> Subject {
    let mut subject = closing();
    subject.drain_socket();
    subject.settled()
}

fn closing_unread() -> Subject {
    let mut subject = unread();
    subject.tell(Event::Close(subject.conn, close_frame()));
    subject.settled()
}

fn closing_answered() -> Subject {
    let mut subject = open();
    subject.receive(&frame::close(1000));
    subject.settled()
}

fn closing_faulty() -> Subject {
    let mut subject = open();
    subject.receive(frame::FAULT);
    subject.settled()
}

fn closing_http() -> Subject {
    let mut subject = deciding();
    subject.tell(Event::Refuse(subject.conn, Refusal::forbidden_origin()));
    subject.settled()
}

fn lingering() -> Subject {
    let mut subject = closing_answered();
    subject.drain_socket();
    subject.settled()
}

/// Its slot has a new user, which nothing may touch.
fn gone() -> Subject {
    let mut subject = open();
    subject.tell(Event::Ended(subject.conn, End::Failed));
    let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
    let successor = subject.hub.accept(subject.now, arrival, &mut subject.commands).unwrap();
    assert_eq!(successor.index(), subject.conn.index());
    subject.settled()
}
