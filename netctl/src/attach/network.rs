//! Which network, and what its plugins are told: from a file, the runtimes' folder, or a network of the daemon.

use super::{Asked, AttachError};
use fairway_cni::{NetworkName, Object, conflist::ConfList, labels};
use fairway_multi::{folder, network::Network, wire::Wire};
use serde_json::{Map, Value, json};
use std::{fs, path::Path};

/// The version that we speak to our own plugins in.
const VERSION: &str = "1.1.0";

/// A network from a file, a list or a single configuration. It must be the one that is meant.
pub(super) fn of_file(file: &Path, name: &NetworkName) -> Result<Network, AttachError> {
    let wrong = |reason: String| AttachError::File {
        file: file.to_owned(),
        reason,
    };
    let bytes = fs::read(file).map_err(|error| wrong(error.to_string()))?;
    // It says what is wrong in the words of configurations.
    ConfList::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    let raw: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let network = Network::read(&Object::root(&raw)).map_err(|error| wrong(error.to_string()))?;
    match network.name() == name {
        true => Ok(network),
        false => Err(wrong(format!(
            "name: is {:?}, and {:?} was asked for",
            network.name().as_str(),
            name.as_str()
        ))),
    }
}

/// The network of that name in the runtimes' folder, and what could not be read there.
pub(super) fn of_folder(
    folder: &Path,
    name: &NetworkName,
) -> Result<(Option<Network>, Vec<String>), AttachError> {
    let found = folder::read(folder).map_err(AttachError::Folder)?;
    let mut networks = found.networks.into_iter();
    Ok((
        networks.find(|network| network.name() == name),
        found.unread,
    ))
}

/// A network of the daemon: by the plugins that its containers have.
pub(super) fn of_daemon(name: &NetworkName) -> Result<Network, AttachError> {
    let list = json!({
        "cniVersion": VERSION,
        "name": name.as_str(),
        "plugins": [{
            "type": "vxlan",
            "network": name.as_str(),
            "ipam": {"type": "fairway"},
            "capabilities": {"ips": true, "mac": true},
        }],
    });
    let raw = list.as_object().cloned().unwrap_or_default();
    Ok(Network::read(&Object::root(&raw))?)
}

/// The network as it is for this container.
pub(super) fn wire(network: Network, asked: &Asked) -> Result<Wire, AttachError> {
    let labels: Vec<Value> = asked
        .labels()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let mut args = Map::new();
    if !labels.is_empty() {
        args.insert("labels".to_owned(), Value::Array(labels));
    }
    let mut runtime = Map::new();
    let addresses = json!(asked.addresses);
    match (asked.addresses.is_empty(), network.is_capable("ips")) {
        (true, _) => {}
        (false, true) => drop(runtime.insert("ips".to_owned(), addresses)),
        // Where no plugin names the capability, by the convention that is older than it.
        (false, false) => drop(args.insert("ips".to_owned(), addresses)),
    }
    if let Some(mac) = &asked.mac {
        if !network.is_capable("mac") {
            return Err(AttachError::Incapable {
                network: network.name().as_str().to_owned(),
                option: "--mac",
                capability: "mac",
            });
        }
        runtime.insert("mac".to_owned(), json!(mac));
    }
    Ok(Wire {
        title: network.name().as_str().to_owned(),
        network: network.with_plugins(|plugin| merge_args(plugin, &args))?,
        ifname: asked.ifname.clone(),
        runtime,
        args: asked.cni_args(),
        field: "netctl attach".to_owned(),
        default_route: None,
    })
}

/// Puts them over what the plugin has as `args.cni`.
fn merge_args(plugin: &mut Map<String, Value>, args: &Map<String, Value>) {
    if !args.is_empty() {
        fairway_multi::network::merge_cni_args(plugin, args);
    }
}

