//! Whether a parcel can have come from another shard of this house.

use super::{
    Hub,
    parcel::{Content, Parcel},
};
use crate::{event::Event, id::ShardId};

impl Hub {
    /// Whether a house could tell its hub this, as it stands.
    ///
    /// Everything may be told at any time but parcels: only hubs make them, and whoever carries them
    /// keeps their order and loses none. Hubs rely on that and do not ask. A replay does: its
    /// parcels are in a file that anybody may have changed.
    pub(crate) fn could_be_told(&self, event: &Event<'_>) -> bool {
        match event {
            Event::Parcel(from, Parcel(content)) => self.could_come(*from, content),
            Event::Received(..)
            | Event::Sent(..)
            | Event::Ended(..)
            | Event::Panicked(_)
            | Event::Admit(..)
            | Event::Refuse(..)
            | Event::Subscribe(..)
            | Event::Unsubscribe(..)
            | Event::Send(..)
            | Event::Publish(_)
            | Event::AwaitCredit(_)
            | Event::Close(..)
            | Event::Kick(..)
            | Event::Pause(_)
            | Event::Resume(_)
            | Event::SetTimer(..)
            | Event::Drain(_)
            | Event::Tick => true,
        }
    }

    fn could_come(&self, from: ShardId, content: &Content) -> bool {
        let here = self.seat.shard;
        if from.0 >= self.seat.shards || from == here {
            return false;
        }
        match content {
            Content::Publish { audience, .. } => {
                self.is_audience(audience) && self.seat.home(audience) == here
            }
            Content::Deliver { audience, .. } => {
                self.is_audience(audience) && self.seat.home(audience) == from
            }
            Content::Join(topic) => self.is_name(topic) && self.seat.home_of(topic) == here,
            Content::Leave(topic) => self.seat.home_of(topic) == here,
            Content::Joined(topic, _) => {
                self.seat.home_of(topic) == from && self.members.awaits_home(topic)
            }
            Content::Credit(credit) => self.accounts.could_return(from, *credit),
            Content::Asked(conn, _) => conn.shard() == here,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        command::Commands,
        config::Config,
        event::{Arrival, PeerAddr, Publish},
        hub::Credit,
        id::{ConnId, Seat},
        time::Instant,
        topic::{Audience, Seq, Topic},
        wire::{Message, Negotiated},
    };

    const HERE: ShardId = ShardId(0);
    const THERE: ShardId = ShardId(1);
    const SEAT: Seat = Seat { shard: HERE, shards: 2, seed: 7 };

    /// A topic whose home is that shard.
    fn topic_of(home: ShardId) -> Topic {
        let mut names = (0..).map(|number| Topic::new(number.to_string()));
        names.find(|topic| SEAT.home_of(topic) == home).unwrap()
    }

    fn hub_with_member() -> (Hub, ConnId) {
        let (mut hub, mut commands) = (Hub::new(Config::default(), SEAT), Commands::default());
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new());
        let conn = hub.accept(Instant::ZERO, arrival, &mut commands).unwrap();
        for home in [HERE, THERE] {
            hub.handle(Instant::ZERO, Event::Subscribe(conn, topic_of(home)), &mut commands);
        }
        (hub, conn)
    }

    fn could_come(hub: &Hub, from: ShardId, content: Content) -> bool {
        hub.could_be_told(&Event::Parcel(from, Parcel(content)))
    }

    #[test]
    fn a_parcel_comes_from_another_shard_of_the_house() {
        let (hub, conn) = hub_with_member();
        let leave = || Content::Leave(topic_of(HERE));
        assert!(could_come(&hub, THERE, leave()));
        assert!(!could_come(&hub, HERE, leave()));
        assert!(!could_come(&hub, ShardId(2), leave()));
        assert!(hub.could_be_told(&Event::AwaitCredit(conn)));
    }

    #[test]
    fn homes_are_told_by_shards_and_shards_by_homes() {
        let (hub, _) = hub_with_member();
        let message = || Message::text("x");
        let publish = |home| {
            let (audience, message) = (Audience::Topic(topic_of(home)), message());
            Content::Publish { audience, message, except: None }
        };
        let deliver = |home| {
            let (audience, message) = (Audience::Topic(topic_of(home)), message());
            Content::Deliver { audience, seq: Seq(1), message, except: None }
        };
        for (expected, content) in [
            (true, publish(HERE)),
            (false, publish(THERE)),
            (true, deliver(THERE)),
            (false, deliver(HERE)),
            (true, Content::Join(topic_of(HERE))),
            (false, Content::Join(topic_of(THERE))),
            (false, Content::Join(Topic::new("x".repeat(10_000)))),
            (false, Content::Leave(topic_of(THERE))),
        ] {
            assert_eq!(could_come(&hub, THERE, content.clone()), expected, "{content:?}");
        }
    }

    #[test]
    fn a_join_is_answered_once() {
        let (mut hub, _) = hub_with_member();
        let joined = |home| Content::Joined(topic_of(home), Some(Seq(3)));
        assert!(!could_come(&hub, THERE, joined(HERE)));
        assert!(could_come(&hub, THERE, joined(THERE)));
        let event = Event::Parcel(THERE, Parcel(joined(THERE)));
        hub.handle(Instant::ZERO, event, &mut Commands::default());
        assert!(!could_come(&hub, THERE, joined(THERE)));
    }

    #[test]
    fn no_more_credit_returns_than_was_spent() {
        let (mut hub, _) = hub_with_member();
        let credit = |publish, deliver| Content::Credit(Credit { publish, deliver });
        assert!(!could_come(&hub, THERE, credit(1, 0)));
        let publish = Publish::new(topic_of(THERE), Message::text("x"));
        let cost = Content::Publish {
            audience: publish.audience.clone(),
            message: publish.message.clone(),
            except: None,
        }
        .cost()
        .publish;
        hub.handle(Instant::ZERO, Event::Publish(publish), &mut Commands::default());
        assert!(could_come(&hub, THERE, credit(cost, 0)));
        assert!(!could_come(&hub, THERE, credit(cost + 1, 0)));
        assert!(!could_come(&hub, THERE, credit(cost, 1)));
    }
}
