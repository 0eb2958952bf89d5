//! Law 3: order.

use std::collections::{BTreeMap, HashMap};

use fanlight_core::{Audience, ConnId, Topic};

use super::{
    Judged, broken,
    ledger::{Entry, Ledger, around},
};
use crate::{
    op::{TOPICS, USERS, WITNESSED},
    script::{Heard, Script},
    stage::Stage,
};

const LAW: &str = "law 3, order,";

/// What a peer sends is heard in the order in which it was sent, without a gap.
///
/// # Errors
///
/// The first connection that is heard otherwise.
pub fn inward_order(stage: &Stage) -> Judged {
    for socket in stage.world.sockets() {
        let conn = socket.conn();
        let about = stage.world.service(conn.shard()).about(conn);
        let heard: Vec<_> = about.filter_map(Heard::message).collect();
        let said = socket.peer.said();
        if heard.len() > said.len() || heard.iter().zip(said).any(|(heard, said)| *heard != said) {
            return broken(LAW, format!("on {conn}: said {said:?}, heard {heard:?}"));
        }
        let is_open = stage.probe.as_ref().is_some_and(|probe| probe.open.contains(&conn));
        let is_due = is_open && !socket.is_lost();
        if is_due && heard.len() + usize::from(socket.peer.owes()) < said.len() {
            return broken(LAW, format!("on {conn}, open, said {said:?}, heard {heard:?}"));
        }
    }
    Ok(())
}

/// One shard's messages to one audience, and to one connection, keep their order.
///
/// # Errors
///
/// The first two messages of which the later one came first, or one that came twice.
pub fn publisher_order(ledger: &Ledger<'_>) -> Judged {
    for (conn, label, entries) in ledger.all_sent() {
        let mut last = BTreeMap::new();
        for Entry { text, shard, number, .. } in entries {
            let before = last.insert(shard, *number).unwrap_or(0);
            if before >= *number {
                let what = format!("on {conn}: {text:?} came after number {before}");
                return broken(LAW, what);
            }
        }
        if label.starts_with("direct:") && label != format!("direct:{}", conn.as_u64()) {
            return broken(LAW, format!("on {conn}: {label} is not for it"));
        }
    }
    Ok(())
}

/// All members of a topic see its messages in one and the same order; each from the message after
/// its `Subscribed`, without a gap, twice never, and none after it has left.
///
/// # Errors
///
/// The first member that sees it otherwise.
pub fn one_order(stage: &Stage, ledger: &Ledger<'_>) -> Judged {
    for topic in &TOPICS[..WITNESSED] {
        let topic = Topic::new(*topic);
        one_order_of(stage, ledger, &topic.clone().into(), Some(&topic), &stage.witnesses)?;
    }
    for (user, &witness) in USERS.iter().zip(&stage.witnesses) {
        one_order_of(stage, ledger, &Topic::user(*user).into(), None, &[witness])?;
    }
    one_order_of(stage, ledger, &Audience::Everyone, None, &stage.witnesses)
}

/// A stretch in which a connection was a member.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// The place of its first message in the order, if that is known.
    from: Option<usize>,
    /// How many messages of the topic it had been queued when it ended.
    ended: Option<usize>,
}

