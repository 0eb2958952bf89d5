//! What the task of a connection and its shard have in common.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use fanlight_core::{CloseCode, CloseFrame, CloseReason, ConnId, Message};

use super::ConnectionSettings;
use crate::{house::Hall, mailbox::Mail, round::Farewell};

/// Why a message was not taken for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection is closing or gone. Nobody is at fault.
    #[error("the connection is closed")]
    Closed,
    /// The message is longer than `outbox_bytes_max`, and never will be taken. The caller is at
    /// fault; the connection is as it was.
    #[error("the message is longer than an outbox may be")]
    TooLong,
}

/// Where a connection's task and its shard meet.
///
/// The shard puts messages in and never waits; the task takes them out. What the task wants is noted
/// here, and the exchange is put into the shard's mailbox, once until the shard has looked.
pub(crate) struct Exchange {
    conn: ConnId,
    hall: Arc<Hall>,
    settings: ConnectionSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    inbound: VecDeque<Message>,
    inbound_bytes: usize,
    /// Whether the shard was told to read the peer no more.
    is_paused: bool,
    reader: Option<Waker>,
    /// Whether nobody wants to hear the peer any more.
    is_deaf: bool,

    outbound: VecDeque<Message>,
    outbound_bytes: usize,
    writer: Option<Waker>,
    /// Whether nobody wants to speak to the peer any more.
    is_mute: bool,

    /// What the shard has not done yet.
    wants_reading: bool,
    farewell: Option<Farewell>,
    /// Whether the task has asked for the end: nothing is taken after that.
    is_closing: bool,
    /// Whether it is in the shard's mailbox.
    is_noted: bool,
    end: End,
}

/// Whether and how a connection has ended.
#[derive(Clone, Debug, Default)]
enum End {
    #[default]
    NotYet,
    Closed(CloseReason),
    /// The house was stopped, or its shard dropped.
    Stopped,
}

impl State {
    fn is_over(&self) -> bool {
        !matches!(self.end, End::NotYet)
    }
}

/// What the task of a connection wants of its shard.
#[derive(Debug)]
pub(super) enum Want {
    /// To be read again.
    Reading,
    /// Its next message to be sent. It is taken with [`Exchange::take`].
    Sending(Message),
    /// The end.
    Farewell(Farewell),
}

impl Exchange {
    pub(super) fn new(conn: ConnId, hall: &Arc<Hall>, settings: ConnectionSettings) -> Self {
        Self { conn, hall: Arc::clone(hall), settings, state: Mutex::default() }
    }

    pub(super) fn conn(&self) -> ConnId {
        self.conn
    }

    pub(super) fn hall(&self) -> &Arc<Hall> {
        &self.hall
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The shard's side.

    /// The peer said something. Whether it is to be read no more.
    pub(super) fn deliver(&self, message: Message) -> bool {
        let mut state = self.state();
        if state.is_deaf {
            return false;
        }
        state.inbound_bytes += message.frame().len();
        state.inbound.push_back(message);
        let is_full = state.inbound.len() >= self.settings.inbound_messages_max
            || state.inbound_bytes >= self.settings.inbound_bytes_max;
        let pauses = is_full && !state.is_paused;
        state.is_paused |= is_full;
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        pauses
    }

    /// The connection has ended: with this reason, or `None` if its house was stopped.
    pub(super) fn end(&self, reason: Option<CloseReason>) {
        let mut state = self.state();
        if !state.is_over() {
            state.end = reason.map_or(End::Stopped, End::Closed);
        }
        state.outbound = VecDeque::new();
        state.outbound_bytes = 0;
        state.farewell = None;
        let (reader, writer) = (state.reader.take(), state.writer.take());
        drop(state);
        wake(reader);
        wake(writer);
    }

    /// The shard looks at what is wanted from now on: a later want is put into its mailbox again.
    pub(super) fn open_note(&self) {
        self.state().is_noted = false;
    }

    /// The shard has no more time for it in this turn.
    pub(super) fn note_again(self: &Arc<Self>) {
        self.note(self.state());
    }

    /// What is wanted next.
    pub(super) fn want(&self) -> Option<Want> {
        let mut state = self.state();
        if std::mem::take(&mut state.wants_reading) {
            return Some(Want::Reading);
        }
        if state.farewell.as_ref().is_some_and(|farewell| farewell.at_once) {
            state.outbound = VecDeque::new();
            state.outbound_bytes = 0;
        }
        match state.outbound.front() {
            Some(message) => Some(Want::Sending(message.clone())),
            None => state.farewell.take().map(Want::Farewell),
        }
    }

    /// The message that was wanted to be sent is on its way.
    pub(super) fn take(&self) {
        let mut state = self.state();
        if let Some(message) = state.outbound.pop_front() {
            state.outbound_bytes -= message.frame().len();
        }
        let is_enough = state.outbound.is_empty()
            || state.outbound_bytes <= self.settings.outbound_bytes_max / 2;
        let writer = if is_enough { state.writer.take() } else { None };
        drop(state);
        wake(writer);
    }

    // The task's side.

    /// Has the shard look at what is wanted.
    fn note(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let is_new = !std::mem::replace(&mut state.is_noted, true);
        drop(state);
        if is_new {
            self.hall.mailbox(self.conn.shard()).put(Mail::Attend(Arc::clone(self)));
        }
    }

    pub(super) fn poll_next(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut state = self.state();
        match state.inbound.pop_front() {
            Some(message) => {
                state.inbound_bytes -= message.frame().len();
                let has_room = state.inbound.len() <= self.settings.inbound_messages_max / 2
                    && state.inbound_bytes <= self.settings.inbound_bytes_max / 2;
                if has_room {
                    self.read_again(state);
                }
                Poll::Ready(Some(message))
            }
            None if state.is_over() => Poll::Ready(None),
            None => {
                remember(&mut state.reader, cx);
                Poll::Pending
            }
        }
    }

    fn read_again(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if std::mem::take(&mut state.is_paused) && !state.is_over() {
            state.wants_reading = true;
            self.note(state);
        }
    }

    /// Ready when one more message may be given.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut state = self.state();
        if state.is_over() || state.is_closing {
            return Poll::Ready(Err(SendError::Closed));
        }
        if state.outbound_bytes < self.settings.outbound_bytes_max {
            return Poll::Ready(Ok(()));
        }
        remember(&mut state.writer, cx);
        Poll::Pending
    }

