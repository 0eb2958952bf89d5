//! Sockets from the listener to the door of the house.

use std::time::Instant;

use fanlight_core::Arrival;
use tracing::{debug, warn};

use super::{
    Adapter, WhenFull,
    listener::Listener,
    setup::Setup,
    trouble::{Pauses, Telling, is_of_one_peer},
};
use crate::{door::Door, error::DoorError};

/// Lets sockets in for as long as it is polled. No error of the listener ends it.
pub(super) async fn accept<A: Adapter>(
    listener: Listener<A>,
    door: Door<A::Tcp>,
    mut setup: Setup<A>,
    when_full: WhenFull,
) {
    let mut pauses = Pauses::new();
    let (mut trouble, mut full) = (Telling::default(), Telling::default());
    loop {
        match when_full {
            WhenFull::Refuse => {}
            WhenFull::Wait => door.room().await,
        }
        match listener.accept(&mut setup).await {
            Ok((socket, peer)) => {
                pauses.end();
                match door.admit(socket, Arrival::Fresh(peer)) {
                    Ok(()) => {}
                    Err(why @ (DoorError::Full | DoorError::Closed)) => {
                        debug!(%peer, %why, "a socket was dropped");
                        // Of a closed door its house tells.
                        if why == DoorError::Full && full.is_due(Instant::now()) {
                            warn!(%why, "sockets are being dropped");
                        }
                    }
                }
            }
            Err(error) if is_of_one_peer(&error) => debug!(%error, "a peer left before it came in"),
            Err(error) => {
                let pause = pauses.next();
                if trouble.is_due(Instant::now()) {
                    warn!(%error, "sockets cannot be accepted; trying on");
                }
                A::sleep(pause).await;
            }
        }
    }
}
