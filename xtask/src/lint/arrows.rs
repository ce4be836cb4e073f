//! Who may use whom: the arrows of docs/architecture.md, and what must stay out of which crate.
//!
//! A crate that reaches for the wrong neighbour compiles as well as any other, and each later one
//! makes it harder to take back. What tests use is not judged.

use crate::exec;
use anyhow::{Result, ensure};
use fairway_lab::{Value, serde_json};
use std::collections::BTreeSet;
use std::path::Path;

/// (folder, what crates below it may use of this repository); the first that fits counts.
const ARROWS: &[(&str, &[&str])] = &[
    ("plugins/shape", &["plugins/netlink"]),
    ("plugins/", &["plugins/", "daemon/api"]),
    ("ipam/kv", &[]),
    ("ipam/core", &["ipam/kv"]),
    ("ipam/store", &["ipam/kv"]),
    ("daemon/api", &[]),
    (
        "daemon/fairwayd",
        &[
            "daemon/",
            "dataplane-ebpf/",
            "ipam/",
            "plugins/netlink",
            "plugins/netfilter",
            "plugins/shape",
            "plugins/cni",
        ],
    ),
    ("daemon/rib", &["ipam/core"]),
    (
        "daemon/fib",
        &["daemon/rib", "ipam/core", "plugins/netlink"],
    ),
    ("daemon/policy", &[]),
    // Where objects go, and what they mean, it leaves to others.
    ("daemon/k8s", &[]),
    // Types and schemas; who judges objects does not need them.
    ("daemon/crd", &[]),
    // What objects look like.
    ("daemon/bgp", &["daemon/policy"]),
    ("daemon/pools", &["daemon/policy", "ipam/core"]),
    // What objects look like; what is in them is for the plugin that calls it, and is judged by its words.
    ("daemon/definitions", &["daemon/policy", "plugins/multi"]),
    ("daemon/speaker", &["daemon/bgp"]),
    // What objects look like, and how rates are written.
    ("daemon/rates", &["daemon/policy", "plugins/shape"]),
    (
        "daemon/enforce",
        &["daemon/policy", "dataplane-ebpf/loader"],
    ),
    ("daemon/", &["daemon/api", "ipam/kv"]),
    ("dataplane-ebpf/abi", &[]),
    (
        "dataplane-ebpf/loader",
        &["dataplane-ebpf/abi", "plugins/netlink"],
    ),
    // What a configuration is.
    ("deploy/install", &["plugins/cni"]),
    // What runs others' plugins in namespaces, and judges them by the system's own tools.
    ("netctl/conformance", &["netctl/ephemeral"]),
    ("netctl/ephemeral", &[]),
    // `attach` is a runtime for one network, as `multi` is for several; `conf check` asks each plugin's own parser.
    (
        "netctl",
        &[
            "daemon/api",
            "netctl/conformance",
            "plugins/bin",
            "plugins/cni",
            "plugins/multi",
        ],
    ),
    ("xtask", &["tests/"]),
    // The rest drives what is to be tested or measured.
    ("tests/", &[""]),
    ("bench", &[""]),
];

/// Only tests and benchmarks may go round the daemon's socket.
const NOBODYS: &str = "daemon/fairwayd";

/// (package, crate that it must not hold, why), over all levels.
const APART: &[(&str, &[&str], &str)] = &[
    (
        "fairway-plugins",
        &["tokio"],
        "starting a runtime takes as long as a plugin's work",
    ),
    ("fairway-plugins", &["clap"], "a plugin has no command line"),
    (
        "fairway-plugins",
        &["regex"],
        "compiling a pattern takes longer than what it is for",
    ),
    (
        "fairway-plugins",
        &["tracing", "tracing-subscriber"],
        "a plugin's stderr is read by runtimes and is to stay quiet",
    ),
    (
        "fairway-ipam",
        &[
            "tokio",
            "mio",
            "redb",
            "etcd-client",
            "tonic",
            "nix",
            "rand",
        ],
        "the address logic knows no clock, socket, disk or chance, so that it can be simulated",
    ),
    (
        "fairway-rib",
        &[
            "tokio",
            "mio",
            "redb",
            "etcd-client",
            "netlink-sys",
            "nix",
            "rand",
        ],
        "the routing table knows no clock, socket, kernel or chance, so that it can be judged by itself",
    ),
    (
        "fairway-policy",
        &["tokio", "mio", "aya", "netlink-sys", "nix", "rand"],
        "the engine knows no clock, socket, kernel or chance, so that it can be held against a naive one",
    ),
    (
        "fairway-bgp",
        &["tokio", "mio", "netlink-sys", "nix", "rand"],
        "the speaker knows no clock, socket, kernel or chance, so that what it was told can be told again",
    ),
    (
        "netctl",
        &["redb", "etcd-client", "fairway-ipam"],
        "it asks the daemon, which alone holds the store",
    ),
];

