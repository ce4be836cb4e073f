//! `BgpConfig` and `BgpPeer` objects: as they are written and kept, and what they mean on a node.
//!
//! Objects are judged as policies are ([`fairway_policy::object`]): all faults at once, each with its field, and
//! unknown fields are refused, for a peer with a misspelt `export` would get nothing and nobody would know why. What
//! is [valid](parse) may still not be what was meant: [`BgpPeer::warnings`] and [`BgpConfig::warnings`] say so.
//!
//! An object is for many nodes, and several are for one. [`for_node`] makes of all of them what one node's speaker
//! needs. What contradicts itself only there, such as two peers of one address, is a [`Problem`] of the object, and
//! the other neighbours are as if it were not there.
//!
//! There are no keys in objects: those of TCP-MD5 lie in files of the node, which objects name.

mod config;
mod fill;
mod filter;
mod kind;
mod node;
mod nodes;
mod peer;
mod read;
mod warning;

pub use config::{Advertise, BgpConfig, Listen};
pub use fairway_policy::object::{Fault, ObjectError, Reason};
pub use kind::{Kind, VERSION};
pub use node::{Bound, Effective, Neighbour, Node, Problem, for_node};
pub use nodes::{Fit, Nodes};
pub use peer::BgpPeer;
pub use warning::Warning;

use fairway_policy::object::{
    field::{self, Faults, Path},
    form,
    meta::{self, Meta, Rules},
};
use fill::{fill, within};
use serde_json::{Map, Value, json};

/// An object of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// Who nodes are to their neighbours.
    Config(BgpConfig),
    /// A neighbour of nodes, or many.
    Peer(BgpPeer),
}

impl Object {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Object::Config(_) => Kind::BgpConfig,
            Object::Peer(_) => Kind::BgpPeer,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Object::Config(config) => &config.name,
            Object::Peer(peer) => &peer.name,
        }
    }

    /// What is valid and may not be what was meant.
    pub fn warnings(&self) -> Vec<Warning> {
        match self {
            Object::Config(config) => config.warnings(),
            Object::Peer(peer) => peer.warnings(),
        }
    }
}

/// An object that is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub object: Object,
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
    const KINDS: &[&str; 2] = &[Kind::BgpConfig.name(), Kind::BgpPeer.name()];
    let parsed = field::head(&value, &[VERSION], (KINDS, Kind::ALL), &mut faults)
        .and_then(|kind| body(&value, kind, &mut faults));
    let (meta, object) = faults.end(parsed)?;
    let mut spec = match value.as_object_mut().and_then(|map| map.remove("spec")) {
        Some(Value::Object(spec)) => spec,
        _ => Map::new(),
    };
    match &object {
        Object::Config(_) => config::defaults(&mut spec),
        Object::Peer(peer) => peer::defaults(&mut spec, peer),
    }
    let kind = object.kind().name();
    let json =
        json!({"apiVersion": VERSION, "kind": kind, "metadata": meta.into_json(), "spec": spec});
    Ok(Parsed { object, json })
}

fn body(value: &Value, kind: Kind, faults: &mut Faults) -> Option<(Meta, Object)> {
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
    let spec = field::required(map, "spec", at, faults);
    faults.strict = true;
    let name = meta.as_ref().map(|meta| meta.name.as_str());
    let name = name.unwrap_or_default();
    let at = at.field("spec");
    let object = spec.and_then(|spec| match kind {
        Kind::BgpConfig => config::parse(name, spec, &at, faults).map(Object::Config),
        Kind::BgpPeer => peer::parse(name, spec, &at, faults).map(Object::Peer),
    });
    Some((meta?, object?))
}
