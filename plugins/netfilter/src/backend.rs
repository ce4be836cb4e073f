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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use fairway_lab::tempfile::TempDir;

    use super::*;

    /// A folder with `iptables` as a chain of links to a program of that name,
    /// as Debian's alternatives make it.
    fn installed(program: &str) -> (TempDir, Programs) {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path(program), "").unwrap();
        if program != "iptables" {
            symlink(program, path("chosen")).unwrap();
            symlink(path("chosen"), path("iptables")).unwrap();
        }
        let programs = Programs::in_path(folder.path().as_os_str());
        (folder, programs)
    }

    #[test]
    fn the_program_behind_the_link_tells() {
        for (program, flavor) in [
            ("xtables-nft-multi", Flavor::Nft),
            ("iptables-nft", Flavor::Nft),
            ("xtables-legacy-multi", Flavor::Legacy),
            ("xtables-multi", Flavor::Legacy),
            ("iptables", Flavor::Unknown),
            ("iptables-wrapper", Flavor::Unknown),
        ] {
            let (_folder, programs) = installed(program);
            assert_eq!(programs.flavor(), Some(flavor), "{program}");
        }
        assert_eq!(Programs::in_path("/nowhere".as_ref()).flavor(), None);
        assert_eq!(Programs::in_path("".as_ref()).flavor(), None);
    }

    #[test]
    fn iptables_is_preferred_where_it_works() {
        let (_folder, programs) = installed("xtables-nft-multi");
        assert_eq!(Backend::detect_among(&programs), Backend::Iptables);
        let none = Programs::in_path("/nowhere".as_ref());
        assert_eq!(Backend::detect_among(&none), Backend::Nftables);
    }

    #[test]
    fn names_are_those_of_the_configuration() {
        for backend in [Backend::Iptables, Backend::Nftables] {
            assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
        }
        for unknown in ["", "nft", "IPTABLES", "ebtables"] {
            let error = unknown.parse::<Backend>().unwrap_err().to_string();
            assert!(error.contains(&format!("{unknown:?}")), "{error}");
        }
    }
}
