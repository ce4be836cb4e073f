//! From what `ip`, `bridge`, `tc`, `nft` and `iptables-save` print to lines that compare.

use crate::Value;
use std::collections::BTreeMap;

/// Keys whose values change by themselves, at any depth.
const VOLATILE: &[&str] = &[
    "stats",
    "stats64",
    "tentative",
    "expires",
    "hello_timer",
    "tcn_timer",
    "topology_change_timer",
    "gc_timer",
    "message_age_timer",
    "forward_delay_timer",
    "hold_timer",
    "refcnt",
];

/// Keys that two labs do not share.
const LOCAL: &[&str] = &[
    "ifindex",
    "link_index",
    "link_netnsid",
    "bridge_id",
    "root_id",
    "designated_root",
    "designated_bridge",
    "group_address",
    "handle",
];

/// What the first line of each link says behind its name.
pub(crate) const EXISTS: &str = " exists true";

/// Whether a line of a diff says no more than that this link has what links have.
pub(crate) fn follows(link: &str, line: &str) -> bool {
    let line = &line[2..];
    let property = line
        .strip_prefix(link)
        .is_some_and(|rest| rest.starts_with(' '));
    let kept = line.ends_with(EXISTS) || line.contains(" linkinfo info_kind ");
    (property && !kept) || line.contains(&format!("/conf/{link}/"))
}

/// One line per property of each link, addresses left out.
pub(crate) fn links(links: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for link in links {
        let name = link["ifname"].as_str().unwrap_or("?");
        let mut link = clean(link);
        if let Value::Object(map) = &mut link {
            map.remove("addr_info");
            map.remove("ifname");
        }
        lines.push(format!("{name}{EXISTS}"));
        flatten(name, &link, &mut lines);
    }
    lines
}

fn flatten(path: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                flatten(&format!("{path} {key}"), value, lines);
            }
        }
        leaf => lines.push(format!("{path} {leaf}")),
    }
}

/// One line per address.
pub(crate) fn addresses(links: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for link in links {
        let name = link["ifname"].as_str().unwrap_or("?");
        for address in link["addr_info"].as_array().into_iter().flatten() {
            let mut address = clean(address);
            for key in ["valid_life_time", "preferred_life_time"] {
                if address[key] != u32::MAX {
                    address[key] = "limited".into();
                }
            }
            lines.push(format!("{name} {address}"));
        }
    }
    lines
}

/// One line per object; learnt and multicast FDB entries are dropped.
pub(crate) fn objects(objects: &[Value]) -> Vec<String> {
    // Multicast groups follow from the addresses.
    let group = |mac: &str| mac.starts_with("33:33:") || mac.starts_with("01:00:5e:");
    let lasting = |object: &&Value| match (&object["mac"], &object["state"]) {
        (Value::String(mac), state) => (state == "permanent" || state == "static") && !group(mac),
        _ => true,
    };
    let lines = objects.iter().filter(lasting);
    lines.map(|object| clean(object).to_string()).collect()
}

fn clean(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map
                .iter()
                .filter(|(key, _)| !VOLATILE.contains(&key.as_str()));
            Value::Object(kept.map(|(k, v)| (k.clone(), clean(v))).collect())
        }
        Value::Array(items) => items.iter().map(clean).collect(),
        other => other.clone(),
    }
}

/// Rules with their table, chains of one's own, and policies other than ACCEPT.
pub(crate) fn iptables(text: &str) -> Vec<String> {
    let mut table = "";
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(':') {
            let chain = chain.split(" [").next().unwrap_or(chain);
            if !chain.ends_with(" ACCEPT") {
                lines.push(format!("{table} chain {chain}"));
            }
        } else if line.starts_with('-') {
            lines.push(format!("{table} {line}"));
        }
    }
    lines
}

