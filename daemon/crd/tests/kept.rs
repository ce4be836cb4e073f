//! What lies in `deploy/crds` is what the types say, and is what Kubernetes calls structural.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/crds")
}

#[test]
fn the_kept_files_are_current() {
    let mut known = BTreeSet::new();
    for definition in fairway_crd::all() {
        let name = format!("{}.yaml", definition.plural);
        let kept = fs::read_to_string(folder().join(&name)).unwrap_or_default();
        let now = definition.yaml().unwrap();
        assert!(
            kept == now,
            "{name} is not what the types say: cargo run -p fairway-crd --example write"
        );
        known.insert(name);
    }
    let there = fs::read_dir(folder()).unwrap();
    let there: BTreeSet<_> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, known);
}

#[test]
fn the_pages_tables_are_current() {
    let pages = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/objects");
    for definition in fairway_crd::all() {
        let name = format!("{}.md", definition.kind.to_lowercase());
        let kept = fs::read_to_string(pages.join(&name)).unwrap_or_default();
        let now = fairway_crd::page::page(&kept, &definition);
        let current = now.is_some_and(|now| now == kept);
        assert!(
            current,
            "{name} is not what the types say: cargo run -p fairway-crd --example write"
        );
    }
}

#[test]
fn they_are_definitions_for_a_client_too() {
    for definition in fairway_crd::all() {
        let typed = definition.typed().unwrap();
        assert_eq!(typed.spec.names.kind, definition.kind);
        assert_eq!(typed.spec.names.plural, definition.plural);
        assert_eq!(typed.spec.group, fairway_crd::GROUP);
        assert_eq!(typed.spec.versions[0].name, fairway_crd::VERSION);
    }
}

/// The rules of Kubernetes' documentation for a structural schema, as far as ours could break them.
fn structural(at: &str, schema: &Value, inside: bool) {
    let map = schema.as_object().unwrap();
    let odd = [
        "x-kubernetes-int-or-string",
        "x-kubernetes-preserve-unknown-fields",
    ];
    let typed = map.get("type").is_some_and(Value::is_string);
    if inside {
        for word in ["type", "description", "default", "properties", "items"] {
            assert!(!map.contains_key(word), "{at}: {word} in an alternative");
        }
    } else {
        assert!(
            typed || odd.iter().any(|word| map.contains_key(*word)),
            "{at}: no type"
        );
    }
    for word in [
        "$ref",
        "definitions",
        "title",
        "const",
        "uniqueItems",
        "nullable",
    ] {
        assert!(!map.contains_key(word), "{at}: {word}");
    }
    if map.contains_key("properties") {
        assert!(
            !map.contains_key("additionalProperties"),
            "{at}: both kinds of properties"
        );
    }
    for (name, inner) in map
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        structural(&format!("{at}.{name}"), inner, false);
    }
    for word in ["items", "additionalProperties"] {
        if let Some(inner) = map.get(word) {
            structural(&format!("{at}[]"), inner, false);
        }
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        for inner in map
            .get(word)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            structural(&format!("{at}({word})"), inner, true);
        }
    }
}

#[test]
fn they_are_structural() {
    for definition in fairway_crd::all() {
        structural(definition.kind, definition.schema(), false);
    }
}

/// Whoever reads `kubectl explain` finds each field explained.
#[test]
fn every_field_is_explained() {
    fn explained(at: &str, schema: &Value) {
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, inner) in properties {
            let at = format!("{at}.{name}");
            let text = inner["description"].as_str().unwrap_or_default();
            assert!(
                at.ends_with(".metadata") || at.ends_with(".metadata.name") || text.ends_with('.'),
                "{at}: {text:?}"
            );
            explained(&at, inner);
            explained(&format!("{at}[]"), &inner["items"]);
        }
    }
    for definition in fairway_crd::all() {
        explained(definition.kind, definition.schema());
    }
}
