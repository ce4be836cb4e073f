//! What is told to whoever asks: plugins and administrators.

use super::{
    containers,
    state::{State, no_underlay},
    wait::Waiting,
};
use crate::convert::{attachment_out, body};
use fairway_api::{ErrorBody, admin, endpoint};
use fairway_cni::Code;
use fairway_fib::Standing;
use fairway_ipam::{AttachmentId, Encap, Family, NetworkName, Pool};
use fairway_netlink::Netlink;
use fairway_rib::{Prefix, route::Key};
use std::net::IpAddr;

/// What VXLAN adds to a packet, by the underlay's family (RFC 7348).
const HEADERS: [(Family, u32); 2] = [(Family::V4, 50), (Family::V6, 70)];
/// The least that an IPv6 link must carry (RFC 8200).
const LEAST_V6: u32 = 1280;

fn network_named<N: Netlink>(state: &State<N>, text: &str) -> Result<NetworkName, ErrorBody> {
    let name = NetworkName::new(text).map_err(|error| body(Code::INVALID_CONFIG, error))?;
    match state.feed.networks.contains_key(&name) {
        true => Ok(name),
        false if !state.seen => {
            let text = "the store has not been seen yet";
            Err(body(Code::TRY_AGAIN, text))
        }
        false => {
            let text = format_args!("network: there is no network {name} (netctl network ls)");
            Err(body(Code::INVALID_CONFIG, text))
        }
    }
}

pub(super) fn prepared<N: Netlink>(
    state: &State<N>,
    network: &str,
) -> Result<endpoint::Prepared, ErrorBody> {
    let name = network_named(state, network)?;
    let pools = state.feed.pools_of(&name);
    if !state.rib.has_vni(&name) {
        let text = format_args!("network: {name} has the VNI of a network that was made before it");
        return Err(body(Code::INVALID_CONFIG, text));
    }
    if pools.is_empty() {
        let text = format_args!("network: no pool of network {name} is there");
        return Err(body(Code::INVALID_CONFIG, text));
    }
    let Some(found) = &state.found else {
        return Err(body(Code::TRY_AGAIN, no_underlay(state.named.as_deref())));
    };
    let wrapped = pools.iter().any(|pool| pool.spec.encap != Encap::Never);
    let family = match found.v4() {
        Some(_) => Family::V4,
        None => Family::V6,
    };
    let headers = HEADERS.iter().find(|(of, _)| *of == family && wrapped);
    let mtu = found
        .record
        .mtu
        .saturating_sub(headers.map_or(0, |(_, bytes)| *bytes));
    if mtu < LEAST_V6 && pools.iter().any(|pool| has_v6(pool)) {
        let text = format_args!(
            "mtu: {mtu} bytes are left in the underlay's {} ({}), and IPv6 needs {LEAST_V6}",
            found.record.mtu, found.link
        );
        return Err(body(Code::INVALID_CONFIG, text));
    }
    Ok(endpoint::Prepared {
        pools: pools.iter().map(|pool| pool.name.to_string()).collect(),
        mtu,
    })
}

fn has_v6(pool: &Pool) -> bool {
    let mut ranges = pool.spec.ranges.iter();
    ranges.any(|range| range.cidr.family() == Family::V6)
}

/// The answer to whoever waits for a container; none: not yet.
pub(super) fn standing<N: Netlink>(
    state: &State<N>,
    waiting: &Waiting,
) -> Option<Result<(), ErrorBody>> {
    if waiting.is_abandoned() {
        return Some(Ok(()));
    }
    let name = match network_named(state, waiting.network()) {
        Ok(name) => name,
        Err(_) if !state.seen && !waiting.is_late() => return None,
        Err(error) => return Some(Err(error)),
    };
    let foreign = waiting
        .addresses()
        .iter()
        .find(|ip| state.feed.network_of(**ip) != Some(&name));
    if let Some(ip) = foreign {
        let text = format_args!("ipam: {ip} is of no pool of network {name} (netctl network ls)");
        return Some(Err(body(Code::INVALID_CONFIG, text)));
    }
    let attachment = &waiting.lease().attachment;
    let link = containers::link_of(state.fib.links(), attachment);
    let endpoint = state.containers.endpoint(attachment);
    if let (Some(link), Some(_)) = (link, endpoint) {
        let there = |ip: &IpAddr| state.is_installed(&name, *ip, &link.name);
        if waiting.addresses().iter().all(there) {
            return Some(Ok(()));
        }
    }
    if !waiting.is_late() {
        return None;
    }
    let mut why = state.problems().join("; ");
    if link.is_none() {
        why = "its link is not there".to_owned();
    } else if why.is_empty() {
        why = "another node still has an address of it".to_owned();
    }
    let text = format_args!("{attachment}: the kernel's routes do not lead to it yet: {why}");
    Some(Err(body(Code::TRY_AGAIN, text)))
}

