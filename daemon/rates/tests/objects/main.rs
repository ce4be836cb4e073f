//! `RateLimit` objects and overrides: what is taken, what it says, and what is refused by which field.

mod overrides;
mod properties;
mod ratelimit;

use fairway_rates::object::{self, Parsed};
use serde_json::{Value, json};

/// A RateLimit.
fn limit(spec: Value) -> Value {
    json!({
        "apiVersion": "fairway.network/v1alpha1",
        "kind": "RateLimit",
        "metadata": {"name": "web"},
        "spec": spec,
    })
}

#[track_caller]
fn taken(value: &Value) -> Parsed {
    object::parse(value.clone()).expect("an object that is fine")
}

/// Refused with exactly these lines.
#[track_caller]
fn refused(value: &Value, lines: &[&str]) {
    let error = object::parse(value.clone()).expect_err("a wrong object");
    let error = error.to_string();
    let found: Vec<_> = error.lines().collect();
    assert_eq!(found, lines, "{value:#}");
}
