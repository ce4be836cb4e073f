//! `object.*`: what administrators apply.
//!
//! All objects of a request are judged before the first is written: by themselves, and beside what the store
//! holds. They are written one by one; a request that was cut off in the middle can be made again.

mod held;

use super::{
    Daemon,
    change::{Stop, store_error},
};
use crate::{
    convert::body,
    policy::{keys::Key, reference, stored},
};
use fairway_api::{ErrorBody, admin};
use fairway_cni::Code;
use fairway_kv::{Committed, Condition, Txn, Write};
use fairway_policy::{
    object::{self, Parsed},
    spec::{Kind, ObjectName},
};
use held::{Held, refuse};
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
                return Ok(done);
            }
            if attempt == TRIES {
                let text = "objects are being written by somebody else at the same time";
                return Err(body(Code::TRY_AGAIN, text).into());
            }
            sleep(Duration::from_millis(5 << attempt.min(6))).await;
        }
        Ok(done)
    }

    /// Writes one; none where somebody else was quicker.
    async fn put(
        &self,
        new: &Parsed,
        held: &mut Held,
    ) -> Result<Option<admin::Applied>, ErrorBody> {
        let applied = |done: &str| {
            Ok(Some(admin::Applied {
                object: reference(&new.name),
                done: done.to_owned(),
                warnings: Vec::new(),
            }))
        };
        let key = Key::Object(new.name.clone()).path();
        let write = Write::Put {
            key: key.clone(),
            value: stored::encode(new),
            lease: None,
        };
        let (mut txn, done) = match held.get(&new.name) {
            Some((_, Ok(there))) if there.json == new.json => return applied("unchanged"),
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
            let fits = namespace.as_ref().is_none_or(|n| there.namespace == *n)
                && name.as_ref().is_none_or(|n| there.name == *n);
            if fits {
                let parsed = parsed.map_err(|error| {
                    body(Code::IO, format_args!("{there}: {error}; it is left alone"))
                })?;
                found.push(parsed.json);
            }
        }
        match (&name, found.is_empty()) {
            (Some(name), true) => {
                let namespace = namespace.unwrap_or_default();
                Err(missing(&ObjectName {
                    kind,
                    namespace,
                    name: name.clone(),
                })
                .into())
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
        let name = ObjectName {
            kind,
            namespace: namespace.unwrap_or_default(),
            name: name.unwrap_or_default(),
        };
        if has_namespace(kind) && name.namespace.is_empty() {
            let text = format_args!("namespace: missing: a {} is in one", object.kind);
            return Err(body(Code::INVALID_CONFIG, text).into());
        }
        let key = Key::Object(name.clone()).path();
        let store = self.open_store()?;
        let there = store.get(&key).await.map_err(|error| store_error(&error))?;
        if there.is_none() {
            return Err(missing(&name).into());
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
            object: reference(&name),
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
        match object::parse(value) {
            Ok(new) => match parsed.iter().any(|other| other.name == new.name) {
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
    text.parse::<Kind>()
        .map_err(|error| body(Code::INVALID_CONFIG, format_args!("kind: {error}")))
}

fn has_namespace(kind: Kind) -> bool {
    matches!(kind, Kind::NetworkPolicy | Kind::Pod)
}

/// A name may be `NAMESPACE/NAME`.
fn split(
    kind: Kind,
    namespace: Option<String>,
    name: Option<String>,
) -> Result<(Option<String>, Option<String>), ErrorBody> {
    let wrong = |text: &str| Err(body(Code::INVALID_CONFIG, text));
    if !has_namespace(kind) {
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

fn missing(name: &ObjectName) -> ErrorBody {
    body(Code::INVALID_CONFIG, format_args!("{name}: there is none"))
}