/// The ruleset without the tables that `iptables-save` shows better.
pub(crate) fn nft(text: &str) -> Vec<String> {
    let mut hidden = false;
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(table) = line.strip_prefix("table ") {
            let mut words = table.split_whitespace();
            let family = words.next().unwrap_or_default();
            let name = words.next().unwrap_or_default();
            hidden = ["ip", "ip6"].contains(&family)
                && ["nat", "filter", "mangle", "raw", "security"].contains(&name);
        }
        if !hidden && !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

/// What to call things that are named or numbered at random.
pub(crate) struct Names {
    names: Vec<(String, String)>,
    macs: BTreeMap<String, String>,
    replace: Vec<(String, String)>,
    hosts: usize,
}

impl Names {
    pub(crate) fn new(replace: &[(&str, &str)]) -> Self {
        let replace = replace.iter();
        Self {
            names: Vec::new(),
            macs: BTreeMap::new(),
            replace: replace
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
            hosts: 0,
        }
    }

    /// Takes in the links of a namespace, in the order of their creation.
    pub(crate) fn learn(&mut self, ns: &str, links: &Value) {
        let mut links: Vec<_> = links.as_array().into_iter().flatten().collect();
        // A bridge bears the address of one of its ports: the port is to give the name.
        links.sort_by_key(|l| {
            (
                l["linkinfo"]["info_kind"] == "bridge",
                l["ifindex"].as_u64(),
            )
        });
        for link in links {
            let Some(name) = link["ifname"].as_str() else {
                continue;
            };
            let mut shown = name.to_owned();
            if is_random(name) {
                self.hosts += 1;
                shown = format!("veth#{}", self.hosts);
                self.names.push((name.to_owned(), shown.clone()));
            }
            if let Some(mac) = link["address"]
                .as_str()
                .filter(|m| m.len() == 17 && !zero(m))
            {
                let token = || format!("<mac {ns}/{shown}>");
                self.macs.entry(mac.to_owned()).or_insert_with(token);
            }
        }
    }

    pub(crate) fn apply(&self, section: &str, lines: &mut Vec<String>) {
        lines.retain(|line| !is_local(line));
        for line in &mut *lines {
            *line = self.rename(line);
        }
        // Where the order is the kernel's own business it may depend on a random name.
        let ordered = ["rule", "rule6", "nft", "iptables-save", "ip6tables-save"];
        if !ordered.iter().any(|name| section.ends_with(name)) {
            lines.sort();
        }
    }

    fn rename(&self, line: &str) -> String {
        let mut line = strip_local(line);
        for (from, to) in self.replace.iter().chain(&self.names) {
            line = line.replace(from.as_str(), to);
        }
        for (mac, token) in &self.macs {
            line = line.replace(mac.as_str(), token);
        }
        replace_link_local(&line)
    }
}

fn zero(mac: &str) -> bool {
    mac.bytes().all(|b| b == b'0' || b == b':')
}

/// A host-side name as the reference plugins (`veth`) and ours (`fw`) make them.
fn is_random(name: &str) -> bool {
    let hex = name
        .strip_prefix("veth")
        .or_else(|| name.strip_prefix("fw"));
    hex.is_some_and(|hex| hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A flattened link line whose key is one of [`LOCAL`].
fn is_local(line: &str) -> bool {
    !line.contains('{') && line.split(' ').any(|word| LOCAL.contains(&word))
}

/// An object line without its [`LOCAL`] keys.
fn strip_local(line: &str) -> String {
    let Some(at) = line.find('{') else {
        return line.to_owned();
    };
    let Ok(Value::Object(mut map)) = serde_json::from_str(&line[at..]) else {
        return line.to_owned();
    };
    // `bridge` looks the peer's index up in the wrong namespace and prints what it finds.
    map.retain(|key, _| !LOCAL.contains(&key.as_str()) && key != "link");
    format!("{}{}", &line[..at], Value::Object(map))
}

/// `fe80::x:xxff:fexx:x` to `<ll>`.
fn replace_link_local(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("fe80::") {
        let word = &rest[at..];
        let end = word
            .find(|c: char| c != ':' && !c.is_ascii_hexdigit())
            .unwrap_or(word.len());
        out.push_str(&rest[..at]);
        out.push_str(if word[..end].contains("ff:fe") {
            "<ll>"
        } else {
            &word[..end]
        });
        rest = &word[end..];
    }
    out + rest
}

/// The lines of both, but for the longest common part: `- a` and `+ b`.
pub(crate) fn diff(a: &[String], b: &[String]) -> Vec<String> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    // common[i][j]: how many lines a[i..] and b[j..] share.
    let mut common = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = match a[i] == b[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[i + 1][j] >= common[i][j + 1]) {
            out.push(format!("- {}", a[i]));
            i += 1;
        } else {
            out.push(format!("+ {}", b[j]));
            j += 1;
        }
    }
    out
}
