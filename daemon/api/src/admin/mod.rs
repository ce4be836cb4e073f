//! What `netctl` and the daemon say to each other.
//!
//! Numbers that can pass 2^53 (sizes of IPv6 pools) are text. With the feature `schema` the answers can
//! describe themselves: `docs/schema` is made so.

mod address;
mod bgp;
mod claim;
mod doctor;
mod endpoint;
mod flow;
mod network;
mod node;
mod object;
mod policy;
mod pool;
mod rate;
mod route;
mod top;

pub use address::{AddressRow, Audit, AuditPiece, Balance, Finding, IpamAudit, IpamFree, IpamList};
pub use bgp::{
    BgpCounts, BgpError, BgpMessages, BgpNeighbor, BgpNeighborGet, BgpPeer, BgpPeers, BgpReset,
    BgpRoute, BgpRouteList,
};
pub use claim::{Claim, ClaimCreate, ClaimList, ClaimMove, ClaimRemove, SetSize};
pub use doctor::{Check, Doctor};
pub use endpoint::{EndpointTraffic, Traffic, TrafficCount};
pub use flow::{Flow, FlowList, Flows};
pub use network::{Network, NetworkCreate, NetworkRemove, NetworkSet};
pub use node::{Info, Node, NodeDrain, NodeRemove, NodeRemoved};
pub use object::{Applied, ObjectApply, ObjectList, ObjectRef};
pub use policy::{
    AuditRow, DirectionExplained, End, MapFill, PacketCount, Party, Policy, PolicyExplain,
    PolicyExplained, PolicyStatus, RuleExplained,
};
pub use pool::{Pool, PoolCreate, PoolRange, PoolRemove, PoolSet, PoolSettings};
pub use rate::{
    Direction, Rate, RateChanged, RateHeld, RateList, RateOverride, RateRemove, RateSent, RateSet,
    RateWish,
};
pub use route::{Candidate, Considered, Route, RouteExplained, RouteList, RouteWhy};
pub use top::{Top, TopContainer, TopDrops, TopPeer, TopPool, TopSpeed};
