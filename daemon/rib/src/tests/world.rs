//! Short ways to say what is so. The node under test is `n0`, in 192.0.2.0/24.

use crate::{
    Encap, Forward, Input, LinkName, Mtu, Network, NetworkName, Node, PoolRouting, Prefix, Rib,
    RouteName, Underlay, Verdict, Vni,
    route::{
        Addresses, BgpRoute, Block, Claim, Endpoint, Gateway, Gateways, Key, Path, Route,
        StaticRoute, Target,
    },
};
use fairway_ipam::{AttachmentId, ClaimName, NodeName, PoolName};
use std::net::IpAddr;

pub(super) const GRACE: u64 = 60_000;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn prefix(text: &str) -> Prefix {
    Prefix::new(text.parse().unwrap()).unwrap()
}

pub(super) fn name(text: &str) -> NodeName {
    NodeName::new(text).unwrap()
}

pub(super) fn net(text: &str) -> NetworkName {
    NetworkName::new(text).unwrap()
}

pub(super) fn pool_name(text: &str) -> PoolName {
    PoolName::new(text).unwrap()
}

pub(super) fn vni(number: u32) -> Vni {
    Vni::new(number).unwrap()
}

/// Underlays as `ADDRESS/LENGTH`.
pub(super) fn node(node: &str, mtu: u32, underlays: &[&str]) -> Input {
    let underlays = underlays.iter().map(|text| {
        let (address, length) = text.split_once('/').unwrap();
        let subnet = fairway_ipam::Cidr::holding(ip(address), length.parse().unwrap()).unwrap();
        Underlay::new(ip(address), subnet).unwrap()
    });
    Input::Node(Node::new(name(node), Mtu::new(mtu).unwrap(), underlays).unwrap())
}

pub(super) fn network(text: &str, number: u32, created: u64, imports: &[&str]) -> Input {
    let network = Network::new(net(text), vni(number), created);
    let imports = imports.iter().map(|import| net(import));
    Input::Network(network.importing(imports).unwrap())
}

pub(super) fn pool(pool: &str, network: &str, encap: Encap) -> Input {
    Input::Pool(PoolRouting {
        pool: pool_name(pool),
        network: net(network),
        encap,
    })
}

pub(super) fn block(pool: &str, text: &str, owner: &str) -> Route {
    Route::Block(Block {
        pool: pool_name(pool),
        prefix: prefix(text),
        owner: name(owner),
    })
}

pub(super) fn claim(pool: &str, claim: &str, ips: &[&str], holder: &str) -> Route {
    Route::Claim(Claim {
        pool: pool_name(pool),
        claim: ClaimName::new(claim).unwrap(),
        addresses: Addresses::new(ips.iter().map(|text| ip(text))).unwrap(),
        holder: name(holder),
    })
}

pub(super) fn container(network: &str, id: &str, ips: &[&str], seq: u64) -> Route {
    Route::Endpoint(Endpoint {
        attachment: AttachmentId {
            network: network.to_owned(),
            container: id.to_owned(),
            ifname: "eth0".to_owned(),
        },
        network: net(network),
        link: LinkName::new(&format!("fw{id}")).unwrap(),
        addresses: Addresses::new(ips.iter().map(|text| ip(text))).unwrap(),
        seq,
    })
}

pub(super) fn fixed(network: &str, route: &str, text: &str, metric: u32, target: Target) -> Route {
    Route::Static(StaticRoute {
        name: RouteName::new(route).unwrap(),
        network: net(network),
        prefix: prefix(text),
        metric,
        target,
    })
}

pub(super) fn bgp(network: &str, peer: &str, text: &str, path: (u32, u16, u32)) -> Route {
    Route::Bgp(BgpRoute {
        peer: ip(peer),
        network: net(network),
        prefix: prefix(text),
        next_hops: vec![ip(peer)],
        gateways: Gateways::new([gateway(peer)]).unwrap(),
        path: Path {
            preference: path.0,
            as_path_len: path.1,
            med: path.2,
        },
        beside: false,
    })
}

pub(super) fn gateway(text: &str) -> Gateway {
    Gateway::new(ip(text), None).unwrap()
}

pub(super) fn add(route: Route) -> Input {
    Input::Route(route)
}

pub(super) fn remove(route: &Route) -> Input {
    Input::Withdraw(route.key())
}

/// `n0` with one network `a` (VNI 5000) and its pool `web`; `n1` in its subnet, `n2` in another.
pub(super) fn rib(encap: Encap) -> Rib {
    let mut rib = Rib::new(name("n0"), GRACE);
    rib.handle_all([
        node("n0", 1500, &["192.0.2.10/24"]),
        node("n1", 1500, &["192.0.2.11/24"]),
        node("n2", 1500, &["198.51.100.12/24"]),
        network("a", 5000, 1, &[]),
        pool("web", "a", encap),
    ]);
    rib
}

/// Where network `a` sends an address: the prefix and the way, as a line.
pub(super) fn way(rib: &Rib, address: &str) -> String {
    way_in(rib, "a", address)
}

pub(super) fn way_in(rib: &Rib, network: &str, address: &str) -> String {
    let found = rib.lookup(&net(network), ip(address));
    let explained = rib.explain(&net(network), ip(address));
    let explained = explained.ok().and_then(|explanation| explanation.route);
    let owned = found.map(|(prefix, forward)| (prefix, forward.clone()));
    assert_eq!(owned, explained, "{network} {address}");
    let line = |(prefix, forward): (Prefix, &Forward)| format!("{prefix} {forward}");
    found.map_or("nothing".to_owned(), line)
}

/// Each candidate for an address: key and verdict.
pub(super) fn verdicts(rib: &Rib, address: &str) -> Vec<(Key, Verdict)> {
    let explanation = rib.explain(&net("a"), ip(address)).unwrap();
    let candidates = explanation
        .considered
        .into_iter()
        .flat_map(|c| c.candidates);
    candidates.map(|c| (c.key, c.verdict)).collect()
}

/// The same as lines.
pub(super) fn lines(rib: &Rib, address: &str) -> Vec<String> {
    let verdicts = verdicts(rib, address).into_iter();
    verdicts
        .map(|(key, verdict)| format!("{key}: {verdict}"))
        .collect()
}