fn one_order_of(
    stage: &Stage,
    ledger: &Ledger<'_>,
    audience: &Audience,
    topic: Option<&Topic>,
    witnesses: &[ConnId],
) -> Judged {
    let label = Script::label(audience);
    let orders = witnesses.iter().map(|witness| ledger.sent(*witness, &label));
    let order: &[Entry<'_>] = orders.max_by_key(|order| order.len()).unwrap_or_default();
    let place: HashMap<&str, usize> = order.iter().map(|entry| entry.text).zip(0..).collect();
    let mut base = 0;
    if let (Some(topic), Some(witness)) = (topic, witnesses.first()) {
        base = subscribed(stage, *witness, topic).ok_or_else(|| super::Broken {
            law: LAW,
            what: format!("by {witness}, never subscribed to {topic}"),
        })?;
    }
    for &conn in &stage.world.record().accepted {
        let entries = ledger.sent(conn, &label);
        let stretches = match topic {
            Some(topic) => stretches(stage, conn, topic, base, entries)?,
            None => vec![Stretch { from: None, ended: None }],
        };
        let places: Vec<Option<usize>> =
            entries.iter().map(|entry| place.get(entry.text).copied()).collect();
        // Witnesses die too, when everybody does: what comes last they may not have seen.
        let known: Vec<usize> = places.iter().map_while(|place| *place).collect();
        if places[known.len()..].iter().any(Option::is_some) {
            let near = around(entries, known.len());
            let what = format!("on {conn}: no witness saw all of {near:?} of {label}");
            return broken(LAW, what);
        }
        if known.len() < places.len() && witnesses.iter().all(|witness| is_open(stage, *witness)) {
            let near = around(entries, known.len());
            let what = format!("on {conn}: {near:?} of {label} is more than the witnesses saw");
            return broken(LAW, what);
        }
        let skip = |at: usize| {
            let rest = order.iter().skip(at);
            at + rest.take_while(|entry| ledger.is_excepted(conn, entry.text)).count()
        };
        if let Some(nth) = first_misplaced(&known, &stretches, skip) {
            let what = format!(
                "on {conn}: {:?} of {label}, the {nth}th it got, does not follow in {:?}, \
                 where it is the {}th of {:?}; a member in {stretches:?}",
                entries[nth],
                around(entries, nth),
                known[nth],
                around(order, known[nth]),
            );
            return broken(LAW, what);
        }
    }
    Ok(())
}

/// Whether a connection was open when the scenario came to rest.
fn is_open(stage: &Stage, conn: ConnId) -> bool {
    stage.probe.as_ref().is_some_and(|probe| probe.open.contains(&conn))
}

/// The first message that comes neither right after the one before it nor first in a stretch.
fn first_misplaced(
    places: &[usize],
    stretches: &[Stretch],
    skip: impl Fn(usize) -> usize,
) -> Option<usize> {
    let mut coming = stretches.iter();
    let mut current: Option<&Stretch> = None;
    let mut next = None;
    for (nth, &place) in places.iter().enumerate() {
        if current.is_some_and(|stretch| stretch.ended.is_some_and(|ended| ended <= nth)) {
            next = None;
        }
        if next.map(&skip) != Some(place) {
            let is_after = |before: Option<usize>| before.is_none_or(|before| before <= place);
            current = coming.find(|stretch| {
                let is_over = stretch.ended.is_some_and(|ended| ended <= nth);
                !is_over && is_after(next) && stretch.from.is_none_or(|from| skip(from) == place)
            });
            if current.is_none() {
                return Some(nth);
            }
        }
        next = Some(place + 1);
    }
    None
}

/// The number after which a witness was first a member.
fn subscribed(stage: &Stage, witness: ConnId, topic: &Topic) -> Option<u64> {
    let about = stage.world.service(witness.shard()).about(witness);
    let mut about = about.filter(|heard| heard.topic() == Some(topic));
    about.find_map(|heard| Some(heard.seq()?.0))
}

/// When a connection was a member; told once each time.
fn stretches(
    stage: &Stage,
    conn: ConnId,
    topic: &Topic,
    base: u64,
    entries: &[Entry<'_>],
) -> Result<Vec<Stretch>, super::Broken> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let (mut is_asked, mut is_told) = (false, false);
    // A membership that ended before it could be told of was one all the same.
    let untold = Stretch { from: None, ended: None };
    let about = stage.world.service(conn.shard()).about(conn);
    let has_ended = about.as_slice().iter().any(|heard| matches!(heard, Heard::Closed(_)));
    for heard in about.filter(|heard| heard.topic() == Some(topic)) {
        is_asked |= matches!(heard, Heard::Joined(_)) && !is_told;
        if let Heard::Left(_, count) = heard {
            if std::mem::take(&mut is_asked) {
                stretches.push(untold);
            }
            is_told = false;
            let count = entries.partition_point(|entry| entry.nth < *count);
            for stretch in &mut stretches {
                stretch.ended.get_or_insert(count);
            }
        }
        if let Some(seq) = heard.seq() {
            is_asked = false;
            let is_clear = !stage.unclear.contains(&(conn, topic.clone()));
            if std::mem::replace(&mut is_told, true) && is_clear {
                let what = format!("on {conn}: twice subscribed to {topic}");
                return Err(super::Broken { law: LAW, what });
            }
            // A number from before the witness's is none that it saw.
            let from = seq.0.checked_sub(base).map_or(usize::MAX, |from| from as usize);
            stretches.push(Stretch { from: Some(from), ended: None });
        }
    }
    if is_asked && has_ended {
        stretches.push(untold);
    }
    Ok(stretches)
}
