//! The kernel's network state as text lines that can be compared.
//!
//! Two uses: *nothing left behind* (the same namespace before and after; see
//! [`Snapshot::unchanged`]) and *the same as the other implementation* (two labs side by side;
//! see [`Snapshot::portable`]). All of it is read by independent tools, none by our own netlink.
//!
//! Left out: counters, timers, learnt neighbours and FDB entries, the DAD state, and tables and
//! base chains of iptables that hold nothing, since listing alone makes some of them.

use crate::normalise::{self, Names};
use crate::{Error, Ns, Result, Value, poll};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often what differs is looked at again, at least: an emulated CPU that shares its core looks for seconds.
const LOOKS: u32 = 10;

/// See the module's head. `Display` prints all lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    sections: BTreeMap<String, Vec<String>>,
}

/// (section, command); one line per object in the order in which the tool gives them.
const OBJECTS: &[(&str, &str)] = &[
    ("route", "ip -j -d -4 route show table all"),
    ("route6", "ip -j -d -6 route show table all"),
    ("rule", "ip -j -4 rule show"),
    ("rule6", "ip -j -6 rule show"),
    ("neigh", "ip -j neigh show nud permanent"),
    ("proxy", "ip -j neigh show proxy"),
    ("bridge port", "bridge -j -d link show"),
    ("bridge vlan", "bridge -j vlan show"),
    ("bridge fdb", "bridge -j fdb show"),
    ("qdisc", "tc -j qdisc show"),
];

/// Sysctl folders below /proc/sys/net of which all files are read, and single files.
const SYSCTLS: &[&str] = &[
    "ipv4/conf",
    "ipv6/conf",
    "ipv4/ip_forward",
    "ipv4/ip_nonlocal_bind",
];

impl Snapshot {
    /// The state of one namespace, exact but for what changes by itself.
    ///
    /// # Errors
    /// Where a tool fails.
    pub fn take(ns: &Ns) -> Result<Self> {
        let mut sections = BTreeMap::new();
        collect(ns, "", &mut sections)?;
        Ok(Self { sections })
    }

    /// As [`Snapshot::take`], once nothing is on its way any more, as far as that comes within `limit`: the kernel is up
    /// to a second late with what a cable brings along, and with an address that it asks the others about.
    ///
    /// # Errors
    /// Where a tool fails.
    pub fn settled(ns: &Ns, limit: Duration) -> Result<Self> {
        let _ = poll(limit, "", || !is_awaited(ns).is_ok_and(|awaited| awaited));
        let begun = Instant::now();
        let mut last = Self::take(ns);
        let _ = poll(limit.max(begun.elapsed() * LOOKS), "", || {
            let now = Self::take(ns);
            let same = now.as_ref().ok() == last.as_ref().ok();
            last = now;
            same
        });
        last
    }

    /// The state of several namespaces in a form that two labs with the same topology share.
    ///
    /// Interface indexes go; host-side names with 8 hex digits become `veth#1`, … in the order
    /// of creation; MACs become `<mac NS/LINK>`; link-local addresses made from MACs become
    /// `<ll>`. `replace` is for what only the test knows: container ids, paths.
    ///
    /// # Errors
    /// Where a tool fails.
    pub fn portable(spaces: &[&Ns], replace: &[(&str, &str)]) -> Result<Self> {
        let mut names = Names::new(replace);
        let mut sections = BTreeMap::new();
        for ns in spaces {
            names.learn(ns.name(), &ns.json("ip -j -d link show")?);
            collect(ns, &format!("{} ", ns.name()), &mut sections)?;
        }
        for (name, lines) in &mut sections {
            names.apply(name, lines);
        }
        Ok(Self { sections })
    }

