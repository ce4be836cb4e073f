//! An attachment's firewall rules: masquerading and the MAC spoof check.
//!
//! The way to the kernel's ruleset is opened when it is first needed and kept until the end of the call:
//! closing it after rules were deleted waits for the kernel, which goes on beside the wait for the links.

use crate::{Error, Owner};
use fairway_cni::{CniResult, Failure, GcAttachments};
use fairway_netfilter::{Attachment, Backend, Netfilter, masq, spoof};
use fairway_netlink::MacAddr;
use ipnetwork::IpNetwork;

/// The rules of the calling thread's namespace.
#[derive(Debug, Default)]
pub struct Rules {
    netfilter: Option<Netfilter>,
}

impl Rules {
    fn netfilter(&mut self) -> Result<&mut Netfilter, Error> {
        match &mut self.netfilter {
            Some(netfilter) => Ok(netfilter),
            none => Ok(none.insert(Netfilter::open()?)),
        }
    }

    /// Masquerades what leaves the subnets of the result's addresses. `backend` is the one configured.
    pub fn masquerade(
        &mut self,
        backend: Option<Backend>,
        owner: Owner<'_>,
        result: &CniResult,
    ) -> Result<(), Error> {
        let backend = backend.unwrap_or_else(Backend::detect);
        Ok(masq::setup(
            self.netfilter()?,
            backend,
            &attachment(owner),
            &addresses(result),
        )?)
    }

    /// Are the rules that [`Rules::masquerade`] sets there?
    pub fn check_masquerade(
        &mut self,
        backend: Option<Backend>,
        owner: Owner<'_>,
        result: &CniResult,
    ) -> Result<(), Error> {
        let backend = backend.unwrap_or_else(Backend::detect);
        Ok(masq::check(
            self.netfilter()?,
            backend,
            &attachment(owner),
            &addresses(result),
        )?)
    }

    /// Removes an attachment's masquerading, whichever backend it was made with.
    pub fn stop_masquerade(&mut self, owner: Owner<'_>) -> Result<(), Error> {
        Ok(masq::teardown(self.netfilter()?, &attachment(owner))?)
    }

    /// Lets only the container's own hardware address in by the host's link.
    pub fn guard_mac(&mut self, owner: Owner<'_>, link: &str, mac: MacAddr) -> Result<(), Error> {
        Ok(spoof::setup(
            self.netfilter()?,
            &attachment(owner),
            link,
            mac,
        )?)
    }

    /// Are the rules that [`Rules::guard_mac`] sets there?
    pub fn check_mac(&mut self, owner: Owner<'_>, link: &str, mac: MacAddr) -> Result<(), Error> {
        Ok(spoof::check(
            self.netfilter()?,
            &attachment(owner),
            link,
            mac,
        )?)
    }

    /// Removes the MAC spoof check.
    pub fn stop_guard(&mut self, owner: Owner<'_>) -> Result<(), Error> {
        Ok(spoof::teardown(self.netfilter()?, &attachment(owner))?)
    }

    /// Removes all of an attachment's rules, and tells everything that could not be removed.
    pub fn remove(&mut self, owner: Owner<'_>) -> Vec<Failure> {
        [self.stop_guard(owner), self.stop_masquerade(owner)]
            .into_iter()
            .filter_map(|result| result.err().map(Failure::from))
            .collect()
    }

    /// GC: removes the rules of this network's attachments that the runtime no longer knows.
    pub fn collect(&mut self, network: &str, valid: &GcAttachments) -> Vec<Failure> {
        let pairs: Vec<_> = valid
            .iter()
            .map(|(id, ifname)| (id.to_owned(), ifname.to_owned()))
            .collect();
        let netfilter = match self.netfilter() {
            Ok(netfilter) => netfilter,
            Err(error) => return vec![error.into()],
        };
        let mut errors = masq::gc(netfilter, network, &pairs);
        errors.extend(spoof::gc(netfilter, network, &pairs));
        errors
            .into_iter()
            .map(|error| Error::from(error).into())
            .collect()
    }
}

fn attachment<'a>(owner: Owner<'a>) -> Attachment<'a> {
    Attachment {
        network: owner.network,
        container_id: owner.container_id,
        ifname: owner.ifname,
    }
}

fn addresses(result: &CniResult) -> Vec<IpNetwork> {
    result.ips.iter().map(|ip| ip.address).collect()
}
