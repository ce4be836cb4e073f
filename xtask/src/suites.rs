//! The test suites: what each one runs, needs and may take.

use crate::packages::{self, Need};
use std::time::Duration;

/// One suite of `cargo xtask test`.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// What it proves, for the report of its start.
    pub(crate) about: &'static str,
    /// Whether it also takes every package that belongs to no other suite.
    pub(crate) rest: bool,
    /// Folders below tests/ with the packages; none of them there: no such suite yet.
    pub(crate) folders: &'static [&'static str],
    pub(crate) packages: &'static [&'static str],
    pub(crate) needs: &'static [&'static [Need]],
    /// Building included.
    pub(crate) limit: Duration,
    /// Whether it runs the binaries of the release build.
    pub(crate) dist: bool,
    /// Whether its tests wait more than they compute: then two run at once for each core.
    pub(crate) waits: bool,
}

const MINUTE: Duration = Duration::from_secs(60);

/// All of them, in the order in which they run: the quick ones first. interop measures what goes through limits; by then
/// CI is done with what it builds beside the others.
pub(crate) static SUITES: &[Suite] = &[
    Suite {
        name: "unit",
        about: "each crate by itself, the store on redb and etcd, each parser under random input",
        rest: true,
        folders: &["sim", "etcd"],
        packages: &["fairway-sim", "fairway-etcd-bed"],
        needs: &[
            packages::LAB,
            packages::FUZZ,
            packages::ETCD,
            packages::STREAM,
            packages::METRICS,
        ],
        limit: MINUTE.saturating_mul(35),
        dist: false,
        waits: false,
    },
    Suite {
        name: "netns",
        about: "the plugins in namespaces, beside the reference plugins, and the lab itself",
        rest: false,
        folders: &["netns", "differential", "lab"],
        packages: &[
            "fairway-tests-netns",
            "fairway-tests-differential",
            "fairway-lab",
        ],
        needs: &[
            packages::LAB,
            packages::REFERENCE,
            packages::STREAM,
            packages::ETCD,
        ],
        limit: MINUTE.saturating_mul(20),
        dist: true,
        waits: true,
    },
    Suite {
        name: "deploy",
        about: "the chart by Helm and on an API server, packages in a chroot, the systemd unit",
        rest: false,
        folders: &["deploy"],
        packages: &["fairway-tests-deploy"],
        needs: &[
            packages::LAB,
            packages::ETCD,
            packages::RPM,
            packages::INSTALL,
        ],
        limit: MINUTE.saturating_mul(25),
        dist: true,
        waits: false,
    },
    Suite {
        name: "k8s",
        about: "our kinds on a real Kubernetes API server, and its pods by way of containerd, plugins and daemons",
        rest: false,
        folders: &["k8s"],
        packages: &["fairway-tests-k8s"],
        needs: &[
            packages::LAB,
            packages::ETCD,
            packages::HTTP,
            packages::RUNTIMES,
        ],
        limit: MINUTE.saturating_mul(25),
        dist: true,
        waits: true,
    },
    Suite {
        name: "interop",
        about: "Podman and containerd run the plugins; daemons share a real etcd; BGP with others' speakers",
        rest: false,
        folders: &["interop", "cluster", "bgp"],
        packages: &[
            "fairway-tests-interop",
            "fairway-tests-cluster",
            "fairway-bgp-bed",
        ],
        needs: &[
            packages::LAB,
            packages::REFERENCE,
            packages::RUNTIMES,
            packages::ETCD,
            packages::BGP,
            packages::STREAM,
        ],
        limit: MINUTE.saturating_mul(30),
        dist: true,
        waits: true,
    },
    Suite {
        name: "vm",
        about: "what this machine's kernel lacks, on another kernel in a virtual machine",
        rest: false,
        folders: &["vm"],
        packages: &["fairway-tests-vm"],
        needs: &[
            packages::LAB,
            packages::REFERENCE,
            packages::MACHINE,
            packages::ETCD,
            packages::STREAM,
        ],
        limit: MINUTE.saturating_mul(20),
        dist: true,
        waits: false,
    },
];

impl Suite {
    /// The suite of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.name == name)
    }

    /// Whether the repository has it yet.
    pub(crate) fn is_there(&self) -> bool {
        let tests = crate::cache::root().join("tests");
        let there = |folder: &&str| tests.join(folder).join("Cargo.toml").exists();
        self.rest || self.folders.iter().any(there)
    }
}

/// The packages that another suite than `unit` runs.
pub(crate) fn apart() -> impl Iterator<Item = &'static str> {
    let there = SUITES
        .iter()
        .filter(|suite| suite.is_there() && !suite.rest);
    there.flat_map(|suite| suite.packages).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_known_ones_exist() {
        for suite in SUITES {
            assert!(std::ptr::eq(Suite::named(suite.name).unwrap(), suite));
        }
        assert_eq!(SUITES.iter().filter(|suite| suite.rest).count(), 1);
        assert!(Suite::named("netns").unwrap().is_there() && Suite::named("no").is_none());
    }

    #[test]
    fn every_package_below_tests_is_in_a_suite() {
        let tests = std::fs::read_dir(crate::cache::root().join("tests")).unwrap();
        for entry in tests.flatten() {
            let manifest = entry.path().join("Cargo.toml");
            let folder = entry.file_name().into_string().unwrap();
            if folder == "fuzz" || !manifest.exists() {
                continue;
            }
            let text = std::fs::read_to_string(manifest).unwrap();
            let name = text.lines().find_map(|line| line.strip_prefix("name = "));
            let name = name.unwrap().trim_matches('"').to_owned();
            let mut suites = SUITES.iter();
            assert!(
                suites.any(|s| s.folders.contains(&&*folder) && s.packages.contains(&&*name)),
                "{folder}: {name}"
            );
        }
    }
}
