//! Model and hubs, side by side.

use std::{collections::BTreeMap, fmt};

use super::{Account, Answer, House, Name, Op, Place, Seen, Setup, Subject};

/// The first thing on which model and hubs do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The operation, counted from 0.
    pub number: usize,
    /// The operation itself.
    pub op: Op,
    /// The time afterwards, in nanoseconds.
    pub now: u64,
    /// Where they differ.
    pub place: String,
    /// What the model says.
    pub model: String,
    /// What the hubs say.
    pub hub: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, op, now, place, model, hub } = self;
        writeln!(f, "operation {number}, {op:?}, at {}: {place}", moment(*now))?;
        writeln!(f, "  model: {model}")?;
        write!(f, "  hub:   {hub}")
    }
}

/// Plays the operations to both, and panics at the first difference.
///
/// # Panics
///
/// If model and hubs do not agree.
pub fn agree(setup: Setup, ops: &[Op]) {
    if let Err(difference) = compare(setup, ops) {
        panic!("{difference}");
    }
}

/// Plays the operations to both; says what was done, and what was seen.
///
/// # Errors
///
/// The first difference.
pub fn compare(setup: Setup, ops: &[Op]) -> Result<Vec<(Op, Account)>, Box<Difference>> {
    let mut house = House::new(setup);
    let mut subject = Subject::new(setup);
    let mut marks = Marks::default();
    let mut accounts = Vec::new();
    for (number, op) in ops.iter().enumerate() {
        let Some(deed) = house.plan(number, *op) else { continue };
        let mut model = house.perform(&deed);
        let hub = subject.perform(&deed);
        house.hear_slot(subject.newest_slot());
        marks.translate(&mut model, &hub);
        if let Some((place, model, hub)) = first_difference(&model, &hub) {
            let (op, now) = (deed.op, house.now);
            return Err(Box::new(Difference { number, op, now, place, model, hub }));
        }
        accounts.push((deed.op, model));
    }
    Ok(accounts)
}

/// Where each topic's numbers began, in each of its lives, as the hubs told.
#[derive(Debug, Default)]
struct Marks {
    begins: BTreeMap<(Name, u64), u64>,
    /// The last number that a topic is known to have reached.
    lasts: BTreeMap<Name, u64>,
}

impl Marks {
    /// Puts the hubs' numbers into what the model says, where no law speaks against them.
    fn translate(&mut self, model: &mut Account, hub: &Account) {
        for (place, seen) in &mut model.seen {
            let Some(hub_seen) = hub.seen.get(place) else { continue };
            for ((_, said), (_, heard)) in seen.iter_mut().zip(hub_seen) {
                let (Seen::Subscribed(name, mark), Seen::Subscribed(_, seq)) = (said, heard) else {
                    continue;
                };
                let (life, count) = (*mark >> 32, *mark & 0xffff_ffff);
                let last = self.lasts.entry(*name).or_default();
                // A revived topic goes on, at the earliest, where it was left.
                let first = (*seq).saturating_sub(count).max(*last);
                let begin = *self.begins.entry((*name, life)).or_insert(first);
                *mark = begin + count;
                *last = (*last).max(*mark);
            }
        }
    }
}

fn first_difference(model: &Account, hub: &Account) -> Option<(String, String, String)> {
    let is_agreed = match (&model.answer, &hub.answer) {
        (Some(Answer::Refused(any)), Some(Answer::Refused(one))) => any.contains(&one[0]),
        (model, hub) => model == hub,
    };
    if !is_agreed {
        return Some((
            "the answer".into(),
            format!("{:?}", model.answer),
            format!("{:?}", hub.answer),
        ));
    }
    let mut places: Vec<Place> = model.seen.keys().chain(hub.seen.keys()).copied().collect();
    places.sort_unstable();
    for place in places {
        let (said, heard) = (model.seen.get(&place), hub.seen.get(&place));
        if said != heard {
            return Some((format!("{place:?}"), list(said), list(heard)));
        }
    }
    // The model leaves out what it cannot know at the moment, and counters that are still 0.
    let differing = model.gauges.iter().find(|(name, value)| hub.gauges.get(*name) != Some(value));
    let (name, value) = differing?;
    Some(((*name).into(), value.to_string(), hub.gauges[name].to_string()))
}

fn list(seen: Option<&Vec<(u64, Seen)>>) -> String {
    let Some(seen) = seen else { return "nothing".into() };
    let each: Vec<_> =
        seen.iter().map(|(at, seen)| format!("{seen:?} at {}", moment(*at))).collect();
    each.join(", ")
}

fn moment(nanos: u64) -> String {
    format!("{}.{:09} s", nanos / 1_000_000_000, nanos % 1_000_000_000)
}
