//! What a test compares of a namespace: links, global addresses, VLANs of ports, routes.
//!
//! It is less than `fairway_lab::Snapshot` takes, which the suite on the machine itself
//! uses: under emulation that costs seconds each time. Ports get the names of what they
//! belong to, as a plugin may name them as it likes.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fairway_lab::{Ns, Value, poll};

/// Some traces in the kernel go a moment after the call.
const SETTLE: Duration = Duration::from_secs(10);

/// One line per fact.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State(BTreeSet<String>);

impl State {
    pub(super) fn of(ns: &Ns) -> Result<Self> {
        let links = ns.json("ip -j -d addr show")?;
        let links = links.as_array().context("a list of links")?;
        let names = roles(links);
        let mut lines = BTreeSet::new();
        for link in links {
            lines.insert(link_line(link, &names));
            for address in items(&link["addr_info"]) {
                if address["scope"] == "global" {
                    let name = named(&link["ifname"], &names);
                    let address = format!("{}/{}", address["local"], address["prefixlen"]);
                    lines.insert(format!("address of {name}: {address}"));
                }
            }
        }
        for port in items(&ns.json("bridge -j vlan show")?) {
            let name = named(&port["ifname"], &names);
            lines.insert(format!("vlans of {name}: {}", vlan_list(&port["vlans"])));
        }
        for family in ["-4", "-6"] {
            for route in items(&ns.json(&format!("ip -j {family} route show"))?) {
                let dev = named(&route["dev"], &names);
                if route["dst"] != "fe80::/64" {
                    let (dst, via) = (&route["dst"], &route["gateway"]);
                    lines.insert(format!("route to {dst}: dev {dev} via {via}"));
                }
            }
        }
        Ok(Self(lines))
    }

    /// Waits until `ns` is like this.
    pub(super) fn is_again(&self, ns: &Ns) -> Result<()> {
        let mut diff = String::new();
        let same = poll(SETTLE, "", || match Self::of(ns) {
            Ok(now) => {
                diff = self.diff(&now);
                diff.is_empty()
            }
            Err(error) => {
                diff = error.to_string();
                false
            }
        });
        ensure!(same.is_ok(), "{} is not as before:\n{diff}", ns.name());
        Ok(())
    }

    /// `-` only here, `+` only in `other`; empty where both are the same.
    pub(super) fn diff(&self, other: &Self) -> String {
        let gone = self.0.difference(&other.0).map(|l| format!("- {l}\n"));
        let new = other.0.difference(&self.0).map(|l| format!("+ {l}\n"));
        gone.chain(new).collect()
    }
}

/// The VLANs of a port: `1 pvid untagged, 100`.
pub(super) fn vlan_list(vlans: &Value) -> String {
    let words: Vec<String> = items(vlans)
        .map(|vlan| {
            let has = |flag: &str| items(&vlan["flags"]).any(|f| f == flag);
            let pvid = if has("PVID") { " pvid" } else { "" };
            let untagged = if has("Egress Untagged") {
                " untagged"
            } else {
                ""
            };
            format!("{}{pvid}{untagged}", vlan["vlan"])
        })
        .collect();
    words.join(", ")
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// The role of each veth: whose port it is.
fn roles(links: &[Value]) -> HashMap<&str, String> {
    let mut containers = 0;
    let mut role = |link: &Value| match (&link["link"], &link["link_netnsid"]) {
        _ if link["linkinfo"]["info_kind"] != "veth" || link["master"].is_null() => None,
        (Value::String(peer), _) => Some(format!("the port of {peer}")),
        (_, Value::Null) => None,
        _ => {
            containers += 1;
            Some(format!("the port of container {containers}"))
        }
    };
    let named = links.iter().filter_map(|link| {
        let role = role(link)?;
        Some((link["ifname"].as_str()?, role))
    });
    named.collect()
}

fn named(name: &Value, roles: &HashMap<&str, String>) -> String {
    let name = name.as_str().unwrap_or_default();
    roles.get(name).cloned().unwrap_or_else(|| name.to_owned())
}

fn link_line(link: &Value, roles: &HashMap<&str, String>) -> String {
    let info = &link["linkinfo"];
    let up = items(&link["flags"]).any(|f| f == "UP");
    let filters = &info["info_data"]["vlan_filtering"];
    let port = &info["info_slave_data"];
    format!(
        "link {}: kind {} up {up} mtu {} master {} filters {filters} hairpin {} isolated {}",
        named(&link["ifname"], roles),
        info["info_kind"],
        link["mtu"],
        link["master"],
        port["hairpin"],
        port["isolated"],
    )
}
