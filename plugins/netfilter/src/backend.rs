//! Which backend to use, and which iptables is installed.
//!
//! `iptables` has two faces: one that writes nf_tables, and the legacy one with
//! tables of its own in the kernel. The link behind the name tells which; to run
//! it and ask for its version would cost more than all of our rules.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Error;
use crate::masq::legacy;

/// What masquerading is written with (`ipMasqBackend`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Table nat of iptables.
    Iptables,
    /// A table of our own.
    Nftables,
}

impl Backend {
    /// The default: iptables where it is installed and works, else nftables.
    pub fn detect() -> Self {
        Self::detect_among(&Programs::installed())
    }

    fn detect_among(programs: &Programs) -> Self {
        match programs.flavor() {
            Some(Flavor::Nft | Flavor::Unknown) => Self::Iptables,
            // New kernels come without legacy tables.
            Some(Flavor::Legacy) if legacy_names(true).is_some() => Self::Iptables,
            Some(Flavor::Legacy) if legacy::works(programs) => Self::Iptables,
            Some(Flavor::Legacy) | None => Self::Nftables,
        }
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "iptables" => Ok(Self::Iptables),
            "nftables" => Ok(Self::Nftables),
            other => Err(Error::UnknownBackend(other.to_owned())),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Iptables => "iptables",
            Self::Nftables => "nftables",
        })
    }
}

/// What stands behind the name `iptables`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavor {
    Nft,
    Legacy,
    /// A wrapper, or a build that does not tell by its name.
    Unknown,
}

/// Where programs are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Programs(Vec<PathBuf>);

impl Programs {
    /// In PATH, and where iptables usually is: runtimes hand on what PATH they
    /// have, and that of a service often lacks the sbin folders.
    pub(crate) fn installed() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut programs = Self::in_path(&path);
        for usual in ["/usr/sbin", "/sbin", "/usr/local/sbin"] {
            programs.0.push(usual.into());
        }
        programs
    }

    pub(crate) fn in_path(path: &OsStr) -> Self {
        Self(std::env::split_paths(path).collect())
    }

    /// Where a program is.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let mut candidates = self.0.iter().map(|folder| folder.join(name));
        candidates.find(|candidate| candidate.is_file())
    }

    /// What `iptables` is; none where it is not installed.
    pub(crate) fn flavor(&self) -> Option<Flavor> {
        self.find("iptables").map(|program| flavor_of(&program))
    }
}

fn flavor_of(program: &Path) -> Flavor {
    let target = program.canonicalize().unwrap_or_default();
    let name = target.file_name().and_then(OsStr::to_str).unwrap_or("");
    if name.contains("nft") {
        Flavor::Nft
    } else if name.contains("legacy") || name == "xtables-multi" {
        Flavor::Legacy
    } else {
        Flavor::Unknown
    }
}

/// The legacy tables of a family in this thread's namespace; none where the
/// kernel has no such tables, or none loaded yet.
pub(crate) fn legacy_names(v4: bool) -> Option<String> {
    let name = if v4 {
        "ip_tables_names"
    } else {
        "ip6_tables_names"
    };
    std::fs::read_to_string(format!("/proc/thread-self/net/{name}")).ok()
}
