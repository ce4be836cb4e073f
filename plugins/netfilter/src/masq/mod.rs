//! Masquerading: what a container sends to others than its own subnet leaves
//! with the node's address.

pub(crate) mod legacy;
mod nftables;
mod plan;
mod xt;

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

use crate::backend::Flavor;
use crate::valid::Valid;
use crate::{Attachment, Backend, Error, Netfilter};
#[cfg(test)]
pub(crate) use plan::Seen;

/// What containers send to groups is for their neighbours: it stays as it is.
pub(crate) const MULTICAST: [IpNetwork; 2] =
    [IpNetwork::V4(MULTICAST_V4), IpNetwork::V6(MULTICAST_V6)];
const MULTICAST_V4: Ipv4Network = match Ipv4Network::new_checked(Ipv4Addr::new(224, 0, 0, 0), 4) {
    Some(network) => network,
    None => unreachable!(),
};
const MULTICAST_V6: Ipv6Network =
    match Ipv6Network::new_checked(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8) {
        Some(network) => network,
        None => unreachable!(),
    };

/// Masquerades an attachment's addresses, each given with its subnet's prefix.
/// What is in place already stays, what an earlier try left behind goes.
///
/// # Errors
/// All or nothing is written, but for iptables-legacy with both families, where
/// IPv4's rules may stand when IPv6's fail: [`teardown`] removes them.
pub fn setup(
    netfilter: &mut Netfilter,
    backend: Backend,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    match (backend, programs.flavor()) {
        (Backend::Nftables, _) => nftables::setup(nft, attachment, addresses),
        // Without any iptables there is nothing to disagree with the kernel's way.
        (Backend::Iptables, None) => xt::setup(nft, attachment, addresses),
        (Backend::Iptables, Some(Flavor::Nft)) => {
            match xt::setup(nft, attachment, addresses) {
                // Whatever this kernel objects to, its iptables may know a way.
                Err(Error::Netlink(native)) => legacy::setup(programs, attachment, addresses)
                    .map_err(|by_program| Error::Several(vec![native.into(), by_program])),
                done => done,
            }
        }
        (Backend::Iptables, Some(Flavor::Legacy | Flavor::Unknown)) => {
            legacy::setup(programs, attachment, addresses)
        }
    }
}

/// Removes an attachment's rules, of all backends and both families, whatever
/// addresses they are for. Costs next to nothing where there are none.
///
/// # Errors
/// Each backend is tried; all failures are told.
pub fn teardown(netfilter: &mut Netfilter, attachment: &Attachment<'_>) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    let mut errors = Vec::new();
    errors.extend(nftables::teardown(nft, attachment).err());
    errors.extend(xt::teardown(nft, attachment));
    errors.extend(legacy::teardown(programs, attachment));
    Error::collect(errors)
}

/// Whether all rules for an attachment's addresses are in place.
///
/// # Errors
/// [`Error::MissingRule`] names the first that is not.
pub fn check(
    netfilter: &mut Netfilter,
    backend: Backend,
    attachment: &Attachment<'_>,
    addresses: &[IpNetwork],
) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    match (backend, programs.flavor()) {
        (Backend::Nftables, _) => nftables::check(nft, attachment, addresses),
        (Backend::Iptables, None | Some(Flavor::Nft)) => xt::check(nft, attachment, addresses),
        (Backend::Iptables, Some(Flavor::Legacy | Flavor::Unknown)) => {
            legacy::check(programs, attachment, addresses)
        }
    }
}

/// Removes the rules of a network's attachments that are not among `valid`
/// (container ID and interface name), of all backends.
///
/// Rules that an older plugin wrote do not tell the interface; they stay as long
/// as any interface of their container is valid.
///
/// Returns what could not be removed; the rest is.
pub fn gc(netfilter: &mut Netfilter, network: &str, valid: &[(String, String)]) -> Vec<Error> {
    let Netfilter { nft, programs } = netfilter;
    let valid = Valid::new(network, valid);
    let mut errors = Vec::new();
    errors.extend(nftables::gc(nft, &valid).err());
    errors.extend(xt::gc(nft, &valid));
    errors.extend(legacy::gc(programs, &valid));
    errors
}
