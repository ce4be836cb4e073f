//! `BgpConfig`: who nodes are to their neighbours, and what they announce.

mod advertise;
mod graceful;
mod listen;

pub use advertise::Advertise;
pub use listen::Listen;
pub(super) use listen::{PORT, port};

use super::{
    fill,
    nodes::{self, Nodes},
    read::{self, Fields},
    warning::Warning,
    within,
};
use crate::{Asn, RouterId, session::config::Graceful};
use fairway_policy::object::field::{self, Faults, Path};
use serde_json::{Map, Value};

/// The AS of nodes that are told no other: the first of those that are private (RFC 6996).
pub(super) const ASN: Asn = Asn::new(64512).expect("it is not 0");

/// Equal paths that may be used beside each other.
const MULTIPATH: (u8, u8) = (1, 64);
/// As many as Calico's BIRD merges: who has two routers expects that both are used.
const MULTIPATH_DEFAULT: u8 = 16;

/// Who nodes are to their neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BgpConfig {
    /// Its name.
    pub name: String,
    /// For which nodes.
    pub nodes: Nodes,
    /// Of which AS they are.
    pub asn: Asn,
    /// The identifier of the only one; absent: its own.
    pub router: Option<RouterId>,
    /// The cluster that they reflect for; absent: each for its own.
    pub cluster: Option<RouterId>,
    /// Where neighbours may connect to; absent: nowhere.
    pub listen: Option<Listen>,
    /// What they announce.
    pub advertise: Advertise,
    /// Through restarts.
    pub graceful: Graceful,
    /// So many equal paths are used beside each other.
    pub multipath: u8,
    /// Also those through other AS.
    pub multipath_relax: bool,
    /// MEDs of different AS are compared as well.
    pub always_compare_med: bool,
}

impl BgpConfig {
    /// What holds on nodes that no object is for.
    pub(super) fn none() -> BgpConfig {
        BgpConfig {
            name: String::new(),
            nodes: Nodes::default(),
            asn: ASN,
            router: None,
            cluster: None,
            listen: None,
            advertise: Advertise::default(),
            graceful: graceful::DEFAULT,
            multipath: MULTIPATH_DEFAULT,
            multipath_relax: false,
            always_compare_med: false,
        }
    }

    /// What is valid and may not be what was meant.
    pub fn warnings(&self) -> Vec<Warning> {
        let addresses = self.advertise.addresses.iter().enumerate();
        let defaults = addresses.filter(|(_, prefix)| prefix.length() == 0);
        defaults
            .map(|(index, prefix)| Warning {
                field: format!("spec.advertise.addresses[{index}]"),
                text: format!(
                    "the default route is announced to those alone whose BgpPeer has an export rule for exactly {prefix}"
                ),
            })
            .collect()
    }
}

pub(super) fn parse(
    name: &str,
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<BgpConfig> {
    let known = [
        "nodes",
        "asn",
        "routerID",
        "clusterID",
        "listen",
        "advertise",
        "gracefulRestart",
        "multipath",
        "multipathRelax",
        "alwaysCompareMed",
    ];
    let spec = Fields::of(value, &known, at, faults)?;
    let none = BgpConfig::none();
    let nodes = spec.or(("nodes", none.nodes), faults, nodes::parse);
    let asn = spec.or(("asn", none.asn), faults, read::speaker);
    let router = spec.maybe("routerID", faults, read::router);
    if nodes.as_ref().is_some_and(|nodes| nodes.single().is_none()) {
        let when = "nodes is not the plain name of one node";
        spec.misplaced("routerID", when, faults);
    }
    let cluster = spec.maybe("clusterID", faults, read::router);
    let listen = spec.maybe("listen", faults, listen::parse);
    let advertise = spec.or(("advertise", none.advertise), faults, advertise::parse);
    let graceful = spec.or(("gracefulRestart", none.graceful), faults, graceful::parse);
    let multipath = spec.or(
        ("multipath", none.multipath),
        faults,
        |value, at, faults| field::number(value, MULTIPATH, at, faults),
    );
    let relax = ("multipathRelax", none.multipath_relax);
    let multipath_relax = spec.or(relax, faults, read::flag);
    let always = ("alwaysCompareMed", none.always_compare_med);
    let always_compare_med = spec.or(always, faults, read::flag);
    Some(BgpConfig {
        name: name.to_owned(),
        nodes: nodes?,
        asn: asn?,
        router: router?,
        cluster: cluster?,
        listen: listen?,
        advertise: advertise?,
        graceful: graceful?,
        multipath: multipath?,
        multipath_relax: multipath_relax?,
        always_compare_med: always_compare_med?,
    })
}

/// What is absent, as it is then.
pub(super) fn defaults(spec: &mut Map<String, Value>) {
    fill(spec, "asn", ASN.get());
    fill(spec, "multipath", MULTIPATH_DEFAULT);
    fill(spec, "multipathRelax", false);
    fill(spec, "alwaysCompareMed", false);
    within(spec, "advertise", advertise::defaults);
    within(spec, "gracefulRestart", graceful::defaults);
    if spec.contains_key("listen") {
        within(spec, "listen", listen::defaults);
    }
}
