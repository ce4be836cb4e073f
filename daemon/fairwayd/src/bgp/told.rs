//! What the socket and the thread of routes are told, in their words.

use super::wanted::Left;
use crate::{
    convert::body,
    hops::{Answer, Hops, Reached},
    routes::Learned,
};
use fairway_api::{ErrorBody, admin};
use fairway_bgp::{
    Prefix, Time,
    attr::{AsPath, Segment},
    message::Notification,
    object::Warning,
    policy::Source,
    session::{Agreed, Messages, RefreshAbility},
    table::Change,
};
use fairway_cni::Code;
use fairway_ipam::Cidr;
use fairway_rib::route::Path;
use fairway_speaker::{PeerStatus, Seen, Which};
use std::{collections::BTreeMap, net::IpAddr, time::UNIX_EPOCH};

/// LOCAL_PREF where a neighbour says nothing of it (RFC 4271, 9.1.1 leaves it to the node).
const PREFERENCE: u32 = 100;

/// A way that the node is to use, or none any more. Own routes are no news.
pub(super) fn learned(change: &Change) -> Option<Learned> {
    let prefix = Cidr::holding(change.prefix.address(), change.prefix.length())?;
    let way = change.best.first().and_then(|best| {
        let attributes = &best.route.attributes;
        let hops = change.best.iter().filter_map(|one| one.route.next_hop);
        // Own routes are not beside those of neighbours.
        best.route.next_hop?;
        Some(crate::routes::Way {
            peer: best.address?,
            next_hops: hops.map(|hop| hop.address()).collect(),
            path: Path {
                preference: attributes.local_pref.unwrap_or(PREFERENCE),
                as_path_len: u16::try_from(attributes.as_path.len()).unwrap_or(u16::MAX),
                med: attributes.med.unwrap_or(0),
            },
        })
    });
    Some(Learned { prefix, way })
}

/// Which routes are wanted.
pub(super) fn which(list: &admin::BgpRouteList) -> Result<Which, ErrorBody> {
    let wrong = |text: String| body(Code::INVALID_CONFIG, text);
    match (&list.prefix, list.received, list.advertised) {
        (None, None, None) => Ok(Which::Used),
        (Some(text), None, None) => match text.parse::<Prefix>() {
            Ok(prefix) => Ok(Which::To(prefix)),
            Err(error) => Err(wrong(format!("prefix: {error}"))),
        },
        (None, Some(address), None) => Ok(Which::Heard(address)),
        (None, None, Some(address)) => Ok(Which::Told(address)),
        _ => Err(wrong(
            "prefix, received, advertised: one of them at most".to_owned(),
        )),
    }
}

/// A neighbour in short.
pub(super) fn peer(status: &PeerStatus) -> admin::BgpPeer {
    let session = &status.session;
    let routes = status.routes.iter().map(|(family, counts, told)| {
        let stale = session.stale.contains(*family);
        admin::BgpCounts {
            family: family.to_string(),
            received: counts.received.into(),
            accepted: counts.accepted.into(),
            advertised: u64::try_from(*told).unwrap_or(u64::MAX),
            stale,
        }
    });
    admin::BgpPeer {
        address: status.address,
        object: status.name.clone(),
        asn: session
            .agreed
            .as_ref()
            .map(|agreed| agreed.remote.asn.get()),
        state: session.state.to_string(),
        since: Some(seconds(status, session.since)),
        why: session.why.clone(),
        routes: routes.collect(),
        flaps: session.counters.flaps,
    }
}

/// Since the epoch.
fn seconds(status: &PeerStatus, at: Time) -> u64 {
    let wall = status.wall(at).duration_since(UNIX_EPOCH);
    wall.map_or(0, |wall| wall.as_secs())
}

/// One that has no session, and why.
pub(super) fn left(left: &Left) -> admin::BgpPeer {
    admin::BgpPeer {
        address: left.address,
        object: left.name.clone(),
        asn: None,
        state: fairway_bgp::session::State::Idle.to_string(),
        since: None,
        why: Some(left.why.clone()),
        routes: Vec::new(),
        flaps: 0,
    }
}

