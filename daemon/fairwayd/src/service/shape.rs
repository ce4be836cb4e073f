//! `endpoint.shape`, `endpoint.shaped`: what plugins ask of rates.

use super::Daemon;
use crate::{
    base::blocking,
    convert::{attachment, body},
    rates::RateRecord,
};
use fairway_api::{ErrorBody, Nothing, endpoint};
use fairway_cni::Code;
use fairway_ipam::Netns;
use fairway_netlink::{Handle, Link, NetNs, Netlink as _};
use fairway_shape::{Burst, Rate};
use std::{collections::BTreeMap, fmt::Display};

impl Daemon {
    pub(super) async fn shape(
        &self,
        shape: endpoint::Shape,
    ) -> Result<endpoint::Shaped, ErrorBody> {
        let (attachment, by) = (attachment(&shape.attachment)?, shape.by.clone());
        let withdraws = shape.rates.is_empty();
        let record = blocking("rates", move || record(shape)).await;
        let record = match record.map_err(|error| body(Code::INTERNAL, error))? {
            Ok(record) => record,
            // A DEL: what is gone needs no limit.
            Err(_) if withdraws && self.rates.withdraw(attachment, by).await? => {
                let warnings = Vec::new();
                return Ok(endpoint::Shaped { warnings });
            }
            Err(error) => return Err(error),
        };
        self.rates.shape(record).await
    }

    pub(super) async fn shaped(&self, verify: endpoint::VerifyRates) -> Result<Nothing, ErrorBody> {
        let attachment = attachment(&verify.attachment)?;
        let kept = self.rates.verify(attachment).await;
        kept.map(|()| Nothing {})
    }
}

/// Judges a request: whatever is in the record can be kept, unless the kernel cannot.
fn record(shape: endpoint::Shape) -> Result<RateRecord, ErrorBody> {
    let id = attachment(&shape.attachment)?;
    if shape.by.is_empty() || shape.by.len() > 64 {
        return Err(invalid("by", "must name the plugin that asks"));
    }
    let namespace = NetNs::open(&shape.netns).map_err(|error| invalid("netns", error))?;
    let (device, inode) = namespace
        .identity()
        .map_err(|error| invalid("netns", error))?;
    let link = Handle::open().and_then(|mut handle| handle.link_by_name(&shape.link));
    let link = link.map_err(|error| invalid("link", error))?;
    let link = link.ok_or_else(|| invalid("link", format_args!("there is no {}", shape.link)))?;
    let mtu = match pair(&shape, &namespace, &link, &id.ifname) {
        Ok(inside) => link.mtu.max(inside.mtu),
        // A daemon that may not enter namespaces keeps no egress, and says so where there is one to keep.
        Err(Other::Unseen(_)) if shape.rates.is_empty() => link.mtu,
        Err(Other::Unseen(error) | Other::Wrong(error)) => return Err(error),
    };
    for rate in &shape.rates {
        Rate::new(rate.bits).map_err(|error| invalid(&rate.field, error))?;
        let burst = rate.burst.map(Burst::new).transpose();
        let burst = burst.map_err(|error| invalid(&rate.field, error))?;
        if let Some(burst) = burst.filter(|burst| burst.bytes() < mtu) {
            let text = format_args!(
                "a burst of {} bytes is less than a packet of {mtu} bytes, the MTU",
                burst.bytes()
            );
            return Err(invalid(&rate.field, text));
        }
    }
    Ok(RateRecord {
        network: id.network,
        container: id.container,
        ifname: id.ifname,
        netns: Netns {
            path: shape.netns,
            device,
            inode,
        },
        index: link.index,
        link: link.name,
        workload: shape.workload,
        tenant: shape.network,
        asked: BTreeMap::from([(shape.by, shape.rates)]),
    })
}

/// Why the other end of a link is not known.
enum Other {
    /// The namespace cannot be entered.
    Unseen(ErrorBody),
    /// It is not what the request says.
    Wrong(ErrorBody),
}

/// The container's end of its link.
fn pair(
    shape: &endpoint::Shape,
    namespace: &NetNs,
    link: &Link,
    ifname: &str,
) -> Result<Link, Other> {
    let handle = Handle::open_in(namespace);
    let mut handle = handle.map_err(|error| Other::Unseen(invalid("netns", error)))?;
    let wrong = |field: &str, reason: &dyn Display| Other::Wrong(invalid(field, reason));
    let inside = handle.link_by_name(ifname);
    let inside = inside.map_err(|error| wrong("attachment.ifname", &error))?;
    let inside = inside.ok_or_else(|| {
        let text = format_args!("there is no {ifname} in {}", shape.netns);
        wrong("attachment.ifname", &text)
    })?;
    let pair = link.is_veth()
        && inside.is_veth()
        && (link.peer_index, inside.peer_index) == (Some(inside.index), Some(link.index));
    match pair {
        true => Ok(inside),
        false => {
            let netns = &shape.netns;
            let text = format_args!("{} is not the other end of {ifname} in {netns}", link.name);
            Err(wrong("link", &text))
        }
    }
}

fn invalid(field: &str, reason: impl Display) -> ErrorBody {
    body(Code::INVALID_CONFIG, format_args!("{field}: {reason}"))
}
