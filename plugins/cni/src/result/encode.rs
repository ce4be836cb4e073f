//! A result as JSON, in the form of each version.

use super::{CniResult, Interface, IpConfig, Route};
use crate::Version;
use serde_json::{Map, Value, json};

impl CniResult {
    /// The JSON of `version`; what that version cannot hold is left out.
    pub fn to_json(&self, version: Version) -> Value {
        let mut object = if version < Version::V0_3_0 {
            self.first_of_each_family()
        } else {
            self.lists(version)
        };
        object.insert("cniVersion".into(), json!(version.as_str()));
        object.insert("dns".into(), self.dns.to_json());
        Value::Object(object)
    }

    fn first_of_each_family(&self) -> Map<String, Value> {
        let mut object = Map::new();
        for (key, v6) in [("ip4", false), ("ip6", true)] {
            let Some(ip) = self.ips.iter().find(|ip| ip.address.is_ipv6() == v6) else {
                continue;
            };
            let mut family = Map::new();
            family.insert("ip".into(), json!(ip.address.to_string()));
            put(
                &mut family,
                "gateway",
                ip.gateway.as_ref().map(ToString::to_string),
            );
            let routes: Vec<_> = self
                .routes
                .iter()
                .filter(|route| route.dst.is_ipv6() == v6)
                .collect();
            if !routes.is_empty() {
                let routes = routes
                    .into_iter()
                    .map(|r| route(r, Version::V0_2_0))
                    .collect();
                family.insert("routes".into(), Value::Array(routes));
            }
            object.insert(key.into(), Value::Object(family));
        }
        object
    }

    fn lists(&self, version: Version) -> Map<String, Value> {
        let mut object = Map::new();
        let mut list = |key: &str, items: Vec<Value>| {
            if !items.is_empty() {
                object.insert(key.into(), Value::Array(items));
            }
        };
        list(
            "interfaces",
            self.interfaces
                .iter()
                .map(|i| interface(i, version))
                .collect(),
        );
        list(
            "ips",
            self.ips.iter().map(|ip| ip_config(ip, version)).collect(),
        );
        list(
            "routes",
            self.routes.iter().map(|r| route(r, version)).collect(),
        );
        object
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(key.into(), value.into());
    }
}

fn interface(interface: &Interface, version: Version) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), json!(interface.name));
    put(&mut object, "mac", interface.mac.clone());
    put(&mut object, "sandbox", interface.sandbox.clone());
    if version >= Version::V1_1_0 {
        put(&mut object, "mtu", interface.mtu);
        put(&mut object, "socketPath", interface.socket_path.clone());
        put(&mut object, "pciID", interface.pci_id.clone());
    }
    Value::Object(object)
}

fn ip_config(ip: &IpConfig, version: Version) -> Value {
    let mut object = Map::new();
    if version < Version::V1_0_0 {
        object.insert(
            "version".into(),
            json!(if ip.address.is_ipv6() { "6" } else { "4" }),
        );
    }
    put(&mut object, "interface", ip.interface);
    object.insert("address".into(), json!(ip.address.to_string()));
    put(
        &mut object,
        "gateway",
        ip.gateway.as_ref().map(ToString::to_string),
    );
    Value::Object(object)
}

fn route(route: &Route, version: Version) -> Value {
    let mut object = Map::new();
    object.insert("dst".into(), json!(route.dst.to_string()));
    put(
        &mut object,
        "gw",
        route.gw.as_ref().map(ToString::to_string),
    );
    if version >= Version::V1_1_0 {
        put(&mut object, "mtu", route.mtu);
        put(&mut object, "advmss", route.advmss);
        put(&mut object, "priority", route.priority);
        put(&mut object, "table", route.table);
        put(&mut object, "scope", route.scope);
    }
    Value::Object(object)
}
