//! What the daemon knows of links and settings, in the maps' words.

use super::super::record::EndpointRecord;
use crate::config::Policing;
use fairway_dataplane::abi;
use fairway_netlink::Link;
use fairway_policy::input::Sets;
use std::net::IpAddr;

/// What holds for all links.
pub(super) fn flags(policing: &Policing) -> u32 {
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    flag(policing.judge_node, abi::Config::JUDGE_HOST)
        | flag(policing.deliver, abi::Config::DELIVER)
}

/// The entry of an endpoint whose policy is in place.
pub(in crate::policy) fn endpoint(
    record: &EndpointRecord,
    link: &Link,
    identity: u32,
    sets: Sets,
    vni: Option<u32>,
) -> abi::Endpoint {
    let v4 = record.addresses.iter().find_map(|ip| match ip {
        IpAddr::V4(ip) => Some(u32::from_ne_bytes(ip.octets())),
        IpAddr::V6(_) => None,
    });
    let v6 = record.addresses.iter().find(|ip| ip.is_ipv6());
    let v6 = v6.map(|ip| fairway_dataplane::addr_of(*ip).0);
    let held = usize::from(v4.is_some()) + usize::from(v6.is_some());
    let bridged = link.master.is_some();
    let mut flags = abi::Endpoint::OPEN;
    if record.addresses.len() > held {
        flags |= abi::Endpoint::MORE;
    }
    if bridged {
        flags |= abi::Endpoint::BRIDGED;
    } else if vni.is_some() {
        flags |= abi::Endpoint::DELIVER;
    }
    let mac = |mac: Option<fairway_netlink::MacAddr>| mac.map(|mac| mac.octets());
    abi::Endpoint {
        identity,
        flags,
        sets: fairway_enforce::sets(sets),
        vni: vni.unwrap_or(0),
        mtu: link.mtu,
        v4: v4.unwrap_or(0),
        v6: v6.unwrap_or_default(),
        mac: mac(record.mac.parse().ok()).unwrap_or_default(),
        host_mac: mac(link.mac).unwrap_or_default(),
    }
}
