//! `chain`: one flat configuration that does what a list does.
//!
//! Mesos reads flat objects only and knows no lists, so what Kubernetes would chain behind the first
//! plugin stands in that object under `chain`: an array of plugin objects as a list's `plugins` holds
//! them. They are called here, each with the result of the one before, and undone in reverse. Port
//! mappings that a Mesos agent passes reach a chained plugin by the capability `portMappings`.

use crate::{
    CniResult, Failure, GcAttachments, NetConf, Version,
    conflist::grant,
    object::{self, FieldError, Object},
    plugin::{Context, Detach, Sandbox},
};
use serde_json::{Map, Value, json};

/// The plugins behind the first one, in order; mostly none.
#[derive(Debug, Default)]
pub(crate) struct Chain(Vec<NetConf>);

impl Chain {
    /// Reads `chain`.
    pub(crate) fn parse(conf: &NetConf) -> Result<Self, FieldError> {
        let items = conf.root().items("chain")?;
        if items.is_empty() {
            return Ok(Chain::default());
        }
        let runtime = runtime_config(conf)?;
        let link = |item: &crate::Field<'_>| {
            let item = item.object()?;
            item.require("type")?.text()?;
            link(conf, &item, &runtime)
        };
        Ok(Chain(items.iter().map(link).collect::<Result<_, _>>()?))
    }

    /// ADD of each, forward; where one fails, it and those before it are taken back.
    pub(crate) fn add(
        &self,
        context: &Context<'_>,
        sandbox: &Sandbox,
        first: CniResult,
    ) -> Result<CniResult, Failure> {
        let mut result = first;
        for (index, conf) in self.0.iter().enumerate() {
            let added = call(context, &conf.with_prev_result(&result), |delegate| {
                delegate.add(sandbox)
            });
            result = match added {
                Ok(result) => result,
                Err(failure) => {
                    let detach = Detach {
                        attachment: sandbox.attachment.clone(),
                        netns: Some(sandbox.netns.clone()),
                    };
                    let left = Chain(self.0[..=index].to_vec()).del(context, &detach);
                    return Err(left.into_iter().fold(failure, |failure, error| {
                        failure.with_detail(error.to_string())
                    }));
                }
            };
        }
        Ok(result)
    }

    /// DEL of each, in reverse, past errors.
    pub(crate) fn del(&self, context: &Context<'_>, detach: &Detach) -> Vec<Failure> {
        let gone = self
            .0
            .iter()
            .rev()
            .map(|conf| call(context, conf, |delegate| delegate.del(detach)));
        gone.filter_map(Result::err).collect()
    }

    /// CHECK of each, forward, up to the first difference.
    pub(crate) fn check(&self, context: &Context<'_>, sandbox: &Sandbox) -> Result<(), Failure> {
        self.0
            .iter()
            .try_for_each(|conf| call(context, conf, |delegate| delegate.check(sandbox)))
    }

    /// GC of each, past errors.
    pub(crate) fn gc(&self, context: &Context<'_>, valid: &GcAttachments) -> Vec<Failure> {
        let collected = self
            .0
            .iter()
            .map(|conf| call(context, conf, |delegate| delegate.gc(valid)));
        collected.filter_map(Result::err).collect()
    }

    /// STATUS of each, up to the first that is not well.
    pub(crate) fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        self.0
            .iter()
            .try_for_each(|conf| call(context, conf, |delegate| delegate.status()))
    }
}

/// The plugins under `chain`, in order, each with what it would be given but for `prevResult`.
///
/// # Errors
/// Names the field.
pub fn chained(conf: &NetConf) -> Result<Vec<NetConf>, FieldError> {
    Chain::parse(conf).map(|chain| chain.0)
}

fn call<T>(
    context: &Context<'_>,
    conf: &NetConf,
    verb: impl FnOnce(&crate::delegate::Delegate<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let context = Context { conf, ..*context };
    let kind = conf.root().require("type")?.text()?;
    verb(&context.delegates.find(kind, &context)?)
}

/// One element as the runtime of a list would hand it over.
fn link(
    conf: &NetConf,
    item: &Object<'_>,
    runtime: &Map<String, Value>,
) -> Result<NetConf, FieldError> {
    item.object("capabilities")?;
    let mut raw = item.raw().clone();
    grant(&mut raw, runtime);
    // A chained plugin lives on `prevResult`, which the oldest versions cannot hold.
    let version = conf.version.max(Version::V0_3_1);
    object::set(&mut raw, "cniVersion", json!(version.as_str()));
    object::set(&mut raw, "name", json!(conf.name.as_str()));
    if let (Some(args), None) = (conf.root().get("args"), item.get("args")) {
        object::set(&mut raw, "args", args.value().clone());
    }
    for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
        if let Some(field) = conf.root().get(key) {
            object::set(&mut raw, key, field.value().clone());
        }
    }
    if let Some(prev) = conf.prev_result()? {
        object::set(&mut raw, "prevResult", prev.to_json(version));
    }
    Ok(NetConf::new(version, conf.name.clone(), raw))
}

