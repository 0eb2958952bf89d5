//! How many sockets all tests of this process have at once.

use std::sync::{Condvar, Mutex, PoisonError};

/// With the server's ends it is twice as many.
const SOCKETS_MAX: usize = 190;

static FREE: Mutex<usize> = Mutex::new(SOCKETS_MAX);
static FREED: Condvar = Condvar::new();

/// The right to so many sockets, given back with the value.
pub(crate) struct Room(usize);

impl Room {
    /// Waits until there is room for so many sockets.
    pub(crate) fn take(sockets: usize) -> Self {
        assert!(sockets <= SOCKETS_MAX, "there is never so much room");
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            FREED.wait_while(free, |free| *free < sockets).unwrap_or_else(PoisonError::into_inner);
        *free -= sockets;
        Self(sockets)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *FREE.lock().unwrap_or_else(PoisonError::into_inner) += self.0;
        FREED.notify_all();
    }
}
