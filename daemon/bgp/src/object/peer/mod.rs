//! `BgpPeer`: a neighbour of nodes, or many.

mod families;
mod place;
mod remote;
mod warnings;
mod way;

use super::{
    config::{PORT, port},
    fill, filter,
    nodes::{self, Nodes},
    read::{self, Fields},
};
use crate::policy::Policy;
use crate::session::config::{FamilySettings, Peer, RemoteAs, Ttl};
use crate::{Asn, Family, HoldTime};
use fairway_policy::object::{
    Reason,
    field::{Faults, Path},
};
use serde_json::{Map, Value};
use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

const HOLD_TIME: HoldTime = HoldTime::new(90).expect("it is more than 2");
/// ConnectRetryTime, as RFC 4271 suggests it, in seconds.
const CONNECT_RETRY: u16 = 120;

/// A neighbour of nodes, or all that connect from a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BgpPeer {
    /// Its name.
    pub name: String,
    /// Of which nodes.
    pub nodes: Nodes,
    /// Where it is.
    pub peer: Peer,
    /// The port to connect to.
    pub port: u16,
    /// The address to connect from.
    pub source: Option<IpAddr>,
    /// Of which AS it has to be.
    pub asn: RemoteAs,
    /// The AS that it is told nodes are of, where that is not their own.
    pub local_asn: Option<Asn>,
    /// Routes of what; of one family at least.
    pub families: Vec<FamilySettings>,
    /// Whether one waits for it to connect.
    pub passive: bool,
    /// How long it may be silent.
    pub hold_time: HoldTime,
    /// The most between attempts to connect.
    pub connect_retry: Duration,
    /// How far away it may be.
    pub ttl: Ttl,
    /// Where on a node the key of TCP-MD5 lies.
    pub password_file: Option<PathBuf>,
    /// Whether nodes reflect routes for it, if it is of their AS.
    pub reflector_client: bool,
    /// Whether it is told a node itself as next hop, if it is of the node's AS.
    pub next_hop_self: bool,
    /// Whether paths have to begin with its AS, if it is of another than the node's.
    pub enforce_first_as: bool,
    /// What is taken from it.
    pub import: Option<Arc<Policy>>,
    /// What it is told.
    pub export: Option<Arc<Policy>>,
}

const KNOWN: &[&str] = &[
    "nodes",
    "address",
    "prefix",
    "port",
    "sourceAddress",
    "asn",
    "localAsn",
    "families",
    "passive",
    "holdTime",
    "connectRetry",
    "ttl",
    "password",
    "passwordFile",
    "reflectorClient",
    "nextHopSelf",
    "enforceFirstAs",
    "import",
    "export",
];

pub(super) fn parse(
    name: &str,
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<BgpPeer> {
    let spec = Fields::of(value, KNOWN, at, faults)?;
    let nodes = spec.or(("nodes", Nodes::default()), faults, nodes::parse);
    let peer = place::parse(spec, at, faults);
    let port = spec.or(("port", PORT), faults, port);
    let source = place::source(spec, peer, faults);
    let asn = spec.must("asn", faults, remote::parse);
    let local_asn = remote::local(spec, asn.as_ref(), faults);
    let families = families::parse(spec, peer, faults);
    let passive = place::passive(spec, faults);
    let hold_time = spec.or(("holdTime", HOLD_TIME), faults, way::hold_time);
    let retry = ("connectRetry", Duration::from_secs(CONNECT_RETRY.into()));
    let connect_retry = spec.or(retry, faults, |value, at, faults| {
        read::time(value, (1, u16::MAX), at, faults)
    });
    let ttl = spec.or(("ttl", Ttl::Usual), faults, way::ttl);
    let password_file = spec.maybe("passwordFile", faults, way::password_file);
    if spec.has("password") {
        let what = "a key never stands in an object: put it into a file of the node and name that in passwordFile";
        spec.refuse::<()>("password", Reason::Unsupported { what }, faults);
    }
    let reflector_client = spec.or(("reflectorClient", false), faults, read::flag);
    let next_hop_self = spec.or(("nextHopSelf", false), faults, read::flag);
    let enforce_first_as = spec.or(("enforceFirstAs", true), faults, read::flag);
    remote::apart(spec, asn.as_ref(), faults);
    let many = matches!(peer, Some(Peer::Within(_)));
    let import = spec.maybe("import", faults, |value, at, faults| {
        filter::parse("import", value, many, at, faults)
    });
    let export = spec.maybe("export", faults, |value, at, faults| {
        filter::parse("export", value, many, at, faults)
    });
    Some(BgpPeer {
        name: name.to_owned(),
        nodes: nodes?,
        peer: peer?,
        port: port?,
        source: source?,
        asn: asn?,
        local_asn: local_asn?,
        families: families?,
        passive: passive?,
        hold_time: hold_time?,
        connect_retry: connect_retry?,
        ttl: ttl?,
        password_file: password_file?,
        reflector_client: reflector_client?,
        next_hop_self: next_hop_self?,
        enforce_first_as: enforce_first_as?,
        import: import?.map(Arc::new),
        export: export?.map(Arc::new),
    })
}

/// What is absent, as it is then.
pub(super) fn defaults(spec: &mut Map<String, Value>, peer: &BgpPeer) {
    if let Peer::At(_) = peer.peer {
        fill(spec, "port", PORT);
    }
    families::defaults(spec, peer);
    fill(spec, "holdTime", format!("{}s", HOLD_TIME.seconds()));
    fill(spec, "connectRetry", format!("{CONNECT_RETRY}s"));
    if peer.asn != RemoteAs::Internal {
        fill(spec, "enforceFirstAs", true);
    }
    for way in ["import", "export"] {
        if let Some(Value::Object(filter)) = spec.get_mut(way) {
            filter::defaults(filter);
        }
    }
}

/// The family of a neighbour's address.
fn family(peer: Peer) -> Family {
    match peer {
        Peer::At(IpAddr::V4(_)) => Family::Ipv4,
        Peer::At(IpAddr::V6(_)) => Family::Ipv6,
        Peer::Within(prefix) => prefix.family(),
    }
}
