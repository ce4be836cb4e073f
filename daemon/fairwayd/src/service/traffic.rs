//! `endpoint.traffic`: what goes to containers of this node and comes from them.
//!
//! It is read from the container's end of each pair, without going there: what eBPF programs hand straight over is
//! counted there alone. A kernel that cannot tell of the other end is asked about the near one, which counts less.
//! A container that goes meanwhile is left out.

use super::{Daemon, refusal};
use crate::{
    alias,
    clock::millis,
    convert::{attachment_out, body},
};
use fairway_api::{ErrorBody, admin};
use fairway_cni::Code;
use fairway_ipam::{AttachmentId, Lease};
use fairway_netlink::{Counters, Handle, Link, LinkTraffic, Netlink, TrafficCount};
use std::{collections::BTreeMap, sync::OnceLock, time::Instant};

/// What counters are told by: only differences mean something.
static BEGUN: OnceLock<Instant> = OnceLock::new();

impl Daemon {
    pub(super) async fn traffic(&self) -> Result<admin::Traffic, ErrorBody> {
        let leases = self.driver.leases().await;
        let leases = leases.map_err(|error| refusal::failure(&error))?;
        let endpoints = self.routes.endpoints().await?;
        let networks = endpoints.into_iter().map(|known| {
            let at = known.attachment;
            let id = AttachmentId {
                network: at.network,
                container: at.container,
                ifname: at.ifname,
            };
            (id, known.network)
        });
        let networks: BTreeMap<AttachmentId, String> = networks.collect();
        let counted = tokio::task::spawn_blocking(|| {
            let begun = BEGUN.get_or_init(Instant::now);
            Ok((read(&mut Handle::open()?)?, millis(begun.elapsed())))
        });
        let counted: fairway_netlink::Result<_> =
            counted.await.map_err(|error| body(Code::INTERNAL, error))?;
        let (counted, at) = counted.map_err(|error| body(Code::KERNEL, error))?;
        Ok(admin::Traffic {
            at,
            endpoints: told(counted, &leases, &networks),
        })
    }
}

/// A container's link, and what it has counted.
type Counted = (AttachmentId, Link, LinkTraffic);

fn read<N: Netlink + Counters>(netlink: &mut N) -> fairway_netlink::Result<Vec<Counted>> {
    let mut all = Vec::new();
    for link in netlink.links()? {
        let alias = link.alias.as_deref();
        let Some(attachment) = alias.and_then(alias::attachment) else {
            continue;
        };
        let traffic = match netlink.peer_traffic(&link) {
            Ok(Some(traffic)) => Some(traffic),
            Ok(None) | Err(_) => netlink.traffic(link.index)?.map(mirrored),
        };
        all.extend(traffic.map(|traffic| (attachment, link, traffic)));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all)
}

/// What one end sends the other gets.
fn mirrored(near: LinkTraffic) -> LinkTraffic {
    LinkTraffic {
        received: near.sent,
        sent: near.received,
    }
}

fn told(
    counted: Vec<Counted>,
    leases: &[Lease],
    networks: &BTreeMap<AttachmentId, String>,
) -> Vec<admin::EndpointTraffic> {
    let leases: BTreeMap<&AttachmentId, &Lease> = leases
        .iter()
        .map(|lease| (&lease.attachment, lease))
        .collect();
    let row = |(attachment, link, traffic): Counted| {
        let lease = leases.get(&attachment);
        admin::EndpointTraffic {
            workload: lease.and_then(|lease| lease.label.clone()),
            network: networks.get(&attachment).cloned(),
            link: link.name,
            addresses: lease.map_or_else(Vec::new, |lease| lease.addresses.clone()),
            received: count(traffic.received),
            sent: count(traffic.sent),
            attachment: attachment_out(&attachment),
        }
    };
    counted.into_iter().map(row).collect()
}

fn count(of: TrafficCount) -> admin::TrafficCount {
    admin::TrafficCount {
        bytes: of.bytes,
        packets: of.packets,
        dropped: of.dropped,
    }
}