pub(super) fn check() -> Result<String> {
    let mut wrong = direct()?;
    for (package, crates, why) in APART {
        let held = held(package)?;
        for name in crates.iter().filter(|name| held.contains(**name)) {
            wrong.push(format!("{package} holds {name}: {why}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    let plugins = held("fairway-plugins")?.len();
    Ok(format!("{plugins} crates in the plugins' binary"))
}

/// The packages of the repository, and what each names in its manifest.
fn direct() -> Result<Vec<String>> {
    let args = ["metadata", "--no-deps", "--format-version", "1"];
    let output = exec::cargo(&args).output()?;
    ensure!(output.status.success(), "cargo metadata failed");
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let root = Path::new(metadata["workspace_root"].as_str().unwrap_or_default());
    let folder = |path: &Value| {
        let path = Path::new(path.as_str()?).strip_prefix(root).ok()?;
        Some(path.to_string_lossy().into_owned())
    };
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let from = folder(&package["manifest_path"]).unwrap_or_default();
        let from = from.trim_end_matches("/Cargo.toml");
        let used = package["dependencies"].as_array().into_iter().flatten();
        let used = used.filter(|dependency| dependency["kind"] != "dev");
        for to in used.filter_map(|dependency| folder(&dependency["path"])) {
            wrong.extend(forbidden(from, &to));
        }
    }
    Ok(wrong)
}

fn forbidden(from: &str, to: &str) -> Option<String> {
    let arrows = ARROWS.iter().find(|(folder, _)| from.starts_with(folder));
    let Some((_, allowed)) = arrows else {
        return Some(format!("{from}: no arrow says what it may use"));
    };
    let tests = from.starts_with("tests/") || from == "bench";
    let fits = allowed.iter().any(|folder| to.starts_with(folder));
    (!fits || (to == NOBODYS && !tests)).then(|| format!("{from} must not use {to}"))
}

/// Every crate in a package's binary or library.
fn held(package: &str) -> Result<BTreeSet<String>> {
    let args = ["tree", "--edges", "normal", "--prefix", "none"];
    let mut command = exec::cargo(&args);
    let output = command.args(["--package", package]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<_> = names.map(str::to_owned).collect();
    let known = output.status.success() && names.contains(package);
    ensure!(known, "cargo tree knows no {package}");
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_one_way() {
        let good = [
            ("plugins/bin", "plugins/bridge"),
            ("plugins/fairway", "daemon/api"),
            ("plugins/vxlan", "daemon/api"),
            ("plugins/vxlan", "plugins/fairway"),
            ("plugins/shape", "plugins/netlink"),
            ("plugins/bridge", "plugins/shape"),
            ("daemon/fairwayd", "plugins/shape"),
            ("daemon/fairwayd", "ipam/store"),
            ("daemon/fairwayd", "daemon/rib"),
            ("daemon/rib", "ipam/core"),
            ("daemon/bgp", "daemon/policy"),
            ("daemon/fairwayd", "dataplane-ebpf/loader"),
            ("daemon/enforce", "dataplane-ebpf/loader"),
            ("dataplane-ebpf/loader", "plugins/netlink"),
            ("netctl", "daemon/api"),
            ("deploy/install", "plugins/cni"),
            ("netctl", "plugins/multi"),
            ("netctl", "plugins/bin"),
            ("netctl/conformance", "netctl/ephemeral"),
            ("tests/lab", "netctl/ephemeral"),
            ("tests/cluster", "daemon/fairwayd"),
        ];
        let bad = [
            ("plugins/bin", "ipam/core"),
            ("plugins/fairway", "daemon/fairwayd"),
            ("netctl/conformance", "tests/lab"),
            ("netctl/ephemeral", "tests/lab"),
            ("plugins/vxlan", "daemon/rib"),
            ("plugins/shape", "plugins/cni"),
            ("daemon/api", "plugins/cni"),
            ("daemon/rib", "plugins/netlink"),
            ("daemon/rib", "ipam/store"),
            ("daemon/policy", "dataplane-ebpf/abi"),
            ("daemon/bgp", "daemon/api"),
            ("dataplane-ebpf/loader", "daemon/policy"),
            ("ipam/core", "ipam/store"),
            ("netctl", "daemon/fairwayd"),
            ("deploy/install", "daemon/api"),
            ("netctl", "plugins/netlink"),
            ("netctl/conformance", "plugins/cni"),
            ("elsewhere", "ipam/kv"),
        ];
        for (from, to) in good {
            assert_eq!(forbidden(from, to), None);
        }
        for (from, to) in bad {
            assert!(forbidden(from, to).is_some(), "{from} {to}");
        }
    }

    #[test]
    fn what_a_package_holds_is_found_at_all_levels() {
        let held = held("fairway-plugins").unwrap();
        assert!(held.contains("netlink-sys") && !held.contains("fairway-lab"));
        assert!(super::held("no-such-package").is_err());
    }
}
