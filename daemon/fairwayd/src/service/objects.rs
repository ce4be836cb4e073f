//! `object.*`: what administrators apply.
//!
//! All objects of a request are judged before the first is written: by themselves, and beside what the store
//! holds. They are written one by one; a request that was cut off in the middle can be made again. Pools, networks and
//! claims come first, in this order, since others name them; beside what the store holds each is judged in its turn.

mod addressing;
mod family;
mod held;
mod marks;
#[cfg(feature = "k8s")]
mod mirror;

pub(super) use held::refuse;
#[cfg(feature = "k8s")]
pub(crate) use mirror::Mirror;

use super::{
    Daemon,
    change::{Stop, store_error},
};
use crate::{convert::body, rates::About, server::Replies, stored::Envelope};
use fairway_api::{ErrorBody, admin};
use fairway_bgp::object::Kind as PeeringKind;
use fairway_cni::Code;
use fairway_definitions::PLURAL as DEFINITIONS;
use fairway_kv::{Committed, Condition, Revision, Txn, Write};
use fairway_pools::Kind as AddressKind;
use fairway_rates::object::{ObjectError, PLURAL};
use family::{Kind, Name, Parsed};
use held::{ELSEWHERE, Held};
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

/// How often a write is tried again that somebody else was quicker with.
const TRIES: u32 = 12;

impl Daemon {
    pub(super) async fn object_apply(
        &self,
        apply: admin::ObjectApply,
        replies: &mut Replies,
    ) -> Result<Vec<admin::Applied>, Stop> {
        let all = parse_all(apply.objects)?;
        let mut order: Vec<usize> = (0..all.len()).collect();
        let turn = |at: &usize| match &all[*at] {
            Read::Wish(wish) => (0, Some(wish.kind())),
            Read::Kept(_) => (1, None),
        };
        order.sort_by_key(turn);
        let kept = |at: &usize| match &all[*at] {
            Read::Kept(parsed) => Some(parsed.clone()),
            Read::Wish(_) => None,
        };
        let parsed: Vec<Parsed> = order.iter().filter_map(kept).collect();
        refuse(self.held(&parsed).await?.judge(&parsed))?;
        let mut done = Vec::new();
        for at in &order {
            if let Read::Wish(wish) = &all[*at] {
                done.push(self.wish(wish, replies).await?);
            }
        }
        if !parsed.is_empty() {
            done.extend(self.keep(&parsed).await?);
        }
        let mut told: Vec<_> = order.into_iter().zip(done).collect();
        told.sort_by_key(|(at, _)| *at);
        Ok(told.into_iter().map(|(_, done)| done).collect())
    }

    /// Writes objects that are kept as such.
    async fn keep(&self, parsed: &[Parsed]) -> Result<Vec<admin::Applied>, Stop> {
        let mut done = Vec::new();
        for attempt in 1.. {
            let mut held = self.held(parsed).await?;
            refuse(held.judge(parsed))?;
            let left = &parsed[done.len()..];
            let mut refused = false;
            for new in left {
                match self.put(new, &mut held).await? {
                    Some(applied) => done.push(applied),
                    None => {
                        refused = true;
                        break;
                    }
                }
            }
            if !refused {
                return self.warned(done, parsed, &held).await;
            }
            if attempt == TRIES {
                let text = "objects are being written by somebody else at the same time";
                return Err(body(Code::TRY_AGAIN, text).into());
            }
            sleep(Duration::from_millis(5 << attempt.min(6))).await;
        }
        Ok(done)
    }

    /// With what is worth knowing of each, and of rates on this node.
    async fn warned(
        &self,
        mut done: Vec<admin::Applied>,
        parsed: &[Parsed],
        held: &Held,
    ) -> Result<Vec<admin::Applied>, Stop> {
        // Once all of it is seen, nothing more is waited for.
        let mut since = held.since();
        for (applied, parsed) in done.iter_mut().zip(parsed) {
            applied.warnings = parsed.warnings();
            if let Name::RateLimit(name) = parsed.name() {
                let about = About::RateLimit(name);
                applied.warnings = self.rates.warnings(about, since).await?;
                since = Revision::default();
            }
        }
        Ok(done)
    }

