//! What a shard does for the tasks of its connections.

use std::sync::Arc;

use fanlight_core::{ConnId, Event, Instant, Service};
use futures_io::{AsyncRead, AsyncWrite};

use super::exchange::{Exchange, Want};
use crate::{driver::Driver, runtime::Runtime};

impl<T, S, R> Driver<T, S, R>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    R: Runtime,
{
    /// Does what the task of a connection wants, as far as the outbox and this turn's work go.
    pub(crate) fn attend(&mut self, now: Instant, exchange: &Arc<Exchange>) {
        let conn = exchange.conn();
        // Before it is looked at, so that what is wanted from here on is noted again.
        exchange.open_note();
        while let Some(want) = exchange.want() {
            match want {
                Want::Reading => self.tell(now, Event::Resume(conn)),
                Want::Farewell(farewell) => self.tell(now, farewell.event(conn)),
                // The end is told through the service.
                Want::Sending(_) if !self.hub.is_open(conn) => return,
                Want::Sending(_) if self.work_left == 0 => return exchange.note_again(),
                Want::Sending(message) if self.hub.has_room_in_outbox(conn, &message) => {
                    self.tell(now, Event::Send(conn, message));
                    exchange.take();
                }
                Want::Sending(_) => {
                    self.awaiting_room.insert(conn, Arc::clone(exchange));
                    return;
                }
            }
        }
        self.awaiting_room.remove(&conn);
    }

    /// The socket took something: perhaps there is room again for what a task wants to be sent.
    pub(crate) fn attend_if_awaiting_room(&mut self, now: Instant, conn: ConnId) {
        if !self.awaiting_room.is_empty()
            && let Some(exchange) = self.awaiting_room.remove(&conn)
        {
            self.attend(now, &exchange);
        }
    }
}
