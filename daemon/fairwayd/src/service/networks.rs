//! `network.*`: making, changing, listing and removing networks.

use super::{
    Daemon,
    change::Stop,
    words::{read, read_all},
};
use crate::{convert::body, server::Replies};
use fairway_api::{Nothing, admin};
use fairway_cni::Code;
use fairway_ipam::{
    NetworkName, Vni,
    admin::{
        NetworkChange, NetworkRow, NewNetwork, Plan, change_network, create_network, networks,
        remove_network,
    },
};
use fairway_pools::Kind;

impl Daemon {
    pub(super) async fn network_create(
        &self,
        create: admin::NetworkCreate,
        replies: &mut Replies,
    ) -> Result<admin::Network, Stop> {
        let name: NetworkName = read("name", &create.name)?;
        let vni = create.vni.map(Vni::new).transpose();
        let new = NewNetwork {
            name: name.clone(),
            vni: vni.map_err(|error| body(Code::INVALID_CONFIG, error))?,
            pools: read_all("pools", &create.pools)?,
            imports: read_all("imports", &create.imports)?.into_iter().collect(),
        };
        let txn = |view: &_| create_network(view, new.clone());
        self.change_one("network", replies, txn).await?;
        self.network_row(&name).await
    }

    pub(super) async fn network_set(
        &self,
        set: admin::NetworkSet,
        replies: &mut Replies,
    ) -> Result<admin::Network, Stop> {
        let name: NetworkName = read("name", &set.name)?;
        self.not_elsewhere(Kind::Network, &set.name).await?;
        let change = NetworkChange {
            add_pools: read_all("add_pools", &set.add_pools)?,
            remove_pools: read_all("remove_pools", &set.remove_pools)?,
            import: read_all("import", &set.import)?,
            unimport: read_all("unimport", &set.unimport)?,
        };
        let plan = |view: &_| {
            let txn = change_network(view, &name, &change, set.force)?;
            Ok(Plan {
                txns: txn.into_iter().collect(),
                summary: (),
            })
        };
        self.change("network", replies, plan).await?;
        self.network_row(&name).await
    }

    pub(super) async fn network_list(
        &self,
        replies: &mut Replies,
    ) -> Result<Vec<admin::Network>, Stop> {
        let view = self.listed(replies).await?;
        Ok(networks(&view).into_iter().map(row).collect())
    }

    pub(super) async fn network_remove(
        &self,
        remove: admin::NetworkRemove,
        replies: &mut Replies,
    ) -> Result<Nothing, Stop> {
        let name: NetworkName = read("name", &remove.name)?;
        self.not_elsewhere(Kind::Network, &remove.name).await?;
        let txn = |view: &_| remove_network(view, &name, remove.force);
        self.change_one("network", replies, txn).await?;
        Ok(Nothing {})
    }

    async fn network_row(&self, name: &NetworkName) -> Result<admin::Network, Stop> {
        let mut rows = networks(&self.fresh().await?).into_iter();
        let gone = || {
            let text = format_args!("network {name} is gone already");
            body(Code::INVALID_CONFIG, text)
        };
        let found = rows.find(|row| row.name == *name);
        Ok(row(found.ok_or_else(gone)?))
    }
}

fn row(row: NetworkRow) -> admin::Network {
    let names = |name: &dyn ToString| name.to_string();
    admin::Network {
        name: row.name.to_string(),
        vni: row.record.vni.number(),
        pools: row.record.pools.iter().map(|pool| names(pool)).collect(),
        imports: row
            .record
            .imports
            .iter()
            .map(|import| names(import))
            .collect(),
        live: row.live,
        problems: row.problems,
    }
}
