//! Defaults, filled in where an object says nothing.

use serde_json::{Map, Value};

/// A field that is absent.
pub(super) fn fill(map: &mut Map<String, Value>, name: &str, default: impl Into<Value>) {
    map.entry(name).or_insert_with(|| default.into());
}

/// What an object in the field is lacking; also where the whole is absent.
pub(super) fn within(
    map: &mut Map<String, Value>,
    name: &str,
    defaults: impl FnOnce(&mut Map<String, Value>),
) {
    let value = map.entry(name).or_insert_with(|| Map::new().into());
    if let Value::Object(inner) = value {
        defaults(inner);
    }
}
