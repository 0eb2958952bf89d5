//! The model of a house: what it does upon each operation.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

use fanlight_core::{Seat, Settings, ShardId};

use super::{
    Account, Answer, Deed, Late, Name, Nth, Op, Parcels, Setup, Until,
    connection::{Connection, State},
    drain::Drain,
    speech::frame_bytes,
    subject::SEED,
    topic::{Group, Home, Parcel, Wish},
};

const MILLI: u64 = 1_000_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    pub(super) timer: Option<u64>,
    pub(super) drain: Option<Drain>,
    pub(super) groups: BTreeMap<Name, Group>,
}

/// A house as the design has it.
#[derive(Clone, Debug)]
pub struct House {
    pub(super) setup: Setup,
    pub(super) settings: Settings,
    /// Finds homes: their hash is the one thing that a model cannot say more simply.
    pub(super) seat: Seat,
    pub(super) shards: Vec<Shard>,
    pub(super) connections: Vec<Connection>,
    pub(super) homes: Vec<Home>,
    /// How often each topic was revived.
    pub(super) lives: BTreeMap<Name, u32>,
    pub(super) parcels: VecDeque<(u8, u8, Parcel)>,
    pub(super) now: u64,
    pub(super) account: Account,
    counters: BTreeMap<&'static str, u64>,
}

impl House {
    /// A house without connections, at its first moment.
    pub fn new(setup: Setup) -> Self {
        Self {
            settings: setup.settings(),
            seat: Seat { shard: ShardId(0), shards: setup.shards, seed: SEED },
            shards: vec![Shard::default(); usize::from(setup.shards)],
            connections: Vec::new(),
            homes: Vec::new(),
            lives: BTreeMap::new(),
            parcels: VecDeque::new(),
            now: 0,
            account: Account::default(),
            counters: BTreeMap::new(),
            setup,
        }
    }

    /// What an operation comes to now, if there is anything that it can be done to.
    pub fn plan(&self, number: usize, op: Op) -> Option<Deed> {
        let mut deed = Deed { op, number, target: None, until: (self.now, self.now) };
        let nth = |nth: Nth, is_meant: &dyn Fn(&Connection) -> bool| {
            let numbers = 0..self.connections.len();
            let meant: Vec<_> =
                numbers.filter(|number| is_meant(&self.connections[*number])).collect();
            let index = usize::from(nth.0).checked_rem(meant.len())?;
            Some(meant[index])
        };
        let lives = |connection: &Connection| !connection.is_gone();
        match &mut deed.op {
            Op::Accept(shard, ..) | Op::SetsTimer(shard, _) | Op::Drains(shard, ..) => {
                *shard %= self.setup.shards;
            }
            Op::Asks(who, ask) | Op::AsksAndSpeaks(who, ask, _) => {
                let asks = |it: &Connection| it.state == State::Upgrading;
                deed.target = Some(nth(*who, &asks)?);
                // The second half of a request goes with the first.
                let has_begun = self.connections[deed.target?].has_begun;
                match (has_begun, *ask) {
                    (true, _) => *ask = super::Ask::Rest,
                    (false, super::Ask::Rest) => *ask = super::Ask::Half,
                    (false, _) => {}
                }
                // What follows half a request would be its rest.
                if let Op::AsksAndSpeaks(_, super::Ask::Half, _) = deed.op {
                    return None;
                }
            }
            Op::Speaks(who, _) | Op::SpeaksTwice(who, ..) => {
                let speaks =
                    |it: &Connection| lives(it) && it.state != State::Upgrading && !it.is_silent;
                deed.target = Some(nth(*who, &speaks)?);
            }
            Op::Ends(who, _) => {
                deed.target = Some(nth(*who, &|it| lives(it) && !it.is_silent)?);
            }
            Op::Stalls(who) => {
                deed.target = Some(nth(*who, &|it| lives(it) && !it.outbox.is_stalled)?);
            }
            Op::Moves(who) => {
                deed.target = Some(nth(*who, &|it| lives(it) && it.outbox.is_stalled)?);
            }
            Op::Panics(who) => deed.target = Some(nth(*who, &lives)?),
            Op::Decides(via, who, _) => {
                *via %= self.setup.shards;
                deed.target = Some(nth(*who, &|it| it.state == State::Deciding)?);
            }
            Op::Subscribes(via, who, _)
            | Op::Unsubscribes(via, who, _)
            | Op::Sends(via, who, _)
            | Op::Closes(via, who, _)
            | Op::Kicks(via, who, _)
            | Op::Pauses(via, who)
            | Op::Resumes(via, who)
            | Op::SetsTimerOf(via, who, _)
            | Op::PublishesExcept(via, _, _, who) => {
                *via %= self.setup.shards;
                deed.target = Some(nth(*who, &lives)?);
            }
            Op::Stale(via, who, _) => {
                *via %= self.setup.shards;
                deed.target = Some(nth(*who, &Connection::is_gone)?);
            }
            Op::Publishes(via, ..) => *via %= self.setup.shards,
            Op::Passes(until) => deed.until = self.until(*until)?,
            Op::Delivers(from, to) => {
                *from %= self.setup.shards;
                *to %= self.setup.shards;
                let between = (*from, *to);
                self.parcels.iter().find(|parcel| (parcel.0, parcel.1) == between)?;
            }
        }
        Some(deed)
    }

