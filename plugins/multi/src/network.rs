//! A network: a configuration or list, as a runtime would find it in its folder.

use fairway_cni::{
    Field, FieldError, NetworkName, Object,
    conflist::ConfList,
    object::{remove, set},
};
use serde_json::{Map, Value};

/// This plugin's own type.
pub(crate) const OWN: &str = "multi";

/// One that can be attached to.
#[derive(Debug, Clone)]
pub struct Network {
    raw: Map<String, Value>,
    list: ConfList,
}

/// Networks are the same where all that is configured is.
impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Network {
    /// Reads one.
    ///
    /// # Errors
    /// Names the field; also where it would call this plugin itself, for ever.
    pub fn read(root: &Object<'_>) -> Result<Self, FieldError> {
        let list = ConfList::read(root)?;
        let plugins = match root.get("plugins") {
            Some(plugins) => {
                let items = plugins.items()?;
                items.iter().map(Field::object).collect::<Result<_, _>>()?
            }
            // A single configuration is its only plugin.
            None => vec![root.clone()],
        };
        for plugin in plugins {
            if plugin.text("type")? == Some(OWN) {
                let reason = "would call itself";
                return Err(plugin.invalid("type", format_args!("{OWN:?}"), reason));
            }
            if let Some(chain) = plugin.get("chain") {
                return Err(chain.invalid("is for a flat configuration: here a list has plugins"));
            }
        }
        Ok(Network {
            raw: root.raw().clone(),
            list,
        })
    }

    /// Its name.
    pub fn name(&self) -> &NetworkName {
        &self.list.name
    }

    /// What is called in turn.
    pub fn list(&self) -> &ConfList {
        &self.list
    }

    /// The configuration as it came.
    pub fn raw(&self) -> &Map<String, Value> {
        &self.raw
    }

    /// Does one of its plugins declare the capability?
    pub fn is_capable(&self, capability: &str) -> bool {
        let declares = |plugin: &Map<String, Value>| {
            let declared = Object::root(plugin).object("capabilities").ok().flatten();
            let declared = declared.and_then(|declared| declared.raw().get(capability)?.as_bool());
            declared == Some(true)
        };
        self.plugins().any(declares)
    }

    fn plugins(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let items = Object::root(&self.raw).get("plugins");
        let list = items.and_then(|items| items.value().as_array());
        let single = list.is_none().then_some(&self.raw);
        let list = list.into_iter().flatten().filter_map(Value::as_object);
        list.chain(single)
    }

    /// The same network with `change` made to each plugin's configuration.
    ///
    /// # Errors
    /// As [`Network::read`].
    pub fn with_plugins(
        &self,
        change: impl Fn(&mut Map<String, Value>),
    ) -> Result<Self, FieldError> {
        let mut raw = self.raw.clone();
        let plugins = Object::root(&self.raw).get("plugins");
        match plugins.and_then(|plugins| plugins.value().as_array()) {
            Some(plugins) => {
                let mut plugins = plugins.clone();
                plugins
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(change);
                set(&mut raw, "plugins", Value::Array(plugins));
            }
            None => change(&mut raw),
        }
        Network::read(&Object::root(&raw))
    }
}

/// Gives a plugin the `args` of the configuration around it, unless it has its own.
pub(crate) fn inherit_args(plugin: &mut Map<String, Value>, args: &Value) {
    if Object::root(plugin).get("args").is_none() {
        set(plugin, "args", args.clone());
    }
}

/// Puts `cni_args` over what the plugin has as `args.cni`.
pub fn merge_cni_args(plugin: &mut Map<String, Value>, cni_args: &Map<String, Value>) {
    let object = |value: Option<Field<'_>>| {
        let value = value.and_then(|field| field.value().as_object().cloned());
        value.unwrap_or_default()
    };
    let mut args = object(Object::root(plugin).get("args"));
    let mut cni = object(Object::root(&args).get("cni"));
    for (key, value) in cni_args {
        set(&mut cni, key, value.clone());
    }
    set(&mut args, "cni", Value::Object(cni));
    set(plugin, "args", Value::Object(args));
}

/// What this plugin fills in itself must not come from a file.
pub(crate) fn without_reserved(plugin: &mut Map<String, Value>) {
    for key in [
        "prevResult",
        "cni.dev/valid-attachments",
        "cni.dev/attachments",
    ] {
        remove(plugin, key);
    }
}
