//! What kind of plugin it is, and a configuration that makes it do something.

use crate::SuiteError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{fmt, str::FromStr};

/// What a plugin is to the one that calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Profile {
    /// It makes an interface in a container.
    Interface,
    /// It hands out addresses to such a plugin.
    Ipam,
    /// It stands behind such a plugin in a list.
    Chained,
}

impl Profile {
    const ALL: [Profile; 3] = [Profile::Interface, Profile::Ipam, Profile::Chained];

    const fn name(self) -> &'static str {
        match self {
            Profile::Interface => "interface",
            Profile::Ipam => "ipam",
            Profile::Chained => "chained",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Profile, &'static str> {
        let found = Profile::ALL
            .into_iter()
            .find(|profile| profile.name() == text);
        found.ok_or("not one of interface, ipam and chained")
    }
}

/// Types that are well known, by what they are.
const KNOWN: &[(Profile, &[&str])] = &[
    (
        Profile::Interface,
        &[
            "bridge",
            "dummy",
            "host-device",
            "ipvlan",
            "loopback",
            "macvlan",
            "multi",
            "ptp",
            "sriov",
            "tap",
            "vlan",
            "vxlan",
        ],
    ),
    (
        Profile::Ipam,
        &["dhcp", "fairway", "host-local", "static", "whereabouts"],
    ),
    (
        Profile::Chained,
        &[
            "bandwidth",
            "firewall",
            "portmap",
            "route-override",
            "sbr",
            "tuning",
            "vrf",
        ],
    ),
];

/// Types that need what only their operator knows, and what that is.
const OPERATED: &[(&str, &str)] = &[
    ("dhcp", "it needs its daemon and a server that answers"),
    ("multi", "it needs networks to call other plugins for"),
    ("sriov", "it needs a card, and which function of it"),
    ("vxlan", "it needs fairwayd and one of its networks"),
    ("whereabouts", "it needs a store"),
];

/// What a type is; `None` where nobody knows.
pub(crate) fn of(kind: &str) -> Option<Profile> {
    let known = KNOWN.iter().find(|(_, kinds)| kinds.contains(&kind));
    known.map(|(profile, _)| *profile)
}

/// Keys with which a plugin of that type does something.
pub(crate) fn conf(kind: &str, profile: Profile) -> Result<Map<String, Value>, SuiteError> {
    if let Some((_, reason)) = OPERATED.iter().find(|(name, _)| *name == kind) {
        return Err(SuiteError::NeedsConf {
            kind: kind.to_owned(),
            reason,
        });
    }
    let routes = json!([{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]);
    let conf = match (profile, kind) {
        (Profile::Interface, "loopback") => json!({}),
        (Profile::Interface, "bridge") => {
            json!({"bridge": "cnf0", "isGateway": true, "ipMasq": true})
        }
        (Profile::Interface, "ptp") => json!({"ipMasq": true}),
        (Profile::Interface, "macvlan" | "ipvlan") => json!({"master": MASTER}),
        (Profile::Interface, "vlan") => json!({"master": MASTER, "vlanId": "{100+n}"}),
        (Profile::Interface, "host-device") => json!({"device": "spare{n}"}),
        (Profile::Interface, _) => json!({}),
        (Profile::Ipam, "static") => json!({"ipam": {
            "addresses": [
                {"address": "10.231.0.2/24", "gateway": "10.231.0.1"},
                {"address": "fd00:231::2/64", "gateway": "fd00:231::1"}],
            "routes": routes}}),
        (Profile::Ipam, "host-local") => json!({"ipam": {
            "ranges": [[{"subnet": "10.231.0.0/24"}], [{"subnet": "fd00:231::/64"}]],
            "routes": routes, "dataDir": "{scratch}/networks"}}),
        (Profile::Ipam, _) => json!({"ipam": {}}),
        (Profile::Chained, "portmap") => json!({"runtimeConfig": {"portMappings": [
            {"hostPort": "{30000+n}", "containerPort": 80, "protocol": "tcp"}]}}),
        (Profile::Chained, "bandwidth") => json!({
            "ingressRate": 8_000_000, "ingressBurst": 800_000,
            "egressRate": 8_000_000, "egressBurst": 800_000}),
        (Profile::Chained, "tuning") => json!({
            "sysctl": {"net.ipv4.conf.IFNAME.arp_filter": "1"}, "mtu": 1400}),
        (Profile::Chained, "vrf") => json!({"vrfname": "blue"}),
        (Profile::Chained, _) => json!({}),
    };
    Ok(match conf {
        Value::Object(conf) => conf,
        _ => Map::new(),
    })
}

/// The node's link that leads out.
pub(crate) const MASTER: &str = "up0";

/// Does it give each container an address of its own?
pub(crate) fn is_unique(kind: &str) -> bool {
    // The configuration says which one, for whoever asks.
    kind != "static"
}

/// Puts a container's number and the suite's folder in their places.
pub(crate) fn filled(value: &Value, number: u32, scratch: &str) -> Value {
    match value {
        Value::String(text) => match whole_number(text, number) {
            Some(number) => json!(number),
            None => json!(
                text.replace("{n}", &number.to_string())
                    .replace("{scratch}", scratch)
            ),
        },
        Value::Array(items) => items
            .iter()
            .map(|item| filled(item, number, scratch))
            .collect(),
        Value::Object(map) => {
            let filled =
                |(key, value): (&String, &Value)| (key.clone(), filled(value, number, scratch));
            Value::Object(map.iter().map(filled).collect())
        }
        other => other.clone(),
    }
}

/// `{n}` or `{100+n}`, and nothing else.
fn whole_number(text: &str, number: u32) -> Option<u64> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    if inner == "n" {
        return Some(number.into());
    }
    let base: u32 = inner.strip_suffix("+n")?.parse().ok()?;
    Some(u64::from(base) + u64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_names() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert!("meta".parse::<Profile>().is_err());
    }

    #[test]
    fn known_types_are_known_once() {
        let all: Vec<_> = KNOWN.iter().flat_map(|(_, kinds)| *kinds).collect();
        let mut unique = all.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), all.len());
        assert_eq!(of("bridge"), Some(Profile::Interface));
        assert_eq!(of("host-local"), Some(Profile::Ipam));
        assert_eq!(of("acme"), None);
        assert!(matches!(
            conf("dhcp", Profile::Ipam),
            Err(SuiteError::NeedsConf { .. })
        ));
    }

    #[test]
    fn numbers_and_the_folder_are_filled_in() {
        let conf = json!({"a": "{n}", "b": ["{100+n}", "spare{n}"], "c": {"d": "{scratch}/x", "e": true, "f": "{x+n}"}});
        assert_eq!(
            filled(&conf, 7, "/tmp/s"),
            json!({"a": 7, "b": [107, "spare7"], "c": {"d": "/tmp/s/x", "e": true, "f": "{x+n}"}})
        );
    }
}
