//! What peers and applications say, as bytes and as text.

use fanlight_core::{Settings, Topic};

use super::{Ask, Breach, Decision, Name, Setup, Size, Speech};
use fanlight_sim::frame::{self, masked};

impl Name {
    /// The name as a topic of the house.
    pub fn topic(self, settings: &Settings) -> Topic {
        let padded = |length| Topic::new("n".repeat(length));
        match self {
            Self::Topic(number) => Topic::new(format!("t{number}")),
            Self::User(number) => Topic::user(format!("u{number}")),
            Self::Nameless => Topic::new(""),
            Self::LongName => padded(settings.topic_bytes_max),
            Self::LongerName => padded(settings.topic_bytes_max + 1),
        }
    }

    /// The name of a topic.
    pub fn of(topic: &Topic, settings: &Settings) -> Option<Self> {
        let numbers = 0..10;
        let numbered = numbers.flat_map(|number| [Self::Topic(number), Self::User(number)]);
        numbered
            .chain([Self::Nameless, Self::LongName, Self::LongerName])
            .find(|name| name.topic(settings) == *topic)
    }

    /// The name in a text of [`Speech::Say`].
    pub fn in_text(text: &str) -> Option<Self> {
        let word = text.strip_prefix("say ")?.split(' ').next()?;
        let number = word.get(1..)?.parse().ok()?;
        match word.as_bytes() {
            [b't', ..] => Some(Self::Topic(number)),
            [b'u', ..] => Some(Self::User(number)),
            _ => None,
        }
    }

    fn word(self) -> String {
        match self {
            Self::Topic(number) => format!("t{number}"),
            Self::User(number) => format!("u{number}"),
            // Of these a peer cannot speak.
            Self::Nameless | Self::LongName | Self::LongerName => "-".into(),
        }
    }
}

impl Decision {
    /// The path of a request on which a service decides so.
    pub fn path(self) -> String {
        match self {
            Self::Admit => "/admit".into(),
            Self::AdmitAs(user) => format!("/as/{user}"),
            Self::Refuse(status) => format!("/refuse/{status}"),
        }
    }

    /// What a service decides about a path; nothing yet about any other.
    pub fn about(path: &str) -> Option<Self> {
        if path == "/admit" {
            Some(Self::Admit)
        } else if let Some(user) = path.strip_prefix("/as/") {
            user.parse().ok().map(Self::AdmitAs)
        } else {
            path.strip_prefix("/refuse/")?.parse().ok().map(Self::Refuse)
        }
    }
}

impl Ask {
    /// The request as it is sent.
    pub fn bytes(self) -> Vec<u8> {
        let upgrade = |path: &str| {
            format!(
                "GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
        };
        let text = match self {
            Self::Upgrade(decision) => upgrade(&decision.path()),
            Self::UpgradeAndWait => upgrade("/wait"),
            Self::Page(decision) => {
                format!("GET {} HTTP/1.1\r\nHost: a.example\r\n\r\n", decision.path())
            }
            Self::Half => upgrade("/admit")[..HALF].into(),
            Self::Rest => upgrade("/admit")[HALF..].into(),
            Self::Nonsense => "nonsense\r\n\r\n".into(),
            Self::Post => upgrade("/admit").replace("GET", "POST"),
            Self::Keyless => {
                upgrade("/admit").replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")
            }
            Self::OldVersion => upgrade("/admit").replace("Version: 13", "Version: 8"),
        };
        text.into_bytes()
    }
}

/// Where [`Ask::Half`] ends: inside a header line.
const HALF: usize = 40;

impl Speech {
    /// The frame as it is sent by the operation of this number; `pinged` is the payload of the last
    /// ping that the peer has had.
    pub fn bytes(self, number: usize, settings: &Settings, pinged: &[u8]) -> Vec<u8> {
        let text = self.text(number, settings);
        match self {
            Self::Chat | Self::Echo | Self::Bye | Self::Say(_) | Self::Longest | Self::TooLong => {
                masked(0x80 | frame::TEXT, text.as_bytes())
            }
            Self::Begin => masked(frame::TEXT, text.as_bytes()),
            Self::Middle => masked(frame::CONTINUATION, text.as_bytes()),
            Self::Finish => masked(0x80 | frame::CONTINUATION, text.as_bytes()),
            Self::Ping => masked(0x80 | frame::PING, text.as_bytes()),
            Self::Pong => masked(0x8a, pinged),
            Self::StrayPong => masked(0x8a, b"stray"),
            Self::CloseWith(code) => masked(0x80 | frame::CLOSE, &code.to_be_bytes()),
            Self::CloseWithout => masked(0x80 | frame::CLOSE, b""),
            Self::Breach(breach) => breach.bytes(),
        }
    }

    /// The text that is in it.
    pub fn text(self, number: usize, settings: &Settings) -> String {
        let padded = |length| format!("{:.<length$}", format!("chat {number}"));
        match self {
            Self::Chat => format!("chat {number}"),
            Self::Echo => format!("echo {number}"),
            Self::Bye => format!("bye {number}"),
            Self::Say(name) => format!("say {} {number}", name.word()),
            Self::Longest => padded(settings.message_bytes_max),
            Self::TooLong => padded(settings.message_bytes_max + 1),
            Self::Begin => format!("echo {number}"),
            Self::Middle | Self::Finish => format!(" and {number}"),
            Self::Ping => format!("ping {number}"),
            Self::Pong
            | Self::StrayPong
            | Self::CloseWith(_)
            | Self::CloseWithout
            | Self::Breach(_) => String::new(),
        }
    }
}

impl Breach {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Bit => masked(0xc1, b"bit"),
            Self::Opcode => masked(0x83, b"opcode"),
            Self::Bare => b"\x81\x04bare".to_vec(),
            Self::Fragment => masked(frame::PING, b"fragment"),
            Self::Text => masked(0x81, b"\xff"),
            Self::HalfCode => masked(0x88, b"\x03"),
            Self::Code => masked(0x88, &1005_u16.to_be_bytes()),
        }
    }
}

impl Size {
    /// What the application says in the operation of this number.
    pub fn text(self, number: usize, setup: &Setup) -> String {
        let outbox_bytes_max = setup.settings().outbox_bytes_max;
        let framed = match self {
            Self::Short => return format!("said {number}"),
            Self::HalfOutbox => outbox_bytes_max / 2,
            Self::WholeOutbox => outbox_bytes_max,
            Self::OverOutbox => outbox_bytes_max + 1,
        };
        let length = framed - header_bytes(framed);
        format!("{:.<length$}", format!("said {number}"))
    }
}

/// How much of a whole server frame of this length is its header: RFC 6455, section 5.2.
fn header_bytes(framed: usize) -> usize {
    match framed {
        ..128 => 2,
        128..65_540 => 4,
        _ => 10,
    }
}

/// How long a text is as a server's frame.
pub(super) fn frame_bytes(text: &str) -> usize {
    let header = match text.len() {
        ..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    header + text.len()
}
