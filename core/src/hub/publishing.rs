//! Saying one thing to many, and everything else that crosses shards.

use super::{
    Hub,
    connection::Pause,
    frames::Kind,
    home::Shards,
    parcel::{Asked, Content},
};
use crate::{
    command::{Command, Commands},
    event::Publish,
    id::{ConnId, ShardId},
    topic::{Audience, Seq},
    wire::Message,
};

impl Hub {
    /// The application publishes here.
    pub(super) fn publish(&mut self, publish: Publish, commands: &mut Commands) {
        let Publish { audience, message, except, publisher } = publish;
        let home = self.seat.home(&audience);
        if home == self.seat.shard {
            self.put_in_order(audience, message, except, commands);
        } else {
            self.forward(home, Content::Publish { audience, message, except }, commands);
        }
        if let Some(publisher) = publisher.filter(|conn| conn.shard() == self.seat.shard)
            && self.accounts.is_short()
            && self.pool.get(publisher).is_some_and(|connection| connection.is_open())
        {
            self.stats.credit_pauses += 1;
            if self.pause(publisher, Pause::Credit, commands) {
                self.accounts.pause(publisher);
            }
        }
    }

    /// The home gives a message its number, and sends it to the shards that have members.
    fn put_in_order(
        &mut self,
        audience: Audience,
        message: Message,
        except: Option<ConnId>,
        commands: &mut Commands,
    ) {
        let (seq, shards) = match &audience {
            Audience::Everyone => (self.homes.publish_to_everyone(), Shards::all(self.seat)),
            Audience::Topic(topic) => match self.homes.publish(topic) {
                Some(published) => published,
                None => return,
            },
        };
        self.stats.publishes += 1;
        for shard in shards.iter() {
            if shard == self.seat.shard {
                self.deliver(&audience, seq, message.clone(), except, commands);
            } else {
                let (audience, message) = (audience.clone(), message.clone());
                let content = Content::Deliver { audience, seq, message, except };
                self.forward(shard, content, commands);
            }
        }
    }

    /// Queues a message for all its receivers here: one entry of the frame table, and for each
    /// receiver one node.
    fn deliver(
        &mut self,
        audience: &Audience,
        seq: Seq,
        message: Message,
        except: Option<ConnId>,
        commands: &mut Commands,
    ) {
        let frame = self.frames.insert(message.into_frame(), Kind::Message);
        let (pool, members, mut delivery) = self.delivery(commands);
        match audience {
            Audience::Everyone => {
                for (conn, connection) in pool.iter_mut() {
                    if connection.is_open() && Some(conn) != except {
                        delivery.deliver(conn, connection, frame);
                    }
                }
            }
            Audience::Topic(topic) => {
                for conn in members.receive(topic, seq).filter(|conn| Some(*conn) != except) {
                    let connection = pool.get_mut(conn).expect("members leave before they go");
                    delivery.deliver(conn, connection, frame);
                }
            }
        }
        let overflowed = delivery.overflowed;
        self.frames.release(frame);
        self.overflow(overflowed, commands);
    }

    /// The shards that a publish to `audience` goes on to from here, its home.
    pub(super) fn shards_of(&self, audience: &Audience) -> Shards {
        match audience {
            Audience::Everyone => Shards::all(self.seat),
            Audience::Topic(topic) => self.homes.shards_of(topic),
        }
    }

    /// What the application asks for one connection, wherever that lives.
    pub(super) fn ask(&mut self, conn: ConnId, asked: Asked, commands: &mut Commands) {
        if conn.shard() == self.seat.shard {
            self.answer_asked(conn, asked, commands);
        } else if conn.shard().0 < self.seat.shards {
            let content = Content::Asked(conn, Box::new(asked));
            self.forward(conn.shard(), content, commands);
        } else {
            self.stale();
        }
    }

    fn answer_asked(&mut self, conn: ConnId, asked: Asked, commands: &mut Commands) {
        match asked {
            Asked::Admit(admission) => self.admit(conn, admission, commands),
            Asked::Refuse(refusal) => self.refuse(conn, &refusal, commands),
            Asked::Subscribe(topic) => self.subscribe(conn, topic, commands),
            Asked::Unsubscribe(topic) => self.unsubscribe(conn, &topic, commands),
            Asked::Send(message) => self.send(conn, message, commands),
            Asked::Close(frame) => self.close(conn, &frame, false, commands),
            Asked::Kick(frame) => self.close(conn, &frame, true, commands),
            Asked::SetTimer(at) => self.set_connection_timer(conn, at),
        }
    }

    /// Another shard sent something.
    pub(super) fn unpack(&mut self, from: ShardId, content: Content, commands: &mut Commands) {
        self.accounts.owe(from, content.cost());
        match content {
            Content::Publish { audience, message, except } => {
                self.put_in_order(audience, message, except, commands);
            }
            Content::Deliver { audience, seq, message, except } => {
                self.deliver(&audience, seq, message, except, commands);
            }
            Content::Join(topic) => self.join_from(from, topic, commands),
            Content::Joined(topic, seq) => self.joined(topic, seq, commands),
            Content::Leave(topic) => self.homes.leave(&topic, from),
            Content::Credit(credit) => self.accounts.returned(from, credit),
            Content::Asked(conn, asked) => self.answer_asked(conn, *asked, commands),
        }
        self.settle_accounts(commands);
    }

    /// Returns the credit that is owed, and reads again those who were paused for want of it.
    fn settle_accounts(&mut self, commands: &mut Commands) {
        for shard in self.seat.all() {
            if let Some(credit) = self.accounts.take_owed(shard) {
                commands.push(Command::Forward(shard, super::Parcel(Content::Credit(credit))));
            }
        }
        for conn in self.accounts.take_paused() {
            self.resume(conn, Pause::Credit, commands);
        }
    }

    /// Stops reading a connection. Returns whether this reason was new.
    pub(super) fn pause(&mut self, conn: ConnId, why: Pause, commands: &mut Commands) -> bool {
        let Some(connection) = self.pool.get_mut(conn) else { return false };
        if connection.pauses == 0 {
            commands.push(Command::Pause(conn));
        }
        let is_new = connection.pauses & why as u8 == 0;
        connection.pauses |= why as u8;
        is_new
    }

    /// Ends one reason for not reading a connection.
    pub(super) fn resume(&mut self, conn: ConnId, why: Pause, commands: &mut Commands) {
        let Some(connection) = self.pool.get_mut(conn) else { return };
        if connection.pauses & why as u8 == 0 {
            return;
        }
        connection.pauses &= !(why as u8);
        if connection.pauses == 0 {
            commands.push(Command::Resume(conn));
            // The peer could not be heard meanwhile.
            connection.heartbeat.heard(self.now);
            if connection.message_begun.if_ever().is_some() {
                connection.message_begun = self.now;
            }
        }
        self.rearm(conn);
    }
}
