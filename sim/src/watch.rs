//! What the laws see of one connection while it lives.

use fanlight_core::Command;

use crate::frame::Reader;

/// A connection's life as its hub tells it, and the bytes that it was sent.
#[derive(Debug)]
pub(crate) struct Watch {
    reader: Reader,
    is_known: bool,
    is_open: bool,
    is_closed: bool,
    is_gone: bool,
}

impl Watch {
    pub(crate) fn new(is_upgraded: bool) -> Self {
        Self {
            reader: Reader::new(is_upgraded),
            is_known: false,
            is_open: false,
            is_closed: false,
            is_gone: false,
        }
    }

    /// The hub said something about the connection. Law 2: in the order of a life, and nothing
    /// after its end.
    pub(crate) fn see(&mut self, command: &Command) -> Result<(), String> {
        let fits = match command {
            Command::Requested(..) => !self.is_known && !self.is_closed,
            Command::Opened(_) => !self.is_open && !self.is_closed,
            Command::Deliver(..) | Command::Subscribed(..) | Command::SubscriptionRefused(..) => {
                self.is_open && !self.is_closed
            }
            // A service may set a timer for whom it does not know yet.
            Command::Timer(_) | Command::Closed(_) => !self.is_closed,
            Command::Pause(_) | Command::Resume(_) | Command::Shutdown(_) => true,
            Command::Disconnect(_) => true,
            Command::Drained | Command::Forward(..) => return Ok(()),
        };
        if !fits || self.is_gone && !matches!(command, Command::Closed(_)) {
            return Err(format!("{command:?} at this point of its life: {self:?}"));
        }
        match command {
            Command::Requested(..) => self.is_known = true,
            Command::Opened(_) => (self.is_known, self.is_open) = (true, true),
            Command::Closed(_) => self.is_closed = true,
            Command::Disconnect(_) => self.is_gone = true,
            Command::Deliver(..)
            | Command::Subscribed(..)
            | Command::SubscriptionRefused(..)
            | Command::Timer(_)
            | Command::Pause(_)
            | Command::Resume(_)
            | Command::Shutdown(_)
            | Command::Drained
            | Command::Forward(..) => {}
        }
        Ok(())
    }

    /// The socket took bytes. Law 4: a valid stream, and nothing after a Close. Appends to `plain`
    /// what is whole now.
    pub(crate) fn write(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), String> {
        self.reader.read(bytes, plain)
    }

    /// How many messages there will have been when `unsent` is written too.
    pub(crate) fn messages_with(&self, unsent: &[u8]) -> usize {
        let mut reader = self.reader.clone();
        // What is wrong with it is told when it is written.
        _ = reader.read(unsent, &mut Vec::new());
        reader.messages()
    }

    /// How many pings it was sent.
    pub(crate) fn pings(&self) -> usize {
        self.reader.pings()
    }

    /// Whether the bytes end between two frames.
    pub(crate) fn is_whole(&self) -> bool {
        self.reader.is_whole()
    }

    /// Whether it was told closed and gone.
    pub(crate) fn is_over(&self) -> bool {
        self.is_closed && self.is_gone
    }
}
