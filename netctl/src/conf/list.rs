//! A list of plugins, or a single one: what a runtime reads of it, and the order in which plugins stand.

use super::{
    finding::Heard,
    keys::Unread,
    parsed, path,
    plugin::{Machine, Part, behind, samples},
};
use fairway_cni::{Object, conflist::ConfList};
use serde_json::{Map, Value, json};

/// What a document has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `*.conflist`.
    List,
    /// `*.conf` and `*.json`.
    Single,
    /// Where both are read.
    Either,
}

/// The network that a document is.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The types that it calls, IPAM among them, in order, each once.
    pub(crate) kinds: Vec<String>,
}

fn get<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let found = object
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

/// Tells what is wrong with it; none where it is so wrong that its plugins cannot be made out.
pub(crate) fn judge(
    raw: &Map<String, Value>,
    at: &str,
    shape: Shape,
    machine: &Machine,
    heard: &mut Heard,
) -> Option<Network> {
    let items = shaped(raw, at, shape, heard)?;
    // What else is wrong is told although these are.
    let known = [("name", json!("net")), ("cniVersion", json!("1.0.0"))];
    let parsed = parsed::ask(raw.clone(), &known, |map| {
        let read = ConfList::read(&Object::root(map));
        read.map(drop).map_err(|error| error.to_string())
    });
    for (field, text) in &parsed.errors {
        heard.error(path::join(at, field), text.clone());
    }
    let named = |field: &str| parsed.errors.iter().any(|(path, _)| path == field);
    if get(raw, "cniVersion").is_none() && get(raw, "cniVersions").is_none() && !named("cniVersion")
    {
        let text =
            "missing, which counts as 0.1.0: no CHECK, GC or STATUS, one address of each family";
        heard.warn(path::join(at, "cniVersion"), text);
    }
    let list = ConfList::read(&Object::root(&parsed.left)).ok()?;
    if items.is_some() {
        let unread = Unread {
            reader: "a list",
            asked: &parsed.asked,
            at,
            foreign: &[],
            told: &parsed.renamed,
        };
        let mut own = parsed.left.clone();
        own.retain(|key, _| !key.eq_ignore_ascii_case("plugins"));
        unread.tell(&own, heard);
    }
    let mut network = Network {
        name: list.name.to_string(),
        version: list.version.to_string(),
        kinds: Vec::new(),
    };
    let mut maker = None;
    for index in 0..list.len() {
        let (place, item) = match &items {
            Some(items) => (
                path::join(at, &format!("plugins[{index}]")),
                items.get(index),
            ),
            None => (at.to_owned(), Some(raw)),
        };
        let (Some(conf), Some(item)) = (list.plugin(index, &samples(), None), item) else {
            continue;
        };
        let conf = match index {
            0 => conf,
            _ => conf.with("prevResult", behind(&conf)),
        };
        let part = Part {
            conf: &conf,
            raw: item,
            at: &place,
            in_chain: false,
        };
        let (kinds, made) = part.judge(machine, heard);
        for kind in kinds {
            if !network.kinds.contains(&kind) {
                network.kinds.push(kind);
            }
        }
        one_maker(&mut maker, made, &place, heard);
    }
    Some(network)
}

/// The elements of `plugins`, as far as they are objects; `Some(None)` for a single configuration.
#[expect(
    clippy::option_option,
    reason = "what cannot be made out is something else than what is no list"
)]
fn shaped(
    raw: &Map<String, Value>,
    at: &str,
    shape: Shape,
    heard: &mut Heard,
) -> Option<Option<Vec<Map<String, Value>>>> {
    let place = path::join(at, "plugins");
    match (get(raw, "plugins"), shape) {
        (None, Shape::List) => {
            heard.error(
                place,
                "missing: *.conflist holds a list, *.conf a single configuration",
            );
            None
        }
        (Some(_), Shape::Single) => {
            heard.error(place, "runtimes read a list from *.conflist alone");
            None
        }
        (None, _) => Some(None),
        (Some(Value::Array(items)), _) if !items.is_empty() => {
            let items = items
                .iter()
                .map(|item| item.as_object().cloned().unwrap_or_default());
            Some(Some(items.collect()))
        }
        (Some(Value::Array(_)), _) => {
            heard.error(place, "needs at least one plugin");
            None
        }
        (Some(_), _) => {
            heard.error(place, "expected an array");
            None
        }
    }
}

/// A container's interface is made once.
pub(crate) fn one_maker(
    first: &mut Option<String>,
    next: Option<String>,
    at: &str,
    heard: &mut Heard,
) {
    match (first.as_ref(), next) {
        (None, next) => *first = next,
        (Some(first), Some(next)) => {
            let text =
                format!("{next} makes the container's interface, which {first} before it has made");
            heard.error(path::join(at, "type"), text);
        }
        (Some(_), None) => {}
    }
}
