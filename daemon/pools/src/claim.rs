//! `IPClaim`.

use crate::read;
use fairway_ipam::{
    AppName, ClaimName, Handover, NodeName, PoolName, Release,
    record::{Claim, ClaimRecord, Part},
};
use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
};
use serde_json::{Map, Value};
use std::net::IpAddr;

const KNOWN: &[&str] = &[
    "pool",
    "addresses",
    "release",
    "handover",
    "app",
    "node",
    "set",
];

/// A claim, or a set, as somebody wants it; valid by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name.
    pub name: ClaimName,
    /// Its pool.
    pub pool: PoolName,
    /// These very addresses; none: any.
    pub addresses: Vec<IpAddr>,
    /// When they are given back; none: never.
    pub release: Option<Release>,
    /// What a newcomer gets while it is held; none: what the pool says.
    pub handover: Option<Handover>,
    /// What it belongs to.
    pub app: Option<AppName>,
    /// Only this node may take it.
    pub node: Option<NodeName>,
    /// It is a set.
    pub set: Option<Size>,
}

/// How large a set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Members that it keeps.
    pub size: Option<u32>,
    /// How many more there may be during an update.
    pub surge: Option<u32>,
}

pub(crate) fn parse(
    name: Option<&str>,
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Wish> {
    let map = field::object(value, at, faults)?;
    field::only(map, KNOWN, at, faults);
    let pool = read::must(map, "pool", at, faults, read::text::<PoolName>);
    let addresses = read::maybe(map, "addresses", at, faults, addresses);
    let release = read::maybe(map, "release", at, faults, read::text::<Release>);
    let handover = read::maybe(map, "handover", at, faults, read::text::<Handover>);
    let app = read::maybe(map, "app", at, faults, read::text::<AppName>);
    let node = read::maybe(map, "node", at, faults, read::text::<NodeName>);
    let set = read::maybe(map, "set", at, faults, size);
    if map.contains_key("set") {
        let when = "set is: make a claim for each";
        if map
            .get("addresses")
            .is_some_and(|all| all != &Value::Array(Vec::new()))
        {
            faults.add::<()>(&at.field("addresses"), Reason::Misplaced { when });
        }
        if map.contains_key("node") {
            faults.add::<()>(&at.field("node"), Reason::Misplaced { when });
        }
    }
    Some(Wish {
        name: ClaimName::new(name?).ok()?,
        pool: pool?,
        addresses: addresses?.unwrap_or_default(),
        release: release?,
        handover: handover?,
        app: app?,
        node: node?,
        set: set?,
    })
}

/// One of each family at most.
fn addresses(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Vec<IpAddr>> {
    let read: Vec<IpAddr> = read::each(value, at, faults)?;
    let same = |index: &usize| {
        let family = read[*index].is_ipv4();
        read[..*index].iter().any(|other| other.is_ipv4() == family)
    };
    match (1..read.len()).find(same) {
        Some(index) => {
            let what = "a claim has one address of a family";
            faults.add(&at.index(index), read::refused(what))
        }
        None => Some(read),
    }
}

fn size(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Size> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["size", "surge"], at, faults);
    let mut number = |name| {
        read::maybe(map, name, at, faults, |value, at, faults| {
            field::number(value, (0, u32::MAX), at, faults)
        })
    };
    let (size, surge) = (number("size"), number("surge"));
    Some(Size {
        size: size?,
        surge: surge?,
    })
}

/// What differs from what is there, and cannot: the field, and why. A wish that leaves something out does not ask for a
/// change of it.
pub fn fixed(wish: &Wish, pool: &PoolName, there: &ClaimRecord) -> Option<(&'static str, String)> {
    if wish.pool != *pool {
        let why =
            format!("is {pool}, and cannot be changed: give the claim back, and make it anew");
        return Some(("spec.pool", why));
    }
    match (there, wish.set) {
        (ClaimRecord::Set(_), Some(_)) => None,
        (ClaimRecord::Set(_), None) => Some(("spec.set", "it is a set, and stays one".to_owned())),
        (ClaimRecord::Claim(_), Some(_)) => Some((
            "spec.set",
            "it is a claim, and does not become a set".to_owned(),
        )),
        (ClaimRecord::Claim(claim), None) => {
            let has = granted(claim);
            let lacks = wish.addresses.iter().find(|ip| !has.contains(ip));
            lacks.map(|ip| {
                let has: Vec<_> = has.iter().map(ToString::to_string).collect();
                let why = format!(
                    "has {}, not {ip}, and cannot be changed: give the claim back, and make it anew",
                    has.join(" and ")
                );
                ("spec.addresses", why)
            })
        }
    }
}

/// The addresses that a claim has.
pub fn granted(claim: &Claim) -> Vec<IpAddr> {
    let granted = |part: &Part| match part {
        Part::Granted { ip } => Some(*ip),
        _ => None,
    };
    claim.parts.iter().filter_map(granted).collect()
}

/// A claim that is there, as an object would say it.
pub fn of_record(name: &ClaimName, pool: &PoolName, record: &ClaimRecord) -> Wish {
    let (name, pool) = (name.clone(), pool.clone());
    match record {
        ClaimRecord::Claim(claim) => Wish {
            name,
            pool,
            addresses: granted(claim),
            release: Some(claim.release),
            handover: Some(claim.handover),
            app: claim.app.clone(),
            node: claim.only.clone(),
            set: None,
        },
        ClaimRecord::Set(set) => Wish {
            name,
            pool,
            addresses: Vec::new(),
            release: Some(set.release),
            handover: Some(set.handover),
            app: set.app.clone(),
            node: None,
            set: Some(Size {
                size: set.size,
                surge: Some(set.surge),
            }),
        },
    }
}

/// `spec`, as it is written.
pub fn json(wish: &Wish) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        value.map(|value| map.insert(name.to_owned(), value));
    };
    let text = |value: &dyn ToString| Value::from(value.to_string());
    put("pool", Some(text(&wish.pool)));
    let addresses: Vec<_> = wish.addresses.iter().map(|ip| text(ip)).collect();
    put(
        "addresses",
        (!addresses.is_empty()).then(|| addresses.into()),
    );
    put("release", wish.release.as_ref().map(|one| text(one)));
    put("handover", wish.handover.as_ref().map(|one| text(one)));
    put("app", wish.app.as_ref().map(|one| text(one)));
    put("node", wish.node.as_ref().map(|one| text(one)));
    put("set", wish.set.map(size_json));
    map.into()
}

fn size_json(set: Size) -> Value {
    let of = |name: &str, value: Option<u32>| value.map(|value| (name.to_owned(), value.into()));
    let all = [of("size", set.size), of("surge", set.surge)];
    all.into_iter().flatten().collect::<Map<_, _>>().into()
}
