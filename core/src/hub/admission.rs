//! Who gets a place in the pool.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::{
    config::Config,
    event::PeerAddr,
    topic::KeyedState,
    wire::{Limits, Refusal, Role, Wire},
};

#[cfg(any(test, feature = "audit"))]
mod audit;

/// Why a connection was declined before it had a place in the pool. Nobody is at fault; try later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The shard holds `connections_max` connections.
    #[error("the shard holds as many connections as it may")]
    Full,
    /// `upgrading_max` connections have not finished their upgrade.
    #[error("too many connections have not finished their upgrade")]
    Upgrading,
    /// The peer's address has `connections_per_address_max` connections.
    #[error("the address has as many connections as it may")]
    Address,
    /// The shard is being drained.
    #[error("the shard is being drained")]
    Draining,
}

impl Refused {
    /// The HTTP answer that says so, for an adapter to send if the socket takes it at once.
    pub fn answer(&self) -> Refusal {
        match self {
            Self::Full | Self::Upgrading | Self::Draining => Refusal::unavailable(),
            Self::Address => Refusal::too_many_from_address(),
        }
    }

    /// The bytes that say so where somebody else has answered the request with a 101 already: a
    /// Close with 1013, RFC 6455, section 7.4.1.
    pub fn close(&self) -> Vec<u8> {
        let frame = CloseFrame { code: CloseCode::Again, reason: self.to_string().into() };
        let mut bytes = Vec::new();
        Wire::new(Role::Server, Limits { message_bytes_max: 0, ..Limits::default() })
            .close(Some(&frame), &mut bytes)
            .expect("1013 may be sent, and the reason is short");
        bytes
    }
}

/// An address as it is counted: IPv4 whole, IPv6 by its /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AddressKey(u64);

impl AddressKey {
    /// In ff00::/8, which is multicast, so no peer has such a prefix.
    const NONE: Self = Self(0xff << 56);

    pub(super) fn of(peer: PeerAddr) -> Self {
        match peer {
            PeerAddr::Unnamed => Self::NONE,
            PeerAddr::Inet(address) => Self::of_address(address),
        }
    }

    fn of_address(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            // In ff00::/8 as well.
            IpAddr::V4(ip) => Self(0xffff_ffff << 32 | u64::from(ip.to_bits())),
            IpAddr::V6(ip) => Self((ip.to_bits() >> 64) as u64),
        }
    }
}

/// Counts what admission is bounded by. Invariant: an address without connections is not in the map.
#[derive(Debug)]
pub(super) struct Census {
    by_address: HashMap<AddressKey, u32, KeyedState>,
    upgrading: usize,
}

impl Census {
    pub(super) fn new(seed: u64) -> Self {
        Self { by_address: HashMap::with_hasher(KeyedState::new(seed)), upgrading: 0 }
    }

    pub(super) fn upgrading(&self) -> usize {
        self.upgrading
    }

    /// Whether one more connection may come in.
    pub(super) fn check(
        &self,
        config: &Config,
        connections: usize,
        address: AddressKey,
        upgrading: bool,
    ) -> Result<(), Refused> {
        if connections >= config.connections_max {
            return Err(Refused::Full);
        }
        if upgrading && self.upgrading >= config.upgrading_max {
            return Err(Refused::Upgrading);
        }
        let here = self.by_address.get(&address).map_or(0, |count| *count as usize);
        if here >= config.connections_per_address_max {
            return Err(Refused::Address);
        }
        Ok(())
    }

    pub(super) fn arrived(&mut self, address: AddressKey, upgrading: bool) {
        if address != AddressKey::NONE {
            *self.by_address.entry(address).or_default() += 1;
        }
        self.upgrading += usize::from(upgrading);
    }

    /// A connection's upgrade is over, whichever way it went.
    pub(super) fn upgraded(&mut self) {
        self.upgrading -= 1;
    }

    pub(super) fn left(&mut self, address: AddressKey) {
        if address == AddressKey::NONE {
            return;
        }
        let count = self.by_address.get_mut(&address).expect("counted when it arrived");
        *count -= 1;
        if *count == 0 {
            self.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> AddressKey {
        AddressKey::of(PeerAddr::Inet(address.parse().unwrap()))
    }

    #[test]
    fn an_ipv6_address_counts_with_its_prefix() {
        assert_eq!(key("[2001:db8::1]:1"), key("[2001:db8::2]:2"));
        assert_ne!(key("[2001:db8::1]:1"), key("[2001:db8:0:1::1]:1"));
        assert_eq!(key("[::ffff:10.0.0.1]:1"), key("10.0.0.1:2"));
        assert_ne!(key("10.0.0.1:1"), key("10.0.0.2:1"));
        assert_ne!(key("[::1]:1"), AddressKey::of(PeerAddr::Unnamed));
    }

    #[test]
    fn who_left_is_not_counted() {
        let mut census = Census::new(1);
        let config = Config::new(crate::Settings {
            connections_per_address_max: 1,
            ..crate::Settings::default()
        })
        .unwrap();
        let address = key("10.0.0.1:1");
        census.arrived(address, false);
        assert_eq!(census.check(&config, 1, address, false), Err(Refused::Address));
        census.left(address);
        assert_eq!(census.check(&config, 0, address, false), Ok(()));
        assert!(census.by_address.is_empty());
    }

    #[test]
    fn who_is_refused_is_told_whose_bound_it_is() {
        for refused in [Refused::Full, Refused::Upgrading, Refused::Draining] {
            assert_eq!(refused.answer().status(), 503, "{refused}");
        }
        assert_eq!(Refused::Address.answer().status(), 429);
    }
}
