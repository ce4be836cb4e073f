//! What a parser says of a configuration: all of its errors, and the keys that it asks for.
//!
//! A parser stops at the first error. So the field that it names is taken out, and it is asked again; a key that it
//! misses, and that stands there under a name that is nearly the same, is renamed. What is then left of the document is
//! what the parser takes.

use super::{near, path};
use fairway_cni::recorder::{self, Asked};
use serde_json::{Map, Value};

/// An end, should a parser never be content.
const MOST: usize = 32;

/// What a parser said.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// A field and what is wrong with it.
    pub(crate) errors: Vec<(String, String)>,
    /// All that it asked for.
    pub(crate) asked: Asked,
    /// It came to its end, so that it asked for all that it ever does.
    pub(crate) whole: bool,
    /// Keys that were taken for others.
    pub(crate) renamed: Vec<String>,
    /// What is left of it.
    pub(crate) left: Map<String, Value>,
}

/// Asks `parse` until it is content, or what it names cannot be taken out; its errors are texts that begin with a path.
/// `missing` has values for keys that somebody else fills in.
pub(crate) fn ask(
    mut object: Map<String, Value>,
    missing: &[(&str, Value)],
    mut parse: impl FnMut(&Map<String, Value>) -> Result<(), String>,
) -> Parsed {
    let mut parsed = Parsed::default();
    let mut gone: Vec<String> = Vec::new();
    for _ in 0..MOST {
        let (result, asked) = recorder::record(|| parse(&object));
        parsed.asked.extend(asked);
        let Err(message) = result else {
            parsed.whole = true;
            break;
        };
        let (at, text) = path::named(&message);
        let at = at.to_owned();
        // It is missed because it was taken out.
        if gone.iter().any(|one| one.eq_ignore_ascii_case(&at)) {
            break;
        }
        let mut say = |path: &str, text: String| parsed.errors.push((path.to_owned(), text));
        if let Some((holder, key)) = path::holder(&mut object, &at) {
            holder.remove(&key);
            say(&at, text.to_owned());
            if let Some((key, value)) = missing.iter().find(|(key, _)| *key == at) {
                object.insert((*key).to_owned(), value.clone());
            }
            gone.push(at);
            continue;
        }
        if let Some(typo) = rename(&mut object, &at, &parsed.asked) {
            let (_, key) = split(&at);
            say(
                &typo,
                format!("is no key: did you mean {key:?}, which is missing?"),
            );
            parsed.renamed.push(typo);
            continue;
        }
        say(&at, text.to_owned());
        match missing.iter().find(|(key, _)| *key == at) {
            Some((key, value)) => object.insert((*key).to_owned(), value.clone()),
            None => break,
        };
        gone.push(at);
    }
    parsed.left = object;
    parsed
}

/// A key that nobody asked for, and that is nearly the one at `at`, gets that name; its own path.
fn rename(object: &mut Map<String, Value>, at: &str, asked: &Asked) -> Option<String> {
    let (parent, key) = split(at);
    let holder = path::object_at(object, parent)?;
    let unknown = |name: &&str| {
        let known = asked.of(parent);
        known.is_none_or(|known| !known.iter().any(|known| known.eq_ignore_ascii_case(name)))
    };
    let names = holder.keys().map(String::as_str).filter(unknown);
    let typo = near::nearest(key, names)?.to_owned();
    let value = holder.remove(&typo)?;
    holder.insert(key.to_owned(), value);
    Some(path::join(parent, &typo))
}

/// The object around a field, and its key there.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_cni::{FieldError, Object};
    use serde_json::json;

    fn parse(map: &Map<String, Value>) -> Result<(), String> {
        let read = || -> Result<(), FieldError> {
            let root = Object::root(map);
            root.integer("mtu", 0..=9)?;
            root.flag("on")?;
            for item in root.items("list")? {
                item.object()?.require("name")?.text()?;
            }
            root.require("last")?;
            root.require("prevResult").map(drop)
        };
        read().map_err(|error| error.to_string())
    }

    fn asked(value: Value) -> Parsed {
        let map = value.as_object().cloned().unwrap_or_default();
        ask(map, &[("prevResult", json!({}))], parse)
    }

    fn paths(parsed: &Parsed) -> Vec<&str> {
        parsed
            .errors
            .iter()
            .map(|(path, _)| path.as_str())
            .collect()
    }

    #[test]
    fn a_parser_tells_all_that_is_wrong() {
        let parsed = asked(json!({"mtu": 10, "on": "x", "last": 1}));
        assert_eq!(paths(&parsed), ["mtu", "on", "prevResult"]);
        assert!(parsed.whole);
        assert!(
            parsed
                .asked
                .of("")
                .is_some_and(|keys| keys.contains("last"))
        );
    }

    #[test]
    fn a_key_that_is_nearly_right_is_told() {
        let parsed = asked(json!({"lst": 1, "prevResult": {}, "list": [{"nme": "x"}]}));
        assert_eq!(paths(&parsed), ["list[0].nme", "lst"]);
        assert!(parsed.errors[0].1.contains("did you mean \"name\""));
        assert!(parsed.whole && parsed.renamed.len() == 2);
    }

    #[test]
    fn it_ends_where_nothing_helps() {
        let parsed = asked(json!({"prevResult": {}, "list": [{"name": 3}]}));
        assert_eq!(paths(&parsed), ["list[0].name"]);
        assert!(!parsed.whole);
        let parsed = asked(json!({"prevResult": {}, "list": [7]}));
        assert_eq!(paths(&parsed), ["list[0]"]);
        assert!(!parsed.whole);
    }
}
