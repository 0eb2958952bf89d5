//! Nothing is lost that was taken: what the last messages of a scenario show.

use std::collections::BTreeSet;

use fanlight_core::{Audience, ConnId, Topic};

use super::{Judged, broken, order::received};
use crate::{
    ending::Probe,
    op::{TOPICS, USERS, WITNESSED},
    script::{Heard, Script},
    stage::Stage,
};

const LAW: &str = "law 5, never silently lost,";

/// All that was published reached the witnesses, all that was sent to who is still open reached it,
/// whoever asked last to be a member is one, and the counters agree with what is received.
///
/// # Errors
///
/// The first loss found.
pub fn nothing_lost(stage: &Stage) -> Judged {
    let Some(probe) = &stage.probe else { return Ok(()) };
    witnesses_saw_all(stage, probe)?;
    direct_messages_arrived(stage, probe)?;
    members_are_members(stage, probe)?;
    if probe.is_exact { counters_agree(stage, probe) } else { Ok(()) }
}

fn witnesses_saw_all(stage: &Stage, probe: &Probe) -> Judged {
    for (&witness, user) in stage.witnesses.iter().zip(USERS) {
        if !probe.open.contains(&witness) {
            // It can only have ended for a bound, which the laws of life judge.
            continue;
        }
        let topics = TOPICS[..WITNESSED].iter().map(|topic| Topic::new(*topic));
        let audiences = topics.chain([Topic::user(*user)]).map(Audience::Topic);
        for audience in audiences.chain([Audience::Everyone]) {
            let label = Script::label(&audience);
            let received: BTreeSet<_> = received(stage, witness, &label).into_iter().collect();
            for shard in stage.world.shards() {
                let said = stage.world.service(shard).said().iter();
                let lost = said
                    .filter(|said| said.label == label && said.except != Some(witness))
                    .find(|said| !received.contains(&said.text));
                if let Some(lost) = lost {
                    return broken(LAW, format!("by {:?}, which {witness} never saw", lost.text));
                }
            }
        }
    }
    Ok(())
}

fn direct_messages_arrived(stage: &Stage, probe: &Probe) -> Judged {
    for &conn in &probe.open {
        let texts = stage.world.peer(conn).texts();
        let label = format!("direct:{}", conn.as_u64());
        for shard in stage.world.shards() {
            // Sent before it opened, or from elsewhere before it did, a message is for nobody: only
            // what comes after the first that arrived must all have.
            let said = stage.world.service(shard).said().iter();
            let said = said.filter(|said| said.label == label).map(|said| said.text.as_str());
            let due: Vec<_> = said.skip_while(|text| !texts.contains(text)).collect();
            if let Some(lost) = due.iter().find(|text| !texts.contains(text)) {
                return broken(LAW, format!("by {lost:?}, which {conn} never got"));
            }
        }
    }
    Ok(())
}

fn members_are_members(stage: &Stage, probe: &Probe) -> Judged {
    for (audience, text) in &probe.texts {
        for &conn in &probe.open {
            let has = stage.world.peer(conn).texts().contains(&text.as_str());
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
    for heard in stage.world.service(conn.shard()).about(conn) {
        match heard {
            Heard::Joined(of) if of == topic => is_member = Some(true),
            Heard::Left(of, _) if of == topic => is_member = Some(false),
            Heard::Declined(of) if of == topic => return None,
            Heard::Joined(_)
            | Heard::Left(..)
            | Heard::Declined(_)
            | Heard::Subscribed(..)
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

fn counters_agree(stage: &Stage, probe: &Probe) -> Judged {
    let got =
        |text: &String, conn: &ConnId| stage.world.peer(*conn).texts().contains(&text.as_str());
    let count = |is_counted: fn(&Audience) -> bool| {
        let texts = probe.texts.iter().filter(|(audience, _)| is_counted(audience));
        texts.map(|(_, text)| probe.open.iter().filter(|conn| got(text, conn)).count()).sum()
    };
    let members: usize = count(|audience| *audience != Audience::Everyone);
    let open: usize = count(|audience| *audience == Audience::Everyone);
    let all = TOPICS.len() + USERS.len() + 1;
    let counted = (probe.stats.members, probe.stats.open);
    if probe.texts.len() == all && (members as u64, open as u64) != counted {
        let what = format!("by {members} members and {open} open, counted as {counted:?}");
        return broken(LAW, what);
    }
    Ok(())
}
