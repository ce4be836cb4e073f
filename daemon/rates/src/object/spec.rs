//! `spec` of a `RateLimit`.

use super::wish;
use crate::model::{RateLimit, Scope, Wish};
use fairway_policy::{
    object::{
        Reason,
        field::{self, Faults, Path},
        form::{self, Form},
        meta::Meta,
        selector,
    },
    spec::Selector,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const SCOPES: (&[&str; 3], [Scope; 3]) = (
    &["Container", "Namespace", "Network"],
    [Scope::Container, Scope::Namespace, Scope::Network],
);

/// Namespaces of a limit, and networks.
const MOST: usize = 1000;

/// Names of networks, as the daemon has them.
const NETWORK: Form = (
    network,
    "1 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends",
);

fn network(text: &str) -> bool {
    let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    text.len() <= 63
        && text.bytes().all(fits)
        && end(text.bytes().next())
        && end(text.bytes().last())
}

/// What it says, without its name.
pub(super) struct Spec {
    per: Scope,
    namespaces: Vec<String>,
    networks: Vec<String>,
    pods: Selector,
    ingress: Option<Wish>,
    egress: Option<Wish>,
}

impl Spec {
    /// With its name.
    pub(super) fn named(self, meta: &Meta) -> RateLimit {
        RateLimit {
            name: meta.name.clone(),
            per: self.per,
            namespaces: self.namespaces,
            networks: self.networks,
            pods: self.pods,
            ingress: self.ingress,
            egress: self.egress,
        }
    }
}

/// A scope, as it is written.
pub(super) fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Container => "Container",
        Scope::Namespace => "Namespace",
        Scope::Network => "Network",
    }
}

pub(super) fn parse(value: Option<&Value>, at: &Path<'_>, faults: &mut Faults) -> Option<Spec> {
    const DIRECTIONS: &[&str] = &["ingress", "egress"];
    let Some(value) = value else {
        return faults.add(at, Reason::Missing);
    };
    faults.strict = true;
    let map = field::object(value, at, faults)?;
    let known = [
        "per",
        "namespaces",
        "networks",
        "podSelector",
        "ingress",
        "egress",
    ];
    let fine = field::only(map, &known, at, faults);
    let per = match field::optional(map, "per", at, faults) {
        None => Some(Scope::Container),
        Some(value) => field::word(value, SCOPES, &at.field("per"), faults),
    };
    let namespaces = names(map, ("namespaces", form::LABEL), at, faults);
    let networks = names(map, ("networks", NETWORK), at, faults);
    let place = at.field("podSelector");
    let given = field::optional(map, "podSelector", at, faults);
    if given.is_some() && per.is_some_and(|per| per != Scope::Container) {
        let when = "per is Namespace or Network";
        faults.add::<()>(&place, Reason::Misplaced { when });
    }
    let pods = selector::or_all(given, &place, faults);
    let mut way = |name| match field::optional(map, name, at, faults) {
        None => Some(None),
        Some(value) => wish::some(value, &at.field(name), faults).map(Some),
    };
    let (ingress, egress) = (way("ingress"), way("egress"));
    let none = DIRECTIONS.iter().all(|name| !map.contains_key(*name));
    // What is there under a wrong name was meant to be one of them.
    if none && fine {
        return faults.add(at, Reason::OneAtLeast { of: DIRECTIONS });
    }
    Some(Spec {
        per: per?,
        namespaces: namespaces?,
        networks: networks?,
        pods: pods?,
        ingress: ingress?,
        egress: egress?,
    })
}

/// Names, each once. A list without any is refused: to some it means all, to others none.
fn names(
    map: &Map<String, Value>,
    (name, form): (&str, Form),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<String>> {
    let Some(value) = field::optional(map, name, at, faults) else {
        return Some(Vec::new());
    };
    let at = at.field(name);
    field::counted(value, (1, MOST), &at, faults);
    let mut seen = BTreeSet::new();
    field::list(value, &at, faults, |value, at, faults| {
        let name = field::formed(value, form, at, faults)?;
        match seen.insert(name) {
            true => Some(name.to_owned()),
            false => faults.add(at, Reason::Twice),
        }
    })
}
