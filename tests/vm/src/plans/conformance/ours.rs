//! All that they must and should, as far as it depends on their links.

use anyhow::Result;
use fairway_tests_netns::conformance::{self, Part};

fn conforms(kind: &str) -> Result<()> {
    Ok(conformance::conforms(kind, Part::OfLinks("1.1.0"), &[])?)
}

pub(super) fn ipvlan() -> Result<()> {
    conforms("ipvlan")
}

pub(super) fn vlan() -> Result<()> {
    conforms("vlan")
}

pub(super) fn dummy() -> Result<()> {
    conforms("dummy")
}

pub(super) fn vrf() -> Result<()> {
    conforms("vrf")
}
