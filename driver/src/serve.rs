//! What the hub wants done, and the application's part in it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use fanlight_core::{Command, ConnId, Event, Instant, Service, serve};
use futures_io::{AsyncRead, AsyncWrite};
use tracing::{debug, warn};

use crate::{driver::Driver, mailbox::Mail, runtime::Runtime};

/// How many commands are carried out between two looks at a socket or the mailbox. Only an
/// application that answers itself without end comes near it; the rest is left for later.
const COMMANDS_AT_ONCE: usize = 65_536;

impl<T, S, R> Driver<T, S, R>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    R: Runtime,
{
    /// Carries out what the hub wants done, and what the application makes of it.
    pub(crate) fn settle(&mut self, now: Instant) {
        for _ in 0..COMMANDS_AT_ONCE {
            let Some(command) = self.commands.others.pop_front() else { return };
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
        }
    }

    /// Has a panic of the service end no more than the connection that it was about.
    fn absolve(&mut self, now: Instant, conn: Option<ConnId>) {
        match conn {
            Some(conn) => {
                warn!(%conn, "the service panicked over a connection, which ends");
                self.hub.handle(now, Event::Panicked(conn), &mut self.commands);
            }
            None => warn!("the service panicked over a shard's timer"),
        }
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
                if self.sockets.remove(conn) {
                    self.tenancy.mailbox().take_load();
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
            | Command::Unsubscribed(..)
            | Command::Closed(_)
            | Command::Timer(_) => {
                unreachable!("serve gives back only what is not the application's");
            }
        }
    }
}
