//! What is configured: the only part that differs from one test to the next.

use crate::Pair;
use fairway_lab::{Result, Value, json, serde_json};
use std::path::Path;

/// The `ipam` object of a case.
#[derive(Clone, Copy, Debug)]
pub enum Ipam {
    /// None: layer 2 only.
    None,
    /// host-local with one IPv4 range, one IPv6 range, or one of each.
    V4,
    /// See [`Ipam::V4`].
    V6,
    /// See [`Ipam::V4`].
    Dual,
    /// Written out; `$DATA` is the data folder, which host-local gets also where it is not named.
    Json(&'static str),
}

impl Ipam {
    fn value(self) -> Option<Value> {
        let (v4, v6) = (
            json!([{"subnet": "10.77.0.0/24"}]),
            json!([{"subnet": "fd77::/64"}]),
        );
        let ranges = match self {
            Self::None => return None,
            Self::V4 => json!([v4]),
            Self::V6 => json!([v6]),
            Self::Dual => json!([v4, v6]),
            Self::Json(text) => return Some(parse(text)),
        };
        Some(json!({"type": "host-local", "ranges": ranges}))
    }
}

fn parse(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => unreachable!("the table holds {text}: {error}"),
    }
}

/// A config for one plugin.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its type.
    pub plugin: String,
    /// Its own keys, as a JSON object.
    pub keys: &'static str,
    /// Where addresses come from.
    pub ipam: Ipam,
    /// `CNI_ARGS`.
    pub args: Option<String>,
    /// A script that runs on the node before the first call.
    pub prepare: &'static str,
}

