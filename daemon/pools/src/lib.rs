//! `IPPool`, `IPClaim` and `Network` objects: as they are written, and what they change of what there is.
//!
//! They are judged as policies are ([`fairway_policy::object`]): all faults at once, each with its field, and unknown fields
//! are refused, for a pool with a misspelt `exclude` would give the router's address away. What is valid by itself
//! may still be wrong beside others (two pools that overlap): that the store's own logic says, and [`pool::fault`] puts
//! its words to the object's fields.
//!
//! An object is all that is wanted: what it leaves out is the default, and not what was there. It is not kept as an
//! object. What the store has are pools, claims and networks, however they were made, and an object is made of those
//! when one is asked for; labels and annotations are therefore not kept. That one came from an API server is said by a
//! [`Mark`] beside it.

pub mod claim;
mod kind;
mod mark;
pub mod network;
pub mod pool;
mod read;

pub use fairway_policy::object::{Fault, ObjectError, Reason};
pub use kind::{Kind, VERSION};
pub use mark::Mark;

use fairway_policy::object::{
    field::{self, Faults, Path},
    meta::{self, Meta, Rules},
};
use serde_json::{Map, Value, json};

/// An object of any of the kinds.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// A pool.
    Pool(pool::Wish),
    /// A claim, or a set of claims.
    Claim(claim::Wish),
    /// A network.
    Network(network::Wish),
}

impl Object {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Object::Pool(_) => Kind::IPPool,
            Object::Claim(_) => Kind::IPClaim,
            Object::Network(_) => Kind::Network,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Object::Pool(wish) => wish.name.as_str(),
            Object::Claim(wish) => wish.name.as_str(),
            Object::Network(wish) => wish.name.as_str(),
        }
    }

    /// As it is written, with the defaults filled in. Parsed again, it gives the same.
    pub fn json(&self) -> Value {
        let spec = match self {
            Object::Pool(wish) => pool::json(&wish.spec),
            Object::Claim(wish) => claim::json(wish),
            Object::Network(wish) => network::json(wish),
        };
        json!({"apiVersion": VERSION, "kind": self.kind().name(), "metadata": {"name": self.name()}, "spec": spec})
    }
}

/// An object, from JSON text.
///
/// # Errors
/// As [`parse`], and where it is not JSON.
pub fn parse_slice(json: &[u8]) -> Result<Object, ObjectError> {
    match serde_json::from_slice(json) {
        Ok(value) => parse(&value),
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
pub fn parse(value: &Value) -> Result<Object, ObjectError> {
    let mut faults = Faults::default();
    let parsed = head(value, &mut faults).and_then(|kind| body(value, kind, &mut faults));
    faults.end(parsed)
}

/// `apiVersion` and `kind`.
fn head(value: &Value, faults: &mut Faults) -> Option<Kind> {
    const KINDS: &[&str; 3] = &[
        Kind::IPPool.name(),
        Kind::IPClaim.name(),
        Kind::Network.name(),
    ];
    let at = &Path::ROOT;
    let map = field::object(value, at, faults)?;
    let version = field::required(map, "apiVersion", at, faults)
        .and_then(|value| field::word(value, (&[VERSION], [()]), &at.field("apiVersion"), faults));
    let kind = field::required(map, "kind", at, faults)
        .and_then(|value| field::word(value, (KINDS, Kind::ALL), &at.field("kind"), faults));
    version.and(kind)
}

fn body(value: &Value, kind: Kind, faults: &mut Faults) -> Option<Object> {
    let at = &Path::ROOT;
    let map: &Map<String, Value> = field::object(value, at, faults)?;
    let known = ["apiVersion", "kind", "metadata", "spec", "status"];
    field::only(map, &known, at, faults);
    let rules = Rules {
        name: kind.form(),
        namespaced: false,
        audited: false,
    };
    let metadata = field::optional(map, "metadata", at, faults);
    let meta = meta::parse(metadata, rules, &at.field("metadata"), faults);
    let spec = field::required(map, "spec", at, faults);
    faults.strict = true;
    let at = at.field("spec");
    let name = meta.as_ref().map(|meta: &Meta| meta.name.as_str());
    let spec = spec?;
    match kind {
        Kind::IPPool => pool::parse(name, spec, &at, faults).map(Object::Pool),
        Kind::IPClaim => claim::parse(name, spec, &at, faults).map(Object::Claim),
        Kind::Network => network::parse(name, spec, &at, faults).map(Object::Network),
    }
}
