//! Our kinds as Kubernetes has them: `IPPool`, `IPClaim`, `Network`, `RateLimit`, `BgpPeer`, `BgpConfig`.
//!
//! Types carry the schema, and the schema refuses what it can, by field, before an object is stored. It is not the
//! judge: whatever comes from the API server goes through the same parsers as what `netctl apply` brings
//! (`daemon/fairwayd`, `daemon/rates`, `daemon/bgp`), for a server may be old, an object may have been stored under an
//! older schema, and some rules need more than one object. What the judge takes the schema takes, too: a test holds
//! both against a corpus of objects.
//!
//! Nothing here speaks to a server. [`all`] gives the definitions, `cargo run -p fairway-crd --example write` writes them
//! to `deploy/crds` and their fields to `docs/objects`, and a test sees to it that what lies there is what the types say.
#![expect(
    clippy::duplicated_attributes,
    reason = "each column of a table is an argument of the kind's attribute"
)]

mod bgp;
mod claim;
mod definition;
mod network;
mod number;
pub mod page;
mod pool;
mod rate;
mod selector;
mod status;
mod structural;
mod text;

pub use bgp::{
    Advertise, AsPath, BgpConfig, BgpConfigSpec, BgpPeer, BgpPeerSpec, Change, Families, Family,
    FamilyName, Filter, GracefulRestart, LengthRange, Listen, Marks, Match, MaxPrefixes, Origin,
    Over, RestartMode, Rule, Source, Ttl, Verdict,
};
pub use claim::{IPClaim, IPClaimSpec, IPClaimStatus, SetSize};
pub use definition::{Definition, all};
pub use network::{Network, NetworkSpec, NetworkStatus};
pub use number::{Asn, Burst, Med, Rate};
pub use pool::{Encap, Handover, IPPool, IPPoolSpec, IPPoolStatus, Phase, PoolPhase, PoolRange};
pub use rate::{RateLimit, RateLimitSpec, Scope, Wish};
pub use selector::{Expression, LabelSelector, Operator};
pub use status::Status;

/// The group of all kinds.
pub const GROUP: &str = "fairway.network";
/// The version that is served and stored.
pub const VERSION: &str = "v1alpha1";