/// What the runtime fills in: its own `runtimeConfig`, and what a Mesos agent says in its own way.
///
/// # Errors
/// Names a field of the wrong type.
pub fn runtime_config(conf: &NetConf) -> Result<Map<String, Value>, FieldError> {
    let mut runtime = conf
        .runtime_config()?
        .map_or_else(Map::new, |object| object.raw().clone());
    let Some(info) = conf.mesos_network_info()? else {
        return Ok(runtime);
    };
    let mut mappings = Vec::new();
    for item in info.items("port_mappings")? {
        let mapping = item.object()?;
        // Which ports can be left open is the chained plugin's to know.
        mappings.push(json!({
            "hostPort": mapping.integer("host_port", 0..=65535)?.unwrap_or(0),
            "containerPort": mapping.require("container_port")?.integer(1..=65535)?,
            "protocol": mapping.text("protocol")?.unwrap_or("tcp"),
        }));
    }
    if !mappings.is_empty() && !runtime.contains_key("portMappings") {
        runtime.insert("portMappings".into(), Value::Array(mappings));
    }
    Ok(runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<Chain, FieldError> {
        Chain::parse(&NetConf::from_json(value).unwrap())
    }

    #[test]
    fn mesos_port_mappings_reach_the_capability() {
        let chain = parse(json!({
            "cniVersion": "0.2.0", "name": "net", "type": "bridge",
            "chain": [
                {"type": "portmap", "capabilities": {"portMappings": true}, "snat": false},
                {"type": "tuning", "mtu": 1400},
            ],
            "args": {"org.apache.mesos": {"network_info": {
                "port_mappings": [{"host_port": 8080, "container_port": 80, "protocol": "udp"}, {"host_port": 1, "container_port": 2}],
            }}},
        }))
        .unwrap();
        let [portmap, tuning] = &chain.0[..] else {
            unreachable!("two links")
        };
        let runtime = portmap.runtime_config().unwrap().unwrap();
        assert_eq!(
            runtime.raw()["portMappings"],
            json!([
                {"hostPort": 8080, "containerPort": 80, "protocol": "udp"},
                {"hostPort": 1, "containerPort": 2, "protocol": "tcp"},
            ])
        );
        assert_eq!(portmap.version, Version::V0_3_1);
        assert!(portmap.root().get("capabilities").is_none());
        assert!(tuning.runtime_config().unwrap().is_none());
        assert!(tuning.mesos_network_info().unwrap().is_some());
    }

    #[test]
    fn the_result_is_in_the_version_of_the_link() {
        for (asked, link) in [("0.2.0", "0.3.1"), ("0.4.0", "0.4.0"), ("1.1.0", "1.1.0")] {
            let chain = parse(json!({
                "CNIVERSION": asked, "name": "net", "chain": [{"type": "x", "PrevResult": 3}],
                "prevResult": {"cniVersion": "0.2.0", "ip4": {"ip": "10.0.0.2/24"}},
            }))
            .unwrap();
            let root = chain.0[0].root();
            let prev = root.object("prevResult").unwrap().unwrap();
            assert_eq!(prev.text("cniVersion"), Ok(Some(link)));
            assert_eq!(prev.items("ips").unwrap().len(), 1);
            assert!(!root.raw().contains_key("PrevResult"));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (chain, path) in [
            (json!([{}]), "chain[0].type"),
            (json!({}), "chain: expected an array"),
            (json!(["x"]), "chain[0]: expected an object"),
        ] {
            let error = parse(json!({"name": "net", "chain": chain}))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(path), "{error}");
        }
        let ports = json!([{"host_port": 65536, "container_port": 80}]);
        let error = parse(json!({
            "name": "net", "chain": [{"type": "portmap"}],
            "args": {"org.apache.mesos": {"network_info": {"port_mappings": ports}}},
        }));
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("args.org.apache.mesos.network_info.port_mappings[0].host_port"),
            "{error}"
        );
    }
}
