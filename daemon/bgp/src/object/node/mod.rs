//! What all objects together mean on one node.

mod choose;
mod neighbour;
mod problem;

pub use neighbour::Neighbour;
pub use problem::Problem;

use super::{Advertise, BgpConfig, BgpPeer, Kind, Listen};
use crate::session::{Speaker, config::Peer};
use crate::{Family, RouterId, table};
use problem::Problems;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A node, as far as objects ask.
#[derive(Debug, Clone, Copy)]
pub struct Node<'n> {
    /// Its name.
    pub name: &'n str,
    /// All its addresses by which others reach it, the most important one first.
    pub addresses: &'n [IpAddr],
}

/// What a node's speaker is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The `BgpConfig` that holds; absent where there is none for the node, and the defaults do.
    pub config: Option<String>,
    /// Who it is.
    pub speaker: table::Settings,
    /// Where neighbours may connect to, if anywhere.
    pub listen: Option<Bound>,
    /// What it announces.
    pub advertise: Advertise,
    /// Its neighbours, by the names of their objects.
    pub neighbours: Vec<Neighbour>,
    /// What does not hold, and why.
    pub problems: Vec<Problem>,
}

/// What sockets listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The port.
    pub port: u16,
    /// The node's own addresses; 0.0.0.0 and :: stand for all of their family. One at least.
    pub addresses: Vec<IpAddr>,
}

/// What all objects together mean on one node. Those that are not for it do not count.
///
/// Of several `BgpConfig` the one that says most exactly that it is for the node holds, and of equal ones the first by
/// name. Of several `BgpPeer` of one address, or of one prefix, the first by name holds. A `BgpPeer` of a node's own
/// address does not count, so that one for all nodes may name one of them.
pub fn for_node<'o>(
    node: Node<'_>,
    configs: impl IntoIterator<Item = &'o BgpConfig>,
    peers: impl IntoIterator<Item = &'o BgpPeer>,
) -> Effective {
    let mut problems = Problems::default();
    let none = BgpConfig::none();
    let chosen = choose::config(node, configs, &mut problems);
    let config = chosen.unwrap_or(&none);
    let router = config.router.unwrap_or_else(|| own_router(node));
    let speaker = table::Settings {
        cluster: config.cluster.unwrap_or(router),
        always_compare_med: config.always_compare_med,
        multipath: config.multipath.into(),
        multipath_relax: config.multipath_relax,
        ..table::Settings::new(config.asn, router)
    };
    let listen = config
        .listen
        .as_ref()
        .and_then(|listen| bound(node, listen, config, &mut problems));
    let own = Speaker {
        asn: config.asn,
        router,
    };
    let neighbours = choose::peers(node, peers, &mut problems)
        .into_iter()
        .filter_map(|peer| {
            neighbour::of(peer, own, config.graceful, listen.is_some(), &mut problems)
        })
        .collect();
    Effective {
        config: chosen.map(|config| config.name.clone()),
        speaker,
        listen,
        advertise: config.advertise.clone(),
        neighbours,
        problems: problems.end(),
    }
}

/// Where even the name makes none.
const LAST: RouterId = RouterId::new(1).expect("it is not 0");

/// A node's identifier: its first IPv4 address. Without one it is made of the name (FNV-1a): identifiers need not be
/// addresses (RFC 6286), but each node has to have one of its own, and the same after each restart.
fn own_router(node: Node<'_>) -> RouterId {
    let mut addresses = node.addresses.iter();
    let address = addresses.find_map(|address| match address {
        IpAddr::V4(ip) if !ip.is_loopback() && !ip.is_link_local() => RouterId::new(ip.to_bits()),
        _ => None,
    });
    let step = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let name = || RouterId::new(node.name.bytes().fold(0x811C_9DC5, step));
    address.or_else(name).unwrap_or(LAST)
}

fn bound(
    node: Node<'_>,
    listen: &Listen,
    config: &BgpConfig,
    problems: &mut Problems,
) -> Option<Bound> {
    let any = |family| match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let port = listen.port;
    if listen.addresses.is_empty() {
        let addresses = Family::ALL.map(any).to_vec();
        return Some(Bound { port, addresses });
    }
    let whole: Vec<Family> = listen
        .addresses
        .iter()
        .filter(|place| place.length() == 0)
        .map(|place| place.family())
        .collect();
    let single = node.addresses.iter().copied().filter(|own| {
        let mut places = listen.addresses.iter();
        places.any(|place| place.length() > 0 && Peer::Within(*place).has(*own))
            && !whole
                .iter()
                .any(|family| any(*family).is_ipv4() == own.is_ipv4())
    });
    let mut addresses: Vec<IpAddr> = whole.iter().copied().map(any).chain(single).collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        let text = "the node has none of these addresses: it does not listen";
        problems.add(
            (Kind::BgpConfig, &config.name),
            "spec.listen.addresses",
            text,
        );
        return None;
    }
    Some(Bound { port, addresses })
}
