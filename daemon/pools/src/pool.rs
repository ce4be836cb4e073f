//! `IPPool`.

use crate::read::{self, refused};
use fairway_ipam::{
    Cidr, Encap, GatewaySpec, Handover, Pool, PoolChange, PoolError, PoolName, PoolPhase, PoolSpec,
    RangeChange, RangeSpec, Release,
};
use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
};
use serde_json::{Map, Value, json};

const PHASES: (&[&str; 2], [PoolPhase; 2]) = (
    &["active", "draining"],
    [PoolPhase::Active, PoolPhase::Draining],
);

const KNOWN: &[&str] = &[
    "ranges",
    "cooldown",
    "reserve",
    "release",
    "handover",
    "nodes",
    "namespaces",
    "encap",
    "masquerade",
    "phase",
];

/// A pool, as somebody wants it; valid by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name.
    pub name: PoolName,
    /// All of it.
    pub spec: PoolSpec,
}

pub(crate) fn parse(
    name: Option<&str>,
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Wish> {
    let map = field::object(value, at, faults)?;
    field::only(map, KNOWN, at, faults);
    let ranges = read::must(map, "ranges", at, faults, |value, at, faults| {
        field::list(value, at, faults, range)
    });
    let cooldown = read::maybe(map, "cooldown", at, faults, |value, at, faults| {
        field::number(value, (0_u32, 7 * 86400), at, faults)
    });
    let reserve = read::maybe(map, "reserve", at, faults, |value, at, faults| {
        field::number(value, (0_u32, 4096), at, faults)
    });
    let release = read::maybe(map, "release", at, faults, read::text::<Release>);
    let handover = read::maybe(map, "handover", at, faults, read::text::<Handover>);
    let mut words = |name| {
        read::maybe(map, name, at, faults, |value, at, faults| {
            field::text(value, at, faults).map(str::to_owned)
        })
    };
    let (nodes, namespaces) = (words("nodes"), words("namespaces"));
    let encap = read::maybe(map, "encap", at, faults, read::text::<Encap>);
    let masquerade = read::maybe(map, "masquerade", at, faults, read::flag);
    let phase = read::maybe(map, "phase", at, faults, |value, at, faults| {
        field::word(value, PHASES, at, faults)
    });
    let mut spec = PoolSpec::new(ranges?);
    spec.cooldown = cooldown?.map_or(spec.cooldown, u64::from);
    spec.reserve = reserve?.unwrap_or(spec.reserve);
    spec.release = release?.unwrap_or_default();
    spec.handover = handover?.unwrap_or_default();
    spec.nodes = nodes?.unwrap_or_default();
    spec.namespaces = namespaces?.unwrap_or_default();
    spec.encap = encap?.unwrap_or_default();
    spec.masquerade = masquerade?.unwrap_or(spec.masquerade);
    spec.phase = phase?.unwrap_or_default();
    let name = PoolName::new(name?).ok()?;
    let judged = Pool::new(name.clone(), spec.clone());
    match judged.and_then(|pool| pool.must_know_namespaces()) {
        Ok(()) => Some(Wish { name, spec }),
        Err(error) => {
            let (place, what) = fault(&error, &spec);
            faults.add(&Path::ROOT.field(&place), Reason::Refused { what })
        }
    }
}

fn range(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<RangeSpec> {
    let map = field::object(value, at, faults)?;
    let known = ["cidr", "block", "gateway", "exclude", "draining"];
    field::only(map, &known, at, faults);
    let cidr = read::must(map, "cidr", at, faults, read::text::<Cidr>);
    let block = read::maybe(map, "block", at, faults, |value, at, faults| {
        field::number(value, (0_u8, 128), at, faults)
    });
    let gateway = read::maybe(map, "gateway", at, faults, |value, at, faults| {
        let given = field::text(value, at, faults)?;
        let read = given.parse::<GatewaySpec>();
        read.ok().or_else(|| {
            let given = fairway_policy::object::clip(given);
            let what = format!("{given:?} is no IP address, and not none");
            faults.add(at, refused(what))
        })
    });
    let exclude = read::maybe(map, "exclude", at, faults, |value, at, faults| {
        field::list(value, at, faults, |value, at, faults| {
            field::text(value, at, faults).map(str::to_owned)
        })
    });
    let draining = read::maybe(map, "draining", at, faults, read::flag);
    Some(RangeSpec {
        cidr: cidr?,
        block: block?,
        gateway: gateway?,
        exclude: exclude?.unwrap_or_default(),
        draining: draining?.unwrap_or_default(),
    })
}

/// Which field of an object is wrong, and what with it; `spec` is what the object says.
pub fn fault(error: &PoolError, spec: &PoolSpec) -> (String, String) {
    let text = error.to_string();
    let (field, what) = text.split_once(": ").unwrap_or(("", &text));
    let at = |cidr: &Cidr, last: &str| {
        let index = spec.ranges.iter().position(|range| range.cidr == *cidr);
        match index {
            Some(index) => format!("spec.ranges[{index}]{last}"),
            None => "spec.ranges".to_owned(),
        }
    };
    match error {
        // Its indices are those of the pool as it would be, whose prefixes may be in another order.
        PoolError::Overlaps { cidr, .. } => (at(cidr, ".cidr"), what.to_owned()),
        PoolError::BlockChanges { cidr, .. } => (at(cidr, ".block"), what.to_owned()),
        PoolError::NotDraining { cidr, .. } => {
            let what = format!(
                "{cidr} is left out and gives addresses: write it with draining: true first, and wait until it is empty"
            );
            (at(cidr, ""), what)
        }
        PoolError::InUse { cidr, .. } => (at(cidr, ""), what.to_owned()),
        _ => (format!("spec.{field}"), what.to_owned()),
    }
}

/// What makes a pool that is there what is wanted; none: it is so already.
///
/// # Errors
/// What is wanted is no pool, which a parsed one always is.
pub fn change(there: &Pool, wish: &Wish) -> Result<Option<PoolChange>, PoolError> {
    let wanted = Pool::new(wish.name.clone(), wish.spec.clone())?;
    let (old, new) = (&there.spec, &wanted.spec);
    let has = |spec: &PoolSpec, cidr: Cidr| spec.ranges.iter().any(|range| range.cidr == cidr);
    let mut change = PoolChange::default();
    let gone = old.ranges.iter().map(|range| range.cidr);
    change.remove = gone.filter(|cidr| !has(new, *cidr)).collect();
    let come = new.ranges.iter();
    change.add = come
        .filter(|range| !has(old, range.cidr))
        .cloned()
        .collect();
    for (judged, range) in wanted.ranges.iter().zip(&new.ranges) {
        let mut before = there.ranges.iter().zip(&old.ranges);
        let Some((was, spec)) = before.find(|(was, _)| was.cidr == judged.cidr) else {
            continue;
        };
        let mut other = RangeChange::new(judged.cidr);
        other.block = (was.block != judged.block).then_some(judged.block);
        let gateway = judged
            .gateway
            .map_or(GatewaySpec::None, GatewaySpec::Address);
        other.gateway = (was.gateway != judged.gateway).then_some(gateway);
        if spec.exclude != range.exclude {
            other.include = true;
            other.exclude.clone_from(&range.exclude);
        }
        if other != RangeChange::new(judged.cidr) {
            change.replace.push(other);
        }
        match (spec.draining, range.draining) {
            (false, true) => change.drain.push(judged.cidr),
            (true, false) => change.undrain.push(judged.cidr),
            _ => {}
        }
    }
    change.phase = other(&old.phase, &new.phase);
    change.cooldown = other(&old.cooldown, &new.cooldown);
    change.reserve = other(&old.reserve, &new.reserve);
    change.release = other(&old.release, &new.release);
    change.handover = other(&old.handover, &new.handover);
    change.nodes = other(&old.nodes, &new.nodes);
    change.namespaces = other(&old.namespaces, &new.namespaces);
    change.encap = other(&old.encap, &new.encap);
    change.masquerade = other(&old.masquerade, &new.masquerade);
    Ok((change != PoolChange::default()).then_some(change))
}

fn other<T: Clone + PartialEq>(old: &T, new: &T) -> Option<T> {
    (old != new).then(|| new.clone())
}

/// `spec`, as it is written.
pub fn json(spec: &PoolSpec) -> Value {
    json!({
        "ranges": spec.ranges.iter().map(range_json).collect::<Vec<_>>(),
        "cooldown": spec.cooldown,
        "reserve": spec.reserve,
        "release": spec.release.to_string(),
        "handover": spec.handover.to_string(),
        "nodes": spec.nodes,
        "namespaces": spec.namespaces,
        "encap": spec.encap.to_string(),
        "masquerade": spec.masquerade,
        // One that retires is draining to whoever applies it again; its status says that it goes.
        "phase": match spec.phase {
            PoolPhase::Active => "active",
            PoolPhase::Draining | PoolPhase::Retiring => "draining",
        },
    })
}

fn range_json(range: &RangeSpec) -> Value {
    let mut map = Map::new();
    map.insert("cidr".into(), range.cidr.to_string().into());
    if let Some(block) = range.block {
        map.insert("block".into(), block.into());
    }
    if let Some(gateway) = range.gateway {
        map.insert("gateway".into(), gateway.to_string().into());
    }
    if !range.exclude.is_empty() {
        map.insert("exclude".into(), range.exclude.clone().into());
    }
    map.insert("draining".into(), range.draining.into());
    map.into()
}
