//! `BgpConfig` and `BgpPeer`: who nodes are to their neighbours, what they announce, and who these are.

mod config;
mod filter;
mod matching;
mod peer;

pub use config::{Advertise, BgpConfig, BgpConfigSpec, GracefulRestart, Listen, RestartMode};
pub use filter::{Change, Filter, Marks, Rule, Verdict};
pub use matching::{AsPath, FamilyName, LengthRange, Match, Origin, Source};
pub use peer::{BgpPeer, BgpPeerSpec, Families, Family, MaxPrefixes, Over, Ttl};
