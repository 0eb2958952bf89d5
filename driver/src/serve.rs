//! What the hub wants done, and the application's part in it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use fanlight_core::{Command, ConnId, Context, Event, Instant, Service, serve};
use futures_io::{AsyncRead, AsyncWrite};
use tracing::{debug, warn};

use crate::{driver::Driver, journal::JournalFile, mailbox::Mail, runtime::Runtime};

impl<T, S, R> Driver<T, S, R>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    R: Runtime,
{
    /// Tells the application that its shard begins.
    pub(crate) fn start(&mut self) {
        let now = self.runtime.now();
        let started = catch_unwind(AssertUnwindSafe(|| {
            let mut cx = Context::new(&mut self.hub, now, &mut self.commands, None);
            self.service.on_start(&mut cx);
        }));
        match started {
            Ok(()) => self.settle(now),
            Err(panic) if self.hub.is_poisoned() => resume_unwind(panic),
            Err(_) => self.absolve(now, None),
        }
    }

    /// Carries out what the hub wants done, and what the application makes of it, as far as this
    /// turn's work goes. What is left over comes first in the next turn.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.keep_journal(JournalFile::keep_large);
        while self.work_left > 0 {
            let Some(command) = self.commands.others.pop_front() else { return };
            let delivered_before = self.hub.stats().deliveries;
            if let Command::Closed(closed) = &command {
                debug!(conn = %closed.conn, reason = %closed.reason, "closed");
            }
            let conn = command.connection();
            let served = catch_unwind(AssertUnwindSafe(|| {
                serve(&mut self.service, &mut self.hub, now, command, &mut self.commands)
            }));
            match served {
                Ok(None) => {}
                Ok(Some(command)) => self.perform(command),
                // The hub was caught in the middle of something: not the service's fault.
                Err(panic) if self.hub.is_poisoned() => resume_unwind(panic),
                Err(_) => self.absolve(now, conn),
            }
            self.worked(1, delivered_before);
        }
    }

    /// Takes from this turn's work: so many steps, and each delivery since then.
    pub(crate) fn worked(&mut self, steps: usize, delivered_before: u64) {
        let deliveries = self.hub.stats().deliveries - delivered_before;
        let deliveries = usize::try_from(deliveries).unwrap_or(usize::MAX);
        self.work_left = self.work_left.saturating_sub(deliveries.saturating_add(steps));
    }

    /// Has a panic of the service end no more than the connection that it was about.
    fn absolve(&mut self, now: Instant, conn: Option<ConnId>) {
        match conn {
            Some(conn) => warn!(%conn, "the service panicked over a connection, which ends"),
            None => warn!("the service panicked over its shard"),
        }
        self.hub.handle(now, Event::Panicked(conn), &mut self.commands);
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Pause(conn) => self.sockets.pause(conn),
            Command::Resume(conn) => self.sockets.resume(conn),
            Command::Shutdown(conn) => {
                if let Some(socket) = self.sockets.get_mut(conn) {
                    socket.ask_shutdown();
                    self.writes.push_back(conn);
                }
            }
            Command::Disconnect(conn) => {
                if !self.awaiting_room.is_empty() {
                    self.awaiting_room.remove(&conn);
                }
                if self.sockets.remove(conn) {
                    self.tenancy.take_load();
                }
            }
            Command::Drained => {
                // Others may still need what has its home here, so the shard goes on until all have
                // drained.
                self.tenancy.hall.shard_drained();
            }
            Command::Forward(shard, parcel) => {
                let from = self.tenancy.shard;
                self.tenancy.hall.mailbox(shard).put(Mail::Parcel(from, parcel));
            }
            Command::Requested(..)
            | Command::Opened(_)
            | Command::Deliver(..)
            | Command::Subscribed(..)
            | Command::SubscriptionRefused(..)
            | Command::Closed(_)
            | Command::Timer(_) => {
                unreachable!("serve gives back only what is not the application's");
            }
        }
    }
}
