//! Rules in CEL, which servers before 1.25 do not know: that they are such, and what they let change.

use super::{Schema, good, object};
use serde_json::{Value, json};

/// All schemas within one that have rules.
fn ruled<'s>(schema: &'s Value, found: &mut Vec<&'s Value>) {
    if schema.get("x-kubernetes-validations").is_some() {
        found.push(schema);
    }
    for inner in schema["properties"].as_object().into_iter().flatten() {
        ruled(inner.1, found);
    }
    for word in ["items", "additionalProperties"] {
        schema
            .get(word)
            .into_iter()
            .for_each(|inner| ruled(inner, found));
    }
}

#[test]
fn each_is_one_and_says_what_is_wrong() {
    let mut count = 0;
    for definition in fairway_crd::all() {
        let mut found = Vec::new();
        ruled(definition.schema(), &mut found);
        for schema in found {
            let compiled = kube_cel::compile_schema(schema);
            let errors: Vec<_> = compiled
                .compilation_errors()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert!(errors.is_empty(), "{}: {errors:?}", definition.kind);
            for rule in schema["x-kubernetes-validations"].as_array().unwrap() {
                let message = rule["message"].as_str().unwrap();
                assert!(message.contains(": "), "no field: {message}");
                count += 1;
            }
        }
    }
    assert!(count >= 20, "{count}");
}

#[test]
fn what_is_right_breaks_none() {
    for (kind, spec) in good::all() {
        let schema = Schema::of(kind);
        let filled = schema.filled(&object(kind, &spec));
        assert_eq!(schema.broken(&filled, None), [""; 0], "{kind} {spec}");
        assert_eq!(
            schema.broken(&filled, Some(&filled)),
            [""; 0],
            "{kind} {spec}"
        );
    }
}

#[test]
fn what_cannot_be_changed_is_kept() {
    for (kind, old, new, says) in [
        (
            "IPClaim",
            json!({"pool": "web"}),
            json!({"pool": "db"}),
            Some("pool: cannot be changed"),
        ),
        (
            "IPClaim",
            json!({"pool": "web"}),
            json!({"pool": "web", "set": {}}),
            Some("set: "),
        ),
        (
            "IPClaim",
            json!({"pool": "web", "set": {}}),
            json!({"pool": "web"}),
            Some("set: "),
        ),
        (
            "IPClaim",
            json!({"pool": "web"}),
            json!({"pool": "web", "release": "never"}),
            None,
        ),
        (
            "Network",
            json!({"pools": ["a"], "vni": 1}),
            json!({"pools": ["a"], "vni": 2}),
            Some("vni: cannot be changed"),
        ),
        (
            "Network",
            json!({"pools": ["a"]}),
            json!({"pools": ["a"], "vni": 2}),
            None,
        ),
        (
            "Network",
            json!({"pools": ["a"], "vni": 1}),
            json!({"pools": ["b"]}),
            None,
        ),
    ] {
        let schema = Schema::of(kind);
        let [old, new] = [old, new].map(|spec| schema.filled(&object(kind, &spec)));
        let broken = schema.broken(&new, Some(&old)).join("\n");
        match says {
            Some(says) => assert!(broken.contains(says), "{new}: {broken}"),
            None => assert!(broken.is_empty(), "{new}: {broken}"),
        }
    }
}
