//! Configuration lists: the files of `/etc/cni/net.d/*.conflist`, and what of them a plugin is given.
//!
//! A runtime does this by libcni; ours is for `netctl conf check`, the demo and the tests, and for plugin `multi`,
//! which is a runtime to the networks of a container.

use crate::{
    Code, Fault, NetConf, Version,
    names::NetworkName,
    object::{self, FieldError, Object},
};
use serde_json::{Map, Value, json};

/// Why a list was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Not JSON, or not an object.
    #[error("not a JSON object: {reason}")]
    Json {
        /// The parser's word on it.
        reason: String,
    },
    /// A field is missing or wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
}

impl Fault for ListError {
    fn code(&self) -> Code {
        match self {
            ListError::Json { .. } => Code::DECODE,
            ListError::Field(error) => error.code(),
        }
    }
}

/// A parsed list. A single configuration (`*.conf`) reads as a list of one.
#[derive(Debug, Clone)]
pub struct ConfList {
    /// The newest version in `cniVersion` and `cniVersions` that we know.
    pub version: Version,
    /// The network's name.
    pub name: NetworkName,
    /// No CHECK, please.
    pub disable_check: bool,
    /// No GC, please.
    pub disable_gc: bool,
    /// Plugins come from the list alone, not from a folder beside it.
    pub load_only_inlined: bool,
    plugins: Vec<Map<String, Value>>,
}

impl ConfList {
    /// Parses a `.conflist` or a `.conf`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ListError> {
        let raw: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| ListError::Json {
                reason: error.to_string(),
            })?;
        Ok(ConfList::read(&Object::root(&raw))?)
    }

    /// Reads one that stands somewhere in a configuration, and is named by its place there.
    ///
    /// # Errors
    /// Names the field.
    pub fn read(root: &Object<'_>) -> Result<Self, FieldError> {
        let plugins = if root.get("plugins").is_some() {
            let items = root.items("plugins")?;
            if items.is_empty() {
                return Err(root.invalid("plugins", "[]", "needs at least one plugin"));
            }
            let mut plugins = Vec::with_capacity(items.len());
            for item in items {
                let plugin = item.object()?;
                plugin_type(&plugin)?;
                plugins.push(plugin.raw().clone());
            }
            plugins
        } else {
            plugin_type(root)?;
            vec![root.raw().clone()]
        };
        Ok(ConfList {
            version: newest(root)?,
            name: root.require("name")?.parse()?,
            disable_check: lenient_flag(root, "disableCheck")?,
            disable_gc: lenient_flag(root, "disableGC")?,
            load_only_inlined: lenient_flag(root, "loadOnlyInlinedPlugins")?,
            plugins,
        })
    }

    /// The types, in order.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.plugins
            .iter()
            .filter_map(|plugin| Object::root(plugin).text("type").ok().flatten())
    }

    /// The configuration of plugin `index` as a runtime puts it on standard input: name and version of the
    /// list, the capabilities it declares filled from `runtime`, the result of the plugin before it.
    pub fn plugin(
        &self,
        index: usize,
        runtime: &Map<String, Value>,
        prev_result: Option<Value>,
    ) -> Option<NetConf> {
        let mut raw = self.plugins.get(index)?.clone();
        grant(&mut raw, runtime);
        object::set(&mut raw, "name", json!(self.name.as_str()));
        object::set(&mut raw, "cniVersion", json!(self.version.as_str()));
        if let Some(prev) = prev_result {
            object::set(&mut raw, "prevResult", prev);
        }
        Some(NetConf::new(self.version, self.name.clone(), raw))
    }

    /// How many plugins.
    pub fn len(&self) -> usize {
        self.plugins.len()
    }

    /// Never true: a list has a plugin.
    pub fn is_empty(&self) -> bool {
        self.plugins.is_empty()
    }
}

