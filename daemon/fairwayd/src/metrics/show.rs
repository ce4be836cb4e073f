//! What parts of the daemon answered, as metrics.

use super::{names, page::Page};
use crate::{policy, rates, routes};
use fairway_api::admin::BgpPeers;
use fairway_dataplane::abi::{Direction, Reason};
use fairway_ipam::{Family, admin::Census};

/// BGP's states, in the order of RFC 4271.
const STATES: [&str; 6] = [
    "Idle",
    "Connect",
    "Active",
    "OpenSent",
    "OpenConfirm",
    "Established",
];
const FAMILIES: [&str; 2] = ["ipv4-unicast", "ipv6-unicast"];
const DIRECTIONS: [&str; 2] = ["ingress", "egress"];

pub(super) fn pools(page: &mut Page, census: &Census) {
    for ((pool, family), counted) in &census.pools {
        let family = match family {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        };
        let of = [pool.as_str(), family];
        page.put(names::POOL_SIZE, &of, real(counted.size));
        for (state, addresses) in [
            ("live", counted.live.into()),
            ("claimed", counted.claimed.into()),
            ("cooling", counted.cooling.into()),
            ("orphaned", counted.orphaned.into()),
            ("free", counted.free()),
        ] {
            page.put(
                names::POOL_ADDRESSES,
                &[of[0], of[1], state],
                real(addresses),
            );
        }
        for (state, blocks) in [
            ("owned", counted.owned.into()),
            ("away", counted.away.into()),
            ("unowned", counted.unowned()),
        ] {
            page.put(names::POOL_BLOCKS, &[of[0], of[1], state], real(blocks));
        }
        page.put(names::NODE_BLOCKS, &of, counted.here);
        page.put(names::NODE_FREE, &of, counted.here_free);
    }
    for (pool, [held, idle]) in &census.claims {
        page.put(names::POOL_CLAIMS, &[pool.as_str(), "held"], *held);
        page.put(names::POOL_CLAIMS, &[pool.as_str(), "idle"], *idle);
    }
    page.put(names::NODES, &["alive"], census.alive);
    page.put(names::NODES, &["away"], census.away);
    page.put(names::NODES, &["drained"], census.drained);
    page.put(names::NETWORKS, &[], census.networks);
}

/// Sizes of IPv6 pools are larger than what a whole number of Prometheus holds.
fn real(number: u128) -> f64 {
    number as f64
}

pub(super) fn routes(page: &mut Page, told: &routes::Tally) {
    page.put(names::ROUTES, &["wanted"], told.wanted);
    page.put(names::ROUTES, &["installed"], told.installed);
    page.put(names::ROUTES, &["pending"], told.pending);
    page.put(names::ROUTE_CHANGES, &[], told.counted.changes);
    page.put(names::ROUTE_REPAIRS, &[], told.counted.repairs);
    page.put(names::ROUTE_FAILURES, &[], told.counted.refused);
    page.put(names::ROUTE_LISTS, &[], told.counted.lists);
    page.put(names::ENDPOINTS, &[], told.endpoints);
    page.put(names::PROBLEMS, &["routes"], told.problems);
}

pub(super) fn policy(page: &mut Page, told: &policy::Tally) {
    page.put(names::POLICY_ENFORCED, &[], told.enforced);
    page.put(names::POLICY_ENDPOINTS, &[], told.endpoints);
    page.put(names::POLICY_ASIDE, &[], told.aside);
    page.put(names::PROBLEMS, &["policy"], told.problems);
    for map in &told.maps {
        let name = map.map.to_ascii_lowercase();
        page.put(names::MAP_ENTRIES, &[&name], u64::from(map.entries));
        page.put(names::MAP_SIZE, &[&name], u64::from(map.room));
    }
    for counter in &told.packets {
        let verdict = match counter.reason {
            Reason::Forwarded => "forwarded",
            _ => "dropped",
        };
        let direction = match counter.direction {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        };
        let number = (counter.reason as u32).to_string();
        let labels = [verdict, counter.reason.name(), &number, direction];
        page.put(names::POLICY_PACKETS, &labels, counter.count.packets);
        page.put(names::POLICY_BYTES, &labels, counter.count.bytes);
    }
}

pub(super) fn rates(page: &mut Page, told: &rates::Tally) {
    for scope in ["container", "namespace", "network"] {
        let limits = told.limits.get(scope).copied();
        page.put(names::RATE_LIMITS, &[scope], limits.unwrap_or(0));
    }
    let word = |direction| match direction {
        fairway_api::admin::Direction::Ingress => DIRECTIONS[0],
        fairway_api::admin::Direction::Egress => DIRECTIONS[1],
    };
    for ((direction, means), ways) in &told.ways {
        page.put(names::RATE_WAYS, &[word(*direction), means], *ways);
    }
    for (direction, sent) in &told.sent {
        let direction = [word(*direction)];
        page.put(names::RATE_PACKETS, &direction, sent.packets);
        page.put(names::RATE_BYTES, &direction, sent.bytes);
        page.put(names::RATE_DELAYED, &direction, sent.delayed);
        page.put(names::RATE_MARKED, &direction, sent.marked);
        page.put(names::RATE_DROPPED, &direction, sent.dropped);
    }
    page.put(names::PROBLEMS, &["rates"], told.problems);
}

pub(super) fn bgp(page: &mut Page, told: &BgpPeers, flaps: u64) {
    let peers = &told.peers;
    for state in STATES {
        let sessions = peers.iter().filter(|peer| peer.state == state);
        page.put(names::BGP_SESSIONS, &[state], sessions.count());
    }
    for family in FAMILIES {
        let counts = peers.iter().flat_map(|peer| &peer.routes);
        let (mut received, mut accepted, mut advertised) = (0, 0, 0);
        for counts in counts.filter(|counts| counts.family == family) {
            received += counts.received;
            accepted += counts.accepted;
            advertised += counts.advertised;
        }
        page.put(names::BGP_PREFIXES, &[family, "received"], received);
        page.put(names::BGP_PREFIXES, &[family, "accepted"], accepted);
        page.put(names::BGP_PREFIXES, &[family, "advertised"], advertised);
    }
    page.put(names::BGP_FLAPS, &[], flaps);
    page.put(names::PROBLEMS, &["bgp"], told.problems.len());
}
