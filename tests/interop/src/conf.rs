//! Network configuration lists for the engines.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use crate::host::Host;
use crate::plugins::RECORDER;

/// A bridge network with host-local addresses, to be written as a conflist.
#[derive(Debug, Clone)]
pub struct Network {
    name: String,
    version: String,
    bridge: Value,
    chained: Vec<Value>,
    data: PathBuf,
}

impl Network {
    /// A masqueraded bridge called `name` (15 bytes at most), an address from
    /// each of `subnets`, default routes for the families that occur.
    #[must_use]
    pub fn new(host: &Host, name: &str, subnets: &[&str]) -> Self {
        let ranges: Vec<_> = subnets.iter().map(|s| json!([{ "subnet": s }])).collect();
        let mut routes = Vec::new();
        if subnets.iter().any(|s| s.contains('.')) {
            routes.push(json!({ "dst": "0.0.0.0/0" }));
        }
        if subnets.iter().any(|s| s.contains(':')) {
            routes.push(json!({ "dst": "::/0" }));
        }
        Self {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            bridge: json!({
                "type": "bridge",
                "bridge": name,
                "isGateway": true,
                "ipMasq": true,
                "ipam": {
                    "type": "host-local",
                    "dataDir": host.work().join("ipam"),
                    "ranges": ranges,
                    "routes": routes,
                },
            }),
            chained: Vec::new(),
            data: host.work().join("ipam"),
        }
    }

    /// A network that an engine has written itself, so with host-local's
    /// files at their default place.
    #[must_use]
    pub fn written_by_the_engine(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: String::new(),
            bridge: Value::Null,
            chained: Vec::new(),
            data: "/var/lib/cni/networks".into(),
        }
    }

    /// With another `cniVersion` than 1.0.0.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// With a key of the bridge plugin set.
    #[must_use]
    pub fn key(mut self, key: &str, value: Value) -> Self {
        self.bridge[key] = value;
        self
    }

    /// With the recorder between the bridge plugin and host-local.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.bridge["ipam"]["type"] = RECORDER.into();
        self
    }

    /// With published ports, by a chained portmap.
    #[must_use]
    pub fn with_ports(mut self) -> Self {
        self.chained.push(json!({
            "type": "portmap",
            "capabilities": { "portMappings": true },
        }));
        self
    }

    /// The network's name, which is its bridge's too.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder with a file for each address that is taken.
    #[must_use]
    pub fn address_files(&self) -> PathBuf {
        self.data.join(&self.name)
    }

    /// What a runtime would hand the bridge plugin on stdin, but for
    /// `prevResult`.
    #[must_use]
    pub fn bridge_stdin(&self) -> Value {
        let mut conf = self.bridge.clone();
        conf["cniVersion"] = self.version.clone().into();
        conf["name"] = self.name.clone().into();
        conf
    }

    /// Writes it where the host's engines look.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, host: &Host) -> Result<()> {
        let mut plugins = vec![self.bridge.clone()];
        plugins.extend(self.chained.iter().cloned());
        let list = json!({
            "cniVersion": self.version,
            "name": self.name,
            "plugins": plugins,
        });
        let path = host
            .work()
            .join("net.d")
            .join(format!("{}.conflist", self.name));
        fs::write(path, serde_json::to_string_pretty(&list)?)?;
        Ok(())
    }
}
