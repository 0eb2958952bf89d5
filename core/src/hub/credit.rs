//! How much one shard may have under way to another.

use super::parcel::Credit;
use crate::{
    id::{ConnId, ShardId},
    planted::{Planted, planted},
};

#[cfg(any(test, feature = "audit"))]
mod audit;

/// One shard's accounts with every other.
///
/// Two things cost credit, in accounts of their own. What is delivered is handled at its
/// destination, whatever else happens there, so its credit always returns. What is published goes
/// on from its home, so its credit returns only while the home itself has credit to deliver: that
/// is how a slow shard slows the publishers and not only their home. No two shards can wait for
/// each other, since a delivery waits for nothing.
#[derive(Debug)]
pub(super) struct Accounts {
    /// By shard.
    others: Vec<Account>,
    /// Bytes that may be under way before publishers are paused; twice as many is the hard bound.
    window: usize,
    /// Connections that are paused until there is credit again. One that goes leaves it.
    paused: Vec<ConnId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Sent there, and not known to be handled.
    under_way: Credit,
    /// Received from there and handled, and not returned yet.
    owed: Credit,
}

impl Accounts {
    pub(super) fn new(shards: u8, window: usize) -> Self {
        Self { others: vec![Account::default(); usize::from(shards)], window, paused: Vec::new() }
    }

    /// Something leaves for `to`.
    pub(super) fn spend(&mut self, to: ShardId, cost: Credit) {
        let under_way = &mut self.others[to.index()].under_way;
        under_way.publish += cost.publish;
        under_way.deliver += cost.deliver;
    }

    /// Something from `from` was handled here.
    pub(super) fn owe(&mut self, from: ShardId, cost: Credit) {
        let owed = &mut self.others[from.index()].owed;
        owed.publish += cost.publish;
        owed.deliver += cost.deliver;
    }

    /// `from` has handled so much of what was sent there.
    pub(super) fn returned(&mut self, from: ShardId, credit: Credit) {
        let under_way = &mut self.others[from.index()].under_way;
        if planted(Planted::CreditReturnedTwice) {
            under_way.publish = under_way.publish.saturating_sub(2 * credit.publish);
            under_way.deliver = under_way.deliver.saturating_sub(2 * credit.deliver);
            return;
        }
        under_way.publish -= credit.publish;
        under_way.deliver -= credit.deliver;
    }

    /// Whether so much of what was sent to `from` can still be under way.
    pub(super) fn could_return(&self, from: ShardId, credit: Credit) -> bool {
        let Account { under_way, .. } = self.others[from.index()];
        credit.publish <= under_way.publish && credit.deliver <= under_way.deliver
    }

    /// What is to be returned now to `to`: nothing, until it is worth a parcel; and what was
    /// published only while this shard is not short of credit to deliver it.
    pub(super) fn take_owed(&mut self, to: ShardId, is_short: bool) -> Option<Credit> {
        let worth = self.window / 4;
        let owed = &mut self.others[to.index()].owed;
        let mut credit = Credit::default();
        if owed.deliver >= worth {
            credit.deliver = std::mem::take(&mut owed.deliver);
        }
        if owed.publish >= worth && !is_short {
            credit.publish = std::mem::take(&mut owed.publish);
        }
        (credit != Credit::default()).then_some(credit)
    }

    /// Whether deliveries anywhere are past what they may have under way.
    pub(super) fn is_short_to_deliver(&self) -> bool {
        self.others.iter().any(|account| account.under_way.deliver > self.window)
    }

    /// Whether anything anywhere is.
    pub(super) fn is_short(&self) -> bool {
        self.is_short_to_deliver()
            || self.others.iter().any(|account| account.under_way.publish > self.window)
    }

    /// Whether a publish may still go to its home.
    pub(super) fn may_publish(&self, home: ShardId) -> bool {
        let account = self.others.get(home.index());
        account.is_none_or(|account| account.under_way.publish <= 2 * self.window)
    }

