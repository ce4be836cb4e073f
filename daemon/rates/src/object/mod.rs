//! `RateLimit` objects and overrides, as they are written and kept.
//!
//! Objects are judged as policies are ([`fairway_policy::object`]): all faults at once, each with its field, and
//! unknown fields are refused, for a limit with a misspelt `podSelector` would hold for every pod.

mod amount;
mod overridden;
mod spec;
mod wish;

pub use fairway_policy::object::{Fault, ObjectError, Reason};
pub use overridden::{decode, encode, overridden, workload};
pub use wish::Words;

use crate::model::RateLimit;
use fairway_policy::object::{
    field::{self, Faults, Path},
    form,
    meta::{self, Rules},
};
use serde_json::{Map, Value, json};

/// The kind, as objects name it.
pub const KIND: &str = "RateLimit";
/// Its name in the API and in the store.
pub const PLURAL: &str = "ratelimits";
/// The API version that is taken.
pub const VERSION: &str = "fairway.network/v1alpha1";

/// A `RateLimit` that is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub limit: RateLimit,
    /// To be stored: the defaults filled in, `status` and what else only servers write left out.
    /// Parsed again, it gives the same.
    pub json: Value,
}

/// Is that the kind, as admins type it: singular or plural, in any case, the group after a dot or not?
pub fn is_kind(text: &str) -> bool {
    let typed = text.to_ascii_lowercase();
    let (word, group) = match typed.split_once('.') {
        Some((word, group)) => (word, Some(group)),
        None => (typed.as_str(), None),
    };
    let own = VERSION.split('/').next();
    (word == PLURAL || word.eq_ignore_ascii_case(KIND)) && (group.is_none() || group == own)
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
    let parsed = field::head(&value, &[VERSION], (&[KIND], [()]), &mut faults)
        .and_then(|()| body(&value, &mut faults));
    let (meta, spec) = faults.end(parsed)?;
    let limit = spec.named(&meta);
    let mut spec = match value.as_object_mut().and_then(|map| map.remove("spec")) {
        Some(Value::Object(spec)) => spec,
        _ => Map::new(),
    };
    spec.entry("per")
        .or_insert_with(|| spec::word(limit.per).into());
    let json =
        json!({"apiVersion": VERSION, "kind": KIND, "metadata": meta.into_json(), "spec": spec});
    Ok(Parsed { limit, json })
}

fn body(value: &Value, faults: &mut Faults) -> Option<(meta::Meta, spec::Spec)> {
    let at = &Path::ROOT;
    let map = field::object(value, at, faults)?;
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    field::only(map, &known, at, faults);
    let rules = Rules {
        name: form::SUBDOMAIN,
        namespaced: false,
        audited: false,
    };
    let metadata = field::optional(map, "metadata", at, faults);
    let meta = meta::parse(metadata, rules, &at.field("metadata"), faults);
    let given = field::optional(map, "spec", at, faults);
    let spec = spec::parse(given, &at.field("spec"), faults);
    Some((meta?, spec?))
}
