//! Saying one thing to many, and everything else that crosses shards.

use super::{
    Hub,
    forms::Forms,
    home::Shards,
    parcel::{Asked, Content},
};
use crate::{
    command::Commands,
    event::Publish,
    id::{ConnId, ShardId},
    planted::{Planted, planted},
    topic::{Audience, Seq, Topic},
    wire::Message,
};

impl Hub {
    /// The application publishes here.
    pub(super) fn publish(&mut self, publish: Publish, commands: &mut Commands) {
        let Publish { audience, message, except } = publish;
        if !self.fits(&message) || !self.is_audience(&audience) {
            // Nobody could be given it: no outbox holds so much, no topic has such a name.
            self.stats.unpublishable += 1;
            return;
        }
        let home = self.seat.home(&audience);
        if home == self.seat.shard {
            self.put_in_order(audience, message, except, commands);
        } else {
            self.forward(home, Content::Publish { audience, message, except }, commands);
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

    /// Queues a message for all its receivers here: one entry of the frame table for each of its
    /// forms, and for each receiver one node.
    fn deliver(
        &mut self,
        audience: &Audience,
        seq: Seq,
        message: Message,
        except: Option<ConnId>,
        commands: &mut Commands,
    ) {
        let bytes = message.frame().len();
        if !self.frames.has_room(bytes, &self.config) && self.has_receiver(audience, except) {
            self.make_room(bytes, commands);
        }
        let mut forms = Forms::new(message, &mut self.frames);
        let (pool, members, mut delivery) = self.delivery(commands);
        match audience {
            Audience::Everyone => {
                for (conn, connection) in pool.iter_mut() {
                    if connection.is_open() && Some(conn) != except {
                        delivery.deliver(conn, connection, &mut forms);
                    }
                }
            }
            Audience::Topic(topic) => {
                for conn in members.receive(topic, seq).filter(|conn| Some(*conn) != except) {
                    let connection = pool.get_mut(conn);
                    if planted(Planted::MemberLeftBehind) && connection.is_none() {
                        continue;
                    }
                    let connection = connection.expect("members leave before they go");
                    delivery.deliver(conn, connection, &mut forms);
                }
            }
        }
        let overflowed = delivery.overflowed;
        forms.release(&mut self.frames);
        self.overflow(overflowed, commands);
    }

    /// Whether anybody here is given what is published to `audience`.
    fn has_receiver(&self, audience: &Audience, except: Option<ConnId>) -> bool {
        match audience {
            Audience::Everyone => {
                self.pool.iter().any(|(conn, it)| it.is_open() && Some(conn) != except)
            }
            Audience::Topic(topic) => self.members.of(topic).any(|conn| Some(conn) != except),
        }
    }

    /// The shards that a publish to `audience` goes on to from here, its home.
    pub(super) fn shards_of(&self, audience: &Audience) -> Shards {
        match audience {
            Audience::Everyone => Shards::all(self.seat),
            Audience::Topic(topic) => self.homes.shards_of(topic),
        }
    }

    /// Whether an outbox can ever hold the message.
    pub(crate) fn fits(&self, message: &Message) -> bool {
        message.frame().len() <= self.config.outbox_bytes_max
    }

    /// Whether an audience's name, if it has one, is one that a topic can have.
    pub(crate) fn is_audience(&self, audience: &Audience) -> bool {
        audience.topic().is_none_or(|topic| self.is_name(topic))
    }

    /// Whether a topic can have this name.
    pub(super) fn is_name(&self, topic: &Topic) -> bool {
        (1..=self.config.topic_bytes_max).contains(&topic.name().len())
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
            Asked::Pause => self.pause_for_service(conn, commands),
            Asked::Resume => self.resume_for_service(conn, commands),
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
            Content::Credit(credit) => return self.credited(from, credit, commands),
            Content::Asked(conn, asked) => self.answer_asked(conn, *asked, commands),
        }
        self.settle_account(from, commands);
    }
}
