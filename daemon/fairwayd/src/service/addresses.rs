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
    cutoff::{self, Target},
    server::Replies,
    sweep::observe,
};
use fairway_api::{ErrorBody, admin, ipam::Released};
use fairway_cni::Code;
use fairway_ipam::{
    Answer, Lease, Request,
    admin::{AddressFilter, AddressRow, Which, addresses, remove_claims},
};
use std::{net::IpAddr, slice};

impl Daemon {
    pub(super) async fn ipam_list(
        &self,
        list: admin::IpamList,
        replies: &mut Replies,
    ) -> Result<Vec<admin::AddressRow>, Stop> {
        let filter = AddressFilter {
            pool: read_some("pool", list.pool.as_ref())?,
            node: read_some("node", list.node.as_ref())?,
            address: list.address,
        };
        let view = self.listed(replies).await?;
        must_be_known(&view, filter.pool.as_ref())?;
        Ok(addresses(&view, &filter)
            .into_iter()
            .map(words::address)
            .collect())
    }

    /// Frees what a container here has. One that is still there is cut off first, and that only by force:
    /// its addresses are given to others soon.
    async fn take_back(&self, ip: IpAddr, lease: Lease, force: bool) -> Result<Released, Stop> {
        let (attachment, seq) = (lease.attachment.clone(), lease.seq);
        let look = move || -> Result<(), ErrorBody> {
            let seen = observe(slice::from_ref(&lease));
            let seen = seen.map_err(|error| body(Code::KERNEL, error))?;
            if seen.is_gone(&lease) {
                return Ok(());
            }
            let Lease {
                attachment,
                netns,
                addresses,
                ..
            } = lease;
            if !force {
                let text = format_args!(
                    "address {ip} is taken by {attachment}, which is there; --force cuts it off first"
                );
                return Err(body(Code::ADDRESS_UNAVAILABLE, text));
            }
            let target = Target {
                attachment,
                netns,
                addresses,
            };
            match cutoff::cut_off(&target) {
                // Nobody but the administrator can know that it is gone.
                Err(uncut) if uncut.is_nowhere() => Ok(()),
                Err(uncut) => {
                    let text = format_args!("address {ip}: {uncut}");
                    Err(body(Code::ADDRESS_UNAVAILABLE, text))
                }
                Ok(()) => Ok(()),
            }
        };
        let looked = tokio::task::spawn_blocking(look).await;
        looked.map_err(|error| body(Code::INTERNAL, error))??;
        let freed = self.driver.ask(Request::Gone(attachment, seq)).await;
        match freed.map_err(|error| refusal::failure(&error))? {
            Answer::Released(addresses) => Ok(Released { addresses }),
            other => Err(unexpected(&other).into()),
        }
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
        let mut leases = leases.into_iter();
        if let Some(lease) = leases.find(|lease| lease.addresses.contains(&ip)) {
            return self.take_back(ip, lease, free.force).await;
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
                let of_claim = |of: &AddressRow| of.pool == row.pool && of.claim == row.claim;
                let all = addresses(&view, &AddressFilter::default()).into_iter();
                let addresses = all.filter(of_claim).map(|row| row.ip).collect();
                let plan = |view: &_| remove_claims(view, &which, free.force);
                self.change("claim", replies, plan).await?;
                Ok(Released { addresses })
            }
            None => Err(elsewhere(ip, &row, self.config.node.as_str()).into()),
        }
    }
}

fn elsewhere(ip: IpAddr, row: &AddressRow, here: &str) -> ErrorBody {
    let holder = row
        .attachment
        .as_ref()
        .map_or_else(String::new, |a| format!(" by {a}"));
    let text = match row.node.as_ref().map(|node| node.as_str()) {
        Some(node) if node == here => format!(
            "address {ip}: the store says that it is taken{holder} here, and this node that it is not. It tells \
             the store within a second; should it stay so, `netctl ipam check` says why"
        ),
        Some(node) => format!(
            "address {ip} is taken{holder} on node {node}: free it there, or remove the node if it is gone \
             (`netctl node rm {node}`)"
        ),
        None => format!("address {ip} is taken{holder}"),
    };
    body(Code::ADDRESS_UNAVAILABLE, text)
}
