//! Firewall rules that somebody else made and that are in the way of containers.
//!
//! A base chain that drops what it does not know drops packets of containers (Docker sets FORWARD so), and
//! one of them is enough: that another chain accepts a packet does not save it. Who knows what every rule
//! does would have to be the kernel; here a chain counts as passable where it, or one that it jumps to, has
//! a rule that plainly accepts our links or the overlay's port. So what is found is a warning.

mod gate;
mod legacy;
mod nft;

use super::judge::{ok, warning};
use crate::routes::Ground;
use fairway_api::admin::Check;
use fairway_ipam::Family;
use gate::{Gate, Hook};
use std::{io::ErrorKind, process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

/// What was read, and what could not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rules {
    /// What `nft` lists; none: it is not installed.
    nft: Option<Result<String, String>>,
    /// What `iptables-legacy` lists; empty: nothing is in use.
    legacy: Vec<(Family, Result<String, String>)>,
}

/// Lists all rules. `within`: how long each program may take.
pub(super) async fn read(within: Duration) -> Rules {
    let legacy = async |family, names: &str, program: &str| {
        // To ask for a table that is not there would make it.
        let names = std::fs::read_to_string(names).unwrap_or_default();
        match names.lines().any(|name| name == "filter") {
            true => Some((family, run(program, &["-S"], within).await?)),
            false => None,
        }
    };
    let (nft, v4, v6) = tokio::join!(
        run("nft", &["-j", "list", "ruleset"], within),
        legacy(Family::V4, "/proc/net/ip_tables_names", "iptables-legacy"),
        legacy(Family::V6, "/proc/net/ip6_tables_names", "ip6tables-legacy"),
    );
    Rules {
        nft,
        legacy: [v4, v6].into_iter().flatten().collect(),
    }
}

/// What a program writes; none: it is not installed.
async fn run(
    program: &str,
    arguments: &[&str],
    within: Duration,
) -> Option<Result<String, String>> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C");
    command.stdin(Stdio::null()).kill_on_drop(true);
    Some(match timeout(within, command.output()).await {
        Ok(Ok(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(Ok(output)) => {
            let text = String::from_utf8_lossy(&output.stderr);
            Err(text.lines().next().unwrap_or_default().to_owned())
        }
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => return None,
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {within:?}")),
    })
}

pub(super) fn judge(ground: &Ground, port: u16, rules: &Rules) -> Vec<Check> {
    let (mut checks, mut gates) = (Vec::new(), Vec::new());
    let uplink = ground.underlay.as_ref().map(|found| found.link.as_str());
    let install = || Some("install nftables".to_owned());
    match &rules.nft {
        None => {
            let text = "nft is not installed: whether firewall rules are in the way is not known";
            checks.push(warning("firewall", text, install()));
        }
        Some(Err(error)) => checks.push(unread("nft -j list ruleset", error)),
        Some(Ok(text)) => match nft::gates(text, port, uplink) {
            Ok(found) => gates.extend(found),
            Err(error) => checks.push(unread("nft -j list ruleset", &error.to_string())),
        },
    }
    for (family, text) in &rules.legacy {
        match text {
            Ok(text) => gates.extend(legacy::gates(*family, text, port, uplink)),
            Err(error) => checks.push(unread(gate::legacy_program(*family), error)),
        }
    }
    checks.extend(gates.iter().filter_map(|gate| told(ground, port, gate)));
    if checks.is_empty() {
        checks.push(ok("firewall", "no chain drops what it does not know"));
    }
    checks
}

fn unread(what: &str, error: &str) -> Check {
    warning("firewall", format!("{what}: {error}"), None)
}

/// Where a chain is in the way.
fn told(ground: &Ground, port: u16, gate: &Gate) -> Option<Check> {
    let matters = |families: &[Family]| match gate.family.as_str() {
        "ip" => families.contains(&Family::V4),
        "ip6" => families.contains(&Family::V6),
        _ => !families.is_empty(),
    };
    let chain = gate.to_string();
    match gate.hook {
        Hook::Forward if matters(&ground.families) => {
            let mut ways = Vec::new();
            if !gate.from_containers {
                ways.push(("i", "from"));
            }
            if !gate.to_containers {
                ways.push(("o", "to"));
            }
            if ways.is_empty() {
                return None;
            }
            let remedies: Vec<_> = ways.iter().map(|(way, _)| gate.accept_link(way)).collect();
            let ways: Vec<_> = ways.iter().map(|(_, way)| *way).collect();
            let text = format!(
                "{chain} drops what it does not know, and has no rule that accepts packets {} containers",
                ways.join(" and ")
            );
            Some(warning("firewall", text, Some(remedies.join("; "))))
        }
        Hook::Input if ground.wraps && !gate.overlay && matters(&underlay_families(ground)) => {
            let text = format!(
                "{chain} drops what it does not know, and has no rule that accepts the overlay's UDP port {port}"
            );
            Some(warning("firewall", text, Some(gate.accept_port(port))))
        }
        _ => None,
    }
}

/// The overlay's packets are of the first.
fn underlay_families(ground: &Ground) -> Vec<Family> {
    let addresses = ground
        .underlay
        .iter()
        .flat_map(|found| &found.record.addresses);
    let family = |v4: bool| match v4 {
        true => Family::V4,
        false => Family::V6,
    };
    addresses.map(|a| family(a.address.is_ipv4())).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
