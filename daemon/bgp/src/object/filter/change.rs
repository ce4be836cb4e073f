//! `set`: what a rule changes of a route that it accepts.

use super::community;
use crate::attr::NextHop;
use crate::object::read::{self, Fields, MOST};
use crate::policy::{Action, HopChange};
use fairway_policy::object::{
    Reason, clip,
    field::{self, Faults, Path},
};
use serde_json::Value;
use std::net::IpAddr;

/// More of one's own AS in front than any neighbour takes for serious.
const PREPEND: (u8, u8) = (1, 32);

const KNOWN: &[&str] = &[
    "localPreference",
    "med",
    "nextHop",
    "prepend",
    "communities",
    "largeCommunities",
];

pub(super) fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<Action>> {
    let map = field::object(value, at, faults)?;
    let fields = Fields::of(value, KNOWN, at, faults)?;
    if map.is_empty() {
        return faults.add(at, Reason::OneAtLeast { of: KNOWN });
    }
    let preference = fields.maybe("localPreference", faults, |value, at, faults| {
        field::number(value, (0, u32::MAX), at, faults).map(Action::LocalPref)
    });
    let med = fields.maybe("med", faults, med);
    let hop = fields.maybe("nextHop", faults, hop);
    let prepend = fields.maybe("prepend", faults, |value, at, faults| {
        field::number(value, PREPEND, at, faults).map(Action::Prepend)
    });
    let communities = fields.or(("communities", Vec::new()), faults, |value, at, faults| {
        let one = Of {
            replace: Action::SetCommunities,
            remove: Action::RemoveCommunities,
            add: Action::AddCommunities,
        };
        marks(value, one, (community::one, community::some), at, faults)
    });
    let large = fields.or(
        ("largeCommunities", Vec::new()),
        faults,
        |value, at, faults| {
            let one = Of {
                replace: Action::SetLarge,
                remove: Action::RemoveLarge,
                add: Action::AddLarge,
            };
            marks(
                value,
                one,
                (community::one_large, community::some_large),
                at,
                faults,
            )
        },
    );
    let single = [preference?, med?, hop?, prepend?];
    let marks = communities?.into_iter().chain(large?);
    Some(single.into_iter().flatten().chain(marks).collect())
}

/// A number, or `None`: it is taken away.
fn med(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Action> {
    match value {
        Value::Number(_) => {
            let med = field::number(value, (0, u32::MAX), at, faults)?;
            Some(Action::Med(Some(med)))
        }
        Value::String(text) if text == "None" => Some(Action::Med(None)),
        Value::String(text) => {
            let (given, known) = (clip(text), &["None", "numbers"][..]);
            faults.add(at, Reason::NoneOf { given, known })
        }
        _ => field::mistyped(value, "a number or None", at, faults),
    }
}

fn hop(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Action> {
    let change = match field::text(value, at, faults)? {
        "Self" => HopChange::Own,
        "Unchanged" => HopChange::Unchanged,
        text if text.parse::<IpAddr>().is_err() => {
            let (given, known) = (clip(text), &["Self", "Unchanged", "addresses"][..]);
            return faults.add(at, Reason::NoneOf { given, known });
        }
        _ => HopChange::Address(match read::address(value, at, faults)? {
            IpAddr::V4(ip) => NextHop::V4(ip),
            IpAddr::V6(ip) => NextHop::V6(ip, None),
        }),
    };
    Some(Action::NextHop(change))
}

/// The actions of a kind of communities.
struct Of<One, Few> {
    replace: fn(Vec<One>) -> Action,
    remove: fn(Vec<Few>) -> Action,
    add: fn(Vec<One>) -> Action,
}

type Read<T> = fn(&Value, &Path<'_>, &mut Faults) -> Option<T>;

/// `replace`, or `remove` and then `add`.
fn marks<One, Few>(
    value: &Value,
    of: Of<One, Few>,
    (one, some): (Read<One>, Read<Few>),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<Action>> {
    const KNOWN: &[&str] = &["replace", "remove", "add"];
    let map = field::object(value, at, faults)?;
    let fields = Fields::of(value, KNOWN, at, faults)?;
    if map.is_empty() {
        return faults.add(at, Reason::OneAtLeast { of: KNOWN });
    }
    if fields.has("replace") && map.len() > 1 {
        let (given, with) = ("replace", "remove or add");
        return faults.add(at, Reason::Together { given, with });
    }
    let replace = fields.maybe("replace", faults, |value, at, faults| {
        field::counted(value, (0, MOST), at, faults);
        field::list(value, at, faults, one).map(of.replace)
    });
    let remove = fields.maybe("remove", faults, |value, at, faults| {
        read::some(value, at, faults, some).map(of.remove)
    });
    let add = fields.maybe("add", faults, |value, at, faults| {
        read::some(value, at, faults, one).map(of.add)
    });
    let actions = [replace?, remove?, add?];
    Some(actions.into_iter().flatten().collect())
}
