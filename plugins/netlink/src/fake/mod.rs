//! A kernel in memory, for tests of what plugins do and undo.
//!
//! It keeps a host's and a container's namespace, knows the rules that plugins
//! lean on (a taken name, a link that is gone, both ends of a pair going
//! together), writes down every change that is asked for, and refuses the one it
//! is told to refuse. It makes nothing on its own: no routes to subnets, no
//! link-local addresses. Whether the real kernel takes a request is for tests
//! against the real kernel.
//!
//! ```
//! use fairway_netlink::fake::{self, Change};
//! use fairway_netlink::{BridgeSpec, Netlink};
//!
//! let (mut host, _container) = fake::namespaces();
//! let before = host.snapshot();
//! let spec = BridgeSpec { name: "br0".into(), ..BridgeSpec::default() };
//! host.create_bridge(&spec)?;
//! let bridge = host.link_by_name("br0")?.expect("just made");
//! host.delete_link(bridge.index)?;
//! assert_eq!(host.snapshot(), before);
//! assert_eq!(host.calls()[0].change, Change::CreateBridge(spec));
//! # Ok::<(), fairway_netlink::Error>(())
//! ```

mod children;
#[cfg(test)]
mod filter_tests;
mod filters;
mod model;
mod nexthops;
mod overlay;
#[cfg(test)]
mod qdisc_tests;
mod qdiscs;
mod recorder;
mod routes;
mod rules;
#[cfg(test)]
mod tests;
mod vfs;
mod vrfs;

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use ipnetwork::IpNetwork;

pub use model::{Place, Snapshot};
pub use qdiscs::Queues;

use crate::address::AddressSpec;
use crate::bridge::{BridgeChange, BridgePort, BridgeSpec, PortVlanRange};
use crate::child::ChildKind;
use crate::error::Error;
use crate::filter::FilterId;
use crate::link::{Link, LinkChange};
use crate::mac::MacAddr;
use crate::neighbour::NeighbourSpec;
use crate::nexthop::Nexthop;
use crate::qdisc::{HtbClass, Qdisc, TcHandle, U32Filter};
use crate::route::Route;
use crate::rule::Rule;
use crate::vf::VfChange;
use crate::vrf::VrfSpec;
use crate::vxlan::VxlanSpec;
use model::Model;

/// A change that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "as the arguments of the trait's methods")]
pub enum Change {
    CreateBridge(BridgeSpec),
    CreateVeth {
        name: String,
        mtu: Option<u32>,
        mac: Option<MacAddr>,
        master: Option<u32>,
        up: bool,
        place: Place,
        peer: String,
        peer_mtu: Option<u32>,
        peer_mac: Option<MacAddr>,
        peer_place: Place,
    },
    CreateChild {
        name: String,
        parent: Option<u32>,
        mtu: Option<u32>,
        mac: Option<MacAddr>,
        kind: ChildKind,
        place: Place,
    },
    MoveLink(u32, LinkChange),
    ChangeLink(u32, LinkChange),
    SetBridgePort(u32, BridgePort),
    SetBridge(u32, BridgeChange),
    DeleteLink(u32),
    AddPortVlans(u32, Vec<PortVlanRange>, bool),
    DeletePortVlans(u32, Vec<PortVlanRange>, bool),
    AddAddress(u32, AddressSpec),
    DeleteAddress(u32, IpNetwork),
    AddRoute(Route),
    AddRouteEcmp(Route),
    ReplaceRoute(Route),
    CreateVrf(VrfSpec),
    CreateVxlan(VxlanSpec),
    AddNeighbour(NeighbourSpec),
    ReplaceNeighbour(NeighbourSpec),
    DeleteNeighbour(u32, IpAddr),
    ReplaceNexthop(Nexthop),
    DeleteNexthop(u32),
    DeleteRoute(Route),
    AddRule(Rule),
    DeleteRule(Rule),
    EnsureClsact(u32),
    DeleteClsact(u32),
    PutFilter(FilterId, String),
    DeleteFilter(FilterId),
    AddQdisc(u32, Qdisc),
    PutQdisc(u32, Qdisc),
    DeleteQdisc(u32, TcHandle, TcHandle),
    PutClass(u32, HtbClass),
    AddU32Filter(u32, U32Filter),
    DeleteFilters(u32, TcHandle, u16),
    SetVf(u32, u32, VfChange),
}

/// A change, and where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The namespace of the recorder.
    pub place: Place,
    /// The change.
    pub change: Change,
    /// Whether it was refused, by order or by the model.
    pub refused: bool,
}

#[derive(Debug)]
struct Shared {
    model: Model,
    calls: Vec<Call>,
    /// Counts down to the call that fails.
    failure: Option<(usize, Error)>,
}

/// One namespace of the model. Clones are of the same namespace.
#[derive(Debug, Clone)]
pub struct Recorder {
    place: Place,
    shared: Rc<RefCell<Shared>>,
}

/// A host's and a container's namespace, each with a loopback. They share one
/// list of calls; a veth's end that is given any namespace goes to the other one.
pub fn namespaces() -> (Recorder, Recorder) {
    let shared = Rc::new(RefCell::new(Shared {
        model: Model::new(),
        calls: Vec::new(),
        failure: None,
    }));
    let recorder = |place| Recorder {
        place,
        shared: Rc::clone(&shared),
    };
    (recorder(Place::Host), recorder(Place::Container))
}

impl Recorder {
    /// All changes that were asked for in either namespace, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.borrow().calls.clone()
    }

    /// Makes a change fail: 0 for the next one in either namespace, 1 for the one
    /// after it, and so on. It is not carried out. Those after it succeed.
    pub fn fail_at(&self, nth: usize, error: Error) {
        self.shared.borrow_mut().failure = Some((nth, error));
    }

    /// What both namespaces hold, for comparison.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.borrow().model.snapshot()
    }

    /// Puts a link into this namespace as if it had been there before; its index
    /// is chosen by the model and returned.
    pub fn put_link(&self, link: Link) -> u32 {
        self.shared.borrow_mut().model.put(self.place, link)
    }
}
