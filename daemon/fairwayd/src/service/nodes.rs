//! `node.*`: who is there, and who never comes back.

use super::{Daemon, change::Stop, words::read};
use crate::{convert::body, server::Replies};
use fairway_api::admin;
use fairway_cni::Code;
use fairway_ipam::{
    NodeName,
    admin::{nodes, remove_node},
    record::UnderlayAddress,
};

impl Daemon {
    pub(super) async fn node_list(&self, replies: &mut Replies) -> Result<Vec<admin::Node>, Stop> {
        let rows = nodes(&self.listed(replies).await?).into_iter();
        let row = |(name, row): (NodeName, fairway_ipam::admin::NodeRow)| admin::Node {
            here: name == self.config.node,
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
        };
        Ok(rows.map(row).collect())
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
        // A second round counts what the first one did not come to.
        let most = |count: fn(&fairway_ipam::admin::Removed) -> u64| rounds.iter().map(count).max();
        Ok(admin::NodeRemoved {
            blocks: most(|removed| removed.blocks).unwrap_or(0),
            addresses: most(|removed| removed.addresses).unwrap_or(0),
            claims: most(|removed| removed.claims).unwrap_or(0),
        })
    }
}

fn shown(address: &UnderlayAddress) -> String {
    format!("{}/{}", address.address, address.prefix)
}
