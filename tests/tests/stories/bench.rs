//! A hub that is told event by event, without a world around it.

use std::{io::IoSlice, time::Duration};

use fanlight_core::{
    Admission, Arrival, CloseReason, Command, Commands, Config, ConnId, Event, Hub, Instant,
    PeerAddr, Refused, Seat, Settings,
};
use fanlight_sim::Peer;

/// A hub, what it wanted so far, and the time.
pub(super) struct Bench {
    pub(super) hub: Hub,
    pub(super) commands: Commands,
    pub(super) now: Instant,
}

impl Bench {
    pub(super) fn new(settings: Settings) -> Self {
        let hub = Hub::new(Config::new(settings).unwrap(), Seat::alone(7));
        Self { hub, commands: Commands::default(), now: Instant::ZERO }
    }

    pub(super) fn accept(&mut self, arrival: Arrival) -> Result<ConnId, Refused> {
        self.hub.accept(self.now, arrival, &mut self.commands)
    }

    /// A connection whose upgrade is asked for and not decided.
    pub(super) fn asking(&mut self) -> ConnId {
        let conn = self.accept(Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
        self.receive(conn, &Peer::request("/", true));
        conn
    }

    pub(super) fn open(&mut self) -> ConnId {
        let admission = Admission::default();
        self.accept(Arrival::Upgraded(PeerAddr::Unnamed, admission.into(), Vec::new())).unwrap()
    }

    pub(super) fn tell(&mut self, event: Event<'_>) {
        self.hub.handle(self.now, event, &mut self.commands);
    }

    pub(super) fn receive(&mut self, conn: ConnId, bytes: &[u8]) {
        self.tell(Event::Received(conn, &mut bytes.to_vec()));
    }

    /// Time passes, with a tick at each deadline.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.hub.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.tell(Event::Tick);
        }
        self.now = end;
    }

    /// What waits for the socket.
    pub(super) fn unsent(&self, conn: ConnId) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 16];
        let filled = self.hub.unsent(conn, &mut slices);
        slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    pub(super) fn heard(&self) -> Vec<&str> {
        let messages = self.commands.others.iter().filter_map(|command| {
            let Command::Deliver(_, message) = command else { return None };
            message.as_text()
        });
        messages.collect()
    }

    pub(super) fn end_of(&self, conn: ConnId) -> Option<&CloseReason> {
        self.commands.others.iter().find_map(|command| {
            let Command::Closed(closed) = command else { return None };
            (closed.conn == conn).then_some(&closed.reason)
        })
    }
}
