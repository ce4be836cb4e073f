//! Whether this machine can do it at all, said in one line.
//!
//! Nothing but a trial answers that: what a verifier takes differs from kernel to kernel, and a seccomp
//! filter or a lockdown refuses what every capability would permit. So the very programs are loaded, with
//! maps of one entry, and thrown away. What is looked at before is only there to say in plain words what the
//! kernel would say by EPERM or EINVAL.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::utsname::uname;

use crate::error::{Error, chain};
use crate::object::{self, OBJECT};
use crate::sizes::Sizes;

/// `bpf_redirect_peer` came with it.
const OLDEST: (u32, u32) = (5, 10);
const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Why this machine cannot decide by eBPF who may talk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The kernel is older than what the programs need.
    #[error("kernel {release} is too old: {}.{} is needed", OLDEST.0, OLDEST.1)]
    Kernel {
        /// As `uname -r` says.
        release: String,
    },
    /// The kernel was built without bpf(2), or keeps it from everybody.
    #[error("this kernel has no bpf system call")]
    NoBpf,
    /// A capability is missing.
    #[error("{missing} is missing: give it to the process, or run it as root")]
    Capability {
        /// Which.
        missing: &'static str,
    },
    /// The process has all that it needs and is refused all the same.
    #[error("bpf is forbidden here (a seccomp filter, or kernel lockdown): {0}")]
    Forbidden(#[source] Box<Error>),
    /// The verifier does not take a program.
    #[error("this kernel's verifier refuses the programs: {0}")]
    Refused(#[source] Box<Error>),
    /// Anything else.
    #[error("the eBPF programs cannot be loaded: {0}")]
    Other(#[source] Box<Error>),
}

/// Whether the programs can be loaded here. Takes as long as to load them.
///
/// # Errors
/// Where they cannot, and why.
pub fn probe() -> Result<(), Unavailable> {
    let release = uname().map(|name| name.release().to_string_lossy().into_owned());
    if let Ok(release) = release
        && version(&release).is_some_and(|version| version < OLDEST)
    {
        return Err(Unavailable::Kernel { release });
    }
    let capabilities = effective();
    if let Some(missing) = capabilities.and_then(lacking) {
        return Err(Unavailable::Capability { missing });
    }
    match object::load(OBJECT, &Sizes::small(), &[]) {
        Ok(_) => Ok(()),
        Err(error) => Err(classify(error)),
    }
}

fn classify(error: Error) -> Unavailable {
    let errno = errno_of(&error);
    match (errno, &error) {
        (Some(Errno::ENOSYS), _) => Unavailable::NoBpf,
        (Some(Errno::EPERM | Errno::EACCES), Error::Refused { log, .. }) if !log.is_empty() => {
            Unavailable::Refused(Box::new(error))
        }
        (Some(Errno::EPERM), _) => Unavailable::Forbidden(Box::new(error)),
        (_, Error::Refused { .. }) => Unavailable::Refused(Box::new(error)),
        _ => Unavailable::Other(Box::new(error)),
    }
}

/// The system's error number at the bottom of it.
fn errno_of(error: &(dyn std::error::Error + 'static)) -> Option<Errno> {
    let mut next = Some(error);
    let mut found = None;
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        found = io.and_then(io::Error::raw_os_error).or(found);
        next = error.source();
    }
    found.map(Errno::from_raw)
}

/// Major and minor number of a release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The capabilities in effect; none where /proc does not tell.
fn effective() -> Option<u64> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// The first capability that is needed and not there.
fn lacking(effective: u64) -> Option<&'static str> {
    let has = |capability: u32| effective & (1 << capability) != 0;
    // The greater one was needed before there were these two, and still does.
    let has_or_all = |capability| has(capability) || has(CAP_SYS_ADMIN);
    if !has_or_all(CAP_BPF) {
        return Some("CAP_BPF");
    }
    // Without it the verifier forbids arithmetic that compilers make of any loop over an array.
    if !has_or_all(CAP_PERFMON) {
        return Some("CAP_PERFMON");
    }
    (!has(CAP_NET_ADMIN)).then_some("CAP_NET_ADMIN")
}

impl Unavailable {
    /// The reason with all that is beneath it, in one line.
    pub fn reason(&self) -> String {
        let text = chain(self);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        assert_eq!(version("5.10.0-30-amd64"), Some((5, 10)));
        assert_eq!(version("6.18.44"), Some((6, 18)));
        assert_eq!(version("5.4"), Some((5, 4)));
        assert!(version("5.9.1").unwrap() < OLDEST && version("5.15.0").unwrap() > OLDEST);
        assert_eq!(version("odd"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn the_missing_capability_is_named() {
        let of = |capabilities: &[u32]| capabilities.iter().map(|c| 1 << c).sum();
        assert_eq!(lacking(of(&[])), Some("CAP_BPF"));
        assert_eq!(lacking(of(&[CAP_NET_ADMIN])), Some("CAP_BPF"));
        assert_eq!(lacking(of(&[CAP_BPF, CAP_NET_ADMIN])), Some("CAP_PERFMON"));
        assert_eq!(lacking(of(&[CAP_BPF, CAP_PERFMON])), Some("CAP_NET_ADMIN"));
        assert_eq!(lacking(of(&[CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN])), None);
        assert_eq!(lacking(of(&[CAP_SYS_ADMIN, CAP_NET_ADMIN])), None);
        assert!(effective().is_some());
    }

    #[test]
    fn what_the_kernel_says_is_told_apart() {
        let refused = |errno: Errno, log: &str| Error::Refused {
            program: "from_container",
            source: errno.into(),
            log: log.into(),
        };
        let verdict = classify(refused(Errno::EACCES, "R1 invalid mem access"));
        assert!(verdict.reason().contains("verifier refuses"), "{verdict}");
        assert!(
            verdict.reason().ends_with("R1 invalid mem access"),
            "{verdict}"
        );
        let verdict = classify(refused(Errno::EPERM, ""));
        assert!(matches!(verdict, Unavailable::Forbidden(_)), "{verdict}");
        let verdict = classify(refused(Errno::ENOSYS, ""));
        assert!(matches!(verdict, Unavailable::NoBpf), "{verdict}");
        let verdict = classify(refused(Errno::E2BIG, ""));
        assert!(matches!(verdict, Unavailable::Refused(_)), "{verdict}");
        let verdict = classify(Error::Missing {
            what: "map",
            name: "PEERS",
        });
        assert!(verdict.reason().contains("no map PEERS"), "{verdict}");
    }
}
