//! What one shard sends another.

use crate::{
    id::ConnId,
    time::Instant,
    topic::{Audience, Seq, Topic},
    wire::{Admission, Message, Refusal},
};
use tungstenite::protocol::CloseFrame;

/// What one shard sends another. Only hubs make and read it.
///
/// Whoever carries it keeps the order between each two shards, and loses none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel(pub(crate) Content);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// To a home: put this in order.
    Publish { audience: Audience, message: Message, except: Option<ConnId> },
    /// From a home: give this to your members.
    Deliver { audience: Audience, seq: Seq, message: Message, except: Option<ConnId> },
    /// To a home: this shard has a member now.
    Join(Topic),
    /// From a home: all after this number will come; or the home has no room for the topic.
    Joined(Topic, Option<Seq>),
    /// To a home: this shard has no member any more.
    Leave(Topic),
    /// So many bytes of what you sent are handled.
    Credit(Credit),
    /// What an application asked for a connection of that shard.
    Asked(ConnId, Box<Asked>),
}

/// Bytes by the two things that cost credit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Credit {
    pub(crate) publish: usize,
    pub(crate) deliver: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Admit(Admission),
    Refuse(Refusal),
    Subscribe(Topic),
    Unsubscribe(Topic),
    Send(Message),
    Close(CloseFrame),
    Kick(CloseFrame),
    SetTimer(Option<Instant>),
    Pause,
    Resume,
}

/// What a parcel costs beside its message.
const OVERHEAD_BYTES: usize = 64;

impl Parcel {
    /// About how many bytes the parcel holds.
    pub fn bytes(&self) -> usize {
        let Credit { publish, deliver } = self.0.cost();
        (publish + deliver).max(OVERHEAD_BYTES)
    }
}

impl Content {
    /// What it takes from the sender's credit. Joins, leaves and the like are bounded by the number
    /// of subscriptions and cost nothing.
    pub(super) fn cost(&self) -> Credit {
        match self {
            Self::Publish { audience, message, .. } => {
                Credit { publish: cost_of(message) + audience.name_bytes(), deliver: 0 }
            }
            Self::Deliver { audience, message, .. } => {
                Credit { publish: 0, deliver: cost_of(message) + audience.name_bytes() }
            }
            Self::Asked(_, asked) => Credit { publish: 0, deliver: asked.cost() },
            Self::Join(_) | Self::Joined(..) | Self::Leave(_) | Self::Credit(_) => {
                Credit::default()
            }
        }
    }
}

impl Asked {
    fn cost(&self) -> usize {
        match self {
            Self::Send(message) => cost_of(message),
            // Only where the connection lives is it judged whether a topic can have this name.
            Self::Subscribe(topic) | Self::Unsubscribe(topic) => topic.name().len(),
            Self::Admit(_)
            | Self::Refuse(_)
            | Self::Close(_)
            | Self::Kick(_)
            | Self::SetTimer(_)
            | Self::Pause
            | Self::Resume => 0,
        }
    }
}

fn cost_of(message: &Message) -> usize {
    message.frame().len() + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_is_as_long_as_what_is_in_it() {
        let message = Message::binary(&[0; 1000]);
        let audience = Audience::from("lobby");
        let frame = message.frame().len();
        let deliver =
            Content::Deliver { audience, seq: Seq(1), message: message.clone(), except: None };
        assert_eq!(Parcel(deliver).bytes(), frame + OVERHEAD_BYTES + "lobby".len());
        let audience = Audience::from("four");
        let publish = Content::Publish { audience, message, except: None };
        assert_eq!(Parcel(publish).bytes(), frame + OVERHEAD_BYTES + "four".len());
        assert_eq!(Parcel(Content::Credit(Credit::default())).bytes(), OVERHEAD_BYTES);
    }
}
