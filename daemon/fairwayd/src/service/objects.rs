//! `object.*`: what administrators apply.
//!
//! All objects of a request are judged before the first is written: by themselves, and beside what the store
//! holds. They are written one by one; a request that was cut off in the middle can be made again.

mod family;
mod held;
#[cfg(feature = "k8s")]
mod mirror;

pub(super) use held::refuse;
#[cfg(feature = "k8s")]
pub(crate) use mirror::Mirror;

use super::{
    Daemon,
    change::{Stop, store_error},
};
use crate::{convert::body, rates::About, stored::Envelope};
use fairway_api::{ErrorBody, admin};
use fairway_bgp::object::Kind as PeeringKind;
use fairway_cni::Code;
use fairway_kv::{Committed, Condition, Revision, Txn, Write};
use fairway_rates::object::PLURAL;
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
    ) -> Result<Vec<admin::Applied>, Stop> {
        let parsed = parse_all(apply.objects)?;
        let mut done = Vec::new();
        for attempt in 1.. {
            let mut held = self.held(&parsed).await?;
            refuse(held.judge(&parsed))?;
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
                return self.warned(done, &parsed, &held).await;
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
        let kind = kind(&list.kind)?;
        let (namespace, name) = split(kind, list.namespace, list.name)?;
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

    pub(super) async fn object_remove(
        &self,
        object: admin::ObjectRef,
    ) -> Result<admin::Applied, Stop> {
        let kind = kind(&object.kind)?;
        let (namespace, name) = split(kind, object.namespace, Some(object.name))?;
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

fn parse_all(objects: Vec<Value>) -> Result<Vec<Parsed>, ErrorBody> {
    let mut parsed: Vec<Parsed> = Vec::new();
    let mut wrong = Vec::new();
    for (number, value) in objects.into_iter().enumerate() {
        let title = title(&value, number);
        match Parsed::read(value) {
            Ok(new) => match parsed.iter().any(|other| other.name() == new.name()) {
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

fn kind(text: &str) -> Result<Kind, ErrorBody> {
    Kind::read(text).map_err(|error| {
        let [configs, peers] = PeeringKind::ALL.map(PeeringKind::plural);
        let text = format_args!("kind: {error}, {PLURAL}, {configs}, {peers}");
        body(Code::INVALID_CONFIG, text)
    })
}

/// A name may be `NAMESPACE/NAME`.
fn split(
    kind: Kind,
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
        let names: Vec<_> = parsed.iter().map(|new| new.name().to_string()).collect();
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
            error.ends_with("pods, ratelimits, bgpconfigs, bgppeers"),
            "{error}"
        );
    }
}