/// Puts what `runtime` says in the place of `capabilities`, as far as these declare it.
pub(crate) fn grant(plugin: &mut Map<String, Value>, runtime: &Map<String, Value>) {
    let declared = Object::root(plugin).object("capabilities").ok().flatten();
    let wants = |key: &str| {
        let declared = declared
            .as_ref()
            .and_then(|declared| declared.raw().get(key));
        declared.and_then(Value::as_bool).unwrap_or(false)
    };
    let granted: Map<_, _> = runtime
        .iter()
        .filter(|(key, _)| wants(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    object::remove(plugin, "capabilities");
    if !granted.is_empty() {
        object::set(plugin, "runtimeConfig", Value::Object(granted));
    }
}

fn plugin_type(plugin: &Object<'_>) -> Result<(), FieldError> {
    match plugin.text("type")? {
        Some(_) => Ok(()),
        None => plugin
            .require("type")
            .and_then(|field| Err(field.invalid("is empty"))),
    }
}

fn newest(root: &Object<'_>) -> Result<Version, FieldError> {
    let mut asked = root.texts("cniVersions")?;
    let own = root.text("cniVersion")?;
    if asked.is_empty() {
        asked.push(own.unwrap_or("0.1.0").to_owned());
    } else {
        asked.extend(own.map(ToOwned::to_owned));
    }
    let known = asked
        .iter()
        .filter_map(|text| text.parse::<Version>().ok())
        .max();
    known.ok_or_else(|| {
        let supported = Version::ALL.map(Version::as_str).join(" ");
        root.invalid(
            "cniVersion",
            format_args!("{asked:?}"),
            format_args!("none is supported: [{supported}]"),
        )
    })
}

/// libcni also takes the strings "true" and "false".
fn lenient_flag(root: &Object<'_>, key: &str) -> Result<bool, FieldError> {
    match root.get(key) {
        None => Ok(false),
        Some(field) => match field.value() {
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => field.bool(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<ConfList, ListError> {
        ConfList::parse(value.to_string().as_bytes())
    }

    #[test]
    fn a_plugin_gets_what_a_runtime_would_give_it() {
        let list = parse(json!({
            "cniVersion": "1.0.0", "name": "net", "disableCheck": "true",
            "plugins": [
                {"type": "bridge", "capabilities": {"mac": true, "ips": false}},
                {"type": "portmap"},
            ],
        }))
        .unwrap();
        assert!(list.disable_check && !list.disable_gc);
        assert_eq!(list.types().collect::<Vec<_>>(), ["bridge", "portmap"]);
        let runtime = json!({"mac": "02:00:00:00:00:01", "ips": ["10.0.0.9/24"]});
        let conf = list
            .plugin(0, runtime.as_object().unwrap(), Some(json!({"ips": []})))
            .unwrap();
        let root = conf.root();
        assert_eq!(
            root.object("runtimeConfig").unwrap().unwrap().raw().len(),
            1
        );
        assert!(root.get("capabilities").is_none());
        assert!(conf.prev_result().unwrap().is_some());
        assert!(list.plugin(2, &Map::new(), None).is_none());
    }

    #[test]
    fn the_newest_version_we_know() {
        let versions =
            json!({"name": "n", "cniVersions": ["0.4.0", "1.1.0", "7.0.0"], "type": "bridge"});
        assert_eq!(parse(versions).unwrap().version, Version::V1_1_0);
        assert!(parse(json!({"name": "n", "cniVersion": "7.0.0", "type": "bridge"})).is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, path) in [
            (json!({"name": "n", "plugins": []}), "plugins"),
            (json!({"name": "n", "plugins": [{}]}), "plugins[0].type"),
            (json!({"name": "a/b", "type": "bridge"}), "name"),
            (json!({"type": "bridge"}), "name"),
            (json!({"name": "n"}), "type"),
            (
                json!({"name": "n", "type": "bridge", "disableGC": 3}),
                "disableGC",
            ),
        ] {
            let error = parse(value).unwrap_err().to_string();
            assert!(error.starts_with(path), "{error}");
        }
        assert!(ConfList::parse(b"[]").is_err());
    }
}