    /// Writes one; none where somebody else was quicker.
    async fn put(
        &self,
        new: &Parsed,
        held: &mut Held,
    ) -> Result<Option<admin::Applied>, ErrorBody> {
        let name = new.name();
        let applied = |done: &str| {
            Ok(Some(admin::Applied {
                object: name.reference(),
                done: done.to_owned(),
                warnings: Vec::new(),
            }))
        };
        let key = name.path();
        let write = Write::Put {
            key: key.clone(),
            value: new.encode(),
            lease: None,
        };
        let (mut txn, done) = match held.get(&name) {
            Some((_, Ok(there))) if there.json() == new.json() => return applied("unchanged"),
            Some((modified, _)) => (Txn::if_unchanged(*modified, write), "configured"),
            None => {
                let conditions = vec![Condition::Absent { key }];
                let writes = vec![write];
                (Txn { conditions, writes }, "created")
            }
        };
        if let Some((condition, write)) = held.turn(new) {
            txn.conditions.push(condition);
            txn.writes.push(write);
        }
        match self.open_store()?.commit(&txn).await {
            Ok(Committed::Yes { revision }) => {
                held.written(new, revision);
                applied(done)
            }
            Ok(Committed::No { .. }) => Ok(None),
            // What was written is seen with the next look.
            Err(error) if error.outcome_unknown() => Ok(None),
            Err(error) => Err(store_error(&error)),
        }
    }

    pub(super) async fn object_list(&self, list: admin::ObjectList) -> Result<Vec<Value>, Stop> {
        let which = kind(&list.kind)?;
        let (namespace, name) = split(which, list.namespace, list.name)?;
        let kind = match which {
            Which::Kept(kind) => kind,
            Which::Wish(kind) => return self.wishes_list(kind, name).await,
        };
        let mut found = Vec::new();
        for (there, (_, parsed)) in self.all(kind).await? {
            let (its, own) = there.parts();
            let fits = namespace.as_ref().is_none_or(|namespace| its == namespace)
                && name.as_ref().is_none_or(|name| own == name);
            if fits {
                let parsed = parsed.map_err(|error| {
                    body(Code::IO, format_args!("{there}: {error}; it is left alone"))
                })?;
                found.push(parsed.json().clone());
            }
        }
        match (&name, found.is_empty()) {
            (Some(name), true) => {
                let name = kind.named(namespace.unwrap_or_default(), name.clone());
                Err(missing(&name).into())
            }
            _ => Ok(found),
        }
    }

    async fn wishes_list(
        &self,
        kind: AddressKind,
        name: Option<String>,
    ) -> Result<Vec<Value>, Stop> {
        let all = self.wishes(kind).await?.into_iter();
        let fits = |its: &String| name.as_ref().is_none_or(|name| its == name);
        let found: Vec<_> = all
            .filter(|(its, _)| fits(its))
            .map(|(_, json)| json)
            .collect();
        match name {
            Some(name) if found.is_empty() => Err(addressing::missing(kind, &name).into()),
            _ => Ok(found),
        }
    }

    pub(super) async fn object_remove(
        &self,
        object: admin::ObjectRef,
        replies: &mut Replies,
    ) -> Result<admin::Applied, Stop> {
        let which = kind(&object.kind)?;
        let (namespace, name) = split(which, object.namespace, Some(object.name))?;
        let kind = match which {
            Which::Kept(kind) => kind,
            Which::Wish(kind) => {
                return self.unwish(kind, name.unwrap_or_default(), replies).await;
            }
        };
        let name = kind.named(namespace.unwrap_or_default(), name.unwrap_or_default());
        if kind.namespaced() && name.parts().0.is_empty() {
            let text = format_args!("namespace: missing: a {} is in one", object.kind);
            return Err(body(Code::INVALID_CONFIG, text).into());
        }
        let key = name.path();
        let store = self.open_store()?;
        let there = store.get(&key).await.map_err(|error| store_error(&error))?;
        let Some(there) = there else {
            return Err(missing(&name).into());
        };
        if Envelope::of(&there.value).origin.is_some() {
            let text = format_args!("{name}: {ELSEWHERE}");
            return Err(body(Code::INVALID_CONFIG, text).into());
        }
        let txn = Txn {
            conditions: Vec::new(),
            writes: vec![Write::Delete { key }],
        };
        store
            .commit(&txn)
            .await
            .map_err(|error| store_error(&error))?;
        Ok(admin::Applied {
            object: name.reference(),
            done: "deleted".to_owned(),
            warnings: Vec::new(),
        })
    }
}

/// An object that is valid.
#[derive(Debug, Clone, PartialEq)]
enum Read {
    /// It is kept as such.
    Kept(Parsed),
    /// It asks for a pool, a network or a claim.
    Wish(fairway_pools::Object),
}

impl Read {
    fn of(value: Value) -> Result<Read, ObjectError> {
        let kind = value.get("kind").and_then(Value::as_str);
        match AddressKind::ALL.iter().any(|one| kind == Some(one.name())) {
            true => fairway_pools::parse(&value).map(Read::Wish),
            false => Parsed::read(value).map(Read::Kept),
        }
    }

    /// What tells it from others.
    fn title(&self) -> String {
        match self {
            Read::Kept(parsed) => parsed.name().to_string(),
            Read::Wish(wish) => format!("{} {}", wish.kind(), wish.name()),
        }
    }
}

