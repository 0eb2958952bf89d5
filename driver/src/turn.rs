//! The parts of a turn, each with its budget.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fanlight_core::{Arrival, ConnId, End, Event, Instant, Refused, Service};
use futures_io::{AsyncRead, AsyncWrite};
use tracing::debug;

use crate::{
    driver::Driver,
    mailbox::Mail,
    ready::Half,
    runtime::Runtime,
    socket::Written,
    transport::Transport,
    write::{self, SLICES_MAX},
};

// The budgets of one turn, beside the work that `worked` counts. Mail, writes and deadlines get
// their turn within some milliseconds, however busy the others are; what is left over comes first
// in the next turn, and before the next read.
const MAIL_PER_TURN: usize = 1024;
const REQUESTS_PER_TURN: usize = 256;
const NEWCOMERS_PER_TURN: usize = 128;
const READS_PER_TURN: usize = 512;
/// Reads of a turn in which the hub is short of credit: enough to notice who leaves.
const READS_WHEN_SHORT: usize = 16;
const WRITES_PER_TURN: usize = 2048;
/// How many bytes one connection may write before the next has its turn.
const WRITTEN_PER_VISIT: usize = 256 * 1024;
/// As many slices as most writes need.
const SLICES_FEW: usize = 16;

impl<T, S, R> Driver<T, S, R>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    R: Runtime,
{
    /// Gives the hub an event and does what it wants done.
    pub(crate) fn tell(&mut self, now: Instant, event: Event<'_>) {
        let delivered_before = self.hub.stats().deliveries;
        self.hub.handle(now, event, &mut self.commands);
        self.worked(0, delivered_before);
        self.settle(now);
    }

    /// Takes what other shards, the house and handles have put into the mailbox.
    pub(crate) fn take_mail(&mut self, now: Instant) {
        self.say_farewells(now);
        for _ in 0..MAIL_PER_TURN {
            if self.work_left == 0 {
                return;
            }
            match self.tenancy.mailbox().take() {
                Some(Mail::Parcel(from, parcel)) => self.tell(now, Event::Parcel(from, parcel)),
                Some(Mail::Drain(drain)) => self.tell(now, Event::Drain(drain)),
                Some(Mail::Round(round)) => {
                    self.visit(round);
                    self.say_farewells(now);
                }
                Some(Mail::Attend(exchange)) => self.attend(now, &exchange),
                None => break,
            }
        }
        for _ in 0..REQUESTS_PER_TURN {
            if self.work_left == 0 || !self.takes_requests() {
                break;
            }
            match self.tenancy.mailbox().take_request() {
                Some(wish) => self.grant(now, wish),
                None => break,
            }
        }
    }

    /// Lets in the sockets that wait at the door.
    pub(crate) fn take_newcomers(&mut self, now: Instant) {
        for _ in 0..NEWCOMERS_PER_TURN {
            let newcomers = &self.newcomers[usize::from(self.tenancy.shard.0)];
            match newcomers.pop() {
                Ok((stream, arrival)) => {
                    // Whoever is declined has been told.
                    let _ = self.accept(now, stream, arrival);
                }
                Err(_) => break,
            }
        }
    }

    pub(crate) fn accept(
        &mut self,
        now: Instant,
        mut stream: Transport<T>,
        arrival: Arrival,
    ) -> Result<ConnId, Refused> {
        let peer = arrival.peer();
        let is_fresh = matches!(arrival, Arrival::Fresh(_));
        let accepted = self.hub.accept(now, arrival, &mut self.commands);
        match accepted {
            Ok(conn) => {
                debug!(%conn, %peer, "accepted");
                self.sockets.insert(conn, stream);
            }
            Err(refused) => {
                debug!(%peer, %refused, "declined");
                match refused {
                    Refused::Full | Refused::Upgrading | Refused::Address => {
                        self.tenancy.take_load();
                    }
                    Refused::Draining => self.tenancy.mailbox().set_load_endless(),
                }
                let answer = if is_fresh { refused.answer().encode() } else { refused.close() };
                let mut cx = Context::from_waker(Waker::noop());
                write::say_once(Pin::new(&mut stream), &mut cx, &answer);
            }
        }
        self.settle(now);
        accepted
    }

    /// Notes which sockets have woken since the last turn.
    pub(crate) fn take_woken(&mut self) {
        let ready = Arc::clone(self.tenancy.mailbox().ready());
        // No more than there are now, or wakes from other threads could hold the turn.
        for _ in 0..ready.len() {
            match ready.next() {
                Some((conn, Half::Read)) => self.sockets.list(conn),
                Some((conn, Half::Write)) => self.writes.push_back(conn),
                None => break,
            }
        }
    }

    /// Reads the sockets that may have something, each once.
    pub(crate) fn read(&mut self, now: Instant) {
        for reads in 0..READS_PER_TURN.min(self.sockets.readable()) {
            if self.work_left == 0 {
                break;
            }
            // What is read now could only add to what another shard cannot take.
            if reads >= READS_WHEN_SHORT && self.hub.is_short_of_credit() {
                break;
            }
            match self.sockets.next_readable() {
                Some(conn) => self.read_socket(now, conn),
                None => break,
            }
        }
    }

