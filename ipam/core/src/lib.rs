//! The address logic of a cluster: pools, blocks, allocation, claims, cooldown, release.
//!
//! It is pure. [`Agent`] is what one node knows and decides: it is handed what happened (a request, a
//! change in the store, the outcome of a transaction, the time) and says what is to be done (write this
//! to the journal, commit that to the store, answer so). The daemon does these things for real; a
//! simulation does them with crashes, delays and lost messages in between.
//!
//! What holds, whatever happens:
//! 1. An address belongs to at most one live attachment.
//! 2. Nodes compete for blocks, by one compare-and-swap each; inside its block a node decides alone.
//! 3. Claims tie addresses to a workload's name; their holder is decided by compare-and-swap too.
//! 4. Nothing is freed on an observation that is older than what it frees.
//! 5. A freed address rests before another workload gets it.
//! 6. Every address of a block is live, claimed, resting or free, and each that is live has an owner.

pub mod admin;
mod agent;
mod attachment;
pub mod audit;
mod cidr;
#[cfg(test)]
mod fixture;
mod journal;
pub mod keys;
mod names;
mod network;
mod policy;
mod pool;
pub mod record;
mod selector;
mod time;
mod view;
mod workload;

pub use agent::{
    Action, Address, Agent, Allocate, Allocated, Answer, CreateClaim, Effects, Headroom, Input,
    JournalError, Lease, Notice, Outcome, Refusal, Request, RequestId, Settings, Sighting, Start,
    Status, TxnId, wants_sightings,
};
pub use attachment::{AttachmentId, Netns};
pub use cidr::{Cidr, CidrError, Family};
pub use journal::{Journal, JournalChange};
pub use names::{AppName, ClaimName, InvalidName, JournalId, NodeName, PoolName, Uid};
pub use network::{
    Encap, InvalidEncap, InvalidNetworkName, InvalidVni, NetworkName, NetworkRecord, Vni,
};
pub use policy::{Handover, NotAChoice, Release};
pub use pool::{
    GatewaySpec, InUse, NAMESPACE_LABELS, Pool, PoolChange, PoolError, PoolPhase, PoolSpec, Range,
    RangeChange, RangeSpec,
};
pub use selector::{Selector, SelectorError};
pub use time::{Clock, Millis, UnixSeconds};
pub use view::{ReadError, Stored, Unreadable, View};
pub use workload::{ClaimKind, PodFacts, Workload, WorkloadError};