    pub(super) fn send(self: &Arc<Self>, message: Message) -> Result<(), SendError> {
        if message.frame().len() > self.hall.outbox_bytes_max {
            return Err(SendError::TooLong);
        }
        let mut state = self.state();
        if state.is_over() || state.is_closing {
            return Err(SendError::Closed);
        }
        state.outbound_bytes += message.frame().len();
        state.outbound.push_back(message);
        self.note(state);
        Ok(())
    }

    /// Ready when all that was given is in the connection's outbox.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut state = self.state();
        if state.is_over() {
            return Poll::Ready(Err(SendError::Closed));
        }
        if state.outbound.is_empty() {
            return Poll::Ready(Ok(()));
        }
        remember(&mut state.writer, cx);
        Poll::Pending
    }

    /// Ready when the connection has ended.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.is_over() {
            return Poll::Ready(());
        }
        remember(&mut state.writer, cx);
        Poll::Pending
    }

    /// Asks for the end: after what was given before, or at once. The first graceful end stands, but
    /// one at once goes before it.
    pub(super) fn close(self: &Arc<Self>, frame: CloseFrame, at_once: bool) {
        let mut state = self.state();
        if state.is_over() || state.is_closing && !at_once {
            return;
        }
        state.is_closing = true;
        state.farewell = Some(Farewell { frame, at_once });
        self.note(state);
    }

    /// Why the connection ended, once it has.
    pub(super) fn reason(&self) -> Option<CloseReason> {
        match &self.state().end {
            End::NotYet | End::Stopped => None,
            End::Closed(reason) => Some(reason.clone()),
        }
    }

    /// Nobody wants to hear the peer any more: what it says from now on is thrown away.
    pub(super) fn be_deaf(self: &Arc<Self>) {
        let mut state = self.state();
        state.is_deaf = true;
        state.inbound = VecDeque::new();
        state.inbound_bytes = 0;
        state.reader = None;
        let is_mute = state.is_mute;
        self.read_again(state);
        if is_mute {
            self.abandon();
        }
    }

    /// Nobody wants to speak to the peer any more.
    pub(super) fn be_mute(self: &Arc<Self>) {
        let mut state = self.state();
        state.is_mute = true;
        state.writer = None;
        let is_deaf = state.is_deaf;
        drop(state);
        if is_deaf {
            self.abandon();
        }
    }

    /// Nobody is left.
    fn abandon(self: &Arc<Self>) {
        let (code, reason) = if std::thread::panicking() {
            (CloseCode::Error, "internal error")
        } else {
            (CloseCode::Normal, "")
        };
        self.close(CloseFrame { code, reason: reason.into() }, false);
    }
}

fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exchange").field(&self.conn).finish()
    }
}
