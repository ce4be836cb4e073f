//! What the suite finds in the reference plugins, Debian's 1.1.1.
//!
//! Findings that take chance (`parallel`, `killed`) are left out.

use crate::{failed, report, told};
use fairway_lab::reference_dir;
use std::collections::BTreeSet;

/// Groups whose findings are the same each time.
const STEADY: [&str; 9] = [
    "version", "error", "add", "attached", "chained", "config", "check", "del", "clean",
];

fn finds(kind: &str, wanted: &[&str]) {
    let only: Vec<_> = STEADY.iter().flat_map(|group| ["--only", *group]).collect();
    let report = report(&reference_dir().join(kind), &only);
    let wanted: BTreeSet<String> = wanted.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(failed(&report), wanted, "{kind}:\n{}", told(&report));
}

/// Every one of them answers VERSION with its own newest version.
const ECHO: &str = "version.echo";

#[test]
fn bridge() {
    finds(
        "bridge",
        &[
            ECHO,
            // Both interfaces of a container share one chain of rules, which the first DEL cannot remove.
            "add.second-interface",
            // The configuration's `dns` replaces the IPAM plugin's, also where there is none.
            "attached.dns",
            // Without the namespace the host's end and its rules stay.
            "del.without-netns-cleans",
            "del.lost-netns",
            "clean.ipam-fails",
            "clean.ipam-told",
        ],
    );
}

#[test]
fn loopback() {
    // It answers older versions in the form of 1.0.0, and its CHECK looks whether `lo` is up.
    finds(
        "loopback",
        &[
            ECHO,
            "add.shape",
            "check.address-gone",
            "check.without-prev-result",
        ],
    );
}

#[test]
fn host_local() {
    finds("host-local", &[ECHO, "check.without-prev-result"]);
}

#[test]
fn static_ipam() {
    finds("static", &[ECHO]);
}

#[test]
fn tuning() {
    finds(
        "tuning",
        &[
            ECHO,
            // CHECK takes IFNAME in a setting's name by the letter.
            "check.after-add",
            // Without the namespace its record stays.
            "del.without-netns-cleans",
            "del.lost-netns",
        ],
    );
}
