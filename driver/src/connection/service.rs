//! The service that gives each connection to a task.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use fanlight_core::{CloseCode, CloseReason, ConnId, Context, Message, Request, Service};
use futures_channel::mpsc::UnboundedSender;

use super::{Connection, ConnectionSettings, exchange::Exchange};
use crate::{handle::Handle, house::Hall};

/// Answers a request, as [`Service::on_request`] does.
type Decide = dyn Fn(&mut Context<'_>, ConnId, &Request) + Send + Sync;

/// The [`Service`] that makes a [`Connection`] of everyone who opens, for [`Incoming`](super::Incoming).
///
/// Each shard is given a clone. Upgrades are admitted unless a page of another site asks, as any
/// service does by default; [`decide`](Self::decide) says otherwise.
pub struct Connections {
    hall: Arc<Hall>,
    settings: ConnectionSettings,
    opened: UnboundedSender<Connection>,
    /// How many of those nobody has taken.
    waiting: Arc<AtomicUsize>,
    decide: Option<Arc<Decide>>,
    /// By the slot of the connection.
    places: Vec<Option<Place>>,
}

/// Where one connection of the shard stands.
struct Place {
    conn: ConnId,
    stage: Stage,
}

enum Stage {
    /// Its request was admitted.
    Admitted(Box<Request>),
    /// A task has it.
    Open(Arc<Exchange>),
}

/// What any service does by default.
struct ByDefault;

impl Service for ByDefault {}

impl Connections {
    pub(super) fn new(
        handle: &Handle,
        settings: ConnectionSettings,
        opened: UnboundedSender<Connection>,
        waiting: &Arc<AtomicUsize>,
    ) -> Self {
        let (hall, waiting) = (Arc::clone(handle.hall()), Arc::clone(waiting));
        Self { hall, settings, opened, waiting, decide: None, places: Vec::new() }
    }

    /// Has requests answered by `decide` as by [`Service::on_request`]: at once, or later through a
    /// [`Handle`]. It runs on the shard's turn, so it must not block.
    ///
    /// The origin of a page that asks is for `decide` to judge:
    /// [`Request::is_same_origin`](fanlight_core::Request::is_same_origin).
    #[must_use]
    pub fn decide(
        mut self,
        decide: impl Fn(&mut Context<'_>, ConnId, &Request) + Send + Sync + 'static,
    ) -> Self {
        self.decide = Some(Arc::new(decide));
        self
    }

    fn place(&mut self, conn: ConnId, stage: Stage) {
        let index = conn.index();
        if self.places.len() <= index {
            self.places.resize_with(index + 1, || None);
        }
        self.places[index] = Some(Place { conn, stage });
    }

    /// Empties the place of a connection.
    fn leave(&mut self, conn: ConnId) -> Option<Stage> {
        let place = self.places.get_mut(conn.index())?;
        place.take_if(|place| place.conn == conn).map(|place| place.stage)
    }
}

impl Service for Connections {
    fn on_request(&mut self, cx: &mut Context<'_>, conn: ConnId, request: &Request) {
        match &self.decide {
            None => ByDefault.on_request(cx, conn, request),
            Some(decide) => decide(cx, conn, request),
        }
        if request.is_upgrade() {
            self.place(conn, Stage::Admitted(Box::new(request.clone())));
        }
    }

    fn on_open(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let request = match self.leave(conn) {
            Some(Stage::Admitted(request)) => Some(request),
            Some(Stage::Open(_)) | None => None,
        };
        // Counted before it can be taken.
        let waiting = self.waiting.fetch_add(1, Ordering::AcqRel);
        let why = if waiting >= self.settings.incoming_connections_max {
            "too many wait to be taken"
        } else {
            let exchange = Arc::new(Exchange::new(conn, &self.hall, self.settings));
            if self.opened.unbounded_send(Connection::new(&exchange, request)).is_ok() {
                return self.place(conn, Stage::Open(exchange));
            }
            "nobody takes connections"
        };
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        cx.close(conn, CloseCode::Again, why);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message) {
        let place = self.places.get(conn.index()).and_then(Option::as_ref);
        if let Some(Place { stage: Stage::Open(exchange), .. }) =
            place.filter(|place| place.conn == conn)
            && exchange.deliver(message)
        {
            cx.pause(conn);
        }
    }

    fn on_close(&mut self, _: &mut Context<'_>, conn: ConnId, reason: &CloseReason) {
        if let Some(Stage::Open(exchange)) = self.leave(conn) {
            exchange.end(Some(reason.clone()));
        }
    }
}

/// For one more shard, which has no connection yet.
impl Clone for Connections {
    fn clone(&self) -> Self {
        Self {
            hall: Arc::clone(&self.hall),
            settings: self.settings,
            opened: self.opened.clone(),
            waiting: Arc::clone(&self.waiting),
            decide: self.decide.clone(),
            places: Vec::new(),
        }
    }
}

/// The shard ends, perhaps without a word to its connections: their tasks are told.
impl Drop for Connections {
    fn drop(&mut self) {
        for place in self.places.drain(..).flatten() {
            if let Stage::Open(exchange) = place.stage {
                exchange.end(None);
            }
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("settings", &self.settings).finish_non_exhaustive()
    }
}
