//! `docs/concepts/bgp.md` has each field that there is.

use super::taken;
use serde_json::Value;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/concepts/bgp.md");
/// Objects that between them have all fields, one a line.
const OBJECTS: &str = include_str!("../../../../tests/fuzz/corpus/bgp_object/all.json");

fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                found.insert(name.clone());
                fields(value, found);
            }
        }
        Value::Array(all) => all.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

#[test]
fn each_field_is_on_the_page() {
    let mut found = BTreeSet::new();
    for line in OBJECTS.lines() {
        let value = serde_json::from_str(line).expect("JSON");
        fields(&taken(&value).json["spec"], &mut found);
    }
    assert!(found.len() > 70, "{}", found.len());
    let named = |name: &&String| {
        let start = format!("`{name}");
        let mut rest = PAGE
            .match_indices(&start)
            .map(|(at, _)| &PAGE[at + start.len()..]);
        rest.any(|rest| rest.starts_with(['`', ':']))
    };
    let missing: Vec<_> = found.iter().filter(|name| !named(name)).collect();
    assert_eq!(missing, [""; 0]);
}