impl Case {
    /// A plugin with its keys and dual-stack addresses.
    pub fn new(plugin: &str, keys: &'static str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            keys,
            ipam: Ipam::Dual,
            args: None,
            prepare: "true",
        }
    }

    /// An IPAM plugin, called by itself.
    pub fn ipam_plugin(plugin: &str, keys: &'static str, ipam: &'static str) -> Self {
        Self::new(plugin, keys).ipam(Ipam::Json(ipam))
    }

    /// With other addresses.
    #[must_use]
    pub fn ipam(mut self, ipam: Ipam) -> Self {
        self.ipam = ipam;
        self
    }

    /// With `CNI_ARGS`.
    #[must_use]
    pub fn args(mut self, args: &str) -> Self {
        self.args = Some(args.to_owned());
        self
    }

    /// With a script that runs before.
    #[must_use]
    pub fn prepare(mut self, script: &'static str) -> Self {
        self.prepare = script;
        self
    }

    /// Is this key of the plugin set to true?
    pub fn has(&self, key: &str) -> bool {
        let keys = parse(self.keys);
        let mut keys = keys.as_object().into_iter().flatten();
        keys.any(|(name, value)| name.eq_ignore_ascii_case(key) && *value == true)
    }

    /// Does the plugin make a pair of links?
    pub fn pair_of_links(&self) -> bool {
        ["bridge", "ptp"].contains(&self.plugin.as_str())
    }

    /// Does the plugin make one link, in the container?
    pub fn one_link(&self) -> bool {
        ["macvlan", "ipvlan", "vlan", "host-device"].contains(&self.plugin.as_str())
    }

    /// Does the plugin make links at all?
    pub fn makes_links(&self) -> bool {
        self.pair_of_links() || (self.one_link() && self.plugin != "host-device")
    }

    /// Is the bridge a gateway?
    pub fn gateway(&self) -> bool {
        self.has("isGateway") || self.has("isDefaultGateway")
    }

    /// Are there no addresses?
    pub fn layer_two(&self) -> bool {
        matches!(self.ipam, Ipam::None)
    }

    /// Does host-local give the addresses?
    pub fn host_local(&self) -> bool {
        self.ipam
            .value()
            .is_some_and(|ipam| ipam["type"] == "host-local")
    }

    /// Is there a route that leaves the gateway to the plugin?
    pub fn route_without_gateway(&self) -> bool {
        let ipam = self.ipam.value().unwrap_or_default();
        let mut routes = ipam["routes"].as_array().into_iter().flatten();
        routes.any(|route| route.get("gw").is_none())
    }

    /// Is there an IPv6 address?
    pub fn v6(&self) -> bool {
        self.ipam
            .value()
            .is_some_and(|ipam| ipam.to_string().contains("fd77:"))
    }

    /// The config in a version.
    pub fn config(&self, version: &str, data: &Path) -> Value {
        let mut config = parse(self.keys);
        let defaults = [
            ("cniVersion", json!(version)),
            ("name", json!("net")),
            ("type", json!(self.plugin)),
        ];
        for (key, value) in defaults {
            if config.get(key).is_none() {
                config[key] = value;
            }
        }
        if let Some(mut ipam) = self.ipam.value() {
            if ipam["type"] == "host-local" && ipam.get("dataDir").is_none() {
                ipam["dataDir"] = json!("$DATA");
            }
            config["ipam"] = ipam;
        }
        parse(
            &config
                .to_string()
                .replace("$DATA", &data.display().to_string()),
        )
    }

    /// A whole life: two containers come and go, the state is compared at each turn, then the
    /// results in every version that both sides know.
    ///
    /// # Errors
    /// With all that differs.
    pub fn life(self) -> Result {
        // An IPAM plugin has nothing to do with the kernel; that is seen once, at the end.
        let links = self.pair_of_links() || self.one_link() || self.plugin == "loopback";
        let mut pair = Pair::new(self)?;
        pair.add("c1")?;
        pair.files()?;
        if links {
            pair.state("after ADD")?;
        }
        pair.check("c1")?;
        if links {
            pair.state("after CHECK")?;
        }
        pair.add("c2")?;
        pair.files()?;
        pair.del("c1")?;
        pair.files()?;
        if links {
            pair.state("after DEL of the first")?;
        }
        pair.check("c1")?;
        pair.del("c1")?;
        pair.check("c2")?;
        pair.del("c2")?;
        pair.files()?;
        pair.state("after DEL of both")?;
        pair.versions()?;
        pair.finish()
    }

    /// One container comes and goes.
    ///
    /// # Errors
    /// With all that differs.
    pub fn one(self) -> Result {
        let mut pair = Pair::new(self)?;
        pair.add("c1")?;
        pair.files()?;
        pair.state("after ADD")?;
        pair.check("c1")?;
        pair.del("c1")?;
        pair.files()?;
        pair.state("after DEL")?;
        pair.finish()
    }

    /// DEL as it comes after a reboot, with neither namespace nor result: addresses are free
    /// again. (The reference leaves links and rules where they are, so those are not compared.)
    ///
    /// # Errors
    /// With all that differs.
    pub fn late(self) -> Result {
        let mut pair = Pair::new(self)?;
        pair.add("c1")?;
        pair.call("DEL c1 without a namespace", |side, case, version| {
            side.cni(case, version, "c1")?.netns_path(None).del(None)
        })?;
        pair.files()?;
        pair.call(
            "DEL c1 of a namespace that is gone",
            |side, case, version| {
                let cni = side.cni(case, version, "c1")?;
                cni.netns_path(Some("/run/netns/fairway-gone")).del(None)
            },
        )?;
        pair.finish()
    }

    /// ADD of what is there already: an error that changes nothing.
    ///
    /// # Errors
    /// With all that differs.
    pub fn twice(self) -> Result {
        let mut pair = Pair::new(self)?;
        pair.add("c1")?;
        pair.call("a second ADD", |side, case, version| {
            side.cni(case, version, "c1")?.add()
        })?;
        pair.files()?;
        pair.state("after a second ADD")?;
        pair.check("c1")?;
        pair.finish()
    }

    /// One container with two interfaces in one network.
    ///
    /// # Errors
    /// With all that differs.
    pub fn two_interfaces(self) -> Result {
        let mut pair = Pair::new(self)?;
        pair.add("c1")?;
        pair.call("ADD of eth1", |side, case, version| {
            side.cni(case, version, "c1")?.ifname("eth1").add()
        })?;
        pair.files()?;
        pair.call("DEL of eth1", |side, case, version| {
            side.cni(case, version, "c1")?.ifname("eth1").del(None)
        })?;
        pair.files()?;
        pair.state("after DEL of the second interface")?;
        pair.check("c1")?;
        pair.finish()
    }

    /// Both sides refuse it and leave everything as it was; ours with this code.
    ///
    /// # Errors
    /// With all that differs.
    pub fn refused(self, code: u32) -> Result {
        let mut pair = Pair::new(self)?;
        pair.add_refused("c1", code)?;
        pair.addresses()?;
        pair.finish()
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.config("1.0.0", Path::new("$DATA")))?;
        match &self.args {
            Some(args) => write!(f, " with CNI_ARGS={args}"),
            None => Ok(()),
        }
    }
}
