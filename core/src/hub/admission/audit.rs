//! Whether those who are counted are those who are here.

use std::collections::BTreeMap;

use super::{AddressKey, Census};
use crate::{
    config::Config,
    hub::{audit::ensure, connection::Connection},
    id::ConnId,
};

impl Census {
    pub(in crate::hub) fn audit(
        &self,
        connections: &[(ConnId, &Connection)],
        config: &Config,
    ) -> Result<(), String> {
        let upgrading = connections.iter().filter(|(_, live)| live.is_upgrading()).count();
        ensure(self.upgrading == upgrading, || {
            format!("{} are counted as upgrading, {upgrading} are", self.upgrading)
        })?;
        let mut most = 0;
        let mut here: BTreeMap<AddressKey, u32> = BTreeMap::new();
        for (_, connection) in connections {
            if connection.address != AddressKey::NONE {
                let count = here.entry(connection.address).or_default();
                *count += 1;
                most = most.max(*count as usize);
            }
        }
        for (conn, connection) in connections {
            let address = &connection.address;
            let (counted, real) = (self.by_address.get(address), here.get(address));
            ensure(counted == real, || {
                format!("{conn}: {counted:?} of its address are counted, {real:?} are here")
            })?;
        }
        ensure(self.by_address.len() == here.len(), || {
            format!("{} addresses are counted, {} are here", self.by_address.len(), here.len())
        })?;
        for (what, real, max) in [
            ("connections", connections.len(), config.connections_max),
            ("upgrading", upgrading, config.upgrading_max),
            ("of one address", most, config.connections_per_address_max),
        ] {
            ensure(real <= max, || format!("{real} {what}, past the bound of {max}"))?;
        }
        Ok(())
    }
}
