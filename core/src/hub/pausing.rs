//! When a connection is not read, and when it is again.

use super::{
    Hub,
    connection::Pause,
    parcel::{Content, Credit, Parcel},
};
use crate::{
    command::{Command, Commands},
    id::{ConnId, ShardId},
};

impl Hub {
    /// Pauses a connection whose input caused more than the house can carry now.
    pub(super) fn await_credit(&mut self, publisher: ConnId, commands: &mut Commands) {
        let is_open = self.pool.get(publisher).is_some_and(|connection| connection.is_open());
        if is_open && self.accounts.is_short() && self.pause(publisher, Pause::Credit, commands) {
            self.stats.credit_pauses += 1;
            self.accounts.pause(publisher);
        }
    }

    /// Returns what is owed to a shard, if it is worth a parcel.
    pub(super) fn settle_account(&mut self, with: ShardId, commands: &mut Commands) {
        let is_short = self.accounts.is_short_to_deliver();
        self.return_credit(with, is_short, commands);
    }

    /// Another shard has handled something: what was withheld for want of credit may be returned,
    /// and who was paused for want of it read again.
    pub(super) fn credited(&mut self, from: ShardId, credit: Credit, commands: &mut Commands) {
        self.accounts.returned(from, credit);
        let is_short = self.accounts.is_short_to_deliver();
        for shard in self.seat.all() {
            self.return_credit(shard, is_short, commands);
        }
        for conn in self.accounts.take_paused() {
            self.resume(conn, Pause::Credit, commands);
        }
    }

    fn return_credit(&mut self, to: ShardId, is_short: bool, commands: &mut Commands) {
        if let Some(credit) = self.accounts.take_owed(to, is_short) {
            commands.push(Command::Forward(to, Parcel(Content::Credit(credit))));
        }
    }

    /// Stops reading a connection. Returns whether this reason was new.
    pub(super) fn pause(&mut self, conn: ConnId, why: Pause, commands: &mut Commands) -> bool {
        let Some(connection) = self.pool.get_mut(conn) else { return false };
        if connection.pauses == 0 {
            commands.push(Command::Pause(conn));
        }
        let is_new = !connection.is_paused(why);
        connection.pauses |= why as u8;
        is_new
    }

    /// Ends one reason for not reading a connection.
    pub(super) fn resume(&mut self, conn: ConnId, why: Pause, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        if !connection.is_paused(why) {
            return;
        }
        connection.pauses &= !(why as u8);
        if why == Pause::Credit {
            self.accounts.forget(conn);
            // That time was not the peer's. A pause begins when something was received, so this one
            // began then. Who is paused for its own haste gets no time back.
            if let Some(begun) = connection.message_begun.if_ever() {
                connection.message_begun =
                    begun + (self.now - connection.heartbeat.last_received());
            }
        }
        if connection.pauses == 0 {
            commands.push(Command::Resume(conn));
            // The peer could not be heard meanwhile.
            connection.heartbeat.heard(self.now);
        }
        self.rearm(conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::{
        Arrival, Audience, Config, End, Event, Instant, Message, Negotiated, PeerAddr, Publish,
        Seat,
    };

    #[test]
    fn a_connection_that_goes_while_it_is_paused_leaves_nothing_in_the_accounts() {
        let seat = Seat { shard: ShardId(0), shards: 2, seed: 7 };
        let mut hub = Hub::new(Config::default(), seat);
        let (now, mut commands) = (Instant::ZERO, Commands::default());
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
        let conn = hub.accept(now, arrival, &mut commands).unwrap();
        let long = Message::binary(&vec![0; hub.config().outbox_bytes_max / 2]);
        while !hub.is_short_of_credit() {
            let publish = Publish::new(Audience::Everyone, long.clone());
            hub.handle(
                now,
                Event::Publish(Publish { except: Some(conn), ..publish }),
                &mut commands,
            );
        }
        hub.handle(now, Event::AwaitCredit(conn), &mut commands);
        assert_eq!(hub.accounts.paused(), [conn]);
        hub.handle(now, Event::Ended(conn, End::Failed), &mut commands);
        assert!(hub.accounts.paused().is_empty());
    }
}
