//! `ipam.list` and `ipam.free`.

use super::{
    Daemon,
    change::{Stop, must_be_known},
    ipam::unexpected,
    refusal,
    words::{self, read_some},
};
use crate::{
    convert::body,
    server::Replies,
    sweep::{NetnsState, netns_state},
};
use fairway_api::{admin, ipam::Released};
use fairway_cni::Code;
use fairway_ipam::{
    Answer, Request,
    admin::{AddressFilter, AddressRow, Which, addresses, remove_claims},
};
use std::net::IpAddr;

impl Daemon {
    pub(super) async fn ipam_list(
        &self,
        list: admin::IpamList,
    ) -> Result<Vec<admin::AddressRow>, Stop> {
        let filter = AddressFilter {
            pool: read_some("pool", list.pool.as_ref())?,
            node: read_some("node", list.node.as_ref())?,
            address: list.address,
        };
        let view = self.fresh().await?;
        must_be_known(&view, filter.pool.as_ref())?;
        Ok(addresses(&view, &filter)
            .into_iter()
            .map(words::address)
            .collect())
    }

    /// An address of a container here is freed by the agent; a claim's, by giving back the claim. That of
    /// a container of another node is that node's to free.
    pub(super) async fn ipam_free(
        &self,
        free: admin::IpamFree,
        replies: &mut Replies,
    ) -> Result<Released, Stop> {
        let ip = free.address;
        let leases = self.driver.leases().await;
        let leases = leases.map_err(|error| refusal::failure(&error))?;
        if let Some(lease) = leases
            .into_iter()
            .find(|lease| lease.addresses.contains(&ip))
        {
            let there = lease
                .netns
                .as_ref()
                .is_none_or(|netns| netns_state(netns) != NetnsState::Gone);
            if there && !free.force {
                let text = format_args!("address {ip} is taken by {}", lease.attachment);
                return Err(body(Code::ADDRESS_UNAVAILABLE, text).into());
            }
            let freed = self
                .driver
                .ask(Request::Gone(lease.attachment, lease.seq))
                .await;
            return match freed.map_err(|error| refusal::failure(&error))? {
                Answer::Released(addresses) => Ok(Released { addresses }),
                other => Err(unexpected(&other).into()),
            };
        }
        let view = self.fresh().await?;
        let filter = AddressFilter {
            address: Some(ip),
            ..AddressFilter::default()
        };
        let row = addresses(&view, &filter).into_iter().next();
        let Some(row) = row.filter(|row| row.state != "cooling") else {
            let addresses = Vec::new();
            return Ok(Released { addresses });
        };
        match &row.claim {
            Some(claim) => {
                let which = Which::Named {
                    name: claim.clone(),
                    pool: Some(row.pool.clone()),
                };
                let plan = |view: &_| remove_claims(view, &which, free.force);
                self.change("claim", replies, plan).await?;
                let addresses = vec![ip];
                Ok(Released { addresses })
            }
            None => Err(elsewhere(ip, &row, self.config.node.as_str()).into()),
        }
    }
}

fn elsewhere(ip: IpAddr, row: &AddressRow, here: &str) -> fairway_api::ErrorBody {
    let holder = row
        .attachment
        .as_ref()
        .map_or_else(String::new, |a| format!(" by {a}"));
    let text = match row.node.as_ref().map(|node| node.as_str()) {
        Some(node) if node == here => format!(
            "address {ip}: the store says that it is taken{holder} here, and this node does not; \
             `netctl ipam check --fix` mends it"
        ),
        Some(node) => format!(
            "address {ip} is taken{holder} on node {node}: free it there, or remove the node if it is gone \
             (`netctl node rm {node}`)"
        ),
        None => format!("address {ip} is taken{holder}"),
    };
    body(Code::ADDRESS_UNAVAILABLE, text)
}
