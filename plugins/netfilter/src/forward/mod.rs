//! What a node passes on to containers and from them: let through by iptables, or kept
//! apart by bridge.
//!
//! Containers are let through in table filter, before whatever an administrator or another
//! program denies there; chain CNI-ADMIN comes first, and is the administrator's. Bridges
//! that are apart from each other are so for all their containers, so these rules stay when
//! a container goes.
//!
//! In nftables one chain's "accept" does not overrule another's "drop", so there is nothing
//! to let through there; only the rules that keep bridges apart are written.

mod nftables;
mod program;
mod xt;

use std::net::IpAddr;

use crate::backend::Flavor;
use crate::valid::Valid;
use crate::{Attachment, Backend, Error, Netfilter};

/// Who may begin to talk to a container by way of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingress {
    /// Everybody.
    Open,
    /// Containers of its bridge, and whoever is on no bridge that is apart.
    SameBridge,
    /// Not even those of its bridge, as far as the node passes it on.
    Isolated,
}

/// What is asked for on an attachment's behalf.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Whose.
    pub attachment: Attachment<'a>,
    /// The container's addresses.
    pub addresses: &'a [IpAddr],
    /// The administrator's chain of iptables.
    pub admin_chain: &'a str,
    /// Who may begin.
    pub ingress: Ingress,
    /// The bridge that the container is on; needed unless all is open.
    pub bridge: &'a str,
}

impl Wanted<'_> {
    fn has(&self, v4: bool) -> bool {
        self.addresses.iter().any(|ip| ip.is_ipv4() == v4)
    }

    fn families(&self) -> impl Iterator<Item = bool> {
        [true, false].into_iter().filter(|v4| self.has(*v4))
    }
}

/// Lets an attachment's packets through. What is in place already stays.
///
/// # Errors
/// All or nothing is written, but for iptables-legacy with both families, where IPv4's
/// rules may stand when IPv6's fail: [`teardown`] removes them.
pub fn setup(
    netfilter: &mut Netfilter,
    backend: Backend,
    wanted: &Wanted<'_>,
) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    match (backend, programs.flavor()) {
        (Backend::Nftables, _) => nftables::setup(nft, wanted),
        (Backend::Iptables, None | Some(Flavor::Nft)) => xt::setup(nft, wanted),
        (Backend::Iptables, Some(Flavor::Legacy | Flavor::Unknown)) => {
            program::setup(programs, wanted)
        }
    }
}

/// Takes back that an attachment's packets are let through, with all backends. `addresses`
/// are those that are known of it: rules of the reference plugin, and those in the tables of
/// iptables-legacy, tell nothing else.
///
/// # Errors
/// Each backend is tried; all failures are told.
pub fn teardown(
    netfilter: &mut Netfilter,
    attachment: &Attachment<'_>,
    addresses: &[IpAddr],
) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    let mut errors = Vec::new();
    errors.extend(xt::teardown(nft, attachment, addresses).err());
    errors.extend(program::teardown(programs, addresses).err());
    Error::collect(errors)
}

/// Whether all is in place.
///
/// # Errors
/// [`Error::MissingRule`] names the first rule that is not.
pub fn check(
    netfilter: &mut Netfilter,
    backend: Backend,
    wanted: &Wanted<'_>,
) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    match (backend, programs.flavor()) {
        (Backend::Nftables, _) => nftables::check(nft, wanted),
        (Backend::Iptables, None) => xt::check(nft, wanted),
        (Backend::Iptables, Some(Flavor::Nft)) => match xt::check(nft, wanted) {
            // Another iptables may have written the same in other words.
            Err(Error::MissingRule { .. }) => program::check(programs, wanted),
            done => done,
        },
        (Backend::Iptables, Some(Flavor::Legacy | Flavor::Unknown)) => {
            program::check(programs, wanted)
        }
    }
}

/// Takes it back for a network's attachments that are not among `valid` (container ID and
/// interface name), where the rules tell whose they are.
///
/// Returns what could not be removed; the rest is.
pub fn gc(netfilter: &mut Netfilter, network: &str, valid: &[(String, String)]) -> Vec<Error> {
    let valid = Valid::new(network, valid);
    xt::gc(&mut netfilter.nft, &valid)
        .err()
        .into_iter()
        .collect()
}

/// Whether packets could be let through now.
///
/// # Errors
/// What is missing: nf_tables in this kernel, or iptables-legacy.
pub fn ready(netfilter: &mut Netfilter, backend: Backend) -> Result<(), Error> {
    let Netfilter { nft, programs } = netfilter;
    match (backend, programs.flavor()) {
        (Backend::Iptables, Some(Flavor::Legacy | Flavor::Unknown)) => {
            match programs.find("iptables-restore") {
                Some(_) => Ok(()),
                None => Err(Error::NotInstalled {
                    program: "iptables-restore".to_owned(),
                }),
            }
        }
        _ => nft.must_be_there(),
    }
}
