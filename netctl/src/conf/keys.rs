//! Keys that nobody reads.

use super::{finding::Heard, near, path};
use fairway_cni::recorder::Asked;
use serde_json::{Map, Value};

/// What the protocol itself gives a meaning, in each configuration.
const RESERVED: [&str; 11] = [
    "cniVersion",
    "cniVersions",
    "name",
    "type",
    "ipam",
    "dns",
    "args",
    "capabilities",
    "runtimeConfig",
    "prevResult",
    "chain",
];
/// What others fill in, or is judged elsewhere.
const NOT_WITHIN: [&str; 5] = [
    "args",
    "capabilities",
    "runtimeConfig",
    "prevResult",
    "chain",
];

/// Tells those of `object`, which is a plugin's whole configuration or a list, in the words of `reader`.
pub(crate) struct Unread<'a> {
    pub(crate) reader: &'a str,
    pub(crate) asked: &'a Asked,
    /// Where the outermost object stands in the document.
    pub(crate) at: &'a str,
    /// Objects that somebody else reads, of whose keys nothing is known.
    pub(crate) foreign: &'a [&'a str],
    /// Keys of which all has been said.
    pub(crate) told: &'a [String],
}

impl Unread<'_> {
    pub(crate) fn tell(&self, object: &Map<String, Value>, heard: &mut Heard) {
        self.object(object, "", heard);
    }

    /// Those of `ipam` alone, under a plugin of which nothing is known.
    pub(crate) fn tell_ipam(&self, object: &Map<String, Value>, heard: &mut Heard) {
        let ipam = object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("ipam"));
        if let Some((_, value)) = ipam {
            self.value(value, "ipam", heard);
        }
    }

    fn object(&self, object: &Map<String, Value>, at: &str, heard: &mut Heard) {
        if self.asked.is_whole(at) && !at.is_empty() || self.foreign.contains(&at) {
            return;
        }
        let Some(known) = self.asked.of(at) else {
            return;
        };
        for (key, value) in object {
            let same = |name: &&str| name.eq_ignore_ascii_case(key);
            let reserved = RESERVED
                .iter()
                .copied()
                .find(same)
                .filter(|_| at.is_empty());
            if reserved.is_some_and(|key| NOT_WITHIN.contains(&key)) {
                continue;
            }
            let spelled = known.iter().map(String::as_str).find(same).or(reserved);
            let here = path::join(at, spelled.unwrap_or(key));
            match spelled {
                Some(_) => self.value(value, &here, heard),
                None if key.starts_with("cni.dev/") || self.told.contains(&here) => {}
                None => {
                    let hint = self.hint(key, at, object);
                    let text = format!("{} reads no such key here{hint}", self.reader);
                    heard.warn(path::join(self.at, &here), text);
                }
            }
        }
    }

    fn value(&self, value: &Value, at: &str, heard: &mut Heard) {
        match value {
            Value::Object(object) => self.object(object, at, heard),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, &format!("{at}[{index}]"), heard);
                }
            }
            _ => {}
        }
    }

    /// A key of this object that is not there, else the same key of another object.
    fn hint(&self, key: &str, at: &str, object: &Map<String, Value>) -> String {
        let absent = |name: &&str| !object.keys().any(|there| there.eq_ignore_ascii_case(name));
        let known = self.asked.of(at).into_iter().flatten().map(String::as_str);
        let near = near::did_you_mean(key, known.filter(absent));
        if !near.is_empty() {
            return near;
        }
        // What runtimes fill in is no place to write to.
        let written = |place: &&str| !NOT_WITHIN.iter().any(|start| place.starts_with(start));
        let mut places = self.asked.places_of(key).filter(|place| *place != at);
        match places.find(written) {
            Some("") => ": it belongs to the plugin itself".to_owned(),
            Some(place) => format!(": it belongs into {place}"),
            None => String::new(),
        }
    }
}
