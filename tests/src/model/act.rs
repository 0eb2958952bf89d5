//! What each deed is to the hubs under test.

use std::{net::Ipv4Addr, time::Duration};

use fanlight_core::{
    Admission, CloseCode, CloseFrame, Commands, Context, Drain, End, Event, Message, PeerAddr,
    Refusal, ShardId, Timer,
};

use super::{
    Answer, Arrival, Audience, Deed, Ending, Late, Op, Size, Speech, Subject, probe, socket::Input,
};

/// What is said at the end of a drain.
pub(super) const FAREWELL: u16 = 1001;

fn close_frame(code: u16) -> CloseFrame {
    CloseFrame { code: CloseCode::from(code), reason: "".into() }
}

impl Subject {
    /// Does it, and no more: what follows is worked off later.
    pub(super) fn act(&mut self, deed: &Deed) {
        let Deed { op, number, .. } = *deed;
        let conn = deed.target.map(|target| self.sockets[target].conn);
        let target = || deed.target.expect("the model found whom it is for");
        let id = || conn.expect("the model found whom it is for");
        match op {
            Op::Accept(shard, address, arrival) => self.arrive(shard, address, arrival),
            Op::Asks(_, ask) => self.give(target(), ask.bytes()),
            Op::AsksAndSpeaks(_, ask, speech) => {
                let mut bytes = ask.bytes();
                bytes.extend(self.speech(target(), number, speech));
                self.give(target(), bytes);
            }
            Op::Speaks(_, speech) => {
                let bytes = self.speech(target(), number, speech);
                self.give(target(), bytes);
            }
            Op::SpeaksTwice(_, first, second) => {
                let mut bytes = self.speech(target(), number, first);
                bytes.extend(self.speech(target(), number, second));
                self.give(target(), bytes);
            }
            Op::Ends(_, Ending::Eof) => self.end(target(), End::Eof),
            Op::Ends(_, Ending::Reset) => self.end(target(), End::Failed),
            Op::Stalls(_) => self.sockets[target()].is_stalled = true,
            Op::Moves(_) => self.unstall(target()),
            Op::Decides(via, _, decision) => {
                let event = match probe::answer(decision, &self.settings) {
                    Ok(admission) => Event::Admit(id(), admission),
                    Err(refusal) => Event::Refuse(id(), refusal),
                };
                self.tell(ShardId(via), event);
            }
            Op::Subscribes(via, _, name) => {
                let topic = name.topic(&self.settings);
                self.tell(ShardId(via), Event::Subscribe(id(), topic));
            }
            Op::Unsubscribes(via, _, name) => {
                let topic = name.topic(&self.settings);
                self.tell(ShardId(via), Event::Unsubscribe(id(), topic));
            }
            Op::Sends(via, _, size) => {
                let message = self.message(size, number);
                self.ask(via, |cx| cx.send(id(), message));
            }
            Op::Publishes(via, audience, size) => self.publish(via, audience, size, number, None),
            Op::PublishesExcept(via, audience, size, _) => {
                self.publish(via, audience, size, number, conn);
            }
            Op::Closes(via, _, code) => {
                self.tell(ShardId(via), Event::Close(id(), close_frame(code)));
            }
            Op::Kicks(via, _, code) => {
                self.tell(ShardId(via), Event::Kick(id(), close_frame(code)));
            }
            Op::Pauses(via, _) => self.tell(ShardId(via), Event::Pause(id())),
            Op::Resumes(via, _) => self.tell(ShardId(via), Event::Resume(id())),
            Op::Panics(_) => self.tell(id().shard(), Event::Panicked(Some(id()))),
            Op::SetsTimer(via, millis) => self.set_timer(via, Timer::Shard, millis),
            Op::SetsTimerOf(via, _, millis) => {
                self.set_timer(via, Timer::Connection(id()), millis);
            }
            Op::Drains(shard, over, timeout) => {
                let millis = |millis| Duration::from_millis(u64::from(millis));
                let (over, timeout) = (millis(over), millis(timeout));
                let drain = Drain { over, timeout, farewell: close_frame(FAREWELL) };
                self.tell(ShardId(shard), Event::Drain(drain));
            }
            Op::Passes(_) => {
                self.advance(deed.until.0);
                self.now = deed.until.1;
            }
            Op::Delivers(from, to) => self.deliver(from, to),
            Op::Stale(via, _, late) => self.come_late(via, target(), late),
        }
    }

