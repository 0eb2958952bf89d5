//! Faults on purpose, to test the tests.
//!
//! Each is what a careless change could make. With the feature `planted` one of them can be
//! switched on for a thread; whatever watches over the laws must find it. Without the feature all
//! of this is `false` when it is compiled, and nothing of it is left.

use crate::wire::Frame;

/// A fault that can be planted in a hub.
#[cfg_attr(not(feature = "planted"), expect(unreachable_pub, reason = "it has no way out then"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// When a ping has left, the deadline of its pong is not armed: it is noticed only when the
    /// socket's is due.
    TimerNotRearmed,
    /// A Close of ours is queued as the control frame that it is, and overtakes messages.
    CloseOvertaken,
    /// Who loses its transport while it is open stays a member of its topics.
    MemberLeftBehind,
    /// An outbox takes one message more than `outbox_messages_max`.
    BoundOffByOne,
    /// What left a home before its answer to a `Join` is given to those who wait for that answer.
    JoinOutOfOrder,
    /// Any pong counts as the answer to the last ping, whatever it says.
    PongOfAnotherPing,
    /// An arrival that is refused stays counted.
    RefusalLeaksCount,
    /// A frame is freed while one connection still waits for it, and used for something else.
    FrameFreedEarly,
    /// Credit that comes back is booked twice.
    CreditReturnedTwice,
    /// An id that is stale names whoever has its slot now.
    StaleIdHonoured,
    /// A pong may take as long as a peer may be silent, not `pong_timeout`.
    PongTimeoutOfPing,
    /// Each fragment gives its message the whole `message_timeout` anew.
    MessageTimeRenewed,
    /// The time that a drain may take counts from when the last is told to go, not from its start.
    DrainTimedFromLast,
}

#[cfg(feature = "planted")]
impl Planted {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::TimerNotRearmed,
        Self::CloseOvertaken,
        Self::MemberLeftBehind,
        Self::BoundOffByOne,
        Self::JoinOutOfOrder,
        Self::PongOfAnotherPing,
        Self::RefusalLeaksCount,
        Self::FrameFreedEarly,
        Self::CreditReturnedTwice,
        Self::StaleIdHonoured,
        Self::PongTimeoutOfPing,
        Self::MessageTimeRenewed,
        Self::DrainTimedFromLast,
    ];

    /// A short name of letters and hyphens, for reports and the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimerNotRearmed => "timer-not-rearmed",
            Self::CloseOvertaken => "close-overtaken",
            Self::MemberLeftBehind => "member-left-behind",
            Self::BoundOffByOne => "bound-off-by-one",
            Self::JoinOutOfOrder => "join-out-of-order",
            Self::PongOfAnotherPing => "pong-of-another-ping",
            Self::RefusalLeaksCount => "refusal-leaks-count",
            Self::FrameFreedEarly => "frame-freed-early",
            Self::CreditReturnedTwice => "credit-returned-twice",
            Self::StaleIdHonoured => "stale-id-honoured",
            Self::PongTimeoutOfPing => "pong-timeout-of-ping",
            Self::MessageTimeRenewed => "message-time-renewed",
            Self::DrainTimedFromLast => "drain-timed-from-last",
        }
    }
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Planted>> = const { std::cell::Cell::new(None) };
}

/// Plants a fault in all hubs that this thread drives from now on, or with `None` takes it out.
/// One that was planted before is gone. Only with the feature `planted`.
#[cfg(feature = "planted")]
pub fn plant(fault: Option<Planted>) {
    PLANTED.set(fault);
}

/// Whether this fault is planted.
#[cfg(feature = "planted")]
pub(crate) fn planted(fault: Planted) -> bool {
    PLANTED.get() == Some(fault)
}

/// Whether this fault is planted: never.
#[cfg(not(feature = "planted"))]
pub(crate) const fn planted(_: Planted) -> bool {
    false
}

/// What is found in the place of a frame that was freed too early: its memory has begun to be
/// something else, from the end.
pub(crate) fn overwritten(frame: &Frame) -> Frame {
    let mut bytes = frame.bytes().to_vec();
    // A frame of two bytes is a header and nothing behind it.
    if let [_, _, .., last] = &mut bytes[..] {
        *last = b'?';
    }
    Frame::copy_of(&bytes)
}

#[cfg(test)]
#[cfg(feature = "planted")]
mod tests;
