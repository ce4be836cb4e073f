//! The form of a result, release by release (section 5 of the specification; before 1.0.0 "Result").
//!
//! Keys that nobody defined are let pass: the specification does not forbid them.

use crate::{Profile, Release};
use ipnetwork::IpNetwork;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Everything that is not as it should be, by field.
pub(crate) fn faults(result: &Value, release: Release, profile: Profile) -> Vec<String> {
    let mut faults = Faults(Vec::new());
    let Value::Object(root) = result else {
        return vec!["it is no JSON object".to_owned()];
    };
    match root.get("cniVersion").and_then(Value::as_str) {
        Some(version) if version == release.name() => {}
        // Absent means 0.1.0, as in a configuration.
        None if release == Release::V0_1_0 => {}
        _ => faults.say(
            "cniVersion",
            format!("is {}, asked was {release}", shown(root.get("cniVersion"))),
        ),
    }
    match release < Release::V0_3_0 {
        true => faults.families(root),
        false => faults.lists(root, release, profile),
    }
    if let Some(dns) = faults.object(root, "dns") {
        for key in ["nameservers", "search", "options"] {
            let path = format!("dns.{key}");
            for (index, item) in faults.items(dns, key, &path).iter().enumerate() {
                if !item.is_string() {
                    faults.say(&format!("{path}[{index}]"), "is no string");
                }
            }
        }
        faults.text(dns, "domain", "dns.domain");
    }
    faults.0
}

struct Faults(Vec<String>);

impl Faults {
    fn say(&mut self, path: &str, what: impl AsRef<str>) {
        self.0.push(format!("{path} {}", what.as_ref()));
    }

    /// 0.1.0 and 0.2.0: one address of each family.
    fn families(&mut self, root: &Map<String, Value>) {
        for key in ["ips", "interfaces"] {
            if root.contains_key(key) {
                self.say(key, "is of 0.3.0 and later");
            }
        }
        for (key, v6) in [("ip4", false), ("ip6", true)] {
            let Some(family) = self.object(root, key) else {
                continue;
            };
            let address = self.address(family.get("ip"), &format!("{key}.ip"));
            if address.is_some_and(|address| address.is_ipv6() != v6) {
                self.say(&format!("{key}.ip"), "is of the other family");
            }
            self.gateway(family.get("gateway"), &format!("{key}.gateway"), address);
            self.routes(family, &format!("{key}.routes"));
        }
    }

    /// From 0.3.0 on.
    fn lists(&mut self, root: &Map<String, Value>, release: Release, profile: Profile) {
        for key in ["ip4", "ip6"] {
            if root.contains_key(key) {
                self.say(key, "is of 0.2.0 and before");
            }
        }
        let interfaces = self.items(root, "interfaces", "interfaces");
        if profile == Profile::Ipam && !interfaces.is_empty() {
            self.say("interfaces", "are not an IPAM plugin's to tell");
        }
        for (index, interface) in interfaces.iter().enumerate() {
            self.interface(interface, &format!("interfaces[{index}]"), release);
        }
        for (index, ip) in self.items(root, "ips", "ips").iter().enumerate() {
            let path = format!("ips[{index}]");
            let Value::Object(ip) = ip else {
                self.say(&path, "is no object");
                continue;
            };
            let address = self.address(ip.get("address"), &format!("{path}.address"));
            self.gateway(ip.get("gateway"), &format!("{path}.gateway"), address);
            self.family(
                ip.get("version"),
                &format!("{path}.version"),
                address,
                release,
            );
            match ip.get("interface") {
                None | Some(Value::Null) => {}
                Some(_) if profile == Profile::Ipam => {
                    self.say(
                        &format!("{path}.interface"),
                        "is not an IPAM plugin's to tell",
                    );
                }
                Some(index) => {
                    let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
                    if index.is_none_or(|index| index >= interfaces.len()) {
                        self.say(
                            &format!("{path}.interface"),
                            "is the index of none of the interfaces",
                        );
                    }
                }
            }
        }
        self.routes(root, "routes");
    }

