//! Pages of plugins whose commands need a kernel that the build machine does not have.

use anyhow::{Result, anyhow, ensure};
use fairway_lab::page::{self, GUEST};

/// The emulated CPU is slow.
const SECONDS: u32 = 110;

/// Types a page's blocks for guests.
fn types(plugin: &str) -> Result<()> {
    let page = page::path(&format!("docs/plugins/{plugin}.md"));
    let script = page::script(&std::fs::read_to_string(page)?, GUEST);
    ensure!(!script.is_empty(), "nothing to type");
    page::run(&script, SECONDS).map_err(|output| anyhow!("{output}"))
}

pub(super) fn dummy() -> Result<()> {
    types("dummy")
}

pub(super) fn ipvlan() -> Result<()> {
    types("ipvlan")
}

pub(super) fn vlan() -> Result<()> {
    types("vlan")
}

pub(super) fn vrf() -> Result<()> {
    types("vrf")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::PLANS;
    use std::collections::BTreeSet;

    #[test]
    fn every_page_with_something_for_a_guest_is_typed_in_one() {
        let typed = PLANS.iter().flat_map(|plan| plan.tests);
        let typed = typed.filter_map(|test| test.name.strip_prefix("pages::"));
        let mut wanted = BTreeSet::new();
        for path in page::all().unwrap() {
            let text = std::fs::read_to_string(&path).unwrap();
            if !page::script(&text, GUEST).is_empty() {
                wanted.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
        let typed: BTreeSet<String> = typed.map(str::to_owned).collect();
        assert_eq!(typed, wanted);
        assert!(!wanted.is_empty());
    }
}
