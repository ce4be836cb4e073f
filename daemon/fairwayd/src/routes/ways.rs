//! Ways to other nodes, as the dataplane is told of them: what it sends into the overlay itself goes where the
//! kernel's routes lead.

use fairway_fib::{Settings, names};
use fairway_netlink::MacAddr;
use fairway_rib::{Change, Forward, route::Gateway};
use ipnetwork::IpNetwork;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use tokio::sync::mpsc::UnboundedSender;

/// A prefix of a network, by its VNI.
pub(crate) type To = (u32, IpNetwork);

/// What leads to a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A tunnel.
    Tunnel {
        /// The network that its packets are in on the way.
        vni: u32,
        /// Our end.
        local: IpAddr,
        /// The other node's.
        remote: IpAddr,
        /// The hardware address of its device.
        mac: [u8; 6],
        /// The largest packet that fits inside.
        mtu: u32,
    },
    /// The node is a neighbour on the underlay's link.
    Neighbour {
        /// Its address there.
        gateway: IpAddr,
        /// The largest packet that gets there; none: the link's.
        mtu: Option<u32>,
    },
    /// Something that the kernel knows; nothing else that lies around it leads there.
    Host,
}

/// What has changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The underlay's link, as it is now.
    pub(crate) uplink: Option<String>,
    /// All that the store has has been told, with this.
    pub(crate) whole: bool,
    /// None: the prefix has no way of its own any more.
    pub(crate) ways: Vec<(To, Option<Way>)>,
}

/// All of them, and who is told.
///
/// Only what lies in a pool is sent past the host. To all else, which routes of administrators may lead to, it may
/// have to give another source, and the destination may be a service's.
#[derive(Debug)]
pub(super) struct Ways {
    known: BTreeMap<To, (Forward, Way)>,
    macs: BTreeMap<IpAddr, MacAddr>,
    pools: BTreeSet<IpNetwork>,
    uplink: Option<String>,
    /// All that the store has is in it.
    whole: bool,
    tell: UnboundedSender<Changed>,
}

impl Ways {
    pub(super) fn new(tell: UnboundedSender<Changed>) -> Ways {
        Ways {
            known: BTreeMap::new(),
            macs: BTreeMap::new(),
            pools: BTreeSet::new(),
            uplink: None,
            whole: false,
            tell,
        }
    }

    /// The underlay's link, hardware addresses that do not follow from the node's, and pools.
    pub(super) fn configure(&mut self, settings: &Settings) {
        let pools = settings.tenants.iter();
        let pools = pools.flat_map(|tenant| tenant.prefixes.iter().copied());
        let pools: BTreeSet<IpNetwork> = pools.collect();
        if (&self.macs, &self.uplink, &self.pools) == (&settings.macs, &settings.uplink, &pools) {
            return;
        }
        self.macs.clone_from(&settings.macs);
        self.uplink.clone_from(&settings.uplink);
        self.pools = pools;
        let mut changed = Vec::new();
        let mut known = std::mem::take(&mut self.known);
        for (to, (forward, way)) in &mut known {
            let now = self.way(*to, forward);
            if *way != now {
                *way = now;
                changed.push((*to, Some(now)));
            }
        }
        self.known = known;
        self.tell(changed);
    }

    /// All that the store has has been told. Whoever waits for it hears so.
    pub(super) fn whole(&mut self) {
        if !std::mem::replace(&mut self.whole, true) {
            self.tell(Vec::new());
        }
    }

    /// The routing table's changes.
    pub(super) fn change(&mut self, changes: &[Change]) {
        let mut changed = Vec::new();
        for change in changes {
            match change {
                Change::Upsert(entry) => {
                    let to = (entry.vni.number(), fairway_fib::network(entry.prefix));
                    // As it was.
                    if entry.forward == Forward::Hold && self.known.contains_key(&to) {
                        continue;
                    }
                    let way = self.way(to, &entry.forward);
                    let before = self.known.insert(to, (entry.forward.clone(), way));
                    if before.is_none_or(|(_, before)| before != way) {
                        changed.push((to, Some(way)));
                    }
                }
                Change::Remove { vni, prefix } => {
                    let to = (vni.number(), fairway_fib::network(*prefix));
                    if self.known.remove(&to).is_some() {
                        changed.push((to, None));
                    }
                }
            }
        }
        if !changed.is_empty() {
            self.tell(changed);
        }
    }

