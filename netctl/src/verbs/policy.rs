//! `netctl policy`: what is in force, and how it stands.

use super::{lines, maybe, object::title};
use crate::{
    args_policy::{Party, PortArg, Protocol},
    cli::usage,
    document::{Answer, Job},
    error::NetctlError,
    sheet::{Cell, Sheet, Tone},
};
use clap::{Args, Subcommand};
use fairway_api::{
    Method,
    admin::{AuditRow, Policy, PolicyExplain, PolicyExplained, PolicyStatus},
};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyVerb {
    /// List the policies as this node sees them
    Ls,
    /// Who decides whether SRC may talk to DST, and how; status 0 whether it may or not
    Explain(Explain),
    /// What policies in audit would have refused, most first
    Audit,
    /// Whether policies are enforced on this node, how full its maps are, what became of packets
    Status,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Who begins: NAMESPACE/POD or an address
    #[arg(value_name = "SRC")]
    from: Party,
    /// Who answers: NAMESPACE/POD or an address
    #[arg(value_name = "DST")]
    to: Party,
    /// The destination port: 80, or 80/udp; without it a protocol that has none
    port: Option<PortArg>,
    /// tcp, udp or sctp; without PORT another, such as icmp [default: tcp; without PORT: icmp]
    #[arg(long, value_name = "NAME")]
    protocol: Option<Protocol>,
}

impl PolicyVerb {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        Ok(match self {
            PolicyVerb::Ls => Job::list::<Policy>(Method::PolicyList),
            PolicyVerb::Explain(explain) => {
                Job::new::<PolicyExplained>(Method::PolicyExplain(explain.api()?))
            }
            PolicyVerb::Audit => {
                let sorted = |mut rows: Vec<AuditRow>| {
                    rows.sort_by(|a, b| {
                        let (a_name, b_name) = ((&a.policy, &a.rule), (&b.policy, &b.rule));
                        b.flows.cmp(&a.flows).then(a_name.cmp(&b_name))
                    });
                    rows
                };
                Job::listed(Method::PolicyAudit, sorted)
            }
            PolicyVerb::Status => Job::new::<PolicyStatus>(Method::PolicyStatus),
        }
        .watchable())
    }
}

impl Explain {
    fn api(&self) -> Result<PolicyExplain, NetctlError> {
        let port = self.port.as_ref();
        let of_port = port.and_then(|port| port.protocol.clone());
        let protocol = match (of_port, self.protocol.clone()) {
            (Some(one), Some(other)) if one != other => {
                return Err(usage(&format!(
                    "--protocol {other}: PORT says {one} already"
                )));
            }
            (Some(one), _) | (None, Some(one)) => one,
            (None, None) => Protocol::usual(port.is_some()),
        };
        match (port, protocol.has_ports()) {
            (None, true) => return Err(usage(&format!("{protocol} needs a PORT"))),
            (Some(port), false) => {
                let number = port.number;
                return Err(usage(&format!("{number}: {protocol} has no ports")));
            }
            _ => {}
        }
        Ok(PolicyExplain {
            from: self.from.api(),
            to: self.to.api(),
            port: port.map(|port| port.number),
            protocol: protocol.to_string(),
        })
    }
}

impl Answer for Vec<Policy> {
    fn sheet(&self) -> Sheet {
        let heads = [
            "KIND",
            "NAME",
            "TIER",
            "PRIORITY?",
            "INGRESS?",
            "EGRESS?",
            "HERE",
            "ENDPOINTS",
            "MODE",
            "PROBLEMS?",
        ];
        let mut sheet = Sheet::new(&heads, "no policies: everybody may talk with everybody");
        for policy in self {
            sheet.row([
                Cell::from(&policy.object.kind),
                Cell::from(title(&policy.object)),
                Cell::from(&policy.tier),
                maybe(policy.priority.as_ref()),
                maybe(policy.ingress.as_ref()),
                maybe(policy.egress.as_ref()),
                Cell::from(policy.here),
                Cell::from(policy.endpoints),
                Cell::from(&policy.mode).tone(match policy.mode.as_str() {
                    "audit" => Tone::Mind,
                    _ => Tone::Good,
                }),
                lines(&policy.problems).tone(Tone::Bad),
            ]);
        }
        sheet
    }
}

impl Answer for Vec<AuditRow> {
    fn sheet(&self) -> Sheet {
        let heads = ["FLOWS", "POLICY", "RULE"];
        let mut sheet = Sheet::new(&heads, "nothing that a policy in audit would have refused");
        for row in self {
            sheet.row([
                Cell::from(row.flows).tone(Tone::Mind),
                Cell::from(&row.policy),
                Cell::from(&row.rule),
            ]);
        }
        sheet
    }
}

impl Answer for PolicyStatus {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&["ENFORCED", "ENDPOINTS"], "");
        let (enforced, tone) = match self.enforced {
            true => ("yes", Tone::Good),
            false => ("NO", Tone::Bad),
        };
        sheet.row([Cell::from(enforced).tone(tone), Cell::from(self.endpoints)]);
        for problem in &self.problems {
            sheet.note(format!("problem: {problem}"));
        }
        if !self.maps.is_empty() {
            sheet.then(maps(self));
        }
        if !self.packets.is_empty() {
            sheet.then(packets(self));
        }
        sheet
    }
}

fn maps(status: &PolicyStatus) -> Sheet {
    let mut sheet = Sheet::new(&["MAP", "USED", "SIZE", "FULL"], "");
    for map in &status.maps {
        let full = u128::from(map.used) * 100 / u128::from(map.size.max(1));
        sheet.row([
            Cell::from(&map.name),
            Cell::from(map.used),
            Cell::from(map.size),
            Cell::from(format!("{full}%")).tone(match full {
                0..80 => Tone::Good,
                80..100 => Tone::Mind,
                _ => Tone::Bad,
            }),
        ]);
    }
    sheet
}

fn packets(status: &PolicyStatus) -> Sheet {
    let mut sheet = Sheet::new(&["REASON", "DIRECTION", "PACKETS", "BYTES", "NUMBER"], "");
    for count in &status.packets {
        sheet.row([
            Cell::from(&count.reason),
            Cell::from(&count.direction),
            Cell::from(count.packets),
            Cell::from(count.bytes),
            Cell::from(count.number),
        ]);
    }
    sheet
}