    /// Until when hubs are ticked, and which time it is then.
    fn until(&self, until: Until) -> Option<(u64, u64)> {
        let next = || self.next_deadline().filter(|next| *next > self.now);
        let both = |until: u64| Some((until, until));
        match until {
            Until::For(millis) => both(self.now + u64::from(millis) * MILLI),
            Until::Before => both(next()? - 1),
            Until::At => both(next()?),
            Until::After => both(next()? + 1),
            Until::Unticked(millis) => Some((next()? - 1, next()? + u64::from(millis) * MILLI)),
        }
    }

    /// Does what was planned, and gives an account of it.
    pub fn perform(&mut self, deed: &Deed) -> Account {
        self.act(deed);
        self.arrive();
        if !deed.is_unticked() {
            self.advance(self.now);
        }
        self.account.gauges = self.gauges();
        mem::take(&mut self.account)
    }

    /// Hears which slot the newest connection was given: that is nothing for a model to predict.
    pub(super) fn hear_slot(&mut self, slot: usize) {
        if let Some(newest) = self.connections.last_mut() {
            newest.slot = slot;
        }
    }

    fn act(&mut self, deed: &Deed) {
        let Deed { op, number, until, .. } = *deed;
        let target = || deed.target.expect("planned with a target");
        match op {
            Op::Accept(shard, address, arrival) => self.accept(shard, address, arrival),
            Op::Asks(_, ask) => self.ask(target(), ask, None),
            Op::AsksAndSpeaks(_, ask, speech) => self.ask(target(), ask, Some((speech, number))),
            Op::Speaks(_, speech) => self.say(target(), &[speech], number),
            Op::SpeaksTwice(_, first, second) => self.say(target(), &[first, second], number),
            Op::Ends(_, ending) => self.end(target(), ending),
            Op::Stalls(_) => self.connections[target()].outbox.is_stalled = true,
            Op::Moves(_) => {
                self.connections[target()].outbox.is_stalled = false;
                self.take(target());
            }
            Op::Decides(via, _, decision) => self.wish(via, target(), Wish::Decide(decision)),
            Op::Subscribes(via, _, name) => self.wish(via, target(), Wish::Subscribe(name)),
            Op::Unsubscribes(via, _, name) => self.wish(via, target(), Wish::Unsubscribe(name)),
            Op::Sends(via, _, size) => {
                let text = size.text(number, &self.setup);
                let is_taken = frame_bytes(&text) <= self.settings.outbox_bytes_max;
                if is_taken {
                    self.wish(via, target(), Wish::Send(text));
                }
                self.account.answer = Some(Answer::Taken(is_taken));
            }
            Op::Publishes(via, audience, size) | Op::PublishesExcept(via, audience, size, _) => {
                let text = size.text(number, &self.setup);
                let is_taken = self.publish(via, audience, &text, deed.target);
                self.account.answer = Some(Answer::Taken(is_taken));
            }
            Op::Closes(via, _, code) => self.wish(via, target(), Wish::Close(code)),
            Op::Kicks(via, _, code) => self.wish(via, target(), Wish::Kick(code)),
            Op::Pauses(via, _) => self.wish(via, target(), Wish::Pause),
            Op::Resumes(via, _) => self.wish(via, target(), Wish::Resume),
            Op::Panics(_) => self.panic(target()),
            Op::SetsTimer(via, millis) => {
                self.shards[usize::from(via)].timer = self.after(millis);
            }
            Op::SetsTimerOf(via, _, millis) => {
                self.wish(via, target(), Wish::Timer(self.after(millis)));
            }
            Op::Drains(shard, over, timeout) => {
                self.drain(shard, u64::from(over) * MILLI, u64::from(timeout) * MILLI);
            }
            Op::Passes(_) => {
                self.advance(until.0);
                self.now = until.1;
            }
            Op::Delivers(from, to) => self.deliver(from, to),
            Op::Stale(via, _, late) => self.come_late(via, target(), late),
        }
    }

