//! One connection of a hub, with a neighbour shard and a clock.

use std::{io::IoSlice, time::Duration};

use fanlight_core::{
    Arrival, Audience, Command, Commands, Config, ConnId, Event, Hub, Instant, Message, Negotiated,
    Parcel, PeerAddr, Portrait, Publish, Seat, Settings, ShardId, Topic,
};

use fanlight_tests::agreed;

const HERE: ShardId = ShardId(0);
const THERE: ShardId = ShardId(1);

/// The beginning of a message of 1000 bytes, masked with zeroes.
pub(crate) const HALF: &[u8] = &{
    let mut half = [0; 900];
    [half[0], half[1], half[2], half[3]] = [0x82, 0x80 | 126, 0x03, 0xe8];
    half
};

/// The connection that everything is about, and what came of the last that was told of it.
pub(crate) struct Subject {
    pub(crate) hub: Hub,
    neighbour: Hub,
    pub(crate) conn: ConnId,
    pub(crate) now: Instant,
    pub(crate) commands: Commands,
    /// What the neighbour has sent and nobody has delivered.
    parcels: Vec<Parcel>,
    /// Whether what is asked goes by way of the neighbour.
    pub(crate) asks_from_afar: bool,
}

impl Subject {
    fn new(arrival: Arrival) -> Self {
        let settings = Settings {
            ping_jitter_percent: 0,
            inbound_frames_per_second_max: 10,
            parcel_bytes_max: 1024,
            outbox_messages_max: 2,
            message_bytes_max: 1024,
            assembly_bytes_max: 1280,
            ..Settings::default()
        };
        let config = Config::new(settings).unwrap();
        let seat = |shard| Seat { shard, shards: 2, seed: 7 };
        let mut hub = Hub::new(config.clone(), seat(HERE));
        let mut commands = Commands::default();
        let now = Instant::ZERO + Duration::from_secs(60);
        let conn = hub.accept(now, arrival, &mut commands).unwrap();
        let neighbour = Hub::new(config, seat(THERE));
        let parcels = Vec::new();
        Self { hub, neighbour, conn, now, commands, parcels, asks_from_afar: false }
    }

    pub(crate) fn fresh() -> Self {
        Self::new(Arrival::Fresh(PeerAddr::Unnamed))
    }

    pub(crate) fn upgraded() -> Self {
        Self::new(Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), Vec::new()))
    }

    /// Open, and may send compressed messages.
    pub(crate) fn deflating() -> Self {
        let negotiated = Negotiated { deflate: Some(agreed(15)), ..Negotiated::default() };
        Self::new(Arrival::Upgraded(PeerAddr::Unnamed, negotiated, Vec::new()))
    }

    pub(crate) fn portrait(&self) -> Option<Portrait> {
        self.hub.portrait(self.conn)
    }

    /// Tells the hub; what comes of it is kept.
    pub(crate) fn tell(&mut self, event: Event<'_>) {
        self.hub.handle(self.now, event, &mut self.commands);
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        let conn = self.conn;
        self.tell(Event::Received(conn, &mut bytes.to_vec()));
    }

    /// Asks as an application does: here, or through the neighbour.
    pub(crate) fn ask(&mut self, event: Event<'_>) {
        if !self.asks_from_afar {
            return self.tell(event);
        }
        let earlier = std::mem::take(&mut self.parcels);
        self.tell_neighbour(event);
        self.deliver_parcels();
        self.parcels = earlier;
    }

    /// Gives the hub what the neighbour has sent.
    pub(crate) fn deliver_parcels(&mut self) {
        for parcel in std::mem::take(&mut self.parcels) {
            self.tell(Event::Parcel(THERE, parcel));
        }
    }

    fn tell_neighbour(&mut self, event: Event<'_>) {
        let mut commands = Commands::default();
        self.neighbour.handle(self.now, event, &mut commands);
        for command in commands.others {
            if let Command::Forward(HERE, parcel) = command {
                self.parcels.push(parcel);
            }
        }
    }

    /// Publishes more than the neighbour may be sent, and keeps what it sends back.
    pub(crate) fn run_short_of_credit(&mut self) {
        let audience = Audience::Topic(topic_of(THERE, "far"));
        let publish = Publish::new(audience, Message::binary(&[0; 2000]));
        self.tell(Event::Publish(publish));
        for command in std::mem::take(&mut self.commands.others) {
            if let Command::Forward(_, parcel) = command {
                self.tell_neighbour(Event::Parcel(HERE, parcel));
            } else {
                self.commands.others.push_back(command);
            }
        }
        assert!(self.hub.is_short_of_credit());
    }

    /// Another connection has said nearly all of a long message.
    pub(crate) fn crowd(&mut self) {
        let arrival = Arrival::Upgraded(PeerAddr::Unnamed, Negotiated::default(), HALF.to_vec());
        self.hub.accept(self.now, arrival, &mut self.commands).unwrap();
    }

    /// The socket takes all that waits.
    pub(crate) fn drain_socket(&mut self) {
        let bytes = self.unsent().len();
        self.tell(Event::Sent(self.conn, bytes));
    }

    /// What waits for the socket.
    pub(crate) fn unsent(&self) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = self.hub.unsent(self.conn, &mut slices);
        assert!(filled < slices.len(), "all of it is shown");
        slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    /// Lets time pass, with a tick whenever the hub asks for one, and one at the end.
    pub(crate) fn tick_after(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.hub.next_deadline().filter(|next| *next < until) {
            self.now = self.now.max(next);
            self.tell(Event::Tick);
        }
        self.now = until;
        self.tell(Event::Tick);
    }

    /// Forgets what came so far: a state has been reached.
    pub(crate) fn settled(mut self) -> Self {
        self.commands = Commands::default();
        self
    }
}

/// A topic whose home is here, where nothing has to travel.
pub(crate) fn topic(name: &str) -> Topic {
    topic_of(HERE, name)
}

fn topic_of(home: ShardId, name: &str) -> Topic {
    let seat = Seat { shard: HERE, shards: 2, seed: 7 };
    (0..)
        .map(|number| Topic::new(format!("{name} {number}")))
        .find(|topic| seat.home(&Audience::Topic(topic.clone())) == home)
        .expect("half of all names")
}
