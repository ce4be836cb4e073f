//! What the thread knows: where this node is, what the store shows, who is here, and both tables.

use super::{containers::Containers, feed::Feed, firewall::Firewall, underlay::Found};
use fairway_fib::{Fib, Overlay, Settings, Standing, Tenant, names};
use fairway_netlink::Netlink;
use fairway_rib::Rib;
use ipnetwork::IpNetwork;
use std::{collections::BTreeMap, net::IpAddr};

/// See the module's head.
pub(super) struct State<N> {
    pub(super) rib: Rib,
    pub(super) fib: Fib<N>,
    pub(super) feed: Feed,
    pub(super) containers: Containers,
    pub(super) firewall: Firewall,
    /// Where this node is, as others know it: the last place that it was found at.
    pub(super) found: Option<Found>,
    /// What the last look found.
    pub(super) now: Option<Found>,
    /// The whole picture of the store was there once.
    pub(super) seen: bool,
    /// The link of the underlay, where an operator names it.
    pub(super) named: Option<String>,
    /// UDP port of the overlay.
    pub(super) port: u16,
}

impl<N: Netlink> State<N> {
    /// What keeps packets from going where they should.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self
            .fib
            .problems()
            .iter()
            .map(ToString::to_string)
            .collect();
        problems.extend(self.firewall.problem());
        let waits = self.rib.problems().into_iter();
        // Pools need not be in a network.
        let matters = |problem: &fairway_rib::Problem| {
            !matches!(problem, fairway_rib::Problem::RoutesWithoutPool { .. })
        };
        problems.extend(waits.filter(matters).map(|problem| problem.to_string()));
        for (name, (record, _)) in &self.feed.networks {
            for pool in record
                .pools
                .iter()
                .filter(|pool| !self.feed.pools.contains_key(*pool))
            {
                problems.push(format!("network {name}: its pool {pool} is not there"));
            }
        }
        for key in &self.feed.unreadable {
            problems.push(format!(
                "{key} cannot be read (`netctl ipam check` says why): what was read before it holds"
            ));
        }
        if self.found.is_none() && !self.feed.networks.is_empty() {
            problems.push(no_underlay(self.named.as_deref()));
        }
        problems
    }

    /// What is wanted of the kernel besides routes.
    pub(super) fn settings(&self) -> Settings {
        let mut tenants = Vec::new();
        for (name, (record, _)) in &self.feed.networks {
            let pools = self.feed.pools_of(name).into_iter();
            let prefixes: Vec<IpNetwork> = pools
                .flat_map(|pool| pool.spec.ranges.iter())
                .filter_map(|range| IpNetwork::new(range.cidr.first(), range.cidr.prefix()).ok())
                .collect();
            if self.rib.has_vni(name) {
                tenants.push(Tenant {
                    vni: record.vni,
                    prefixes,
                });
            }
        }
        let found = self.found.as_ref();
        let found = found.filter(|_| !tenants.is_empty());
        Settings {
            overlay: found.and_then(|found| {
                let vtep = found.record.addresses.first()?.address;
                Some(Overlay {
                    mac: names::mac(vtep),
                    port: self.port,
                })
            }),
            uplink: found.map(|found| found.link.clone()),
            source_v4: self
                .now
                .as_ref()
                .filter(|_| found.is_some())
                .and_then(Found::v4),
            source_v6: self
                .now
                .as_ref()
                .filter(|_| found.is_some())
                .and_then(Found::v6),
            tenants,
            macs: self.macs(),
        }
    }

    /// A node with two VTEPs has one device, whose address is that of the first.
    fn macs(&self) -> BTreeMap<IpAddr, fairway_netlink::MacAddr> {
        let nodes = self.feed.nodes.values();
        let further = nodes.filter_map(|underlay| {
            let [first, second] = &underlay.addresses[..] else {
                return None;
            };
            Some((second.address, names::mac(first.address)))
        });
        let mut macs: BTreeMap<_, _> = further.collect();
        // An address may have gone from one node to another.
        for underlay in self.feed.nodes.values() {
            if let Some(first) = underlay.addresses.first() {
                macs.remove(&first.address);
            }
        }
        macs
    }

    /// The prefixes of all pools that are in a network, and of those that are masqueraded.
    pub(super) fn node_rules(&self) -> (Vec<IpNetwork>, Vec<IpNetwork>) {
        let (mut pools, mut masquerade) = (Vec::new(), Vec::new());
        for network in self.feed.networks.keys() {
            for pool in self.feed.pools_of(network) {
                let ranges = pool.spec.ranges.iter();
                let prefixes = ranges.filter_map(|range| {
                    IpNetwork::new(range.cidr.first(), range.cidr.prefix()).ok()
                });
                let prefixes: Vec<_> = prefixes.collect();
                if pool.spec.masquerade {
                    masquerade.extend(prefixes.iter().copied());
                }
                pools.extend(prefixes);
            }
        }
        (pools, masquerade)
    }

    /// How it stands with the route to an address on this node.
    pub(super) fn is_installed(
        &self,
        network: &fairway_rib::NetworkName,
        ip: IpAddr,
        link: &str,
    ) -> bool {
        let Some((prefix, forward)) = self.rib.lookup(network, ip) else {
            return false;
        };
        let here =
            matches!(forward, fairway_rib::Forward::Link { link: way } if way.as_str() == link);
        let vni = self
            .feed
            .networks
            .get(network)
            .map(|(record, _)| record.vni);
        here && vni.is_some_and(|vni| self.fib.standing(vni, prefix) == Standing::Installed)
    }
}

/// The words for a node that is nowhere.
pub(super) fn no_underlay(named: Option<&str>) -> String {
    match named {
        Some(link) => format!(
            "underlay: link {link} is not there or has no global address; give it one, or name another \
             (--underlay)"
        ),
        None => {
            "underlay: no link of this machine has a global address and leads to others; name one \
                 (--underlay)"
                .to_owned()
        }
    }
}
