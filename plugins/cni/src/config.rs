//! The network configuration on standard input: what every plugin reads alike.

use crate::{
    Code, Failure, Version,
    names::{ContainerId, IfName, NetworkName},
    object::{self, Field, FieldError, Object},
    result::CniResult,
};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// The resolver's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dns {
    /// Addresses of name servers, most wanted first.
    pub nameservers: Vec<String>,
    /// The local domain.
    pub domain: Option<String>,
    /// Domains to try for short names.
    pub search: Vec<String>,
    /// Options for the resolver.
    pub options: Vec<String>,
}

impl Dns {
    /// Reads a `dns` object.
    pub fn from_json(object: &Object<'_>) -> Result<Self, FieldError> {
        Ok(Dns {
            nameservers: object.texts("nameservers")?,
            domain: object.text("domain")?.map(ToOwned::to_owned),
            search: object.texts("search")?,
            options: object.texts("options")?,
        })
    }

    /// The `dns` object; empty lists are left out.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let lists = [
            ("nameservers", &self.nameservers),
            ("search", &self.search),
            ("options", &self.options),
        ];
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            object.insert(key.into(), json!(list));
        }
        if let Some(domain) = &self.domain {
            object.insert("domain".into(), json!(domain));
        }
        Value::Object(object)
    }

    /// Nothing set.
    pub fn is_empty(&self) -> bool {
        *self == Dns::default()
    }
}

/// `cni.dev/valid-attachments`: what GC must leave alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcAttachments(HashMap<String, HashSet<String>>);

impl GcAttachments {
    /// Does the runtime still know this attachment?
    pub fn contains(&self, container_id: &str, ifname: &str) -> bool {
        let names = self.0.get(container_id);
        names.is_some_and(|names| names.contains(ifname))
    }

    /// Does it still know any attachment of this container?
    pub fn contains_container(&self, container_id: &str) -> bool {
        self.0.contains_key(container_id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|(id, names)| names.iter().map(move |name| (id.as_str(), name.as_str())))
    }
}

impl FromIterator<(ContainerId, IfName)> for GcAttachments {
    fn from_iter<T: IntoIterator<Item = (ContainerId, IfName)>>(attachments: T) -> Self {
        let mut all: HashMap<String, HashSet<String>> = HashMap::new();
        for (id, name) in attachments {
            let names = all.entry(id.as_str().to_owned()).or_default();
            names.insert(name.as_str().to_owned());
        }
        GcAttachments(all)
    }
}

/// A network configuration: the parts that the protocol itself gives a meaning.
#[derive(Debug, Clone)]
pub struct NetConf {
    /// The version to answer in.
    pub version: Version,
    /// The network's name.
    pub name: NetworkName,
    raw: Map<String, Value>,
}

impl NetConf {
    /// Takes a configuration whose name and version have been read from it.
    pub(crate) fn new(version: Version, name: NetworkName, raw: Map<String, Value>) -> Self {
        NetConf { version, name, raw }
    }

    /// Builds one from JSON, for callers other than [`crate::serve`]; checks `name` and `cniVersion`.
    pub fn from_json(value: Value) -> Result<Self, Failure> {
        let Value::Object(raw) = value else {
            return Err(Failure::new(
                Code::DECODE,
                "the network configuration is not a JSON object",
            ));
        };
        let root = Object::root(&raw);
        let version = Version::for_verb(
            root.text("cniVersion")?.unwrap_or_default(),
            crate::env::Verb::Add,
        )?;
        let name = root.require("name")?.parse()?;
        Ok(NetConf::new(version, name, raw))
    }