fn parse_all(objects: Vec<Value>) -> Result<Vec<Read>, ErrorBody> {
    let mut parsed: Vec<Read> = Vec::new();
    let mut wrong = Vec::new();
    for (number, value) in objects.into_iter().enumerate() {
        let title = title(&value, number);
        match Read::of(value) {
            Ok(new) => match parsed.iter().any(|other| other.title() == new.title()) {
                true => wrong.push(format!("{title}: is there twice")),
                false => parsed.push(new),
            },
            Err(error) => {
                let text = error.to_string();
                wrong.extend(text.lines().map(|line| format!("{title}: {line}")));
            }
        }
    }
    refuse(wrong)?;
    Ok(parsed)
}

/// What an object calls itself, for errors.
fn title(value: &Value, number: usize) -> String {
    let text = |at: &str| value.pointer(at).and_then(Value::as_str);
    match (
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name"),
    ) {
        (Some(kind), Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (Some(kind), None, Some(name)) => format!("{kind} {name}"),
        _ => format!("objects[{number}]"),
    }
}

/// A kind, and whether its objects are kept as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Kept(Kind),
    Wish(AddressKind),
}

impl Which {
    fn namespaced(self) -> bool {
        match self {
            Which::Kept(kind) => kind.namespaced(),
            Which::Wish(_) => false,
        }
    }
}

fn kind(text: &str) -> Result<Which, ErrorBody> {
    if let Some(kind) = AddressKind::read(text) {
        return Ok(Which::Wish(kind));
    }
    Kind::read(text).map(Which::Kept).map_err(|error| {
        let [configs, peers] = PeeringKind::ALL.map(PeeringKind::plural);
        let [pools, claims, networks] = AddressKind::ALL.map(AddressKind::plural);
        let text = format_args!(
            "kind: {error}, {PLURAL}, {configs}, {peers}, {DEFINITIONS}, {pools}, {claims}, {networks}"
        );
        body(Code::INVALID_CONFIG, text)
    })
}

/// A name may be `NAMESPACE/NAME`.
fn split(
    kind: Which,
    namespace: Option<String>,
    name: Option<String>,
) -> Result<(Option<String>, Option<String>), ErrorBody> {
    let wrong = |text: &str| Err(body(Code::INVALID_CONFIG, text));
    if !kind.namespaced() {
        return match namespace {
            Some(_) => wrong("namespace: objects of this kind are in none"),
            None => Ok((Some(String::new()), name)),
        };
    }
    match name.as_deref().and_then(|name| name.split_once('/')) {
        Some(_) if namespace.is_some() => wrong("name: has a namespace of its own"),
        Some((namespace, name)) => Ok((Some(namespace.to_owned()), Some(name.to_owned()))),
        None => Ok((namespace, name)),
    }
}

fn missing(name: &Name) -> ErrorBody {
    body(Code::INVALID_CONFIG, format_args!("{name}: there is none"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn limit(name: &str, rate: &str) -> Value {
        json!({"apiVersion": "fairway.network/v1alpha1", "kind": "RateLimit", "metadata": {"name": name},
               "spec": {"ingress": {"rate": rate}}})
    }

    fn namespace(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    }

    #[test]
    fn kinds_of_both_families_are_judged_together() {
        let parsed = parse_all(vec![limit("a", "1M"), namespace("a")]).unwrap();
        let names: Vec<_> = parsed.iter().map(Read::title).collect();
        assert_eq!(names, ["RateLimit a", "Namespace a"]);
        let all = [
            limit("a", "0"),
            namespace("A"),
            limit("b", "1M"),
            limit("b", "2M"),
        ];
        let error = parse_all(all.to_vec()).unwrap_err();
        let low = "0 bit/s is less than 1000 bit/s, the least that is kept";
        assert_eq!(
            error.message,
            format!("RateLimit a: spec.ingress.rate: {low}")
        );
        let lines: Vec<_> = error.details.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].starts_with("Namespace A: metadata.name: "),
            "{lines:?}"
        );
        assert_eq!(lines[1], "RateLimit b: is there twice");
    }

    #[test]
    fn limits_are_in_no_namespace() {
        let kind = kind("ratelimit").unwrap();
        let name = Some("web".to_owned());
        let parts = split(kind, None, name.clone()).unwrap();
        assert_eq!(parts, (Some(String::new()), name));
        let error = split(kind, Some("web".into()), None).unwrap_err();
        assert_eq!(error.message, "namespace: objects of this kind are in none");
        let error = super::kind("rate").unwrap_err().message;
        assert!(
            error.ends_with("ratelimits, bgpconfigs, bgppeers, network-attachment-definitions, ippools, ipclaims, networks"),
            "{error}"
        );
    }
}