    /// Whether a message may still go to a shard for delivery.
    pub(super) fn may_deliver(&self, to: ShardId) -> bool {
        let account = self.others.get(to.index());
        account.is_none_or(|account| account.under_way.deliver <= 2 * self.window)
    }

    /// Remembers a connection that was paused for want of credit.
    pub(super) fn pause(&mut self, conn: ConnId) {
        self.paused.push(conn);
    }

    #[cfg(test)]
    pub(super) fn paused(&self) -> &[ConnId] {
        &self.paused
    }

    /// A connection that was paused has gone.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.paused.retain(|paused| *paused != conn);
    }

    /// The connections that may be read again: all of them, once half of every window is free.
    pub(super) fn take_paused(&mut self) -> Vec<ConnId> {
        let is_free = self.others.iter().all(|account| {
            account.under_way.publish <= self.window / 2
                && account.under_way.deliver <= self.window / 2
        });
        if is_free { std::mem::take(&mut self.paused) } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ShardId = ShardId(0);
    const B: ShardId = ShardId(1);

    #[test]
    fn a_home_that_cannot_deliver_withholds_the_publishers_credit() {
        let take_owed = |home: &mut Accounts| home.take_owed(A, home.is_short_to_deliver());
        let mut home = Accounts::new(2, 1000);
        home.owe(A, Credit { publish: 500, deliver: 500 });
        home.spend(B, Credit { publish: 0, deliver: 1001 });
        assert!(home.is_short());
        assert_eq!(take_owed(&mut home), Some(Credit { publish: 0, deliver: 500 }));
        home.returned(B, Credit { publish: 0, deliver: 300 });
        assert_eq!(take_owed(&mut home), Some(Credit { publish: 500, deliver: 0 }));
        assert_eq!(take_owed(&mut home), None);
    }

    fn spent(publish: usize, deliver: usize) -> Accounts {
        let mut accounts = Accounts::new(2, 1000);
        accounts.spend(B, Credit { publish, deliver });
        accounts
    }

    #[test]
    fn a_window_and_a_hard_bound_may_be_filled_to_the_last_byte() {
        for (publish, deliver) in [(1000, 0), (0, 1000)] {
            assert!(!spent(publish, deliver).is_short(), "{publish} {deliver}");
        }
        for (publish, deliver) in [(1001, 0), (0, 1001)] {
            assert!(spent(publish, deliver).is_short(), "{publish} {deliver}");
        }
        assert!(!spent(1001, 1000).is_short_to_deliver());
        assert!(spent(2000, 0).may_publish(B) && spent(2001, 0).may_publish(A));
        assert!(!spent(2001, 0).may_publish(B));
        assert!(spent(0, 2000).may_deliver(B) && spent(0, 2001).may_deliver(A));
        assert!(!spent(0, 2001).may_deliver(B));
    }

    #[test]
    fn who_waits_is_read_again_once_half_of_every_window_is_free() {
        let mut slots = slotmap::SlotMap::new();
        let [stays, goes] = [(); 2].map(|()| ConnId::new(A, slots.insert(())));
        for (publish, deliver, is_read) in
            [(500, 500, true), (501, 500, false), (500, 501, false), (0, 501, false)]
        {
            let mut accounts = spent(publish, deliver);
            accounts.pause(stays);
            accounts.pause(goes);
            accounts.forget(goes);
            let resumed = accounts.take_paused();
            assert_eq!(resumed, if is_read { vec![stays] } else { Vec::new() });
        }
    }

    #[test]
    fn credit_is_returned_by_the_quarter_of_a_window() {
        for (owed, returned) in [
            (Credit { publish: 249, deliver: 249 }, None),
            (Credit { publish: 250, deliver: 249 }, Some(Credit { publish: 250, deliver: 0 })),
            (Credit { publish: 249, deliver: 250 }, Some(Credit { publish: 0, deliver: 250 })),
        ] {
            let mut accounts = Accounts::new(2, 1000);
            accounts.owe(B, owed);
            assert_eq!(accounts.take_owed(B, false), returned);
        }
    }
}
