//! Nothing is lost that was taken: what the last messages of a scenario show.

use std::collections::BTreeSet;

use fanlight_core::{Audience, ConnId, Topic};
use fanlight_sim::frame::Stream;

use super::{Judged, Ledger, broken};
use crate::{
    ending::Probe,
    op::{TOPICS, USERS, WITNESSED},
    script::{Heard, Script},
    stage::Stage,
};

const LAW: &str = "law 5, never silently lost,";

/// A peer that has read all that was written to it has read what was written.
///
/// # Errors
///
/// The first peer that has not.
pub fn read_as_written(stage: &Stage) -> Judged {
    for socket in stage.world.sockets() {
        let (conn, peer) = (socket.conn(), &socket.peer);
        if let Some(fault) = peer.fault() {
            return broken("law 4, whole frames,", format!("on {conn}: its peer says {fault}"));
        }
        let stream = Stream::read(socket.outward(), peer.came_upgraded()).unwrap_or_default();
        let written: Vec<_> = stream.texts().collect();
        let read = peer.texts();
        let is_part = written.starts_with(&read);
        let is_closed = peer.closed().is_some();
        if !is_part
            || socket.is_read() && written.len() != read.len()
            || is_closed && stream.close_code().is_none()
            || socket.is_read() && stream.close_code().is_some() != is_closed
        {
            let what = format!(
                "on {conn}: written {} messages and {:?}, read {} and {:?}",
                written.len(),
                stream.close_code(),
                read.len(),
                peer.closed()
            );
            return broken("law 4, whole frames,", what);
        }
    }
    Ok(())
}

/// All that was published reached the witnesses, all that was sent to who is still open reached it,
/// whoever asked last to be a member is one, and the counters agree with what is received.
///
/// # Errors
///
/// The first loss found.
pub fn nothing_lost(stage: &Stage, ledger: &Ledger<'_>) -> Judged {
    let Some(probe) = &stage.probe else { return Ok(()) };
    witnesses_saw_all(stage, ledger, probe)?;
    direct_messages_arrived(ledger, probe)?;
    members_are_members(stage, ledger, probe)?;
    if probe.is_exact { counters_agree(ledger, probe) } else { Ok(()) }
}

fn witnesses_saw_all(stage: &Stage, ledger: &Ledger<'_>, probe: &Probe) -> Judged {
    for (&witness, user) in stage.witnesses.iter().zip(USERS) {
        if !probe.open.contains(&witness) {
            // It can only have ended for a bound, which the laws of life judge.
            continue;
        }
        let topics = TOPICS[..WITNESSED].iter().map(|topic| Topic::new(*topic));
        let audiences = topics.chain([Topic::user(*user)]).map(Audience::Topic);
        for audience in audiences.chain([Audience::Everyone]) {
            let label = Script::label(&audience);
            let sent: BTreeSet<_> =
                ledger.sent(witness, &label).iter().map(|entry| entry.text).collect();
            let said = ledger.said(&label).iter();
            let lost = said
                .filter(|said| said.except != Some(witness))
                .find(|said| !sent.contains(said.text.as_str()));
            if let Some(lost) = lost {
                return broken(LAW, format!("by {:?}, which {witness} never saw", lost.text));
            }
        }
    }
    Ok(())
}

fn direct_messages_arrived(ledger: &Ledger<'_>, probe: &Probe) -> Judged {
    for &conn in &probe.open {
        let label = format!("direct:{}", conn.as_u64());
        let sent: BTreeSet<_> =
            ledger.sent(conn, &label).iter().map(|entry| (entry.shard, entry.number)).collect();
        let said = ledger.said(&label).iter().filter_map(|said| Script::parse(&said.text));
        let mut has_begun = BTreeSet::new();
        for (_, shard, number) in said {
            // Sent before it opened, or from elsewhere before it did, a message is for nobody: only
            // what comes after the first that arrived must all have.
            if sent.contains(&(shard, number)) {
                has_begun.insert(shard);
            } else if has_begun.contains(&shard) {
                let what = format!("by {label}|{shard}|{number}, which {conn} never got");
                return broken(LAW, what);
            }
        }
    }
    Ok(())
}

fn members_are_members(stage: &Stage, ledger: &Ledger<'_>, probe: &Probe) -> Judged {
    for (audience, text) in &probe.texts {
        let label = Script::label(audience);
        for &conn in &probe.open {
            let has = ledger.has(conn, &label, text);
            let due = match audience {
                Audience::Everyone => Some(true),
                Audience::Topic(topic) if topic.is_user() => None,
                Audience::Topic(topic) => is_member(stage, conn, topic),
            };
            if due.is_some_and(|due| due != has) {
                return broken(LAW, format!("by {text:?}: {conn} has it: {has}"));
            }
        }
    }
    Ok(())
}

/// Whether a connection must be a member, if that can be told from what was asked and heard.
fn is_member(stage: &Stage, conn: ConnId, topic: &Topic) -> Option<bool> {
    if stage.unclear.contains(&(conn, topic.clone())) {
        return None;
    }
    let mut is_member = Some(false);
    let about = stage.world.service(conn.shard()).about(conn);
    for heard in about.filter(|heard| heard.topic() == Some(topic)) {
        match heard {
            Heard::Joined(_) => is_member = Some(true),
            Heard::Left(..) => is_member = Some(false),
            Heard::Declined(_) => return None,
            Heard::Subscribed(..)
            | Heard::Requested
            | Heard::Opened
            | Heard::Message(_)
            | Heard::Timer
            | Heard::Closed(_)
            | Heard::Ended => {}
        }
    }
    is_member
}

fn counters_agree(ledger: &Ledger<'_>, probe: &Probe) -> Judged {
    let count = |is_counted: fn(&Audience) -> bool| {
        let texts = probe.texts.iter().filter(|(audience, _)| is_counted(audience));
        let got = texts.map(|(audience, text)| {
            let label = Script::label(audience);
            probe.open.iter().filter(|conn| ledger.has(**conn, &label, text)).count()
        });
        got.sum::<usize>() as u64
    };
    let members = count(|audience| *audience != Audience::Everyone);
    let open = count(|audience| *audience == Audience::Everyone);
    let all = TOPICS.len() + USERS.len() + 1;
    let counted = (probe.stats.members, probe.stats.open);
    if probe.texts.len() == all && (members, open) != counted {
        let what = format!("by {members} members and {open} open, counted as {counted:?}");
        return broken(LAW, what);
    }
    Ok(())
}
