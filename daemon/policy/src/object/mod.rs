//! What users write: parsed, and refused by field.
//!
//! The same objects come from kube-apiserver and from `netctl apply`. What comes from the API server has
//! been validated by it; what comes from elsewhere is validated here by the same rules, and everything
//! goes through [`parse`], so that no other way leads to a policy that says something else than it seems
//! to. Unknown fields are refused: a misspelt `podSelector` would otherwise select every pod.
//!
//! What walks over JSON ([`field`]) and reads what many kinds have in common ([`cidr`], [`form`], [`meta`], [`selector`])
//! serves other crates with kinds of their own as well.

mod canonical;
pub mod cidr;
mod cluster_policy;
mod conflict;
mod error;
pub mod field;
pub mod form;
pub mod meta;
mod name;
mod network_policy;
mod pod;
mod ports;
pub mod selector;

pub use conflict::conflicts;
pub use error::{Fault, ObjectError, Reason, clip};
pub use meta::{DEFAULT_NAMESPACE, MODE, NAMESPACE_NAME};
pub use name::UnknownKind;

use crate::spec::{Kind, Namespace, Object, ObjectName, Pod};
use field::{Faults, Path};
use meta::Meta;
use serde_json::{Map, Value};

/// An object that is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub object: Object,
    /// Which it is.
    pub name: ObjectName,
    /// To be stored: the defaults filled in, `status` and what else only servers write left out.
    /// Parsed again, it gives the same.
    pub json: Value,
}

/// An object, from JSON text.
///
/// # Errors
/// As [`parse`], and where it is not JSON.
pub fn parse_slice(json: &[u8]) -> Result<Parsed, ObjectError> {
    match serde_json::from_slice(json) {
        Ok(value) => parse(value),
        Err(error) => {
            let what = error.to_string();
            Err(ObjectError::one("", Reason::Syntax { what }))
        }
    }
}

/// An object, from JSON.
///
/// # Errors
/// All that is wrong with it, each with its field.
pub fn parse(mut value: Value) -> Result<Parsed, ObjectError> {
    let mut faults = Faults::default();
    let parsed = head(&value, &mut faults).and_then(|(version, kind)| {
        let (meta, object) = body(&value, kind, &mut faults)?;
        Some((version, kind, meta, object))
    });
    let (version, kind, meta, object) = faults.end(parsed)?;
    let spec = value.as_object_mut().and_then(|map| map.remove("spec"));
    let json = canonical::canonical(version, kind, meta, &object, spec);
    let name = object.object_name();
    Ok(Parsed { object, name, json })
}

/// `apiVersion` and `kind`.
fn head(value: &Value, faults: &mut Faults) -> Option<(&'static str, Kind)> {
    const KINDS: &[&str; 4] = &["NetworkPolicy", "ClusterNetworkPolicy", "Namespace", "Pod"];
    let at = &Path::ROOT;
    let map = field::object(value, at, faults)?;
    let version = field::required(map, "apiVersion", at, faults)
        .and_then(|value| field::text(value, &at.field("apiVersion"), faults));
    let kind = field::required(map, "kind", at, faults).and_then(|value| {
        let at = at.field("kind");
        if value == "AdminNetworkPolicy" || value == "BaselineAdminNetworkPolicy" {
            let what = "its API has been replaced; write a ClusterNetworkPolicy";
            return faults.add(&at, Reason::Unsupported { what });
        }
        field::word(value, (KINDS, Kind::ALL), &at, faults)
    });
    let (version, kind) = (version?, kind?);
    let known = kind.versions();
    let found = known.iter().find(|known| **known == version);
    if found.is_none() {
        let given = clip(version);
        faults.add::<()>(&at.field("apiVersion"), Reason::NoneOf { given, known });
    }
    Some((found?, kind))
}

fn body(value: &Value, kind: Kind, faults: &mut Faults) -> Option<(Meta, Object)> {
    let at = &Path::ROOT;
    let map: &Map<String, Value> = field::object(value, at, faults)?;
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    field::only(map, &known, at, faults);
    let metadata = field::optional(map, "metadata", at, faults);
    let meta = meta::of_kind(metadata, kind, &at.field("metadata"), faults);
    let spec = field::optional(map, "spec", at, faults);
    let at = at.field("spec");
    let (meta, object) = match kind {
        Kind::NetworkPolicy => {
            let spec = network_policy::parse(spec, &at, faults);
            let (meta, spec) = (meta?, spec?);
            let object = Object::NetworkPolicy(spec.named(&meta));
            (meta, object)
        }
        Kind::ClusterNetworkPolicy => {
            let spec = cluster_policy::parse(spec, &at, faults);
            let (meta, spec) = (meta?, spec?);
            let object = Object::ClusterPolicy(spec.named(&meta));
            (meta, object)
        }
        Kind::Namespace => {
            let meta = meta?;
            let object = Object::Namespace(Namespace {
                name: meta.name.clone(),
                labels: meta.labels.clone(),
                audit: meta.audit,
            });
            (meta, object)
        }
        Kind::Pod => {
            let ports = pod::ports(spec, &at, faults);
            let (meta, ports) = (meta?, ports?);
            let object = Object::Pod(Pod {
                namespace: meta.namespace.clone(),
                name: meta.name.clone(),
                labels: meta.labels.clone(),
                ports,
            });
            (meta, object)
        }
    };
    Some((meta, object))
}
