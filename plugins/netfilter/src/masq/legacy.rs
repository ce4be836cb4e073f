//! The iptables backend by its programs: for iptables-legacy, whose tables only
//! its own ways reach, and for whatever else stands behind the name.
//!
//! An ADD runs one program per family: it tries to make the chain anew, which
//! fails as a whole where it is there, and only then looks. DEL and GC look at
//! /proc first, which names the legacy tables of the namespace.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ipnetwork::IpNetwork;

use super::plan::{self, POSTROUTING, Removal, Seen};
use super::save::{SavedRule, SavedTable, quoted};
use super::{MULTICAST_V4, MULTICAST_V6};
use crate::backend::{Flavor, Programs, legacy_names};
use crate::names::{xt_chain, xt_comment};
use crate::valid::Valid;
use crate::{Attachment, Error};

/// How long iptables waits for the lock that all its runs share, in seconds.
const LOCK_WAIT: &str = "--wait=60";

/// The programs of one family.
#[derive(Debug, Clone, Copy)]
struct Tool<'a> {
    programs: &'a Programs,
    v4: bool,
    /// `iptables` or `iptables-legacy`, and so on.
    name: &'static str,
}

impl<'a> Tool<'a> {
    /// What the name `iptables` stands for.
    fn installed(programs: &'a Programs, v4: bool) -> Self {
        Self {
            programs,
            v4,
            name: if v4 { "iptables" } else { "ip6tables" },
        }
    }

    /// The one for the legacy tables; none where there is none, or no table nat.
    fn for_legacy(programs: &'a Programs, v4: bool) -> Option<Self> {
        legacy_names(v4)?.lines().find(|name| *name == "nat")?;
        let legacy = Self {
            name: if v4 {
                "iptables-legacy"
            } else {
                "ip6tables-legacy"
            },
            ..Self::installed(programs, v4)
        };
        if programs.find(&legacy.program("save")).is_some() {
            return Some(legacy);
        }
        matches!(programs.flavor(), Some(Flavor::Legacy | Flavor::Unknown))
            .then(|| Self::installed(programs, v4))
    }

    fn program(&self, verb: &str) -> String {
        format!("{}-{verb}", self.name)
    }

    /// Reads table nat.
    fn save(&self) -> Result<SavedTable, Error> {
        let output = self.run("save", &["-t", "nat"], "")?;
        Ok(SavedTable::parse(&output))
    }

    /// Changes table nat: all lines or none.
    fn restore(&self, lines: &[String]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let script = format!("*nat\n{}\nCOMMIT\n", lines.join("\n"));
        self.run("restore", &["--noflush", LOCK_WAIT], &script)
            .map(drop)
    }

