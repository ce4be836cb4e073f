//! `metadata`: what is used of it. The rest (uid, managedFields and so on) is a server's own.

use super::{
    error::{Reason, clip},
    field::{self, Faults, Path},
    form::{self, Form},
    selector,
};
use crate::spec::{Kind, Labels};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `audit`: a policy, or all of a namespace, only reports what it would refuse; `enforce`: the default.
pub const MODE: &str = "fairway.network/policy-mode";

/// The label that every namespace has, with its name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The namespace of an object that names none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// All annotations together, in bytes.
const ANNOTATIONS: usize = 256 << 10;

/// Of an object of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its name.
    pub name: String,
    /// Empty where the kind has none.
    pub namespace: String,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// It only reports ([`MODE`]).
    pub audit: bool,
}

/// What depends on the kind.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The form of names.
    pub name: Form,
    /// Its objects stand in namespaces.
    pub namespaced: bool,
    /// Its objects can be in audit ([`MODE`]).
    pub audited: bool,
}

impl Meta {
    /// As it is stored.
    pub fn into_json(self) -> Value {
        let mut metadata = Map::new();
        metadata.insert("name".into(), self.name.into());
        if !self.namespace.is_empty() {
            metadata.insert("namespace".into(), self.namespace.into());
        }
        for (name, map) in [("labels", self.labels), ("annotations", self.annotations)] {
            if !map.is_empty() {
                let map: Map<_, _> = map.into_iter().map(|(k, v)| (k, v.into())).collect();
                metadata.insert(name.into(), map.into());
            }
        }
        metadata.into()
    }
}

/// `metadata` of an object of a kind of ours.
pub(crate) fn of_kind(
    value: Option<&Value>,
    kind: Kind,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Meta> {
    let rules = Rules {
        name: match kind {
            Kind::Namespace => form::LABEL,
            _ => form::SUBDOMAIN,
        },
        namespaced: kind.namespaced(),
        audited: kind != Kind::Pod,
    };
    let mut meta = parse(value, rules, at, faults)?;
    if kind == Kind::Namespace {
        name_label(&mut meta, &at.field("labels"), faults)?;
    }
    Some(meta)
}

/// `metadata` of an object.
pub fn parse(
    value: Option<&Value>,
    rules: Rules,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Meta> {
    let empty = Map::new();
    let map = match value {
        None => &empty,
        Some(value) => field::object(value, at, faults)?,
    };
    let name = field::required(map, "name", at, faults)
        .and_then(|value| field::formed(value, rules.name, &at.field("name"), faults));
    let namespace = namespace(map, rules.namespaced, at, faults);
    let labels = match field::optional(map, "labels", at, faults) {
        None => Some(Labels::new()),
        Some(value) => selector::labels(value, &at.field("labels"), faults),
    };
    let annotations = match field::optional(map, "annotations", at, faults) {
        None => Some(BTreeMap::new()),
        Some(value) => annotations(value, &at.field("annotations"), faults),
    };
    let audit = match &annotations {
        Some(annotations) if rules.audited => audit(annotations, &at.field("annotations"), faults),
        _ => Some(false),
    };
    Some(Meta {
        name: name?.to_owned(),
        namespace: namespace?,
        labels: labels?,
        annotations: annotations?,
        audit: audit?,
    })
}

fn namespace(
    map: &Map<String, Value>,
    namespaced: bool,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<String> {
    let value = field::optional(map, "namespace", at, faults).filter(|value| *value != "");
    let at = at.field("namespace");
    match (value, namespaced) {
        (None, false) => Some(String::new()),
        (None, true) => Some(DEFAULT_NAMESPACE.to_owned()),
        (Some(_), false) => {
            let when = "the kind is not of a namespace";
            faults.add(&at, Reason::Misplaced { when })
        }
        (Some(value), true) => field::formed(value, form::LABEL, &at, faults).map(str::to_owned),
    }
}

fn annotations(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<BTreeMap<String, String>> {
    let map = field::object(value, at, faults)?;
    let mut annotations = Some(BTreeMap::new());
    let mut count = 0;
    for (key, value) in map {
        let at = at.key(key);
        // As the API server does, which takes capitals in the DNS part of annotations.
        let fits = form::KEY.0(&key.to_ascii_lowercase());
        if !fits {
            let (given, form) = (clip(key), form::KEY.1);
            faults.add::<()>(&at, Reason::Form { given, form });
        }
        match (field::text(value, &at, faults), &mut annotations) {
            (Some(value), Some(annotations)) if fits => {
                count += key.len() + value.len();
                annotations.insert(key.clone(), value.to_owned());
            }
            _ => annotations = None,
        }
    }
    if count > ANNOTATIONS {
        let (of, most) = ("bytes", ANNOTATIONS);
        return faults.add(at, Reason::Many { count, of, most });
    }
    annotations
}

fn audit(
    annotations: &BTreeMap<String, String>,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<bool> {
    match annotations.get(MODE).map(String::as_str) {
        None | Some("enforce") => Some(false),
        Some("audit") => Some(true),
        Some(given) => {
            let (given, known) = (clip(given), &["audit", "enforce"][..]);
            faults.add(&at.key(MODE), Reason::NoneOf { given, known })
        }
    }
}

/// Namespaces have it without being told; a false one would let a policy name the wrong namespace.
fn name_label(meta: &mut Meta, at: &Path<'_>, faults: &mut Faults) -> Option<()> {
    let label = meta.labels.entry(NAMESPACE_NAME.to_owned());
    let given = label.or_insert_with(|| meta.name.clone());
    if *given == meta.name {
        return Some(());
    }
    let (given, name) = (given.clone(), meta.name.clone());
    faults.add(&at.key(NAMESPACE_NAME), Reason::NotTheName { given, name })
}