    fn interface(&mut self, interface: &Value, path: &str, release: Release) {
        let Value::Object(interface) = interface else {
            return self.say(path, "is no object");
        };
        match interface.get("name").and_then(Value::as_str) {
            Some(name) if !name.is_empty() => {}
            _ => self.say(&format!("{path}.name"), "is no name"),
        }
        for key in ["sandbox", "socketPath", "pciID"] {
            self.text(interface, key, &format!("{path}.{key}"));
        }
        match interface.get("mac") {
            None | Some(Value::Null) => {}
            Some(Value::String(mac)) if mac.is_empty() || is_mac(mac) => {}
            Some(_) => self.say(&format!("{path}.mac"), "is no hardware address"),
        }
        if release >= Release::V1_1_0 {
            self.number(interface, "mtu", &format!("{path}.mtu"));
        }
    }

    fn family(
        &mut self,
        version: Option<&Value>,
        path: &str,
        address: Option<IpNetwork>,
        release: Release,
    ) {
        let said = version.and_then(Value::as_str);
        if release >= Release::V1_0_0 {
            if version.is_some() {
                self.say(path, "is gone since 1.0.0");
            }
        } else if let Some(address) = address {
            let wanted = if address.is_ipv6() { "6" } else { "4" };
            if said != Some(wanted) {
                self.say(path, format!("is not {wanted:?}"));
            }
        }
    }

    fn routes(&mut self, object: &Map<String, Value>, path: &str) {
        for (index, route) in self.items(object, "routes", path).iter().enumerate() {
            let path = format!("{path}[{index}]");
            let Value::Object(route) = route else {
                self.say(&path, "is no object");
                continue;
            };
            let dst = self.address(route.get("dst"), &format!("{path}.dst"));
            self.gateway(route.get("gw"), &format!("{path}.gw"), dst);
            for key in ["mtu", "advmss", "priority", "table", "scope"] {
                self.number(route, key, &format!("{path}.{key}"));
            }
        }
    }

    fn address(&mut self, value: Option<&Value>, path: &str) -> Option<IpNetwork> {
        let text = value
            .and_then(Value::as_str)
            .filter(|text| text.contains('/'));
        let address = text.and_then(|text| text.parse().ok());
        if address.is_none() {
            self.say(
                path,
                format!("is {}, and no address with its prefix length", shown(value)),
            );
        }
        address
    }

    fn gateway(&mut self, value: Option<&Value>, path: &str, of: Option<IpNetwork>) {
        let text = match value {
            None | Some(Value::Null) => return,
            Some(value) => value.as_str(),
        };
        if text == Some("") {
            return;
        }
        match text.and_then(|text| text.parse::<IpAddr>().ok()) {
            None => self.say(path, format!("is {}, and no address", shown(value))),
            Some(gateway) if of.is_some_and(|of| of.is_ipv6() != gateway.is_ipv6()) => {
                self.say(path, "is of the other family");
            }
            Some(_) => {}
        }
    }

    fn number(&mut self, object: &Map<String, Value>, key: &str, path: &str) {
        match object.get(key) {
            None | Some(Value::Null) => {}
            Some(value) if value.is_u64() => {}
            value => self.say(path, format!("is {}, and no whole number", shown(value))),
        }
    }

    fn text(&mut self, object: &Map<String, Value>, key: &str, path: &str) {
        match object.get(key) {
            None | Some(Value::Null | Value::String(_)) => {}
            value => self.say(path, format!("is {}, and no string", shown(value))),
        }
    }

    fn object<'a>(
        &mut self,
        object: &'a Map<String, Value>,
        key: &str,
    ) -> Option<&'a Map<String, Value>> {
        match object.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::Object(inner)) => Some(inner),
            value => {
                self.say(key, format!("is {}, and no object", shown(value)));
                None
            }
        }
    }

    fn items<'a>(&mut self, object: &'a Map<String, Value>, key: &str, path: &str) -> &'a [Value] {
        match object.get(key) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => items,
            value => {
                self.say(path, format!("is {}, and no list", shown(value)));
                &[]
            }
        }
    }
}

