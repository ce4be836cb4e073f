//! `node.*`: who is there, and who never comes back.

use super::{
    Daemon,
    change::{Stop, store_error},
    words::read,
};
use crate::{convert::body, server::Replies};
use fairway_api::{ErrorBody, admin};
use fairway_cni::Code;
use fairway_ipam::{
    NodeName,
    admin::{NodeRow, Plan, drain_node, nodes, remove_node, undrain_node},
    record::UnderlayAddress,
};
use fairway_kv::{ROOT, Txn, Write};

impl Daemon {
    pub(super) async fn node_list(&self, replies: &mut Replies) -> Result<Vec<admin::Node>, Stop> {
        let rows = nodes(&self.listed(replies).await?).into_iter();
        Ok(rows.map(|(name, row)| self.node_row(&name, row)).collect())
    }

    fn node_row(&self, name: &NodeName, row: NodeRow) -> admin::Node {
        admin::Node {
            here: *name == self.config.node,
            drained: row.drained,
            name: name.to_string(),
            state: match row.alive {
                true => "alive",
                false => "away",
            }
            .to_owned(),
            underlay: row
                .underlay
                .iter()
                .flat_map(|u| &u.addresses)
                .map(shown)
                .collect(),
            mtu: row.underlay.as_ref().map(|underlay| underlay.mtu),
            labels: row.labels,
            daemon: row.daemon,
            host: row.host,
            blocks: row.blocks,
            live: row.live,
            claims: row.claims,
        }
    }

    pub(super) async fn node_drain(
        &self,
        drain: admin::NodeDrain,
        replies: &mut Replies,
    ) -> Result<admin::Node, Stop> {
        let name: NodeName = read("name", &drain.name)?;
        let now = self.clocks.now().wall;
        let plan = |view: &_| {
            let txn = match drain.undo {
                true => undrain_node(view, &name)?,
                false => drain_node(view, &name, now)?,
            };
            Ok(Plan {
                txns: txn.into_iter().collect(),
                summary: (),
            })
        };
        self.change("node", replies, plan).await?;
        let mut rows = nodes(&self.fresh().await?);
        let gone = || {
            let text = format_args!("node {name} is gone already");
            body(Code::INVALID_CONFIG, text)
        };
        Ok(self.node_row(&name, rows.remove(&name).ok_or_else(gone)?))
    }

    pub(super) async fn node_remove(
        &self,
        remove: admin::NodeRemove,
        replies: &mut Replies,
    ) -> Result<admin::NodeRemoved, Stop> {
        let node: NodeName = read("name", &remove.name)?;
        if node == self.config.node && !remove.claims_only {
            let text = "name: this is the node that answers; end it, then remove it from another, or use \
                        fairwayd --cleanup";
            return Err(body(Code::INVALID_CONFIG, text).into());
        }
        let now = self.clocks.now();
        let plan = |view: &_| remove_node(view, &node, remove.force, remove.claims_only, now);
        let what = format!("node {node}");
        let rounds = self.change(&what, replies, plan).await?;
        if !remove.claims_only {
            self.forget_endpoints(&node).await?;
        }
        // A second round counts what the first one did not come to.
        let most = |count: fn(&fairway_ipam::admin::Removed) -> u64| rounds.iter().map(count).max();
        Ok(admin::NodeRemoved {
            blocks: most(|removed| removed.blocks).unwrap_or(0),
            addresses: most(|removed| removed.addresses).unwrap_or(0),
            claims: most(|removed| removed.claims).unwrap_or(0),
        })
    }

    /// What a node has told of its containers goes with it.
    async fn forget_endpoints(&self, node: &NodeName) -> Result<(), ErrorBody> {
        let store = self.open_store()?;
        let told = store.range(&format!("{ROOT}endpoints/{node}/")).await;
        let told = told.map_err(|error| store_error(&error))?.entries;
        for some in told.chunks(Txn::LIMIT) {
            let gone = some.iter().map(|entry| Write::Delete {
                key: entry.key.clone(),
            });
            let txn = Txn {
                conditions: Vec::new(),
                writes: gone.collect(),
            };
            store
                .commit(&txn)
                .await
                .map_err(|error| store_error(&error))?;
        }
        Ok(())
    }
}

fn shown(address: &UnderlayAddress) -> String {
    format!("{}/{}", address.address, address.prefix)
}