    fn run(&self, verb: &str, args: &[&str], stdin: &str) -> Result<String, Error> {
        let program = self.program(verb);
        let Some(path) = self.programs.find(&program) else {
            return Err(Error::NotInstalled { program });
        };
        let output = run(&path, args, stdin).map_err(|source| Error::Spawn {
            program: program.clone(),
            source,
        })?;
        if !output.status.success() {
            return Err(Error::Command {
                program,
                status: output.status,
                stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The child is in the calling thread's namespace.
fn run(path: &Path, args: &[&str], stdin: &str) -> std::io::Result<std::process::Output> {
    let mut child = Command::new(path)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A child that ends early says why on its stderr.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    child.wait_with_output()
}

/// The rules of an attachment for one family, in order.
fn wanted(attachment: &Attachment<'_>, addresses: &[IpNetwork], v4: bool) -> Vec<SavedRule> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    let comment = quoted(&xt_comment(attachment.network, attachment.container_id));
    let multicast: IpNetwork = if v4 {
        MULTICAST_V4.into()
    } else {
        MULTICAST_V6.into()
    };
    let mut rules: Vec<SavedRule> = Vec::new();
    for address in addresses.iter().filter(|address| address.is_ipv4() == v4) {
        let local = match address.prefix() {
            0 => String::new(),
            prefix => format!("-d {}/{prefix} ", address.network()),
        };
        let source = IpNetwork::from(address.ip());
        for line in [
            format!("-A {chain} {local}-m comment --comment {comment} -j ACCEPT"),
            format!("-A {chain} ! -d {multicast} -m comment --comment {comment} -j MASQUERADE"),
            format!("-A {POSTROUTING} -s {source} -m comment --comment {comment} -j {chain}"),
        ] {
            let new = SavedRule::parse(&line);
            rules.extend(new.filter(|new| !rules.iter().any(|rule| rule.is(new))));
        }
    }
    rules
}

pub(super) fn setup(
    programs: &Programs,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    for v4 in [true, false] {
        let rules = wanted(attachment, addresses, v4);
        if rules.is_empty() {
            continue;
        }
        let tool = Tool::installed(programs, v4);
        let mut lines = vec![format!("-N {chain}")];
        lines.extend(rules.iter().map(|rule| rule.line.clone()));
        match tool.restore(&lines) {
            Err(Error::Command { .. }) => complete(&tool, &chain, &rules)?,
            done => done?,
        }
    }
    Ok(())
}

/// Adds what the leftovers of an earlier ADD lack, and deletes what is twice.
fn complete(tool: &Tool<'_>, chain: &str, wanted: &[SavedRule]) -> Result<(), Error> {
    let table = tool.save()?;
    let mut lines = Vec::new();
    if !table.has_chain(chain) {
        lines.push(format!("-N {chain}"));
    }
    for rule in wanted {
        match table.rules.iter().filter(|saved| saved.is(rule)).count() {
            0 => lines.push(rule.line.clone()),
            count => lines.extend((1..count).map(|_| rule.deletion())),
        }
    }
    tool.restore(&lines)
}

pub(super) fn teardown(programs: &Programs, attachment: &Attachment<'_>) -> Vec<Error> {
    let chain = xt_chain(attachment.network, attachment.container_id);
    for_each_family(programs, |tool| {
        let table = tool.save()?;
        if !table.has_chain(&chain) {
            return Ok(Vec::new());
        }
        let seen = table.rules.into_iter().map(Seen::from).collect();
        Ok(vec![plan::teardown(attachment, seen)])
    })
}

pub(super) fn gc(programs: &Programs, valid: &Valid) -> Vec<Error> {
    for_each_family(programs, |tool| {
        let rules = tool.save()?.rules.into_iter();
        Ok(plan::gc(valid, rules.map(Seen::from).collect()))
    })
}

fn for_each_family(
    programs: &Programs,
    find: impl Fn(&Tool<'_>) -> Result<Vec<Removal<SavedRule>>, Error>,
) -> Vec<Error> {
    let mut errors = Vec::new();
    for v4 in [true, false] {
        let Some(tool) = Tool::for_legacy(programs, v4) else {
            continue;
        };
        match find(&tool) {
            Ok(removals) => {
                errors.extend(removals.iter().filter_map(|r| remove(&tool, r).err()));
            }
            Err(error) => errors.push(error),
        }
    }
    errors
}

fn remove(tool: &Tool<'_>, removal: &Removal<SavedRule>) -> Result<(), Error> {
    let mut lines: Vec<String> = removal.jumps.iter().map(SavedRule::deletion).collect();
    if removal.whole_chain {
        lines.push(format!("-F {}", removal.chain));
        lines.push(format!("-X {}", removal.chain));
    }
    tool.restore(&lines)
}

pub(super) fn check(
    programs: &Programs,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    for v4 in [true, false] {
        let rules = wanted(attachment, addresses, v4);
        if rules.is_empty() {
            continue;
        }
        let tool = Tool::installed(programs, v4);
        let table = tool.save()?;
        for rule in rules {
            if !table.rules.iter().any(|saved| saved.is(&rule)) {
                return Err(Error::MissingRule {
                    family: if tool.v4 { "ip" } else { "ip6" },
                    table: "nat",
                    chain: rule.chain,
                    what: format!("rule {}", rule.line),
                });
            }
        }
    }
    Ok(())
}

/// Whether this kernel lets iptables-legacy have a table nat.
pub(crate) fn works(programs: &Programs) -> bool {
    Tool::installed(programs, true).save().is_ok()
}
