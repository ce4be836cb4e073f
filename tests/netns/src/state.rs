//! All that a plugin may leave behind: kernel state of several namespaces, and address files.

use crate::{Bed, Member};
use fairway_lab::{Error, Ns, Result, Snapshot, poll};
use std::time::Duration;

/// How long traces may take to go by themselves.
const SETTLES: Duration = Duration::from_secs(30);

/// The node, some containers and what plugins keep in files, as they were.
#[derive(Debug)]
pub struct State<'a> {
    bed: &'a Bed,
    spaces: Vec<(Ns, Snapshot)>,
    brief: Vec<String>,
    held: Vec<String>,
}

impl Bed {
    /// Detaches a container that was there only so that what is the node's is made. A bridge that has been in operation
    /// has an address of its own, and the kernel may take a second to that: so long nobody is detached.
    ///
    /// # Errors
    /// As [`Member::del`].
    pub fn earlier(&self, member: &Member) -> Result {
        self.settles()?;
        member.del()
    }

    /// Waits until the node's links are in operation and have their addresses.
    ///
    /// # Errors
    /// Where a tool fails.
    pub fn settles(&self) -> Result {
        Snapshot::settled(self.node(), SETTLES).map(drop)
    }
}

impl<'a> State<'a> {
    /// Takes the node, these containers, the addresses of the networks `net` and `far`, and what `multi` keeps.
    ///
    /// # Errors
    /// Where a tool fails.
    pub fn take(bed: &'a Bed, containers: &[&Ns]) -> Result<Self> {
        let mut spaces = Vec::new();
        let mut briefs = Vec::new();
        for ns in std::iter::once(bed.node()).chain(containers.iter().copied()) {
            // What is still on its way (operational states, routes) has to arrive first.
            let last = Snapshot::settled(ns, SETTLES)?;
            briefs.push(brief(ns)?);
            spaces.push((ns.clone(), last));
        }
        Ok(Self {
            bed,
            spaces,
            brief: briefs,
            held: files(bed),
        })
    }

    /// Wants everything as it was, down to kernel settings.
    ///
    /// # Errors
    /// With what differs.
    pub fn unchanged(&self) -> Result {
        self.files()?;
        let mut spaces = self.spaces.iter();
        spaces.try_for_each(|(ns, before)| before.unchanged(ns, SETTLES))
    }

    /// As [`State::unchanged`] at a tenth of its cost, for hundreds of looks: links, addresses, routes,
    /// bridge ports, rules and address files; no kernel settings, qdiscs, FDB or neighbours.
    ///
    /// # Errors
    /// With what differs.
    pub fn about_unchanged(&self) -> Result {
        self.files()?;
        for ((ns, _), before) in self.spaces.iter().zip(&self.brief) {
            let mut now = brief(ns)?;
            let _ = poll(SETTLES, "", || {
                now == *before || {
                    now = brief(ns).unwrap_or_default();
                    now == *before
                }
            });
            if now != *before {
                return Err(Error::Differ {
                    what: format!("{} is not as it was before", ns.name()),
                    diff: differing(before, &now),
                });
            }
        }
        Ok(())
    }

    fn files(&self) -> Result {
        let now = files(self.bed);
        match now == self.held {
            true => Ok(()),
            false => Err(Error::Differ {
                what: "the addresses that are taken, or what is kept".to_owned(),
                diff: format!("- {:?}\n+ {now:?}\n", self.held),
            }),
        }
    }
}

fn files(bed: &Bed) -> Vec<String> {
    let held = ["net", "far"].map(|network| bed.held(network)).concat();
    [held, bed.records_of_multi()].concat()
}

const BRIEF: &str = "ip -o link; ip -o addr; ip route show table all; ip -6 route show table all; \
    bridge link; bridge vlan; nft -s list ruleset 2>/dev/null";

/// Links, addresses, routes, ports and rules in the words of the tools, without what changes by itself.
fn brief(ns: &Ns) -> Result<String> {
    let text = ns.command("sh").args(["-c", BRIEF]).bare().run()?;
    let mut lines: Vec<_> = text.lines().map(steady).collect();
    lines.dedup();
    Ok(lines.join("\n"))
}

fn steady(line: &str) -> String {
    let words = line.split_whitespace();
    let words = words.filter(|word| !["tentative", "linkdown", "dadfailed"].contains(word));
    words.collect::<Vec<_>>().join(" ")
}

fn differing(before: &str, now: &str) -> String {
    let only = |a: &str, b: &str, sign: char| -> String {
        let lines = a
            .lines()
            .filter(|line| !b.lines().any(|other| other == *line));
        lines.map(|line| format!("{sign} {line}\n")).collect()
    };
    only(before, now, '-') + &only(now, before, '+')
}