/// A neighbour, whole.
pub(super) fn neighbour(status: &PeerStatus, warnings: &[Warning]) -> admin::BgpNeighbor {
    let session = &status.session;
    let counters = &session.counters;
    let agreed = session.agreed.as_ref();
    let error = |said: &Option<(Time, Notification)>| {
        let (at, said) = said.as_ref()?;
        Some(admin::BgpError {
            what: said.to_string(),
            at: seconds(status, *at),
        })
    };
    admin::BgpNeighbor {
        peer: peer(status),
        router: agreed.map(|agreed| agreed.remote.router.to_string()),
        agreed: agreed.map_or_else(Vec::new, abilities),
        hold_time: agreed.map(|agreed| agreed.hold_time.seconds().into()),
        received: messages(counters.received),
        sent: messages(counters.sent),
        error_received: error(&counters.error_received),
        error_sent: error(&counters.error_sent),
        faults: status.faults,
        last_fault: status.last_fault.as_ref().map(ToString::to_string),
        warnings: warnings.iter().map(ToString::to_string).collect(),
    }
}

fn abilities(agreed: &Agreed) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for one in &agreed.families {
        all.push(match one.ipv6_next_hops {
            true => format!("{} (IPv6 next hops)", one.family),
            false => one.family.to_string(),
        });
    }
    if agreed.four_octets {
        all.push("4-octet AS".to_owned());
    }
    if agreed.extended_messages {
        all.push("extended messages".to_owned());
    }
    match agreed.refresh {
        RefreshAbility::None => {}
        RefreshAbility::Plain => all.push("route refresh".to_owned()),
        RefreshAbility::Enhanced => all.push("route refresh (enhanced)".to_owned()),
    }
    if let Some(graceful) = &agreed.graceful {
        let seconds = graceful.theirs.seconds;
        all.push(format!("graceful restart ({seconds} s)"));
    }
    all
}

fn messages(counted: Messages) -> admin::BgpMessages {
    admin::BgpMessages {
        open: counted.open,
        update: counted.update,
        notification: counted.notification,
        keepalive: counted.keepalive,
        refresh: counted.refresh,
    }
}

/// Paths. Without `hops` they are what a neighbour was told, whose next hops are its business.
pub(super) fn routes(shown: &[Seen], hops: Option<&Hops>) -> Vec<admin::BgpRoute> {
    // Many have the same next hop.
    let mut answers: BTreeMap<IpAddr, Answer> = BTreeMap::new();
    let mut answer = |to: IpAddr| {
        let known = answers.entry(to);
        hops.map(|hops| known.or_insert_with(|| hops.answer(to)).clone())
    };
    let all = shown.iter().map(|seen| {
        let next_hop = seen.route.next_hop.map(|hop| hop.address());
        route(seen, next_hop.and_then(&mut answer))
    });
    all.collect()
}

fn route(seen: &Seen, answer: Option<Answer>) -> admin::BgpRoute {
    let (via, unreached) = match answer {
        Some(Ok(Reached { by, .. })) => (by.iter().map(ToString::to_string).collect(), None),
        Some(Err(unreached)) => (Vec::new(), Some(unreached)),
        None => (Vec::new(), None),
    };
    let attributes = &seen.route.attributes;
    let communities = attributes.communities.iter().map(ToString::to_string);
    let large = attributes.large.iter().map(ToString::to_string);
    admin::BgpRoute {
        prefix: seen.prefix.to_string(),
        peer: seen.peer,
        source: source(seen.source).to_owned(),
        next_hop: seen.route.next_hop.map(|hop| -> IpAddr { hop.address() }),
        via,
        as_path: as_path(&attributes.as_path),
        origin: match attributes.origin {
            fairway_bgp::attr::Origin::Igp => "igp",
            fairway_bgp::attr::Origin::Egp => "egp",
            fairway_bgp::attr::Origin::Incomplete => "incomplete",
        }
        .to_owned(),
        local_pref: attributes.local_pref,
        med: attributes.med,
        communities: communities.chain(large).collect(),
        best: seen.best,
        why: match unreached.filter(|_| seen.unreached) {
            Some(unreached) => format!("{}: {unreached}", seen.why),
            None => seen.why.clone(),
        },
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Claim => "claim",
        Source::Chosen => "address",
        Source::Block => "block",
        Source::Pool => "pool",
        Source::Neighbour => "neighbour",
    }
}

fn as_path(path: &AsPath) -> String {
    let segments = path.segments().iter().map(|segment| {
        let numbers = segment.all().iter().map(ToString::to_string);
        let numbers = numbers.collect::<Vec<_>>().join(" ");
        match segment {
            Segment::Sequence(_) => numbers,
            Segment::Set(_) => format!("{{{numbers}}}"),
            Segment::ConfedSequence(_) => format!("({numbers})"),
            Segment::ConfedSet(_) => format!("[{numbers}]"),
        }
    });
    segments.collect::<Vec<_>>().join(" ")
}
