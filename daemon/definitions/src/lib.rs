//! `NetworkAttachmentDefinition` objects: networks that pods name in an annotation (Network Plumbing Working Group,
//! de-facto standard 1.3).
//!
//! The kind is another's, and an API server takes any text for `spec.config`. Here it is judged as the plugin `multi`
//! judges its own delegates, so that what is wrong is found when it is written and not when a container starts.

pub use fairway_policy::object::{Fault, ObjectError, Reason};

use fairway_multi::{definition, selection};
use fairway_policy::object::{
    field::{self, Faults, Path},
    form,
    meta::{self, Meta, Rules},
};
use serde_json::{Map, Value, json};

/// The kind, as objects name it.
pub const KIND: &str = "NetworkAttachmentDefinition";
/// Its name in the API.
pub const PLURAL: &str = "network-attachment-definitions";
/// The API version that is taken.
pub const VERSION: &str = "k8s.cni.cncf.io/v1";
/// Further words for it, as the standard's definition has them.
const WORDS: [&str; 2] = ["network-attachment-definition", "net-attach-def"];

/// One that is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Its namespace.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// A configuration or a list, with a name; none: the node has one of the object's name.
    pub config: Option<Map<String, Value>>,
    /// To be stored: without `status` and what else only servers write. Parsed again, it gives the same.
    pub json: Value,
}

/// Is that the kind, as admins type it: singular, plural or short, in any case, the group after a dot or not?
pub fn is_kind(text: &str) -> bool {
    let typed = text.to_ascii_lowercase();
    let (word, group) = match typed.split_once('.') {
        Some((word, group)) => (word, Some(group)),
        None => (typed.as_str(), None),
    };
    let own = VERSION.split('/').next();
    let known = word == PLURAL || word.eq_ignore_ascii_case(KIND) || WORDS.contains(&word);
    known && (group.is_none() || group == own)
}

/// An object, from JSON.
///
/// # Errors
/// All that is wrong with it, each with its field.
pub fn parse(value: &Value) -> Result<Parsed, ObjectError> {
    let mut faults = Faults::default();
    let parsed = field::head(value, &[VERSION], (&[KIND], [()]), &mut faults)
        .and_then(|()| body(value, &mut faults));
    let (meta, text, config) = faults.end(parsed)?;
    let (namespace, name) = (meta.namespace.clone(), meta.name.clone());
    let mut json =
        json!({"apiVersion": VERSION, "kind": KIND, "metadata": meta.into_json(), "spec": {}});
    if let Some(text) = text {
        json["spec"]["config"] = text.into();
    }
    Ok(Parsed {
        namespace,
        name,
        config,
        json,
    })
}

/// Which objects a pod of a namespace names, by the value of its annotation. What is wrong with that the plugin tells.
pub fn named(annotation: &str, namespace: &str) -> Vec<(String, String)> {
    let selections = selection::parse(annotation, "").unwrap_or_default();
    let name = |selection: selection::Selection| {
        let own = selection.namespace.map(|own| own.to_string());
        (
            own.unwrap_or_else(|| namespace.to_owned()),
            selection.name.to_string(),
        )
    };
    selections.into_iter().map(name).collect()
}

type Body = (Meta, Option<String>, Option<Map<String, Value>>);

fn body(value: &Value, faults: &mut Faults) -> Option<Body> {
    let at = &Path::ROOT;
    let map = field::object(value, at, faults)?;
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    field::only(map, &known, at, faults);
    let rules = Rules {
        name: form::SUBDOMAIN,
        namespaced: true,
        audited: false,
    };
    let metadata = field::optional(map, "metadata", at, faults);
    let meta = meta::parse(metadata, rules, &at.field("metadata"), faults);
    let given = field::optional(map, "spec", at, faults);
    let name = meta.as_ref().map_or("network", |meta| meta.name.as_str());
    let (text, config) = match given {
        None => (None, None),
        Some(given) => spec(given, name, &at.field("spec"), faults)?,
    };
    Some((meta?, text, config))
}

type Spec = (Option<String>, Option<Map<String, Value>>);

/// The text of `config` is kept as it is written.
fn spec(value: &Value, name: &str, at: &Path<'_>, faults: &mut Faults) -> Option<Spec> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["config"], at, faults);
    let Some(value) = field::optional(map, "config", at, faults) else {
        return Some((None, None));
    };
    let at = at.field("config");
    let text = field::text(value, &at, faults)?;
    match definition::parse(text, name) {
        Ok(network) => {
            let config = network.map(|network| network.raw().clone());
            Some((Some(text.to_owned()), config))
        }
        Err(wrong) => {
            let what = wrong.to_string();
            faults.add(&at, Reason::Refused { what })
        }
    }
}

#[cfg(test)]
mod tests;
