//! Of which AS a neighbour has to be, and of which it is told that nodes are.

use crate::Asn;
use crate::object::read::{self, Fields};
use crate::session::config::RemoteAs;
use fairway_policy::object::{
    Reason, clip,
    field::{self, Faults, Path},
};
use serde_json::Value;

/// `asn`: a number, several, or a word.
pub(super) fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<RemoteAs> {
    const KNOWN: &[&str] = &["Internal", "External", "numbers"];
    match value {
        Value::Number(_) => read::speaker(value, at, faults).map(RemoteAs::Is),
        Value::Array(_) => read::each(value, at, faults, read::speaker).map(RemoteAs::OneOf),
        Value::String(text) => match text.as_str() {
            "Internal" => Some(RemoteAs::Internal),
            "External" => Some(RemoteAs::External),
            _ => {
                let (given, known) = (clip(text), KNOWN);
                faults.add(at, Reason::NoneOf { given, known })
            }
        },
        _ => {
            let wanted = "a number, a list of numbers, Internal or External";
            field::mistyped(value, wanted, at, faults)
        }
    }
}

/// `localAsn`: a neighbour that is told another AS than nodes are of is not of theirs, and not of that.
pub(super) fn local(
    spec: Fields<'_, '_>,
    remote: Option<&RemoteAs>,
    faults: &mut Faults,
) -> Option<Option<Asn>> {
    let local = spec.maybe("localAsn", faults, read::speaker)?;
    let same = match (local, remote) {
        (Some(_), Some(RemoteAs::Internal)) => {
            spec.misplaced("localAsn", "asn is Internal", faults);
            return Some(local);
        }
        (Some(local), Some(RemoteAs::Is(asn))) => local == *asn,
        (Some(local), Some(RemoteAs::OneOf(all))) => all.contains(&local),
        _ => false,
    };
    match local.filter(|_| same) {
        Some(asn) => {
            let what = format!(
                "AS {asn} is the neighbour's as well; a neighbour of the nodes' own AS has no localAsn"
            );
            spec.refuse("localAsn", read::refused(what), faults)
        }
        None => Some(local),
    }
}

/// What neighbours of the own AS have and others do not, and the other way round.
pub(super) fn apart(spec: Fields<'_, '_>, remote: Option<&RemoteAs>, faults: &mut Faults) {
    match remote {
        Some(RemoteAs::External) => {
            for name in ["reflectorClient", "nextHopSelf"] {
                spec.misplaced(name, "asn is External", faults);
            }
        }
        Some(RemoteAs::Internal) => spec.misplaced("enforceFirstAs", "asn is Internal", faults),
        _ => {}
    }
    if spec.has("localAsn") {
        for name in ["reflectorClient", "nextHopSelf"] {
            spec.misplaced(name, "localAsn is: the neighbour is of another AS", faults);
        }
    }
}
