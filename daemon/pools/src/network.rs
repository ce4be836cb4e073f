//! `Network`.

use crate::read::{self, refused};
use fairway_ipam::{
    NetworkName, NetworkRecord, PoolName, Vni,
    admin::{NetworkChange, NetworkError},
};
use fairway_policy::object::field::{self, Faults, Path};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A network, as somebody wants it; valid by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name.
    pub name: NetworkName,
    /// Its VNI; none: the first that is free, or the one that it has.
    pub vni: Option<Vni>,
    /// Its pools.
    pub pools: Vec<PoolName>,
    /// Whose containers its own reach.
    pub imports: BTreeSet<NetworkName>,
}

pub(crate) fn parse(
    name: Option<&str>,
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Wish> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["vni", "pools", "imports"], at, faults);
    let vni = read::maybe(map, "vni", at, faults, |value, at, faults| {
        let number = field::number(value, (1, 0xff_ffff), at, faults)?;
        Vni::new(number).ok()
    });
    let pools = read::must(map, "pools", at, faults, |value, at, faults| {
        field::counted(value, (1, 1000), at, faults);
        read::each::<PoolName>(value, at, faults)
    });
    let imports = read::maybe(map, "imports", at, faults, read::each::<NetworkName>);
    let name = NetworkName::new(name?).ok()?;
    let imports: BTreeSet<_> = imports?.unwrap_or_default().into_iter().collect();
    if imports.contains(&name) {
        let what = "the network would import itself";
        return faults.add(&at.field("imports"), refused(what));
    }
    Some(Wish {
        name,
        vni: vni?,
        pools: pools?,
        imports,
    })
}

/// What makes a network that is there what is wanted; none: it is so already.
///
/// # Errors
/// The field that cannot be changed, and why.
pub fn change(
    there: &NetworkRecord,
    wish: &Wish,
) -> Result<Option<NetworkChange>, (&'static str, String)> {
    if wish.vni.is_some_and(|vni| vni != there.vni) {
        let why = format!("is {}, and cannot be changed", there.vni.number());
        return Err(("spec.vni", why));
    }
    let without = |all: &[PoolName], others: &[PoolName]| -> Vec<PoolName> {
        let left = all.iter().filter(|pool| !others.contains(pool));
        left.cloned().collect()
    };
    let change = NetworkChange {
        add_pools: without(&wish.pools, &there.pools),
        remove_pools: without(&there.pools, &wish.pools),
        import: wish.imports.difference(&there.imports).cloned().collect(),
        unimport: there.imports.difference(&wish.imports).cloned().collect(),
    };
    let mut after = without(&there.pools, &change.remove_pools);
    after.extend(change.add_pools.iter().cloned());
    // The first is for workloads that name none: it must not be another one in silence.
    if after.first() != wish.pools.first() {
        let why = format!(
            "the first, which is for workloads that name none, is {}; it changes only when that leaves the network",
            after.first().map_or("none", PoolName::as_str)
        );
        return Err(("spec.pools", why));
    }
    Ok((change != NetworkChange::default()).then_some(change))
}

/// Which field of an object is wrong, and what with it.
pub fn fault(error: &NetworkError) -> (&'static str, String) {
    let text = error.to_string();
    let (field, what) = text.split_once(": ").unwrap_or(("", &text));
    let field = match (error, field) {
        (_, "vni") => "spec.vni",
        (_, "imports") => "spec.imports",
        (_, "pools" | "remove_pools") | (NetworkError::InUse { .. }, _) => "spec.pools",
        _ => return ("metadata.name", text),
    };
    match error {
        NetworkError::InUse { .. } => (field, text),
        _ => (field, what.to_owned()),
    }
}

/// A network that is there, as an object would say it.
pub fn of_record(name: &NetworkName, record: &NetworkRecord) -> Wish {
    Wish {
        name: name.clone(),
        vni: Some(record.vni),
        pools: record.pools.clone(),
        imports: record.imports.clone(),
    }
}

/// `spec`, as it is written.
pub fn json(wish: &Wish) -> Value {
    let names = |all: &mut dyn Iterator<Item = String>| all.map(Value::from).collect::<Vec<_>>();
    let mut map = Map::new();
    if let Some(vni) = wish.vni {
        map.insert("vni".into(), vni.number().into());
    }
    let pools = names(&mut wish.pools.iter().map(ToString::to_string));
    map.insert("pools".into(), pools.into());
    if !wish.imports.is_empty() {
        let imports = names(&mut wish.imports.iter().map(ToString::to_string));
        map.insert("imports".into(), imports.into());
    }
    map.into()
}
