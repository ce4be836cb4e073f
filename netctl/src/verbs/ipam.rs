//! `netctl ipam`.

use super::{maybe, short};
use crate::{
    document::{Answer, Job},
    sheet::{Cell, Sheet, Tone},
};
use clap::Subcommand;
use fairway_api::{
    Method,
    admin::{AddressRow, Audit, Finding, IpamAudit, IpamFree, IpamList},
    ipam::Released,
};
use std::net::IpAddr;

#[derive(Debug, Subcommand)]
pub(crate) enum IpamVerb {
    /// List the addresses that are not free
    Ls {
        /// Of this pool
        #[arg(long, value_name = "NAME")]
        pool: Option<String>,
        /// Of this node
        #[arg(long, value_name = "NAME")]
        node: Option<String>,
        /// This address: who has it?
        #[arg(long, value_name = "ADDRESS")]
        address: Option<IpAddr>,
    },
    /// Prove that allocated = live + claimed + cooling; status 1 where it is not so
    Check {
        /// Of this pool only
        #[arg(long, value_name = "NAME")]
        pool: Option<String>,
        /// Repair what can be repaired
        #[arg(long)]
        fix: bool,
    },
    /// Free an address by hand
    Release {
        /// Which
        address: IpAddr,
        /// Also where a container still has it: that one is cut off first
        #[arg(long)]
        force: bool,
    },
}

impl IpamVerb {
    pub(crate) fn job(&self) -> Job {
        match self {
            IpamVerb::Ls {
                pool,
                node,
                address,
            } => {
                let (pool, node, address) = (pool.clone(), node.clone(), *address);
                let method = Method::IpamList(IpamList {
                    pool,
                    node,
                    address,
                });
                Job::list::<AddressRow>(method).watchable()
            }
            IpamVerb::Check { pool, fix } => {
                let (pool, fix) = (pool.clone(), *fix);
                let job = Job::whole::<Audit>(Method::IpamAudit(IpamAudit { pool, fix }));
                match fix {
                    true => job,
                    false => job.watchable(),
                }
            }
            IpamVerb::Release { address, force } => {
                let (address, force) = (*address, *force);
                Job::new::<Released>(Method::IpamFree(IpamFree { address, force }))
            }
        }
    }
}

const HEADS: [&str; 10] = [
    "ADDRESS",
    "POOL",
    "STATE",
    "NODE?",
    "WORKLOAD?",
    "CLAIM?",
    "NETWORK?",
    "CONTAINER?",
    "INTERFACE?",
    "BLOCK",
];

impl Answer for Vec<AddressRow> {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&HEADS, "no addresses");
        for row in self {
            let holder = row.attachment.as_ref();
            sheet.row([
                Cell::from(row.ip),
                Cell::from(&row.pool),
                Cell::from(&row.state).tone(match row.state.as_str() {
                    "live" => Tone::Good,
                    "cooling" => Tone::Mind,
                    _ => Tone::Plain,
                }),
                maybe(row.node.as_ref()),
                maybe(row.workload.as_ref()),
                maybe(row.claim.as_ref()),
                maybe(holder.map(|holder| &holder.network)),
                maybe(holder.map(|holder| short(&holder.container)).as_ref()),
                maybe(holder.map(|holder| &holder.ifname)),
                Cell::from(&row.block),
            ]);
        }
        sheet
    }
}

impl Answer for Released {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&["FREED"], "nothing was to be freed");
        for address in &self.addresses {
            sheet.row([Cell::from(address)]);
        }
        sheet
    }
}

impl Answer for Audit {
    fn sheet(&self) -> Sheet {
        let heads = ["POOL", "ALLOCATED", "LIVE", "CLAIMED", "COOLING", "HOLDS"];
        let mut sheet = Sheet::new(&heads, "no pools");
        for pool in &self.pools {
            let (holds, tone) = match pool.holds {
                true => ("yes", Tone::Good),
                false => ("NO", Tone::Bad),
            };
            sheet.row([
                Cell::from(&pool.pool),
                Cell::from(pool.allocated),
                Cell::from(pool.live),
                Cell::from(pool.claimed),
                Cell::from(pool.cooling),
                Cell::from(holds).tone(tone),
            ]);
        }
        for finding in &self.findings {
            say(finding, &mut sheet);
        }
        match self.nodes.as_slice() {
            [] => sheet.note("looked at: the store"),
            nodes => sheet.note(format!(
                "looked at: the store; journal and kernel of {}",
                nodes.join(", ")
            )),
        }
        sheet
    }

    /// 1 where something does not hold and was not repaired.
    fn status(&self) -> u8 {
        let holds = self.pools.iter().all(|pool| pool.holds)
            && self.findings.iter().all(|f| f.fixed || !f.breaks);
        u8::from(!holds)
    }
}

/// `leaked: web 10.0.0.5: TEXT`, and below it what is to be done.
fn say(finding: &Finding, sheet: &mut Sheet) {
    let place = [finding.pool.clone(), finding.ip.map(|ip| ip.to_string())];
    let place: Vec<String> = place.into_iter().flatten().collect();
    let place = match place.is_empty() {
        true => String::new(),
        false => format!(" {}:", place.join(" ")),
    };
    let mind = if finding.breaks { "" } else { "note: " };
    sheet.note(format!("{mind}{}:{place} {}", finding.kind, finding.text));
    sheet.note(match (finding.fixed, finding.remedy.as_str()) {
        (true, _) => "    repaired".to_owned(),
        (false, "") => "    remedy: netctl ipam check --fix repairs it".to_owned(),
        (false, remedy) => format!("    remedy: {remedy}"),
    });
}
