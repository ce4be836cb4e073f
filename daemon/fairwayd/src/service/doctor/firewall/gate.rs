//! A base chain that drops what it does not know, whichever program lists it.

use fairway_ipam::Family;
use std::fmt;

/// All links that containers hang on begin so.
pub(super) const LINKS: &str = "fw";

/// Where packets meet it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    Forward,
    Input,
}

/// Whose rules it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Nft,
    Legacy,
}

/// A base chain that drops what it does not know, and what it does know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gate {
    pub(super) tool: Tool,
    /// `ip`, `ip6`, `inet`.
    pub(super) family: String,
    pub(super) table: String,
    pub(super) chain: String,
    pub(super) hook: Hook,
    /// It accepts whatever comes from containers.
    pub(super) from_containers: bool,
    /// It accepts whatever goes to containers.
    pub(super) to_containers: bool,
    /// It accepts the overlay's packets.
    pub(super) overlay: bool,
}

pub(super) fn legacy_program(family: Family) -> &'static str {
    match family {
        Family::V4 => "iptables-legacy",
        Family::V6 => "ip6tables-legacy",
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gate {
            family,
            table,
            chain,
            ..
        } = self;
        match self.tool {
            Tool::Nft => write!(f, "chain {chain} of table {family} {table}"),
            Tool::Legacy => write!(f, "chain {chain} of {}", self.program()),
        }
    }
}

impl Gate {
    fn program(&self) -> &'static str {
        legacy_program(match self.family.as_str() {
            "ip6" => Family::V6,
            _ => Family::V4,
        })
    }

    /// The command that lets packets of containers pass; `way`: `i` for those from them, `o` for those to them.
    pub(super) fn accept_link(&self, way: &str) -> String {
        let Gate {
            family,
            table,
            chain,
            ..
        } = self;
        match self.tool {
            Tool::Nft => {
                format!(
                    "nft insert rule {family} {table} {chain} {way}ifname '\"{LINKS}*\"' accept"
                )
            }
            Tool::Legacy => format!("{} -I {chain} -{way} {LINKS}+ -j ACCEPT", self.program()),
        }
    }

    /// The command that lets packets of the overlay pass.
    pub(super) fn accept_port(&self, port: u16) -> String {
        let Gate {
            family,
            table,
            chain,
            ..
        } = self;
        match self.tool {
            Tool::Nft => {
                format!("nft insert rule {family} {table} {chain} udp dport {port} accept")
            }
            Tool::Legacy => format!(
                "{} -I {chain} -p udp --dport {port} -j ACCEPT",
                self.program()
            ),
        }
    }
}

/// Chains that can be come to from one, itself with them. `jumps`: from where to where.
pub(super) fn within<'a>(from: &'a str, jumps: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let (mut reached, mut next) = (vec![from], 0);
    while let Some(chain) = reached.get(next).copied() {
        next += 1;
        for (of, to) in jumps {
            if *of == chain && !reached.contains(to) {
                reached.push(to);
            }
        }
    }
    reached
}
