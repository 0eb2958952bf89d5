//! How each op is acted out.

use std::time::Duration;

use fanlight_core::{
    Admission, Audience, CloseCode, CloseFrame, ConnId, Event, Message, Refusal, ShardId, Timer,
    Topic,
};

use crate::{
    op::{ForWhom, Op, Speech},
    script::Heard,
    stage::Stage,
};
use fanlight_sim::Peer;

impl Stage {
    pub(crate) fn apply(&mut self, op: &Op) {
        // An op on a connection is nothing if there is none.
        _ = self.try_apply(op);
    }

    fn try_apply(&mut self, op: &Op) -> Option<()> {
        match *op {
            Op::Accept { shard, greeting } => {
                let shard = self.shard(shard);
                self.connect(shard, greeting)?;
            }
            Op::PeerSends(nth, speech) => {
                let text = self.phrase(speech);
                self.world.peer_acts(self.live(nth)?, |peer, out| peer.say(&text, out));
            }
            Op::PeerSendsFragments(nth, speech) => {
                let text = self.phrase(speech);
                let say = |peer: &mut Peer, out: &mut _| peer.say_in_fragments(&text, out);
                self.world.peer_acts(self.live(nth)?, say);
            }
            Op::PeerSendsHalf(nth, speech) => {
                let text = self.phrase(speech);
                self.world.peer_acts(self.live(nth)?, |peer, out| peer.say_half(&text, out));
            }
            Op::PeerFloods(nth, speech, count) => {
                let conn = self.live(nth)?;
                for _ in 0..count {
                    let text = self.phrase(speech);
                    self.world.peer_acts(conn, |peer, out| peer.say(&text, out));
                }
            }
            Op::PeerPings(nth, count) => {
                let conn = self.live(nth)?;
                // Some say so much that not all of it may be said back at once.
                let payload: &[u8] = if count > 20 { &[b'p'; 125] } else { b"hello" };
                for _ in 0..count {
                    self.world.peer_acts(conn, |peer, out| peer.ping(payload, out));
                }
            }
            Op::PeerPongs(nth) => {
                self.world.peer_acts(self.live(nth)?, |peer, out| peer.pong(b"unasked", out));
            }
            Op::PeerCloses(nth, code) => {
                let frame = code.map(|code| CloseFrame { code: code.into(), reason: "".into() });
                let close = |peer: &mut Peer, out: &mut _| peer.close(frame.as_ref(), out);
                self.world.peer_acts(self.live(nth)?, close);
            }
            Op::PeerFaults(nth, rudeness) => {
                let fault = |peer: &mut Peer, out: &mut _| peer.break_rules(rudeness, out);
                self.world.peer_acts(self.live(nth)?, fault);
            }
            Op::PeerEnds(nth) => self.world.peer_ends(self.live(nth)?),
            Op::PeerResets(nth) => self.world.reset(self.live(nth)?),
            Op::PeerFallsSilent(nth) => {
                self.world.peer_acts(self.live(nth)?, |peer, _| peer.fall_silent());
            }
            Op::PeerVanishes(nth) => self.world.vanish(self.live(nth)?),
            Op::PeerReads(nth, reads) => self.world.set_reads(self.live(nth)?, reads),
            Op::NetworkSlows(nth, rate) => {
                self.world.set_bytes_per_second(self.live(nth)?, Some(rate.into()));
            }
            Op::SocketTakes(nth, bytes) => {
                self.world.set_takes(self.live(nth)?, Some(bytes.into()))
            }
            Op::SocketStalls(nth) => self.world.set_takes(self.live(nth)?, Some(0)),
            Op::NetworkGives(nth, bytes) => {
                self.world.set_gives(self.live(nth)?, Some(bytes.into()));
            }
            Op::NetworkHeals(nth) => {
                self.world.heal(self.live(nth)?);
            }
            Op::Subscribe { conn, topic, via } => {
                let conn = self.live(conn)?;
                let via = self.via(conn, via);
                self.join(conn, &Topic::new(topic), via);
            }
            Op::Unsubscribe { conn, topic, via } => {
                let conn = self.live(conn)?;
                let via = self.via(conn, via);
                self.leave(conn, &Topic::new(topic), via);
            }
            Op::Publish { to, via, padding, except, count } => {
                let audience = match to {
                    ForWhom::Everyone => Audience::Everyone,
                    ForWhom::Topic(topic) => Topic::new(topic).into(),
                    ForWhom::User(user) => Topic::user(user).into(),
                };
                let except = except.and_then(|nth| self.live(nth));
                for _ in 0..count {
                    self.publish(self.shard(via), &audience, padding.into(), except);
                }
            }
            Op::Send { conn, via, padding } => {
                let conn = self.live(conn)?;
                let via = self.via(conn, via);
                let label = format!("direct:{}", conn.as_u64());
                let said = self.world.service_mut(via).compose(via, label, padding.into());
                self.world.tell(via, Event::Send(conn, Message::text(&said.text)));
                self.world.service_mut(via).note_said(said);
            }
            Op::Close { conn, via } => {
                let conn = self.live(conn)?;
                let via = self.via(conn, via);
                self.note_end(conn, via);
                let frame = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
                self.world.tell(via, Event::Close(conn, frame));
            }
            Op::Kick { conn, via } => {
                let conn = self.live(conn)?;
                let via = self.via(conn, via);
                self.note_end(conn, via);
                let frame = CloseFrame { code: CloseCode::Policy, reason: "out".into() };
                self.world.tell(via, Event::Kick(conn, frame));
            }
            Op::Admit { conn, user } => {
                let conn = self.live(conn)?;
                let admission = Admission { user: user.map(Topic::user), ..Admission::default() };
                self.world.tell(conn.shard(), Event::Admit(conn, admission));
            }
            Op::Refuse(nth) => {
                let conn = self.live(nth)?;
                self.world.tell(conn.shard(), Event::Refuse(conn, Refusal::forbidden_origin()));
            }
            Op::Panicked(nth) => {
                let conn = self.live(nth)?;
                self.note_end(conn, conn.shard());
                self.world.tell(conn.shard(), Event::Panicked(Some(conn)));
            }
            Op::SetTimer { conn, via, after_ms } => {
                let at = after_ms.map(|ms| self.world.now() + Duration::from_millis(u64::from(ms)));
                let (shard, timer) = match conn {
                    None => (self.shard(via), Timer::Shard),
                    Some(nth) => {
                        let conn = self.live(nth)?;
                        (conn.shard(), Timer::Connection(conn))
                    }
                };
                self.world.tell(shard, Event::SetTimer(timer, at));
            }
            Op::Advance { ms } => self.world.advance(Duration::from_millis(u64::from(ms))),
            Op::Sleep { ms, ticks_first } => {
                self.world.sleep(Duration::from_millis(u64::from(ms)), ticks_first);
            }
            Op::DeliverParcels { from, to, count } => {
                for _ in 0..count {
                    self.world.deliver(self.shard(from), self.shard(to));
                }
            }
            Op::StaleEvent(nth, stale) => {
                let conn = self.dead(nth)?;
                let mut bytes = b"\x81\x82\0\0\0\0hi".to_vec();
                self.world.stale_is_harmless(conn, stale.event(conn, &mut bytes));
            }
            Op::TimeBackwards { .. } => {}
            Op::Drain { over_ms, timeout_ms } => {
                self.drain(
                    Duration::from_millis(u64::from(over_ms)),
                    Duration::from_millis(u64::from(timeout_ms)),
                );
            }
        }
        Some(())
    }

    fn phrase(&mut self, speech: Speech) -> String {
        self.words += 1;
        let number = self.words;
        match speech {
            Speech::Say(topic) => format!("say {topic} #{number}"),
            Speech::SayToEveryone => format!("say everyone #{number}"),
            Speech::Echo => format!("echo #{number}"),
            Speech::Join(topic) => format!("join {topic} #{number}"),
            Speech::Bye => format!("bye #{number}"),
            Speech::Kick => format!("kick #{number}"),
            Speech::Chatter(length) => format!("chatter #{number} {}", "y".repeat(length.into())),
        }
    }

    fn note_end(&mut self, conn: ConnId, via: ShardId) {
        if via == conn.shard() && self.world.hub(via).is_open(conn) {
            self.world.service_mut(via).note(conn, Heard::Ended);
        }
    }
}