    fn way(&self, (_, net): To, forward: &Forward) -> Way {
        let inside = |pool: &IpNetwork| pool.prefix() <= net.prefix() && pool.contains(net.ip());
        if !self.pools.iter().any(inside) {
            return Way::Host;
        }
        match forward {
            Forward::Encap {
                vni,
                source,
                vtep,
                mtu,
            } if source.is_ipv4() == vtep.is_ipv4() => Way::Tunnel {
                vni: vni.number(),
                local: *source,
                remote: *vtep,
                mac: mac_of(&self.macs, *vtep),
                mtu: mtu.bytes().into(),
            },
            // Where a route names another link, nobody knows which one answers come by.
            Forward::Direct { gateway, mtu } if self.is_uplink(gateway) => Way::Neighbour {
                gateway: gateway.address(),
                mtu: mtu.map(|mtu| mtu.bytes().into()),
            },
            _ => Way::Host,
        }
    }

    fn is_uplink(&self, gateway: &Gateway) -> bool {
        let mut named = gateway.link().into_iter();
        named.all(|link| Some(link.as_str()) == self.uplink.as_deref())
    }

    fn tell(&self, ways: Vec<(To, Option<Way>)>) {
        let (uplink, whole) = (self.uplink.clone(), self.whole);
        // Nobody listens any more where the daemon ends.
        let _gone = self.tell.send(Changed {
            uplink,
            whole,
            ways,
        });
    }
}

