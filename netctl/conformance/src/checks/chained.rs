//! Plugins that stand behind another.

use super::add::added;
use crate::{
    Check, Level, Profile, Release,
    check::{Outcome, ensure},
    stage::Stage,
};
use serde_json::Value;

pub(super) const CHECKS: &[Check] = &[Check::new(
    "chained.passes-on",
    Level::Must,
    "section 2, ADD, prevResult; section 5, ADD Success",
    "what the plugin before has answered is in the answer: interfaces, addresses, routes, name servers",
    passes_on,
)
.of(&[Profile::Chained])
.since(Release::V0_3_0)
.each()];

fn passes_on(stage: &Stage, release: Release) -> Outcome {
    let (container, result, _) = added(stage, release)?;
    let before = stage.staged_result(&container, release)?;
    let lost = [
        ("interfaces", "name"),
        ("ips", "address"),
        ("routes", "dst"),
    ]
    .into_iter()
    .flat_map(|(list, key)| {
        let names = |of: &Value| -> Vec<Value> {
            let items = of[list].as_array().cloned().unwrap_or_default();
            items.into_iter().map(|item| item[key].clone()).collect()
        };
        let after = names(&result);
        names(&before)
            .into_iter()
            .filter(move |name| !after.contains(name))
    })
    .map(|name| name.to_string());
    let mut lost: Vec<_> = lost.collect();
    if result["dns"]["nameservers"] != before["dns"]["nameservers"] {
        lost.push("dns.nameservers".to_owned());
    }
    let _ = stage.del(&container, release, &result);
    ensure(lost.is_empty(), || {
        format!("gone from the result: {}", lost.join(", "))
    })
}