    /// All of its fields.
    pub fn root(&self) -> Object<'_> {
        Object::root(&self.raw)
    }

    /// The `ipam` object; `None` where it is absent or has no `type`.
    pub fn ipam(&self) -> Result<Option<Object<'_>>, FieldError> {
        let Some(ipam) = self.root().object("ipam")? else {
            return Ok(None);
        };
        Ok(ipam.text("type")?.is_some().then_some(ipam))
    }

    /// `ipam.type`.
    pub fn ipam_type(&self) -> Result<Option<&str>, FieldError> {
        match self.root().object("ipam")? {
            Some(ipam) => ipam.text("type"),
            None => Ok(None),
        }
    }

    /// The `dns` object.
    pub fn dns(&self) -> Result<Dns, FieldError> {
        self.root()
            .object("dns")?
            .as_ref()
            .map_or(Ok(Dns::default()), Dns::from_json)
    }

    /// `runtimeConfig`: what the runtime fills in for a capability.
    pub fn runtime_config(&self) -> Result<Option<Object<'_>>, FieldError> {
        self.root().object("runtimeConfig")
    }

    /// `args.cni`: arguments by convention.
    pub fn args_cni(&self) -> Result<Option<Object<'_>>, FieldError> {
        match self.root().object("args")? {
            Some(args) => args.object("cni"),
            None => Ok(None),
        }
    }

    /// `args["org.apache.mesos"].network_info`: what a Mesos agent says of the container.
    pub fn mesos_network_info(&self) -> Result<Option<Object<'_>>, FieldError> {
        let Some(args) = self.root().object("args")? else {
            return Ok(None);
        };
        match args.object("org.apache.mesos")? {
            Some(mesos) => mesos.object("network_info"),
            None => Ok(None),
        }
    }

    /// A value by precedence: `runtimeConfig` over `args.cni`. `CNI_ARGS` comes last and is the caller's.
    pub fn convention(&self, key: &str) -> Result<Option<Field<'_>>, FieldError> {
        let runtime = self.runtime_config()?.and_then(|object| object.get(key));
        match runtime {
            Some(field) => Ok(Some(field)),
            None => Ok(self.args_cni()?.and_then(|object| object.get(key))),
        }
    }

    /// `prevResult`.
    pub fn prev_result(&self) -> Result<Option<CniResult>, FieldError> {
        let prev = self.root().object("prevResult")?;
        prev.map(|prev| CniResult::from_json(&prev, self.version))
            .transpose()
    }

    /// `prevResult`, which CHECK must be given.
    pub fn require_prev_result(&self) -> Result<CniResult, FieldError> {
        self.prev_result()?.ok_or_else(|| FieldError::Missing {
            path: "prevResult".to_owned(),
        })
    }

    /// The same configuration with another `prevResult`, in this configuration's version.
    pub(crate) fn with_prev_result(&self, prev: &CniResult) -> Self {
        self.with("prevResult", prev.to_json(self.version))
    }

    /// The same configuration with another value of a key.
    pub fn with(&self, key: &str, value: impl Into<Value>) -> Self {
        let mut conf = self.clone();
        object::set(&mut conf.raw, key, value.into());
        conf
    }

    /// The same configuration with another value of a key of `ipam`, for the IPAM plugin of a plugin that
    /// knows it better; as it is where there is no `ipam`.
    pub fn with_ipam(&self, key: &str, value: impl Into<Value>) -> Self {
        let mut conf = self.clone();
        if let Ok(Some(ipam)) = self.root().object("ipam") {
            let mut ipam = ipam.raw().clone();
            object::set(&mut ipam, key, value.into());
            object::set(&mut conf.raw, "ipam", Value::Object(ipam));
        }
        conf
    }

    /// `cni.dev/valid-attachments`, else the older `cni.dev/attachments`.
    ///
    /// Neither being there is an error: GC with no list would remove every attachment.
    pub fn gc_attachments(&self) -> Result<GcAttachments, FieldError> {
        let root = self.root();
        let field = match root.get("cni.dev/valid-attachments") {
            Some(field) => field,
            None => root
                .get("cni.dev/attachments")
                .ok_or_else(|| FieldError::Missing {
                    path: "cni.dev/valid-attachments".to_owned(),
                })?,
        };
        let one = |item: &Field<'_>| {
            let item = item.object()?;
            Ok((
                item.require("containerID")?.parse()?,
                item.require("ifname")?.parse()?,
            ))
        };
        field.items()?.iter().map(one).collect()
    }

    /// The configuration as JSON text, for a delegate.
    pub fn to_bytes(&self) -> Vec<u8> {
        Value::Object(self.raw.clone()).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(extra: Value) -> NetConf {
        let mut base = json!({"cniVersion": "1.1.0", "name": "net", "type": "bridge"});
        base.as_object_mut()
            .unwrap()
            .append(&mut extra.as_object().unwrap().clone());
        NetConf::from_json(base).unwrap()
    }

    #[test]
    fn conventions_by_precedence() {
        let both =
            conf(json!({"runtimeConfig": {"mac": "a"}, "args": {"cni": {"mac": "b", "ips": []}}}));
        assert_eq!(both.convention("mac").unwrap().unwrap().text(), Ok("a"));
        assert_eq!(
            both.convention("ips").unwrap().unwrap().path(),
            "args.cni.ips"
        );
        assert!(both.convention("other").unwrap().is_none());
    }

    #[test]
    fn a_key_of_ipam_is_set_in_whatever_case_it_was() {
        let set = |ipam: Value| {
            let changed = conf(ipam).with_ipam("pool", "web");
            changed.root().get("ipam").map(|ipam| ipam.value().clone())
        };
        let wanted = Some(json!({"type": "x", "pool": "web"}));
        assert_eq!(set(json!({"ipam": {"type": "x"}})), wanted);
        assert_eq!(set(json!({"IPAM": {"type": "x", "Pool": ""}})), wanted);
        assert_eq!(set(json!({"ipam": null})), None);
        assert_eq!(set(json!({})), None);
    }

    #[test]
    fn gc_needs_a_list() {
        assert!(conf(json!({})).gc_attachments().is_err());
        let listed = json!([{"containerID": "c1", "ifname": "eth0"}]);
        for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
            let attachments = conf(json!({ key: listed })).gc_attachments().unwrap();
            assert!(attachments.contains("c1", "eth0"));
            assert!(!attachments.contains("c1", "eth1"));
        }
        let bad = conf(json!({"cni.dev/valid-attachments": [{"containerID": "c1"}]}));
        let error = bad.gc_attachments().unwrap_err().to_string();
        assert!(
            error.starts_with("cni.dev/valid-attachments[0].ifname"),
            "{error}"
        );
    }

    #[test]
    fn mesos_network_info() {
        let conf = conf(json!({"args": {"org.apache.mesos": {"network_info": {"name": "net"}}}}));
        assert_eq!(
            conf.mesos_network_info().unwrap().unwrap().text("name"),
            Ok(Some("net"))
        );
    }
}