    fn after(&self, millis: Option<u16>) -> Option<u64> {
        millis.map(|millis| self.now + u64::from(millis) * MILLI)
    }

    fn wish(&mut self, via: u8, number: usize, wish: Wish) {
        let shard = self.connections[number].shard;
        self.post(via, shard, Parcel::Wish(number, wish));
    }

    pub(super) fn grant(&mut self, number: usize, wish: Wish) {
        if self.connections[number].is_gone() {
            self.count("stale_events");
            return;
        }
        match wish {
            // What comes too early or too late for a connection that is still there is counted with
            // what comes for one that is gone: the caller lost the same race.
            Wish::Send(_) | Wish::Pause | Wish::Resume if !self.connections[number].is_open() => {
                self.count("stale_events");
            }
            Wish::Decide(decision) => self.decide(number, decision),
            Wish::Subscribe(name) => self.subscribe(number, name),
            Wish::Unsubscribe(name) => self.unsubscribe(number, name),
            Wish::Send(text) => self.give(number, &text),
            Wish::Close(code) => self.close(number, code, false),
            Wish::Kick(code) => self.close(number, code, true),
            Wish::Pause => self.connections[number].is_paused = true,
            Wish::Resume => self.resume(number),
            Wish::Timer(at) => match self.connections[number].state {
                State::Upgrading | State::Deciding | State::Open => {
                    // Of what is due already this is not what was due first.
                    self.connections[number].timer = at.map(|at| at.max(self.now));
                }
                State::Closing | State::Lingering | State::Gone => {}
            },
            Wish::Late => {}
        }
    }

    fn come_late(&mut self, via: u8, number: usize, late: Late) {
        match late {
            // It is the panic that is counted, whomever it was about.
            Late::LatePanic => self.count("panics"),
            // Nothing is short of credit here, so nobody is looked for.
            Late::LateAwaitCredit => {}
            Late::LateBytes | Late::LateSent | Late::LateEof | Late::LateReset => {
                self.grant(number, Wish::Late)
            }
            Late::LateAdmit
            | Late::LateRefuse
            | Late::LateSubscribe
            | Late::LateUnsubscribe
            | Late::LateSend
            | Late::LateClose
            | Late::LateKick
            | Late::LatePause
            | Late::LateResume
            | Late::LateTimer => self.wish(via, number, Wish::Late),
        }
    }

    /// All that waits between two shards arrives.
    fn deliver(&mut self, from: u8, to: u8) {
        let (arriving, others) = mem::take(&mut self.parcels)
            .into_iter()
            .partition(|parcel| (parcel.0, parcel.1) == (from, to));
        self.parcels = others;
        let arriving: VecDeque<_> = arriving;
        for (from, to, parcel) in arriving {
            self.unpack(from, to, parcel);
        }
    }

    /// What was held and is read again arrives, and parcels do, where they do so at once.
    pub(super) fn arrive(&mut self) {
        loop {
            if self.read_held() {
                continue;
            }
            if self.setup.parcels == Parcels::Prompt
                && let Some((from, to, parcel)) = self.parcels.pop_front()
            {
                self.unpack(from, to, parcel);
            } else {
                return;
            }
        }
    }

    pub(super) fn count(&mut self, counter: &'static str) {
        *self.counters.entry(counter).or_default() += 1;
    }

    /// Everything that is counted, and what is there now.
    fn gauges(&self) -> BTreeMap<&'static str, u64> {
        let live = || self.connections.iter().filter(|it| !it.is_gone());
        let mut gauges = self.counters.clone();
        let mut set = |name, value: usize| {
            gauges.insert(name, value as u64);
        };
        set("connections", live().count());
        set("open", live().filter(|it| it.is_open()).count());
        set("upgrading", live().filter(|it| it.is_upgrading()).count());
        // Whatever waits is counted, be it a message, an answer or a control frame: the design is
        // silent, and it is what pins memory.
        set("queued", live().map(|it| it.outbox.len()).sum());
        if self.parcels.is_empty() {
            set("members", live().map(|it| it.memberships.len()).sum());
            set("topics", self.shards.iter().map(|shard| shard.groups.len()).sum());
            set("homes", self.homes.len());
        }
        gauges
    }
}
