//! Which workload a container belongs to, so which claim may be its own.
//!
//! There is no API server here to ask: all that is known is what the runtime hands over. In order:
//!
//! 1. a claim named by hand: that one;
//! 2. the owner by annotation, `KIND/NAME`: sure;
//! 3. the pod's name: `NAME-ORDINAL` is a StatefulSet's pod, `NAME-HASH-XXXXX` a Deployment's.
//!
//! The third is a guess, good for what controllers make and no better. A pod made by hand and called `db-1`
//! is taken for a StatefulSet's; a standalone ReplicaSet whose name ends like a template hash for a
//! Deployment's; and a Deployment whose name is so long that Kubernetes cuts its pods' names (from about
//! 47 characters on) is not known. The owner annotation or a name by hand settles each of these. A name
//! that fits no claim is nobody's claim where it is a guess, and an error where it was said.
//!
//! Two workloads never share a claim, since namespace and name hold no slash: a StatefulSet's pod has
//! `NAMESPACE/POD`, all others `NAMESPACE/KIND/NAME`. What begins with `~` or holds a `#` is made by the
//! daemon alone (borrowed addresses, members of sets).

use crate::{AppName, ClaimName, InvalidName};

/// What the runtime says about the container. An empty text is as good as none.
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

/// What somebody said about a workload that cannot be so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// A claim's name by hand that is none.
    #[error(transparent)]
    Claim(InvalidName),
    /// A claim's name that only the daemon may make.
    #[error("claim name {name} is reserved: it must not begin with ~ or hold a #")]
    Reserved {
        /// The name.
        name: ClaimName,
    },
    /// Not `KIND/NAME`, or of a kind that is not known.
    #[error("owner {value:?} is not KIND/NAME with one of the kinds {KINDS}")]
    Owner {
        /// As it was given.
        value: String,
    },
    /// The pod's name is not one that this StatefulSet gives.
    #[error("owner {owner:?}: the pod's name {pod:?} is not {name}-NUMBER")]
    NotOfSet {
        /// The owner as it was given.
        owner: String,
        /// The pod.
        pod: String,
        /// The StatefulSet's name.
        name: String,
    },
    /// With an owner, the namespace must be known.
    #[error("owner {owner:?}: the namespace is missing or no name: {namespace:?}")]
    Namespace {
        /// The owner as it was given.
        owner: String,
        /// What was given, or nothing.
        namespace: String,
    },
    /// All together is too long for a claim's name.
    #[error(
        "owner {owner:?}: {length} characters with namespace and kind; a claim's name has at most {max}"
    )]
    Long {
        /// The owner as it was given.
        owner: String,
        /// How many there are.
        length: usize,
        /// How many there may be.
        max: usize,
    },
}

impl WorkloadError {
    /// The field of [`PodFacts`] that it is about.
    pub fn field(&self) -> &'static str {
        match self {
            WorkloadError::Claim(_) | WorkloadError::Reserved { .. } => "claim",
            WorkloadError::Namespace { .. } => "namespace",
            WorkloadError::Owner { .. }
            | WorkloadError::NotOfSet { .. }
            | WorkloadError::Long { .. } => "owner",
        }
    }
}

const KINDS: &str = "StatefulSet, Deployment, ReplicaSet, ReplicationController, Rollout, VirtualMachine, Task; \
     DaemonSet, Job, CronJob, Pod (no claim)";

/// A claim's name is at most so long, `#` and the number of a set's member not counted.
const LONGEST: usize = 242;

impl Workload {
    /// Finds out which workload these facts speak of. `None`: one that can have no claim, or not known.
    ///
    /// # Errors
    /// Something that was said by hand and cannot be so; [`WorkloadError::field`] says what.
    pub fn identify(facts: &PodFacts) -> Result<Option<Workload>, WorkloadError> {
        let given = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
        let (namespace, pod) = (given(&facts.namespace), given(&facts.pod));
        let known = match given(&facts.owner) {
            Some(owner) => by_owner(&owner, namespace.as_deref(), pod.as_deref())?,
            None => namespace.zip(pod).and_then(|(ns, pod)| by_name(&ns, &pod)),
        };
        let Some(claim) = given(&facts.claim) else {
            return Ok(known);
        };
        let claim = by_hand(&claim)?;
        let (app, ordinal) = known.map_or((None, None), |known| (known.app, known.ordinal));
        Ok(Some(Workload {
            claim,
            kind: ClaimKind::Single,
            app,
            ordinal,
            by_hand: true,
        }))
    }
}

/// A claim's name as somebody gave it.
///
/// # Errors
/// Where it is none, or one that only the daemon may make.
pub(crate) fn by_hand(name: &str) -> Result<ClaimName, WorkloadError> {
    let name = ClaimName::new(name).map_err(WorkloadError::Claim)?;
    match name.as_str().starts_with('~') || name.as_str().contains('#') {
        true => Err(WorkloadError::Reserved { name }),
        false => Ok(name),
    }
}