/// Six groups, or the 20 of InfiniBand.
fn is_mac(text: &str) -> bool {
    let groups: Vec<_> = text.split([':', '-']).collect();
    let group =
        |group: &&str| group.len() == 2 && group.bytes().all(|byte| byte.is_ascii_hexdigit());
    [6, 8, 20].contains(&groups.len()) && groups.iter().all(group)
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "missing".to_owned(),
        Some(value) => crate::call::clipped(&value.to_string(), 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults_of(result: &Value, version: &str) -> Vec<String> {
        faults(result, Release::named(version).unwrap(), Profile::Interface)
    }

    fn good(version: &str) -> Value {
        json!({
            "cniVersion": version,
            "interfaces": [{"name": "br0", "mac": "02:00:00:00:00:01"}, {"name": "eth0", "sandbox": "/ns", "mtu": 1500}],
            "ips": [{"address": "10.0.0.2/24", "gateway": "10.0.0.1", "interface": 1}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1", "priority": 5}],
            "dns": {"nameservers": ["10.0.0.1"], "domain": "x"},
        })
    }

    #[test]
    fn what_is_right_is_let_pass() {
        assert_eq!(faults_of(&good("1.1.0"), "1.1.0"), [""; 0]);
        let mut old = good("0.4.0");
        old["ips"][0]["version"] = json!("4");
        assert_eq!(faults_of(&old, "0.4.0"), [""; 0]);
        let oldest = json!({"ip4": {"ip": "10.0.0.2/24", "routes": []}, "dns": {}});
        assert_eq!(faults_of(&oldest, "0.1.0"), [""; 0]);
        assert_eq!(faults_of(&json!({"cniVersion": "1.0.0"}), "1.0.0"), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let changes: [(&str, Value, &str); 13] = [
            (
                "/cniVersion",
                json!("1.0.0"),
                "cniVersion is \"1.0.0\", asked was 1.1.0",
            ),
            (
                "/interfaces/0/name",
                json!(""),
                "interfaces[0].name is no name",
            ),
            (
                "/interfaces/0/mac",
                json!("02:00"),
                "interfaces[0].mac is no hardware address",
            ),
            (
                "/interfaces/1/sandbox",
                json!(3),
                "interfaces[1].sandbox is 3",
            ),
            ("/interfaces/1/mtu", json!("1500"), "interfaces[1].mtu is"),
            ("/interfaces", json!({}), "interfaces is {}, and no list"),
            ("/ips/0/address", json!("10.0.0.2"), "ips[0].address is"),
            (
                "/ips/0/gateway",
                json!("fd00::1"),
                "ips[0].gateway is of the other family",
            ),
            (
                "/ips/0/interface",
                json!(2),
                "ips[0].interface is the index of none",
            ),
            ("/routes/0/dst", json!("default"), "routes[0].dst is"),
            ("/routes/0/priority", json!(-1), "routes[0].priority is -1"),
            (
                "/dns/nameservers/0",
                json!(1),
                "dns.nameservers[0] is no string",
            ),
            ("/dns", json!([]), "dns is [], and no object"),
        ];
        for (pointer, value, wanted) in changes {
            let mut result = good("1.1.0");
            *result.pointer_mut(pointer).unwrap() = value;
            let faults = faults_of(&result, "1.1.0");
            assert!(
                faults.iter().any(|fault| fault.starts_with(wanted)),
                "{wanted}: {faults:?}"
            );
        }
    }

    #[test]
    fn releases_differ() {
        assert_eq!(faults_of(&good("1.0.0"), "1.0.0"), [""; 0]);
        assert_eq!(
            faults_of(&good("0.4.0"), "0.4.0"),
            ["ips[0].version is not \"4\""]
        );
        let mut newer = good("1.0.0");
        newer["ips"][0]["version"] = json!("4");
        assert_eq!(
            faults_of(&newer, "1.0.0"),
            ["ips[0].version is gone since 1.0.0"]
        );
        let flat = faults_of(&good("0.2.0"), "0.2.0");
        assert_eq!(
            flat,
            [
                "ips is of 0.3.0 and later",
                "interfaces is of 0.3.0 and later"
            ]
        );
        let swapped = json!({"cniVersion": "0.2.0", "ip4": {"ip": "fd00::2/64"}});
        assert_eq!(
            faults_of(&swapped, "0.2.0"),
            ["ip4.ip is of the other family"]
        );
        let ipam = faults(&good("1.1.0"), Release::V1_1_0, Profile::Ipam);
        assert_eq!(ipam.len(), 2, "{ipam:?}");
    }
}