fn mac_of(macs: &BTreeMap<IpAddr, MacAddr>, vtep: IpAddr) -> [u8; 6] {
    let known = macs.get(&vtep).copied();
    known.unwrap_or_else(|| names::mac(vtep)).octets()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_fib::Tenant;
    use fairway_rib::{Entry, LinkName, Mtu, Prefix, Vni};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn vni(number: u32) -> Vni {
        Vni::new(number).unwrap()
    }

    fn prefix(text: &str) -> Prefix {
        Prefix::new(text.parse().unwrap()).unwrap()
    }

    fn upsert(prefix: &str, forward: Forward) -> Change {
        Change::Upsert(Entry {
            vni: vni(5),
            prefix: self::prefix(prefix),
            forward,
        })
    }

    fn encap(vtep: &str) -> Forward {
        Forward::Encap {
            vni: vni(6),
            source: "192.0.2.1".parse().unwrap(),
            vtep: vtep.parse().unwrap(),
            mtu: Mtu::new(1450).unwrap(),
        }
    }

    fn direct(gateway: &str) -> Forward {
        Forward::Direct {
            gateway: Gateway::new(gateway.parse().unwrap(), None).unwrap(),
            mtu: None,
        }
    }

    fn by(link: &str) -> Forward {
        let link = LinkName::new(link).unwrap();
        Forward::Direct {
            gateway: Gateway::new("192.0.2.7".parse().unwrap(), Some(link)).unwrap(),
            mtu: None,
        }
    }

    fn said(told: &mut UnboundedReceiver<Changed>) -> Vec<(String, String)> {
        let mut all = Vec::new();
        while let Ok(changed) = told.try_recv() {
            all.extend(changed.ways.into_iter().map(|((vni, net), way)| {
                let way = match way {
                    None => "gone".to_owned(),
                    Some(Way::Host) => "host".to_owned(),
                    Some(Way::Neighbour { gateway, .. }) => format!("via {gateway}"),
                    Some(Way::Tunnel {
                        vni, remote, mac, ..
                    }) => format!("{vni} {remote} {}", MacAddr(mac)),
                };
                (format!("{vni} {net}"), way)
            }));
        }
        all
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn a_gateway_on_another_link_than_the_underlays_is_the_hosts() {
        let (tell, mut told) = unbounded_channel();
        let mut ways = Ways::new(tell);
        let settings = |uplink: &str| Settings {
            uplink: Some(uplink.to_owned()),
            tenants: vec![Tenant {
                vni: vni(5),
                prefixes: vec!["10.0.0.0/16".parse().unwrap()],
            }],
            ..Settings::default()
        };
        ways.configure(&settings("eth0"));
        ways.change(&[
            upsert("10.0.2.0/26", by("eth0")),
            upsert("10.0.3.0/26", by("eth1")),
        ]);
        let first = pairs(&[
            ("5 10.0.2.0/26", "via 192.0.2.7"),
            ("5 10.0.3.0/26", "host"),
        ]);
        assert_eq!(said(&mut told), first);
        ways.configure(&settings("eth1"));
        let other = pairs(&[
            ("5 10.0.2.0/26", "host"),
            ("5 10.0.3.0/26", "via 192.0.2.7"),
        ]);
        assert_eq!(said(&mut told), other);
    }

    #[test]
    fn tunnels_and_what_lies_in_them() {
        let (tell, mut told) = unbounded_channel();
        let mut ways = Ways::new(tell);
        let settings = |macs: &[(IpAddr, MacAddr)], pools: &[&str]| Settings {
            macs: macs.iter().copied().collect(),
            tenants: vec![Tenant {
                vni: vni(5),
                prefixes: pools.iter().map(|pool| pool.parse().unwrap()).collect(),
            }],
            ..Settings::default()
        };
        let pools = ["10.0.0.0/16", "fd00::/64", "fd01::/48"];
        ways.configure(&settings(&[], &pools));
        ways.change(&[
            upsert("0.0.0.0/0", encap("192.0.2.9")),
            upsert("192.0.2.2/32", encap("192.0.2.2")),
            upsert("10.0.2.0/26", encap("192.0.2.2")),
            upsert("10.0.2.7/32", Forward::Unreachable),
            upsert("10.0.3.0/26", Forward::Hold),
            upsert("fd00::/64", encap("2001:db8::2")),
            upsert("fd01::/64", direct("2001:db8::2")),
        ]);
        let first = pairs(&[
            ("5 0.0.0.0/0", "host"),
            ("5 192.0.2.2/32", "host"),
            ("5 10.0.2.0/26", "6 192.0.2.2 0a:fa:c0:00:02:02"),
            ("5 10.0.2.7/32", "host"),
            ("5 10.0.3.0/26", "host"),
            ("5 fd00::/64", "host"),
            ("5 fd01::/64", "via 2001:db8::2"),
        ]);
        assert_eq!(said(&mut told), first);
        // The same again is no change; what is held stays as it was.
        ways.change(&[
            upsert("10.0.2.0/26", encap("192.0.2.2")),
            upsert("10.0.2.0/26", Forward::Hold),
        ]);
        assert_eq!(said(&mut told), []);
        let macs = [("192.0.2.2".parse().unwrap(), MacAddr([2, 0, 0, 0, 0, 9]))];
        ways.configure(&settings(&macs, &pools));
        let other = pairs(&[("5 10.0.2.0/26", "6 192.0.2.2 02:00:00:00:00:09")]);
        assert_eq!(said(&mut told), other);
        // A pool that is taken out of the network, and one that comes.
        ways.configure(&settings(&macs, &["10.0.0.0/16", "0.0.0.0/0"]));
        let fewer = pairs(&[
            ("5 0.0.0.0/0", "6 192.0.2.9 0a:fa:c0:00:02:09"),
            ("5 192.0.2.2/32", "6 192.0.2.2 02:00:00:00:00:09"),
            ("5 fd01::/64", "host"),
        ]);
        assert_eq!(said(&mut told), fewer);
        let remove = |prefix: &str| Change::Remove {
            vni: vni(5),
            prefix: self::prefix(prefix),
        };
        ways.change(&[remove("10.0.2.0/26"), remove("10.9.0.0/26")]);
        assert_eq!(said(&mut told), pairs(&[("5 10.0.2.0/26", "gone")]));
        ways.whole();
        assert!(told.try_recv().unwrap().whole);
        ways.whole();
        assert!(told.try_recv().is_err());
    }
}
