//! Whether the accounts between shards are in order.

use super::{Account, Accounts};
use crate::{
    hub::{
        audit::ensure,
        connection::{Connection, Pause},
    },
    id::{ConnId, ShardId},
};

impl Accounts {
    pub(in crate::hub) fn audit(
        &self,
        connections: &[(ConnId, &Connection)],
        here: ShardId,
    ) -> Result<(), String> {
        let worth = self.window / 4;
        for (shard, Account { under_way, owed }) in self.others.iter().enumerate() {
            let is_quiet = *under_way == Default::default() && *owed == Default::default();
            ensure(shard != here.index() || is_quiet, || "an account with itself".to_owned())?;
            ensure(owed.deliver < worth, || {
                format!("{} for deliveries is withheld from shard {shard}", owed.deliver)
            })?;
            ensure(owed.publish < worth || self.is_short_to_deliver(), || {
                format!("{} for publishes is withheld from shard {shard}", owed.publish)
            })?;
        }
        let mut paused = self.paused.clone();
        paused.sort_unstable();
        let mut real: Vec<_> = connections
            .iter()
            .filter(|(_, connection)| connection.is_paused(Pause::Credit))
            .map(|(conn, _)| *conn)
            .collect();
        real.sort_unstable();
        ensure(paused == real, || format!("{paused:?} wait for credit, {real:?} are paused for it"))
    }

    /// Whether what was spent on `to` is owed there to `here`, nothing being under way.
    pub(in crate::hub) fn agree(
        &self,
        to: ShardId,
        there: &Self,
        here: ShardId,
    ) -> Result<(), String> {
        let spent = self.others[to.index()].under_way;
        let owed = there.others[here.index()].owed;
        ensure(spent == owed, || format!("{spent:?} was spent and {owed:?} is owed"))
    }
}
