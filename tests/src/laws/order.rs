//! Law 3: order.

use std::collections::{BTreeMap, BTreeSet};

use fanlight_core::{Audience, ConnId, Topic};

use super::{Judged, broken};
use crate::{
    frame::Stream,
    op::{TOPICS, USERS, WITNESSED},
    script::{Heard, Script},
    stage::Stage,
};

const LAW: &str = "law 3, order,";

/// The texts that a connection was sent with this label, in order.
pub(crate) fn received(stage: &Stage, conn: ConnId, label: &str) -> Vec<String> {
    let socket = stage.world.socket(conn);
    let stream = Stream::read(socket.outward(), socket.peer.came_upgraded()).unwrap_or_default();
    let texts = stream.texts().filter(|text| Script::parse(text).is_some_and(|it| it.0 == label));
    texts.map(str::to_owned).collect()
}

/// What a peer sends is heard in the order in which it was sent, without a gap.
///
/// # Errors
///
/// The first connection that is heard otherwise.
pub fn inward_order(stage: &Stage) -> Judged {
    for (conn, socket) in stage.world.sockets() {
        let about = stage.world.service(conn.shard()).about(conn);
        let heard: Vec<_> = about
            .filter_map(|heard| match heard {
                Heard::Message(text) => Some(text.clone()),
                Heard::Requested
                | Heard::Opened
                | Heard::Subscribed(..)
                | Heard::Declined(_)
                | Heard::Timer
                | Heard::Closed(_)
                | Heard::Joined(_)
                | Heard::Ended
                | Heard::Left(..) => None,
            })
            .collect();
        let said = socket.peer.said();
        if !said.starts_with(&heard) {
            return broken(LAW, format!("on {conn}: said {said:?}, heard {heard:?}"));
        }
        let is_open = stage.probe.as_ref().is_some_and(|probe| probe.open.contains(&conn));
        if is_open && heard.len() + usize::from(socket.peer.owes()) < said.len() {
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
pub fn publisher_order(stage: &Stage) -> Judged {
    for (conn, socket) in stage.world.sockets() {
        let mut last = BTreeMap::new();
        for text in socket.peer.texts() {
            let Some((label, shard, number)) = Script::parse(text) else { continue };
            let before = last.insert((label, shard), number).unwrap_or(0);
            if before >= number {
                let what = format!("on {conn}: {text:?} came after number {before}");
                return broken(LAW, what);
            }
            if label.starts_with("direct:") && label != format!("direct:{}", conn.as_u64()) {
                return broken(LAW, format!("on {conn}: {text:?} is not for it"));
            }
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
pub fn one_order(stage: &Stage) -> Judged {
    for topic in &TOPICS[..WITNESSED] {
        let topic = Topic::new(*topic);
        let (first, second) = (stage.witnesses[0], stage.witnesses[1]);
        one_order_of(stage, &topic.clone().into(), Some(&topic), &[first, second])?;
    }
    for (user, &witness) in USERS.iter().zip(&stage.witnesses) {
        one_order_of(stage, &Topic::user(*user).into(), None, &[witness])?;
    }
    one_order_of(stage, &Audience::Everyone, None, &stage.witnesses)
}

/// A stretch in which a connection was a member.
#[derive(Debug)]
struct Stretch {
    /// The place of its first message in the order, if that is known.
    from: Option<usize>,
    /// How many messages it had been queued when it ended.
    ended: Option<usize>,
}

fn one_order_of(
    stage: &Stage,
    audience: &Audience,
    topic: Option<&Topic>,
    witnesses: &[ConnId],
) -> Judged {
    let label = Script::label(audience);
    let orders = witnesses.iter().map(|witness| received(stage, *witness, &label));
    let order = orders.max_by_key(Vec::len).unwrap_or_default();
    let place: BTreeMap<_, _> = order.iter().zip(0..).collect();
    let mut base = 0;
    if let (Some(topic), Some(witness)) = (topic, witnesses.first()) {
        base = subscribed(stage, *witness, topic).next().ok_or_else(|| super::Broken {
            law: LAW,
            what: format!("by {witness}, never subscribed to {topic}"),
        })?;
    }
    for &conn in &stage.world.record().accepted {
        let stretches = match topic {
            Some(topic) => {
                told_once(stage, conn, topic)?;
                stretches(stage, conn, topic, base)
            }
            None => vec![Stretch { from: None, ended: None }],
        };
        let received = received(stage, conn, &label);
        // Witnesses die too, when everybody does: what comes last they may not have seen.
        let known = received.iter().take_while(|text| place.contains_key(text)).count();
        if received[known..].iter().any(|text| place.contains_key(text)) {
            let what = format!("on {conn}: {received:?} has what no witness saw of {order:?}");
            return broken(LAW, what);
        }
        if known < received.len() && witnesses.iter().all(|witness| is_open(stage, *witness)) {
            return broken(LAW, format!("on {conn}: {received:?} is more than {order:?}"));
        }
        let excepted = excepted(stage, conn);
        let skip = |at: usize| {
            let rest = order.iter().skip(at);
            at + rest.take_while(|text| excepted.contains(text.as_str())).count()
        };
        let places: Vec<usize> = received[..known].iter().map(|text| place[text]).collect();
        if let Some(nth) = first_misplaced(&places, &stretches, skip) {
            return broken(
                LAW,
                format!(
                    "on {conn}: {:?} of {received:?} does not follow in {order:?}, a member in \
                     {stretches:?}",
                    received[nth]
                ),
            );
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

fn subscribed(stage: &Stage, conn: ConnId, topic: &Topic) -> impl Iterator<Item = u64> {
    stage.world.service(conn.shard()).about(conn).filter_map(move |heard| match heard {
        Heard::Subscribed(of, seq) if of == topic => Some(seq.0),
        Heard::Subscribed(..)
        | Heard::Requested
        | Heard::Opened
        | Heard::Message(_)
        | Heard::Declined(_)
        | Heard::Timer
        | Heard::Closed(_)
        | Heard::Joined(_)
        | Heard::Ended
        | Heard::Left(..) => None,
    })
}

/// Who is a member is not told so again before it has left.
fn told_once(stage: &Stage, conn: ConnId, topic: &Topic) -> Judged {
    if stage.unclear.contains(&(conn, topic.clone())) {
        return Ok(());
    }
    let mut is_told = false;
    for heard in stage.world.service(conn.shard()).about(conn) {
        match heard {
            Heard::Subscribed(of, _) if of == topic => {
                if is_told {
                    return broken(LAW, format!("on {conn}: twice subscribed to {topic}"));
                }
                is_told = true;
            }
            Heard::Left(of, _) if of == topic => is_told = false,
            Heard::Subscribed(..)
            | Heard::Left(..)
            | Heard::Requested
            | Heard::Opened
            | Heard::Message(_)
            | Heard::Declined(_)
            | Heard::Timer
            | Heard::Closed(_)
            | Heard::Joined(_)
            | Heard::Ended => {}
        }
    }
    Ok(())
}

fn stretches(stage: &Stage, conn: ConnId, topic: &Topic, base: u64) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for heard in stage.world.service(conn.shard()).about(conn) {
        match heard {
            Heard::Subscribed(of, seq) if of == topic => {
                // A number from before the witness's is none that it saw.
                let from = seq.0.checked_sub(base).map_or(usize::MAX, |from| from as usize);
                stretches.push(Stretch { from: Some(from), ended: None });
            }
            Heard::Left(of, count) if of == topic => {
                for stretch in &mut stretches {
                    stretch.ended.get_or_insert(*count);
                }
            }
            Heard::Subscribed(..)
            | Heard::Left(..)
            | Heard::Requested
            | Heard::Opened
            | Heard::Message(_)
            | Heard::Declined(_)
            | Heard::Timer
            | Heard::Closed(_)
            | Heard::Joined(_)
            | Heard::Ended => {}
        }
    }
    stretches
}

/// The texts from which a connection was left out.
fn excepted(stage: &Stage, conn: ConnId) -> BTreeSet<&str> {
    let services = stage.world.shards().map(|shard| stage.world.service(shard));
    let said = services.flat_map(Script::said);
    said.filter(|said| said.except == Some(conn)).map(|said| said.text.as_str()).collect()
}
