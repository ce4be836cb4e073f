//! `netctl network`.

use super::lines;
use crate::{
    cli::usage,
    document::{Answer, Job, Note},
    error::NetctlError,
    sheet::{Cell, Sheet, Tone},
};
use clap::{Args, Subcommand};
use fairway_api::{
    Method, Nothing,
    admin::{Network, NetworkCreate, NetworkRemove, NetworkSet},
};

#[derive(Debug, Subcommand)]
pub(crate) enum NetworkVerb {
    /// Make a network of pools
    Create(Create),
    /// List the networks and how they stand
    Ls,
    /// Give a network pools and imports, or take them from it
    Set(Set),
    /// Remove a network; its pools stay
    Rm {
        /// Its name
        name: String,
        /// Also while containers have addresses of it: they lose their routes
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name: 1 to 63 of a-z 0-9 . -
    name: String,
    /// A pool; give it again for more. The first is for workloads that name none
    #[arg(long, value_name = "NAME", value_delimiter = ',', required = true)]
    pool: Vec<String>,
    /// Its VXLAN network identifier, 1 to 16777215 [default: the first that is free from 4096 on]
    #[arg(long, value_name = "N")]
    vni: Option<u32>,
    /// A network whose containers its own reach
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    import: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name
    name: String,
    /// Add a pool
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    add_pool: Vec<String>,
    /// Take a pool out
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    remove_pool: Vec<String>,
    /// Its containers reach those of this network
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    import: Vec<String>,
    /// Its containers reach those of this network no more
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    unimport: Vec<String>,
    /// Also where containers have addresses of a pool that is taken out: they lose their routes
    #[arg(long)]
    force: bool,
}

impl NetworkVerb {
    pub(crate) fn job(&self) -> Result<Job, NetctlError> {
        Ok(match self {
            NetworkVerb::Ls => Job::list::<Network>(Method::NetworkList).watchable(),
            NetworkVerb::Create(create) => {
                Job::new::<Network>(Method::NetworkCreate(NetworkCreate {
                    name: create.name.clone(),
                    pools: create.pool.clone(),
                    vni: create.vni,
                    imports: create.import.clone(),
                }))
            }
            NetworkVerb::Set(set) => Job::new::<Network>(Method::NetworkSet(set.api()?)),
            NetworkVerb::Rm { name, force } => {
                let note = Note::Instead(format!("network {name} is gone; its pools stay"));
                let (name, force) = (name.clone(), *force);
                let method = Method::NetworkRemove(NetworkRemove { name, force });
                Job::new::<Nothing>(method).note(note)
            }
        })
    }
}

impl Set {
    fn api(&self) -> Result<NetworkSet, NetctlError> {
        let lists = [
            &self.add_pool,
            &self.remove_pool,
            &self.import,
            &self.unimport,
        ];
        if lists.iter().all(|list| list.is_empty()) {
            return Err(usage("network set: nothing to change was given"));
        }
        Ok(NetworkSet {
            name: self.name.clone(),
            add_pools: self.add_pool.clone(),
            remove_pools: self.remove_pool.clone(),
            import: self.import.clone(),
            unimport: self.unimport.clone(),
            force: self.force,
        })
    }
}

impl Answer for Nothing {
    fn sheet(&self) -> Sheet {
        Sheet::default()
    }
}

impl Answer for Network {
    fn sheet(&self) -> Sheet {
        sheet(std::slice::from_ref(self))
    }
}

impl Answer for Vec<Network> {
    fn sheet(&self) -> Sheet {
        sheet(self)
    }
}

fn sheet(networks: &[Network]) -> Sheet {
    let heads = ["NAME", "VNI", "POOLS", "LIVE", "IMPORTS?", "PROBLEMS?"];
    let mut sheet = Sheet::new(
        &heads,
        "no networks: netctl network create NAME --pool POOL makes one",
    );
    for network in networks {
        sheet.row([
            Cell::from(&network.name),
            Cell::from(network.vni),
            lines(&network.pools),
            Cell::from(network.live),
            lines(&network.imports),
            lines(&network.problems).tone(Tone::Bad),
        ]);
    }
    sheet
}