impl Asked {
    /// What a workload says of itself, in the words that plugins know.
    fn labels(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let said = [
            (labels::POOL, &self.pool),
            (labels::CLAIM, &self.claim),
            (labels::RELEASE, &self.release),
        ];
        said.into_iter()
            .filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }

    /// `CNI_ARGS`, in Kubernetes' words, which our plugins and others know.
    fn cni_args(&self) -> String {
        match &self.workload {
            None => String::new(),
            Some((namespace, pod)) => {
                format!("IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={pod}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            ifname: "eth1".parse().unwrap(),
            addresses: vec!["10.1.0.9".parse().unwrap(), "fd00::9".parse().unwrap()],
            pool: None,
            claim: Some("shop/db".to_owned()),
            release: None,
            workload: Some(("shop".to_owned(), "db-0".to_owned())),
            mac: None,
        }
    }

    fn network(list: Value) -> Network {
        Network::read(&Object::root(list.as_object().unwrap())).unwrap()
    }

    #[test]
    fn a_network_of_the_daemon_is_told_what_is_asked_for() {
        let apps: NetworkName = "apps".parse().unwrap();
        let wire = wire(of_daemon(&apps).unwrap(), &asked()).unwrap();
        assert_eq!(wire.runtime["ips"], json!(["10.1.0.9", "fd00::9"]));
        assert_eq!(
            wire.args,
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0"
        );
        let plugin = wire.network.list().plugin(0, &wire.runtime, None).unwrap();
        let root = plugin.root();
        assert_eq!(root.text("network").unwrap(), Some("apps"));
        let said = labels::labels(&plugin, &fairway_cni::CniArgs::default(), labels::CLAIM);
        assert_eq!(said.unwrap()[0].value, "shop/db");
    }

    #[test]
    fn who_does_not_name_the_capability_is_told_by_the_older_convention() {
        let own = |value: Value| {
            let wire = wire(network(value), &asked()).unwrap();
            let plugin = wire.network.list().plugin(0, &wire.runtime, None).unwrap();
            let args = plugin.args_cni().unwrap().unwrap();
            (
                wire.runtime.contains_key("ips"),
                args.raw().contains_key("ips"),
            )
        };
        assert_eq!(
            own(json!({"cniVersion": "1.0.0", "name": "n", "type": "bridge"})),
            (false, true)
        );
        let capable = json!({
            "cniVersion": "1.0.0", "name": "n",
            "plugins": [{"type": "bridge", "capabilities": {"ips": true}}]
        });
        assert_eq!(own(capable), (true, false));
        let mac = Asked {
            mac: Some("02:00:00:00:00:01".to_owned()),
            ..asked()
        };
        let plain = network(json!({"cniVersion": "1.0.0", "name": "n", "type": "bridge"}));
        let error = wire(plain, &mac).unwrap_err().to_string();
        assert_eq!(
            error,
            "--mac: network \"n\" has no plugin with the capability \"mac\""
        );
    }

    #[test]
    fn a_file_is_of_the_network_that_is_meant() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("10-n.conf");
        let name: NetworkName = "n".parse().unwrap();
        for (text, says) in [
            ("{", "not a JSON object"),
            (r#"{"name": "n"}"#, "type"),
            (r#"{"name": "m", "type": "x"}"#, "\"m\", and \"n\""),
            (r#"{"name": "n", "type": "multi"}"#, "would call itself"),
        ] {
            fs::write(&file, text).unwrap();
            let error = of_file(&file, &name).unwrap_err().to_string();
            assert!(
                error.contains(says) && error.contains("10-n.conf"),
                "{error}"
            );
        }
        fs::write(&file, r#"{"name": "n", "type": "bridge"}"#).unwrap();
        assert_eq!(of_file(&file, &name).unwrap().name(), &name);
        let (found, unread) = of_folder(dir.path(), &name).unwrap();
        assert!(found.is_some() && unread.is_empty());
        assert!(of_folder(&dir.path().join("x"), &name).unwrap().0.is_none());
    }
}
