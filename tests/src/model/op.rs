//! What can be done to a house. What `Debug` prints is Rust, where the variants are in scope.

/// The nth of the connections that there are, wrapping around; never a raw id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth(pub u8);

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A connection from one of a few addresses comes to a shard.
    Accept(u8, u8, Arrival),
    /// The peer of an upgrading connection asks.
    Asks(Nth, Ask),
    /// The same, and goes on at once in the same read.
    AsksAndSpeaks(Nth, Ask, Speech),
    /// The peer of a connection that has asked sends this, in one read.
    Speaks(Nth, Speech),
    /// The peer of a connection that has asked sends both, in one read.
    SpeaksTwice(Nth, Speech, Speech),
    /// The peer ends, or loses, the transport.
    Ends(Nth, Ending),
    /// The socket takes nothing from now on.
    Stalls(Nth),
    /// The socket takes everything again.
    Moves(Nth),
    /// The application of this shard answers a request.
    Decides(u8, Nth, Decision),
    /// The application of this shard makes a connection a member.
    Subscribes(u8, Nth, Name),
    /// The application of this shard ends a membership.
    Unsubscribes(u8, Nth, Name),
    /// The application of this shard sends to one connection.
    Sends(u8, Nth, Size),
    /// The application of this shard publishes.
    Publishes(u8, Audience, Size),
    /// The same, leaving one connection out.
    PublishesExcept(u8, Audience, Size, Nth),
    /// The application of this shard closes a connection gracefully.
    Closes(u8, Nth, u16),
    /// The application of this shard closes a connection at once.
    Kicks(u8, Nth, u16),
    /// The application of this shard has a connection read no more.
    Pauses(u8, Nth),
    /// The application of this shard has a connection read again.
    Resumes(u8, Nth),
    /// The application panics over a connection.
    Panics(Nth),
    /// The application sets (in so many milliseconds) or stops its shard's timer.
    SetsTimer(u8, Option<u16>),
    /// The application of this shard sets or stops a connection's timer.
    SetsTimerOf(u8, Nth, Option<u16>),
    /// The hub of a shard is drained, over so many milliseconds and with this timeout.
    Drains(u8, u16, u16),
    /// Time passes.
    Passes(Until),
    /// All parcels from one shard to another that wait arrive.
    Delivers(u8, u8),
    /// Something is told or asked, at this shard, of a connection that is gone.
    Stale(u8, Nth, Late),
}

/// How a connection comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// As a bare socket.
    Fresh,
    /// Upgraded by somebody else.
    Upgraded,
    /// The same, as this user.
    UpgradedAs(u8),
}

/// A first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// For an upgrade; so the service decides at once.
    Upgrade(Decision),
    /// For an upgrade; the service does not decide yet.
    UpgradeAndWait,
    /// For a page; so the service decides at once.
    Page(Decision),
    /// The first half of one.
    Half,
    /// The second half of an upgrade to be admitted.
    Rest,
    /// What is no HTTP.
    Nonsense,
    /// Another method than GET.
    Post,
    /// No `Sec-WebSocket-Key`.
    Keyless,
    /// Another version than 13.
    OldVersion,
}

/// What a service decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let in.
    Admit,
    /// Let in as this user.
    AdmitAs(u8),
    /// Answered with this status.
    Refuse(u16),
}

/// What a peer sends once it has asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// A text that the service only hears.
    Chat,
    /// A text that the service sends back.
    Echo,
    /// A text upon which the service closes the connection.
    Bye,
    /// A text that the service publishes.
    Say(Name),
    /// A text as long as one may be.
    Longest,
    /// A text one byte longer.
    TooLong,
    /// The first fragment of a text that the service sends back.
    Begin,
    /// A fragment in its middle.
    Middle,
    /// Its last fragment.
    Finish,
    /// A ping.
    Ping,
    /// A pong with the payload of the last ping that came.
    Pong,
    /// A pong that answers nothing.
    StrayPong,
    /// A Close with this code.
    CloseWith(u16),
    /// A Close without a code.
    CloseWithout,
    /// What the RFC forbids.
    Breach(Breach),
}

/// A breach of RFC 6455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Section 5.2: a reserved bit.
    Bit,
    /// Section 5.2: a reserved opcode.
    Opcode,
    /// Section 5.1: a frame without a mask.
    Bare,
    /// Section 5.4: a fragmented ping.
    Fragment,
    /// Section 8.1: a text that is not UTF-8.
    Text,
    /// Section 5.5.1: half a close code.
    HalfCode,
    /// Section 7.4: a close code that must not be sent.
    Code,
}

/// How a transport ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer shuts its half down.
    Eof,
    /// A reset.
    Reset,
}

/// A topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A named one.
    Topic(u8),
    /// A user's.
    User(u8),
    /// One with the empty name, which no topic has.
    Nameless,
    /// One whose name is as long as may be.
    LongName,
    /// One whose name is one byte longer.
    LongerName,
}

/// Whom a publish is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone.
    Everyone,
    /// The members of a topic.
    MembersOf(Name),
}

/// How long what the application says is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A few bytes.
    Short,
    /// So that two of them fill an outbox to the last byte.
    HalfOutbox,
    /// So that one fills an outbox to the last byte.
    WholeOutbox,
    /// One byte more.
    OverOutbox,
}

/// How far time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// So many milliseconds.
    For(u16),
    /// One nanosecond before the model's next deadline.
    Before,
    /// To it.
    At,
    /// One nanosecond past it.
    After,
    /// To so many milliseconds past it, and the tick comes only after the next operation.
    Unticked(u8),
}

/// What is told or asked too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Bytes came.
    LateBytes,
    /// Bytes were taken.
    LateSent,
    /// The end of the stream.
    LateEof,
    /// A reset.
    LateReset,
    /// An admission.
    LateAdmit,
    /// A refusal.
    LateRefuse,
    /// A subscription.
    LateSubscribe,
    /// An end of one.
    LateUnsubscribe,
    /// A message.
    LateSend,
    /// A Close.
    LateClose,
    /// A kick.
    LateKick,
    /// A pause.
    LatePause,
    /// An end of one.
    LateResume,
    /// A timer.
    LateTimer,
    /// A panic.
    LatePanic,
    /// A wish to wait for credit.
    LateAwaitCredit,
}
