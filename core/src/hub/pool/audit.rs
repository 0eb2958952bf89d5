//! Whether the pool's two lists are one.

use super::Pool;
use crate::{
    hub::{audit::ensure, connection::Connection},
    id::ConnId,
};

impl Pool {
    /// All connections, in the order of their slots.
    pub(in crate::hub) fn audit(&self) -> Result<Vec<(ConnId, &Connection)>, String> {
        let all: Vec<_> = self
            .slots
            .iter()
            .map(|(key, connection)| (ConnId::new(self.shard, key), connection))
            .collect();
        for (conn, _) in &all {
            let listed = self.in_slot(conn.index());
            ensure(listed == Some(*conn), || format!("{conn} is in the slot of {listed:?}"))?;
        }
        let listed = self.all().len();
        ensure(listed == all.len(), || format!("{listed} ids for {} connections", all.len()))?;
        Ok(all)
    }
}
