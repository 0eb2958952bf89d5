//! Law 5: what peers can make a hub hold and do, by what the world gave it and took from it.

use fanlight_core::{ConnId, PeerAddr, Refused, Service, ShardId};

use crate::{queue::Slot, world::World};

/// Most bytes of pings, pongs and the Close that wait on top of messages, and most of an HTTP
/// answer: 4 KiB of pongs, of which the newest may be longer than the one it replaces, a ping of
/// ours, a Close (RFC 6455, section 5.5).
const BESIDE_MESSAGES_MAX: usize = 4096 + 3 * (2 + 125) + 1024;

/// What counts as one address: IPv4 whole, IPv6 by its /64.
fn counted_as(address: PeerAddr) -> Option<(bool, u64)> {
    let PeerAddr::Inet(address) = address else { return None };
    Some(match address.ip().to_canonical() {
        std::net::IpAddr::V4(ip) => (false, ip.to_bits().into()),
        std::net::IpAddr::V6(ip) => (true, (ip.to_bits() >> 64) as u64),
    })
}

impl<S: Service> World<S> {
    /// An arrival is accepted if there is room, and refused only if there is none. To be asked
    /// before the connection is counted.
    pub(crate) fn admission(
        &mut self,
        shard: ShardId,
        address: PeerAddr,
        accepted: &Result<ConnId, Refused>,
    ) {
        let here = self.live.iter().filter(|conn| conn.shard() == shard);
        let sockets = here.filter_map(|conn| self.sockets.get(*conn));
        let address = counted_as(address);
        let (mut all, mut of_address) = (0, 0);
        for socket in sockets {
            all += 1;
            let is_same = address.is_some() && counted_as(socket.seen.address) == address;
            of_address += usize::from(is_same);
        }
        let settings = self.hub(shard).config();
        let (all_max, address_max) =
            (settings.connections_max, settings.connections_per_address_max);
        let is_right = match accepted {
            Ok(_) => all < all_max && of_address < address_max,
            Err(Refused::Full) => all >= all_max,
            Err(Refused::Address) => of_address >= address_max,
            Err(Refused::Upgrading | Refused::Draining) => true,
        };
        if !is_right {
            let what = format!("{accepted:?} with {all} connections, {of_address} of the address");
            self.broke("law 5", format!("on {shard:?}: {what}"));
        }
    }

    /// A connection was given bytes: past its rate it is read no more, past what is discarded it
    /// is gone.
    pub(crate) fn reading_is_bounded(&mut self, slot: Slot) {
        let socket = self.sockets.at(slot);
        if socket.is_gone {
            return;
        }
        let (conn, lingered) = (socket.conn, socket.seen.lingered_bytes());
        let hub = self.hub(conn.shard());
        let linger_bytes_max = hub.config().linger_bytes_max;
        let is_too_fast = socket.seen.is_too_fast(self.moment(conn.shard()));
        if is_too_fast && !socket.is_paused && hub.is_open(conn) && !self.is_ending(conn) {
            self.broke("law 5", format!("{conn} is past its rate, and read on"));
        }
        if lingered > linger_bytes_max {
            let what = format!("{conn} lingers: {lingered} bytes, the bound {linger_bytes_max}");
            self.broke("law 5", what);
        }
    }

    /// Nobody is past a bound: neither what waits for one peer, nor what all have not finished.
    pub(crate) fn holds_are_bounded(&mut self) {
        for shard in self.shards() {
            let settings = self.hub(shard).config();
            let outbox_bytes_max = settings.outbox_bytes_max + BESIDE_MESSAGES_MAX;
            let assembly_bytes_max = settings.assembly_bytes_max;
            let mut assembled = 0;
            let mut over = None;
            for conn in self.live.iter().copied().filter(|conn| conn.shard() == shard) {
                let Some(socket) = self.sockets.get(conn) else { continue };
                let unsent = if socket.is_writing { self.unsent(conn).len() } else { 0 };
                if unsent > outbox_bytes_max {
                    over = Some((conn, unsent));
                }
                let message_bytes = socket.seen.intake.message_bytes();
                if message_bytes > 0 && self.hub(shard).is_open(conn) && !self.is_ending(conn) {
                    assembled += message_bytes;
                }
            }
            if let Some((conn, unsent)) = over {
                let what = format!("{unsent} bytes wait for {conn}, the bound {outbox_bytes_max}");
                self.broke("law 5", what);
            }
            if assembled > assembly_bytes_max {
                let what = format!("{assembled} bytes of messages, the bound {assembly_bytes_max}");
                self.broke("law 5", format!("on {shard:?}: {what}"));
            }
        }
    }

    /// Whether the hub knows why the connection is ending.
    fn is_ending(&self, conn: ConnId) -> bool {
        self.hub(conn.shard()).portrait(conn).is_some_and(|portrait| portrait.reason.is_some())
    }
}
