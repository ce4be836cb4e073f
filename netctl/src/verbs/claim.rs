//! `netctl claim`.

use super::{RELEASE, age, handover, lines, maybe, short};
use crate::{
    document::{Answer, Job},
    error::NetctlError,
    sheet::{Cell, Sheet, Tone},
};
use clap::{ArgGroup, Args, Subcommand};
use fairway_api::{
    Method,
    admin::{Claim, ClaimCreate, ClaimList, ClaimMove, ClaimRemove, SetSize},
};
use std::net::IpAddr;

#[derive(Debug, Subcommand)]
pub(crate) enum ClaimVerb {
    /// Keep addresses for a workload, before it is there; or change a set that is there
    Create(Create),
    /// List the claims
    Ls {
        /// Of this pool
        #[arg(long, value_name = "NAME")]
        pool: Option<String>,
        /// Of this application
        #[arg(long, value_name = "KIND/NAMESPACE/NAME")]
        app: Option<String>,
    },
    /// Give claims back: one, or those of an application
    Rm(Remove),
    /// Take a claim from where it is: keep it for a node, or give it to another workload
    Move(Move),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name: the workload's (NAMESPACE/POD), or any that workloads name by hand
    name: String,
    /// The pool that its addresses are of
    #[arg(long, value_name = "NAME")]
    pool: String,
    /// This very address; one of each family at most
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    address: Vec<IpAddr>,
    /// A set: each workload that names it gets a member of its own. Of a set that is there, what is not
    /// given stays as it is
    #[arg(long, conflicts_with = "address")]
    set: bool,
    /// Members that the set keeps [default: as many as there were at once]
    #[arg(long, value_name = "N", requires = "set")]
    size: Option<u32>,
    /// How many more there may be during an update [default: a quarter of the size, at least 1]
    #[arg(long, value_name = "N", requires = "set")]
    surge: Option<u32>,
    /// When it is given back [default: never]
    #[arg(long, value_name = "POLICY", long_help = format!("When it is given back [default: never]: {RELEASE}"))]
    release: Option<String>,
    /// What a newcomer gets while its holder is still ending [default: the pool's]
    #[arg(long, value_name = "MODE", value_parser = handover())]
    handover: Option<String>,
    /// The application that it belongs to [default: what its name says, if that is of the form]
    #[arg(long, value_name = "KIND/NAMESPACE/NAME")]
    app: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["name", "app"]))]
pub(crate) struct Remove {
    /// Its name; a set goes with all its members
    name: Option<String>,
    /// Those of an application that was deleted (release on-app-delete or on-scale-down)
    #[arg(long, value_name = "KIND/NAMESPACE/NAME")]
    app: Option<String>,
    /// The application was scaled down to so many: only those above (release on-scale-down)
    #[arg(long, value_name = "N", requires = "app", conflicts_with = "name")]
    replicas: Option<u32>,
    /// Its pool, where the name is in more than one; with --app only those of this pool
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// Also where a container holds it: that one is cut off
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).multiple(true).args(["node", "anywhere", "to", "force"]))]
pub(crate) struct Move {
    /// Its name
    name: String,
    /// Its pool, where the name is in more than one
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
    /// Keep it for this node
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Any node may take it again
    #[arg(long, conflicts_with = "node")]
    anywhere: bool,
    /// Give it to the workload of this name
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// Take it from its holder, also where that cannot be reached: its container is cut off
    #[arg(long)]
    force: bool,
}

impl ClaimVerb {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        Ok(match self {
            ClaimVerb::Create(create) => Job::new::<Claim>(Method::ClaimCreate(create.api())),
            ClaimVerb::Ls { pool, app } => {
                let (pool, app) = (pool.clone(), app.clone());
                Job::list::<Claim>(Method::ClaimList(ClaimList { pool, app })).watchable()
            }
            ClaimVerb::Rm(remove) => {
                let method = Method::ClaimRemove(ClaimRemove {
                    name: remove.name.clone(),
                    pool: remove.pool.clone(),
                    app: remove.app.clone(),
                    replicas: remove.replicas,
                    force: remove.force,
                });
                Job::list::<Claim>(method)
            }
            ClaimVerb::Move(to) => Job::new::<Claim>(Method::ClaimMove(ClaimMove {
                name: to.name.clone(),
                pool: to.pool.clone(),
                node: to.node.clone(),
                anywhere: to.anywhere,
                name_to: to.to.clone(),
                force: to.force,
            })),
        })
    }
}

impl Create {
    fn api(&self) -> ClaimCreate {
        let (size, surge) = (self.size, self.surge);
        ClaimCreate {
            name: self.name.clone(),
            pool: self.pool.clone(),
            addresses: self.address.clone(),
            release: self.release.clone(),
            handover: self.handover.clone(),
            app: self.app.clone(),
            set: self.set.then_some(SetSize { size, surge }),
        }
    }
}

impl Answer for Claim {
    fn sheet(&self) -> Sheet {
        sheet(std::slice::from_ref(self))
    }
}

impl Answer for Vec<Claim> {
    fn sheet(&self) -> Sheet {
        sheet(self)
    }
}

const HEADS: [&str; 13] = [
    "NAME",
    "POOL",
    "KIND",
    "ADDRESSES?",
    "NODE?",
    "HOLDER?",
    "RELEASE",
    "HANDOVER",
    "APP?",
    "ONLY?",
    "SET?",
    "FREE-FOR?",
    "AGE",
];

fn sheet(claims: &[Claim]) -> Sheet {
    let mut sheet = Sheet::new(&HEADS, "no claims");
    for claim in claims {
        let holder = claim
            .holder
            .as_ref()
            .map(|at| format!("{}/{}/{}", at.network, short(&at.container), at.ifname));
        let free = match claim.holder {
            None => claim.ended.map(age),
            Some(_) => None,
        };
        sheet.row([
            Cell::from(&claim.name),
            Cell::from(&claim.pool),
            Cell::from(&claim.kind),
            lines(&claim.addresses),
            maybe(claim.node.as_ref()),
            maybe(holder.as_ref()).tone(Tone::Good),
            Cell::from(&claim.release),
            Cell::from(&claim.handover),
            maybe(claim.app.as_ref()),
            maybe(claim.only.as_ref()),
            maybe(claim.set.as_ref().map(size).as_ref()),
            maybe(free.as_ref()),
            Cell::from(age(claim.created)),
        ]);
    }
    sheet
}

/// `5`, `5 +2`, `any +2`.
fn size(set: &SetSize) -> String {
    let size = set.size.map_or("any".to_owned(), |size| size.to_string());
    match set.surge {
        Some(surge) => format!("{size} +{surge}"),
        None => size,
    }
}
