//! From accept to open: design, sections 6 and 8.

use fanlight_core::{CloseReason, Refused, wire::RequestFault};

use super::{
    Answer, Arrival, Ask, Decision, House, Name, Place, Seen, Speech,
    connection::{Connection, State},
};

impl House {
    pub(super) fn accept(&mut self, shard: u8, address: u8, arrival: Arrival) {
        let refused = self.refusals(shard, address, arrival);
        if !refused.is_empty() {
            self.count("refused");
            self.account.answer = Some(Answer::Refused(refused));
            return;
        }
        self.count("accepted");
        self.account.answer = Some(Answer::Accepted);
        let number = self.connections.len();
        self.connections.push(Connection::new(shard, address, self.now));
        match arrival {
            Arrival::Fresh => {}
            Arrival::Upgraded => self.open(number, None),
            Arrival::UpgradedAs(user) => self.open(number, Some(user)),
        }
    }

    /// Every bound that speaks against it. The design leaves open which of them is named.
    fn refusals(&self, shard: u8, address: u8, arrival: Arrival) -> Vec<Refused> {
        let settings = &self.settings;
        let here = || self.connections.iter().filter(move |it| !it.is_gone() && it.shard == shard);
        let upgrading = here().filter(|it| it.is_upgrading()).count();
        let mut refused = Vec::new();
        if self.shards[usize::from(shard)].drain.is_some() {
            refused.push(Refused::Draining);
        }
        if here().count() >= settings.connections_max {
            refused.push(Refused::Full);
        }
        if arrival == Arrival::Fresh && upgrading >= settings.upgrading_max {
            refused.push(Refused::Upgrading);
        }
        let from_address = here().filter(|it| it.address == address).count();
        if from_address >= settings.connections_per_address_max {
            refused.push(Refused::Address);
        }
        refused
    }

    /// The peer asks, and perhaps goes on in the same read.
    pub(super) fn ask(&mut self, number: usize, ask: Ask, then: Option<(Speech, usize)>) {
        let now = self.now;
        let connection = &mut self.connections[number];
        connection.heard_at = now;
        let (path, is_upgrade) = match ask {
            Ask::Half => {
                connection.has_begun = true;
                return;
            }
            Ask::Rest => (Decision::Admit.path(), true),
            Ask::Upgrade(decision) => (decision.path(), true),
            Ask::UpgradeAndWait => ("/wait".into(), true),
            Ask::Page(decision) => (decision.path(), false),
            Ask::Nonsense => return self.refuse_request(number, RequestFault::Malformed, 400),
            Ask::Post => return self.refuse_request(number, RequestFault::MethodNotGet, 405),
            Ask::Keyless => return self.refuse_request(number, RequestFault::KeyMissing, 400),
            Ask::OldVersion => {
                return self.refuse_request(number, RequestFault::VersionNot13, 426);
            }
        };
        connection.state = State::Deciding;
        connection.since = now;
        connection.is_upgrade = is_upgrade;
        connection.is_known = true;
        connection.behind = then;
        let decision = Decision::about(&path);
        self.account.add(now, Place::Application(number), Seen::Requested(path));
        if let Some(decision) = decision {
            self.decide(number, decision);
        }
    }

    fn refuse_request(&mut self, number: usize, fault: RequestFault, status: u16) {
        self.refuse(number, CloseReason::BadRequest(fault), status);
    }

    pub(super) fn decide(&mut self, number: usize, decision: Decision) {
        if self.connections[number].state != State::Deciding {
            return self.count("stale_events");
        }
        let is_upgrade = self.connections[number].is_upgrade;
        match decision {
            Decision::Refuse(status) => {
                self.refuse(number, CloseReason::Refused(status), status);
            }
            // A plain request cannot be let in.
            Decision::Admit | Decision::AdmitAs(_) if !is_upgrade => {
                self.refuse(number, CloseReason::Refused(426), 426);
            }
            Decision::Admit => self.admit(number, None),
            Decision::AdmitAs(user) => self.admit(number, Some(user)),
        }
    }

    fn admit(&mut self, number: usize, user: Option<u8>) {
        self.put(number, Seen::Status(101));
        self.open(number, user);
        if let Some((speech, by)) = self.connections[number].behind.take() {
            self.say(number, &[speech], by);
        }
    }

    fn open(&mut self, number: usize, user: Option<u8>) {
        let now = self.now;
        self.count("opened");
        let connection = &mut self.connections[number];
        connection.state = State::Open;
        connection.since = now;
        connection.heard_at = now;
        connection.is_known = true;
        self.account.add(now, Place::Application(number), Seen::Opened);
        if let Some(user) = user {
            self.subscribe(number, Name::User(user));
        }
    }
}
