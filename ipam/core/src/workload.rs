//! Which workload a container belongs to, so which claim may be its own.
//!
//! There is no API server here to ask: all that is known is what the runtime hands over.

use crate::{AppName, ClaimName};

/// What the runtime says about the container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodFacts {
    /// `K8S_POD_NAMESPACE`, or what stands for it.
    pub namespace: Option<String>,
    /// `K8S_POD_NAME`, or Mesos' task name.
    pub pod: Option<String>,
    /// Annotation `fairway.network/owner`: `KIND/NAME`.
    pub owner: Option<String>,
    /// `ipam.claim`, annotation or label `fairway.network/claim`, `args.cni`: a name by hand.
    pub claim: Option<String>,
}

/// How many holders a claim has at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// One.
    Single,
    /// Several, each with addresses of its own: a Deployment.
    Set,
}

/// A workload that can have a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The name of its claim, or of the set.
    pub claim: ClaimName,
    /// One address set or several.
    pub kind: ClaimKind,
    /// What it belongs to, for `on-app-delete` and `on-scale-down`.
    pub app: Option<AppName>,
    /// Its number in a StatefulSet.
    pub ordinal: Option<u32>,
    /// The name was given by hand.
    pub by_hand: bool,
}