    fn read_socket(&mut self, now: Instant, conn: ConnId) {
        // A full read says that there is more. A short read says that there is not: the second
        // poll then only arms the socket, as a rule without a system call.
        for reads in 0..2 {
            let Some(socket) = self.sockets.get_mut(conn) else { return };
            let room = self.hub.read_bytes(conn);
            let read = match socket.poll_read(&mut self.buffer[..room]) {
                None | Some(Poll::Pending) => return self.sockets.unlist(conn),
                Some(Poll::Ready(read)) => read,
            };
            match read {
                Ok(0) => {
                    // The peer may still read what it was told in this turn.
                    self.write_socket(now, conn);
                    return self.tell(now, Event::Ended(conn, End::Eof));
                }
                Ok(length) => {
                    if reads > 0 {
                        // More came since. If it is a Close it drops what is unsent, and what the
                        // first read was answered with is to be sent, however the bytes were cut.
                        self.write_socket(now, conn);
                    }
                    let received = Event::Received(conn, &mut self.buffer[..length]);
                    self.hub.handle(now, received, &mut self.commands);
                    self.settle(now);
                    if self.work_left == 0 || length == room {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => break,
                Err(error) => return self.fail(now, conn, &error),
            }
        }
        self.sockets.put_back(conn);
    }

    /// Writes each connection that has something, once.
    pub(crate) fn write(&mut self, now: Instant) {
        self.writes.extend(self.commands.writes.drain(..));
        for _ in 0..WRITES_PER_TURN.min(self.writes.len()) {
            match self.writes.pop_front() {
                Some(conn) => self.write_socket(now, conn),
                None => break,
            }
        }
    }

    fn write_socket(&mut self, now: Instant, conn: ConnId) {
        let mut written = 0;
        while written < WRITTEN_PER_VISIT {
            match self.write_once::<SLICES_FEW>(now, conn) {
                Some(bytes) => written += bytes,
                None => return,
            }
        }
        self.writes.push_back(conn);
    }

    /// One call of the socket with up to `MAX` frames, or with many more for a connection for which
    /// as many wait. `None` if there is nothing to do until the socket wakes.
    #[inline(never)]
    fn write_once<const MAX: usize>(&mut self, now: Instant, conn: ConnId) -> Option<usize> {
        let mut slices = [IoSlice::new(&[]); MAX];
        let filled = self.hub.unsent(conn, &mut slices);
        if filled == MAX && MAX < SLICES_MAX {
            return self.write_once::<SLICES_MAX>(now, conn);
        }
        let socket = self.sockets.get_mut(conn)?;
        let ready = self.tenancy.mailbox().ready();
        let written = socket.write(ready, &slices[..filled], &mut self.scratch);
        self.report(now, conn, written)
    }

    fn report(&mut self, now: Instant, conn: ConnId, written: Written) -> Option<usize> {
        match written {
            Written::Nothing | Written::Blocked => None,
            Written::Sent(bytes) => {
                // At once, so that the hub hears of it before anything else of this connection.
                if bytes > 0 {
                    self.tell(now, Event::Sent(conn, bytes));
                    self.attend_if_awaiting_room(now, conn);
                }
                Some(bytes.max(1))
            }
            Written::Failed(error) => {
                self.fail(now, conn, &error);
                None
            }
        }
    }

    fn fail(&mut self, now: Instant, conn: ConnId, error: &io::Error) {
        debug!(%conn, %error, "the socket failed");
        if let Some(socket) = self.sockets.get_mut(conn) {
            socket.give_up();
        }
        self.tell(now, Event::Ended(conn, End::Failed));
    }

    /// Lets deadlines expire: not while bytes that may postpone them wait to be read, or the
    /// application has not heard of those that were, unless that takes so long that the hub would think nobody was served.
    pub(crate) fn tick(&mut self) {
        let now = self.runtime.now();
        let Some(deadline) = self.hub.next_deadline().filter(|&deadline| deadline <= now) else {
            return;
        };
        let may_wait = self.hub.config().late_max / 2;
        let is_quiet = self.sockets.readable() == 0
            && self.tenancy.mailbox().ready().len() == 0
            && self.commands.others.is_empty();
        if is_quiet || now >= deadline + may_wait {
            self.tell(now, Event::Tick);
        }
    }

    /// Whether another turn is to follow at once.
    pub(crate) fn has_more_to_do(&self) -> bool {
        let mailbox = self.tenancy.mailbox();
        self.sockets.readable() > 0
            || !self.writes.is_empty()
            || !self.commands.writes.is_empty()
            || !self.commands.others.is_empty()
            || mailbox.has_mail()
            || mailbox.has_requests() && self.takes_requests()
            || !self.farewells.is_empty()
            || mailbox.ready().len() > 0
            || !self.newcomers[usize::from(self.tenancy.shard.0)].is_empty()
    }
}
