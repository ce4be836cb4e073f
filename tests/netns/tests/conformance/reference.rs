//! What the suite finds in the reference plugins, Debian's 1.1.1.

use fairway_tests_netns::{
    Result,
    conformance::{self, Part},
};

/// Every one of them answers VERSION with its own newest version.
const ECHO: &str = "version.echo";

fn finds(kind: &str, wanted: &[&str]) -> Result {
    conformance::finds(kind, Part::Steady, wanted)
}

#[test]
fn bridge() -> Result {
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
    )
}

#[test]
fn loopback() -> Result {
    // It answers older versions in the form of 1.0.0, and its CHECK looks whether `lo` is up.
    finds(
        "loopback",
        &[
            ECHO,
            "add.shape",
            "check.address-gone",
            "check.without-prev-result",
        ],
    )
}

#[test]
fn host_local() -> Result {
    finds("host-local", &[ECHO, "check.without-prev-result"])
}

#[test]
fn static_ipam() -> Result {
    finds("static", &[ECHO])
}

#[test]
fn tuning() -> Result {
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
    )
}
