//! When a connection is not read, and when it is again.

use super::{
    Hub,
    connection::Pause,
    parcel::{Content, Credit, Parcel},
};
use crate::{
    command::{Command, Commands},
    id::{ConnId, ShardId},
    time::Instant,
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

    /// The service has enough of a connection for now.
    pub(super) fn pause_for_service(&mut self, conn: ConnId, commands: &mut Commands) {
        match self.pool.get(conn) {
            Some(connection) if connection.is_open() => {
                self.pause(conn, Pause::Service, commands);
            }
            Some(_) | None => self.stale(),
        }
    }

    /// The service wants more of a connection.
    pub(super) fn resume_for_service(&mut self, conn: ConnId, commands: &mut Commands) {
        match self.pool.get(conn) {
            Some(connection) if connection.is_open() => self.resume(conn, Pause::Service, commands),
            Some(_) | None => self.stale(),
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
                let paused_for = self.now - connection.heartbeat.last_received();
                connection.message_begun = (begun + paused_for).min(self.now);
            }
        }
        if why == Pause::Service && connection.message_begun != Instant::NEVER {
            // Nor was this. A pause comes between two messages, so no message gets time twice unless
            // the service wants it.
            connection.message_begun = self.now;
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
    use std::time::Duration;

    use super::*;
    use crate::{
        Arrival, Audience, CloseCode, CloseFrame, Config, End, Event, Message, Negotiated,
        PeerAddr, Publish, Seat, Settings,
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

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn open_hub() -> (Hub, ConnId, Commands) {
        let settings = Settings { ping_jitter_percent: 0, ..Settings::default() };
        let mut hub = Hub::new(Config::new(settings).unwrap(), Seat::alone(7));
        let mut commands = Commands::default();
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
        let conn = hub.accept(Instant::ZERO, arrival, &mut commands).unwrap();
        commands.others.clear();
        (hub, conn, commands)
    }

    /// The half of a message, under a mask of zeros.
    const HALF: &[u8] = &[0x01, 0x81, 0, 0, 0, 0, b'x'];

    #[test]
    fn whom_the_service_does_not_read_is_not_asked_to_speak() {
        let (mut hub, conn, mut commands) = open_hub();
        hub.handle(at(1), Event::Pause(conn), &mut commands);
        hub.handle(at(2), Event::Pause(conn), &mut commands);
        assert_eq!(Vec::from(commands.others.clone()), [Command::Pause(conn)], "once");
        hub.handle(at(3600), Event::Tick, &mut commands);
        assert_eq!((hub.stats().pings, hub.next_deadline()), (0, None));
        hub.handle(at(3600), Event::Resume(conn), &mut commands);
        hub.handle(at(3600), Event::Resume(conn), &mut commands);
        assert_eq!(commands.others.pop_back(), Some(Command::Resume(conn)));
        assert_eq!(commands.others.len(), 1, "once");
        assert_eq!(hub.portrait(conn).unwrap().deadline, Some((at(3625), "ping_interval")));
    }

    #[test]
    fn a_message_has_its_whole_time_after_a_pause_of_the_service() {
        let (mut hub, conn, mut commands) = open_hub();
        hub.handle(at(1), Event::Received(conn, &mut HALF.to_vec()), &mut commands);
        assert_eq!(hub.portrait(conn).unwrap().message_begun, Some(at(1)));
        hub.handle(at(2), Event::Pause(conn), &mut commands);
        hub.handle(at(500), Event::Tick, &mut commands);
        assert!(hub.is_open(conn));
        hub.handle(at(500), Event::Resume(conn), &mut commands);
        assert_eq!(hub.portrait(conn).unwrap().message_begun, Some(at(500)));
    }

    #[test]
    fn whoever_is_closing_is_read_again() {
        let (mut hub, conn, mut commands) = open_hub();
        hub.handle(at(1), Event::Pause(conn), &mut commands);
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        hub.handle(at(1), Event::Close(conn, frame), &mut commands);
        assert!(commands.others.contains(&Command::Resume(conn)));
        let stale_before = hub.stats().stale_events;
        hub.handle(at(1), Event::Pause(conn), &mut commands);
        hub.handle(at(1), Event::Resume(conn), &mut commands);
        assert_eq!(hub.stats().stale_events - stale_before, 2, "it is the service's no more");
        assert_eq!(hub.portrait(conn).unwrap().pauses, [""; 0]);
    }
}