    /// The lines of one section, for example `route` (of a portable one: `node route`).
    pub fn section(&self, name: &str) -> &[String] {
        self.sections.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names of the sections that hold a line.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// The snapshot without the lines that `drop(section, line)` names.
    #[must_use]
    pub fn without(mut self, drop: impl Fn(&str, &str) -> bool) -> Self {
        for (name, lines) in &mut self.sections {
            lines.retain(|line| !drop(name, line));
        }
        self.sections.retain(|_, lines| !lines.is_empty());
        self
    }

    /// What differs, by section: `-` only in `self`, `+` only in `other`; empty if nothing.
    ///
    /// Of a link that only one of them has, its properties and sysctls are not listed.
    pub fn diff(&self, other: &Self) -> String {
        let mut text = String::new();
        let mut names: Vec<_> = self.sections().chain(other.sections()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let mut lines = normalise::diff(self.section(name), other.section(name));
            let lonely = self.lonely(other, name);
            lines.retain(|line| !lonely.iter().any(|link| normalise::follows(link, line)));
            if !lines.is_empty() {
                let _ = writeln!(text, "[{name}]\n{}", lines.join("\n"));
            }
        }
        text
    }

    /// The links that only one of them has, as far as a section lists what links have.
    fn lonely(&self, other: &Self, section: &str) -> Vec<String> {
        let links = match section.strip_suffix("sysctl") {
            Some(prefix) => format!("{prefix}link"),
            None if section.ends_with("link") => section.to_owned(),
            None => return Vec::new(),
        };
        let differ = normalise::diff(self.section(&links), other.section(&links));
        let names = differ
            .iter()
            .filter_map(|line| line.strip_suffix(normalise::EXISTS));
        names.map(|name| name[2..].to_owned()).collect()
    }

    /// Wants both the same.
    ///
    /// # Errors
    /// [`Error::Differ`] with the lines that differ.
    pub fn same(&self, other: &Self, what: &str) -> Result {
        match self.diff(other) {
            diff if diff.is_empty() => Ok(()),
            diff => Err(Error::Differ {
                what: what.to_owned(),
                diff,
            }),
        }
    }

    /// Waits until the namespace is again as it was: some traces go a moment later.
    ///
    /// # Errors
    /// [`Error::Differ`] with what is left after `limit`, and some looks.
    pub fn unchanged(&self, ns: &Ns, limit: Duration) -> Result {
        self.unchanged_but(ns, limit, |_, _| false)
    }

    /// As [`Snapshot::unchanged`], without the lines that `drop(section, line)` names.
    ///
    /// # Errors
    /// As [`Snapshot::unchanged`].
    pub fn unchanged_but(
        &self,
        ns: &Ns,
        limit: Duration,
        drop: impl Fn(&str, &str) -> bool,
    ) -> Result {
        let before = self.clone().without(&drop);
        let begun = Instant::now();
        let mut last = Self::take(ns)?.without(&drop);
        let _ = poll(limit.max(begun.elapsed() * LOOKS), "", || {
            before == last || {
                if let Ok(now) = Self::take(ns) {
                    last = now.without(&drop);
                }
                before == last
            }
        });
        before.same(&last, &format!("{} is not as it was before", ns.name()))
    }
}

impl std::fmt::Display for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, lines) in &self.sections {
            writeln!(f, "[{name}]")?;
            lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        Ok(())
    }
}

/// Whether the kernel has not yet drawn all conclusions: of a link whose carrier has come or gone and which says
/// otherwise of its operation, or of an address that may be another's.
fn is_awaited(ns: &Ns) -> Result<bool> {
    let links = read(ns, "ip -j addr show")?;
    Ok(links.iter().any(|link| {
        let flags = link["flags"].as_array();
        let has = |name: &str| flags.is_some_and(|flags| flags.iter().any(|flag| flag == name));
        let mut addresses = link["addr_info"].as_array().into_iter().flatten();
        let asks = |address: &Value| address["tentative"] == true && address["dadfailed"] != true;
        has("UP")
            && (has("LOWER_UP") == has("NO-CARRIER") || has("LOWER_UP") && addresses.any(asks))
    }))
}

fn collect(ns: &Ns, prefix: &str, sections: &mut BTreeMap<String, Vec<String>>) -> Result {
    let mut put = |name: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            sections.insert(format!("{prefix}{name}"), lines);
        }
    };
    let addresses = read(ns, "ip -j -d addr show")?;
    put("link", normalise::links(&addresses));
    put("addr", normalise::addresses(&addresses));
    for (name, line) in OBJECTS {
        put(name, normalise::objects(&read(ns, line)?));
    }
    for tool in ["iptables-save", "ip6tables-save"] {
        put(tool, normalise::iptables(&optional(ns, &[tool])?));
    }
    put(
        "nft",
        normalise::nft(&optional(ns, &["nft", "-s", "list", "ruleset"])?),
    );
    let sysctls = ns.inside(|| {
        let mut lines = Vec::new();
        for name in SYSCTLS {
            sysctls(name, &mut lines);
        }
        lines.sort();
        lines
    });
    put("sysctl", sysctls?);
    Ok(())
}

fn read(ns: &Ns, line: &str) -> Result<Vec<Value>> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let text = ns.command(program).args(words).bare().run()?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&text).map_err(|source| Error::Json {
        what: format!("the output of `{line}`"),
        source,
        text,
    })
}

/// The output of a tool that a machine may do without.
fn optional(ns: &Ns, words: &[&str]) -> Result<String> {
    match ns.command(words[0]).args(&words[1..]).bare().run() {
        Err(Error::Start { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(String::new())
        }
        other => other,
    }
}

fn sysctls(name: &str, lines: &mut Vec<String>) {
    let path = Path::new("/proc/sys/net").join(name);
    let Ok(entries) = fs::read_dir(&path) else {
        // Some cannot be read before they are set (stable_secret): they have no value then.
        if let Ok(value) = fs::read_to_string(&path) {
            lines.push(format!("{name} = {}", value.trim_end()));
        }
        return;
    };
    for entry in entries.flatten() {
        sysctls(&format!("{name}/{}", entry.file_name().display()), lines);
    }
}