    fn arrive(&mut self, shard: u8, address: u8, arrival: Arrival) {
        let peer = PeerAddr::Inet((Ipv4Addr::new(192, 0, 2, address), 80).into());
        let admission = match arrival {
            Arrival::Fresh => None,
            Arrival::Upgraded => Some(Admission::default()),
            Arrival::UpgradedAs(user) => {
                probe::answer(super::Decision::AdmitAs(user), &self.settings).ok()
            }
        };
        self.accept(shard, peer, admission);
    }

    fn speech(&self, target: usize, number: usize, speech: Speech) -> Vec<u8> {
        speech.bytes(number, &self.settings, &self.sockets[target].pinged)
    }

    fn give(&mut self, target: usize, bytes: Vec<u8>) {
        self.sockets[target].inputs.push_back(Input::Bytes(bytes));
    }

    fn message(&self, size: Size, number: usize) -> Message {
        Message::text(&size.text(number, &self.setup))
    }

    fn publish(
        &mut self,
        via: u8,
        audience: Audience,
        size: Size,
        number: usize,
        except: Option<fanlight_core::ConnId>,
    ) {
        let message = self.message(size, number);
        let audience = match audience {
            Audience::Everyone => fanlight_core::Audience::Everyone,
            Audience::MembersOf(name) => name.topic(&self.settings).into(),
        };
        self.ask(via, |cx| cx.publish_except(audience, message, except));
    }

    /// Asks as a service does while one of its methods runs.
    fn ask(&mut self, via: u8, ask: impl FnOnce(&mut Context<'_>) -> bool) {
        let mut commands = Commands::default();
        let now = self.instant();
        let hub = &mut self.hubs[usize::from(via)];
        let is_taken = ask(&mut Context::new(hub, now, &mut commands, None));
        self.account.answer = Some(Answer::Taken(is_taken));
        self.follow(ShardId(via), commands);
    }

    fn come_late(&mut self, via: u8, target: usize, late: Late) {
        let conn = self.sockets[target].conn;
        let topic = "t0".into();
        let event = match late {
            // A socket reports to its own shard.
            Late::LateBytes => {
                return self.tell(conn.shard(), Event::Received(conn, &mut b"late".to_owned()));
            }
            Late::LateSent => return self.tell(conn.shard(), Event::Sent(conn, 1)),
            Late::LateEof => return self.tell(conn.shard(), Event::Ended(conn, End::Eof)),
            Late::LateReset => return self.tell(conn.shard(), Event::Ended(conn, End::Failed)),
            Late::LatePanic => return self.tell(conn.shard(), Event::Panicked(Some(conn))),
            Late::LateAwaitCredit => return self.tell(conn.shard(), Event::AwaitCredit(conn)),
            Late::LateAdmit => Event::Admit(conn, Admission::default()),
            Late::LateRefuse => Event::Refuse(conn, Refusal::not_found()),
            Late::LateSubscribe => Event::Subscribe(conn, topic),
            Late::LateUnsubscribe => Event::Unsubscribe(conn, topic),
            Late::LateSend => Event::Send(conn, "late".into()),
            Late::LateClose => Event::Close(conn, close_frame(1000)),
            Late::LateKick => Event::Kick(conn, close_frame(1000)),
            Late::LatePause => Event::Pause(conn),
            Late::LateResume => Event::Resume(conn),
            Late::LateTimer => Event::SetTimer(Timer::Connection(conn), Some(self.instant())),
        };
        self.tell(ShardId(via), event);
    }
}