/// What the workload of a claim with that name belongs to, and its number there.
pub(crate) fn app_of(name: &ClaimName) -> (Option<AppName>, Option<u32>) {
    let parts: Vec<_> = name.as_str().split('/').collect();
    let known = match parts[..] {
        [namespace, pod] => by_name(namespace, pod).filter(|known| known.claim == *name),
        [namespace, kind, app] => by_owner(&format!("{kind}/{app}"), Some(namespace), None)
            .ok()
            .flatten(),
        _ => None,
    };
    known.map_or((None, None), |known| (known.app, known.ordinal))
}

fn by_owner(
    owner: &str,
    namespace: Option<&str>,
    pod: Option<&str>,
) -> Result<Option<Workload>, WorkloadError> {
    let unknown = || WorkloadError::Owner {
        value: owner.to_owned(),
    };
    let (kind, name) = owner.split_once('/').ok_or_else(unknown)?;
    if !plain(name) {
        return Err(unknown());
    }
    if matches!(kind, "DaemonSet" | "Job" | "CronJob" | "Pod") {
        return Ok(None);
    }
    let namespace = namespace
        .filter(|namespace| plain(namespace))
        .ok_or_else(|| WorkloadError::Namespace {
            owner: owner.to_owned(),
            namespace: namespace.unwrap_or_default().to_owned(),
        })?;
    let workload = match kind {
        "StatefulSet" => {
            let pod = pod.unwrap_or_default();
            let number = pod
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('-'));
            let ordinal = number
                .and_then(ordinal)
                .ok_or_else(|| WorkloadError::NotOfSet {
                    owner: owner.to_owned(),
                    pod: pod.to_owned(),
                    name: name.to_owned(),
                })?;
            stateful(namespace, name, ordinal)
        }
        "ReplicaSet" => match name
            .rsplit_once('-')
            .filter(|(_, hash)| template_hash(hash))
        {
            Some((deployment, _)) if !deployment.is_empty() => {
                other(namespace, "Deployment", deployment, ClaimKind::Set)
            }
            _ => other(namespace, kind, name, ClaimKind::Set),
        },
        "Deployment" | "ReplicationController" | "Rollout" => {
            other(namespace, kind, name, ClaimKind::Set)
        }
        "VirtualMachine" | "Task" => other(namespace, kind, name, ClaimKind::Single),
        _ => return Err(unknown()),
    };
    workload.map(Some).ok_or_else(|| WorkloadError::Long {
        owner: owner.to_owned(),
        length: namespace.len() + owner.len() + 1,
        max: LONGEST,
    })
}

fn by_name(namespace: &str, pod: &str) -> Option<Workload> {
    if !plain(namespace) || !plain(pod) {
        return None;
    }
    let (rest, last) = pod.rsplit_once('-')?;
    if let Some((name, hash)) = rest.rsplit_once('-')
        && last.len() == 5
        && last.bytes().all(|c| SUFFIX.contains(&c))
        && template_hash(hash)
        && !name.is_empty()
    {
        return other(namespace, "Deployment", name, ClaimKind::Set);
    }
    // Five digits may as well be the random end of a Job's or DaemonSet's pod.
    let ordinal = ordinal(last).filter(|ordinal| *ordinal <= 9999)?;
    match rest.is_empty() {
        true => None,
        false => stateful(namespace, rest, ordinal),
    }
}

fn stateful(namespace: &str, name: &str, ordinal: u32) -> Option<Workload> {
    Some(Workload {
        claim: claim(format!("{namespace}/{name}-{ordinal}"))?,
        kind: ClaimKind::Single,
        app: Some(AppName::new(format!("StatefulSet/{namespace}/{name}")).ok()?),
        ordinal: Some(ordinal),
        by_hand: false,
    })
}

fn other(namespace: &str, kind: &str, name: &str, claims: ClaimKind) -> Option<Workload> {
    Some(Workload {
        claim: claim(format!("{namespace}/{kind}/{name}"))?,
        kind: claims,
        app: Some(AppName::new(format!("{kind}/{namespace}/{name}")).ok()?),
        ordinal: None,
        by_hand: false,
    })
}

fn claim(name: String) -> Option<ClaimName> {
    (name.len() <= LONGEST).then_some(())?;
    ClaimName::new(name).ok()
}

/// One part of a claim's name, without what the daemon keeps for itself.
fn plain(text: &str) -> bool {
    text != "."
        && text != ".."
        && !text.is_empty()
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b':' | b'@' | b'-'))
}

/// Digits, without a leading zero: `01` is nobody's ordinal, and would be a second name for `1`.
fn ordinal(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// What Kubernetes puts at the end of a pod's name (`SafeEncodeString`).
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A ReplicaSet's hash is a number of 32 bits whose digits 0 to 9 are written as `4567 89bc df`: `0` is
/// the character with number 48 mod 27 of [`SUFFIX`], and so on. Nearly all such numbers have 6 to 10
/// digits. The time in a CronJob's pod's name is all digits, and has a 0, 1, 2 or 3 until the year 2046.
fn template_hash(text: &str) -> bool {
    (6..=10).contains(&text.len()) && text.bytes().all(|c| b"456789bcdf".contains(&c))
}

#[cfg(test)]
mod tests;