pub(super) fn endpoints<N: Netlink>(state: &State<N>) -> Vec<endpoint::Endpoint> {
    let rows = state.containers.endpoints().map(|known| {
        let addresses: Vec<IpAddr> = known.addresses.iter().map(|p| p.cidr().first()).collect();
        let link = known.link.as_str();
        endpoint::Endpoint {
            attachment: attachment_out(&known.attachment),
            network: known.network.to_string(),
            link: link.to_owned(),
            ready: addresses
                .iter()
                .all(|ip| state.is_installed(&known.network, *ip, link)),
            addresses,
        }
    });
    rows.collect()
}

pub(super) fn routes<N: Netlink>(
    state: &State<N>,
    network: Option<&str>,
) -> Result<Vec<admin::Route>, ErrorBody> {
    let only = network.map(|text| network_named(state, text)).transpose()?;
    let mut rows = Vec::new();
    for entry in state.rib.snapshot() {
        let networks = state.feed.networks.iter();
        let mut of = networks
            .filter(|(name, (record, _))| record.vni == entry.vni && state.rib.has_vni(name));
        let Some((name, _)) = of.next() else {
            continue;
        };
        if only.as_ref().is_none_or(|only| only == name) {
            rows.push(route(state, name, entry.prefix, &entry.forward.to_string()));
        }
    }
    rows.sort_by(|a, b| (&a.network, &a.prefix).cmp(&(&b.network, &b.prefix)));
    Ok(rows)
}

fn route<N: Netlink>(
    state: &State<N>,
    network: &NetworkName,
    prefix: Prefix,
    forward: &str,
) -> admin::Route {
    let standing = state.feed.networks.get(network);
    let standing = standing.map(|(record, _)| state.fib.standing(record.vni, prefix));
    let word = match standing {
        Some(Standing::Installed) => "installed",
        Some(Standing::Conflict) => "conflict",
        Some(Standing::Pending) | None => "pending",
    };
    admin::Route {
        network: network.to_string(),
        prefix: prefix.to_string(),
        forward: forward.to_owned(),
        source: state
            .rib
            .best(network, prefix)
            .map_or_else(String::new, source),
        state: word.to_owned(),
    }
}

/// What a route is known from, in an operator's words.
fn source(key: &Key) -> String {
    match key {
        Key::Static(name) if name.as_str().starts_with("node.") => {
            "a node's own address".to_owned()
        }
        key => key.to_string(),
    }
}

pub(super) fn explained<N: Netlink>(
    state: &State<N>,
    why: &admin::RouteWhy,
) -> Result<admin::RouteExplained, ErrorBody> {
    let network = match &why.network {
        Some(text) => network_named(state, text)?,
        None => match state.feed.network_of(why.address) {
            Some(name) => name.clone(),
            None => {
                let text = format_args!(
                    "address: {} is of no pool that is in a network; name the network whose table is meant",
                    why.address
                );
                return Err(body(Code::INVALID_CONFIG, text));
            }
        },
    };
    let explained = state.rib.explain(&network, why.address);
    let explained = explained.map_err(|error| body(Code::INVALID_CONFIG, error))?;
    let considered = explained
        .considered
        .into_iter()
        .map(|considered| admin::Considered {
            prefix: considered.prefix.to_string(),
            candidates: considered
                .candidates
                .iter()
                .map(|candidate| admin::Candidate {
                    source: source(&candidate.key),
                    verdict: candidate.verdict.to_string(),
                })
                .collect(),
        });
    Ok(admin::RouteExplained {
        address: why.address,
        route: explained
            .route
            .map(|(prefix, forward)| route(state, &network, prefix, &forward.to_string())),
        considered: considered.collect(),
        network: network.to_string(),
    })
}

/// The words for a container whose addresses were given on.
pub(super) fn cut_off(attachment: &AttachmentId) -> ErrorBody {
    let text = format_args!("{attachment} is cut off: its addresses were given on to others");
    body(Code::CHECK_FAILED, text)
}
