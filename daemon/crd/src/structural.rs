//! Structural schemas, as Kubernetes demands them: one type a field, no references, no types in alternatives, none of
//! JSON Schema's newer words.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The schema of a type.
pub(crate) fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    tidy(&mut schema);
    schema
}

/// The schema of an object: a spec that has to be there, and a status.
pub(crate) fn object(description: &str, name: Value, spec: Value, status: Value) -> Value {
    json!({
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "metadata": {"type": "object", "properties": {"name": name}},
            "spec": spec,
            "status": status,
        }
    })
}

fn tidy(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    for word in ["title", "$schema", "definitions", "additionalItems"] {
        map.remove(word);
    }
    not_null(map);
    words(map);
    number(map);
    if let Some(Value::String(text)) = map.get_mut("description") {
        *text = text
            .split('\n')
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ")
            .trim()
            .to_owned();
    }
    // Properties may have any name, also that of a word.
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(tidy);
    }
    for word in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(word) {
            tidy(inner);
        }
    }
}

/// What may be left out may not be null: the API server prunes or refuses it, and so do the parsers.
fn not_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            map.insert("type".into(), one);
        }
    }
    let null = |one: &Value| one == &json!({"type": "null"});
    let Some(Value::Array(all)) = map.get("anyOf") else {
        return;
    };
    if let [one, other] = &all[..]
        && null(other)
        && let Value::Object(inner) = one.clone()
    {
        map.remove("anyOf");
        for (word, value) in inner {
            // What is said of the field comes before what is said of its type.
            map.entry(word).or_insert(value);
        }
    }
    if map.get("default") == Some(&Value::Null) {
        map.remove("default");
    }
}

/// Words with a description each become a plain enumeration.
fn words(map: &mut Map<String, Value>) {
    let Some(Value::Array(all)) = map.get("oneOf") else {
        return;
    };
    let word = |one: &Value| one.get("const").cloned();
    let Some(words) = all.iter().map(word).collect::<Option<Vec<_>>>() else {
        return;
    };
    let said = |one: &Value| {
        let text = one.get("description")?.as_str()?.trim_end_matches('.');
        Some(format!(
            "`{}`: {}",
            one.get("const")?.as_str()?,
            lower(text)
        ))
    };
    let said: Option<Vec<_>> = all.iter().map(said).collect();
    if let (Some(said), Some(Value::String(text))) = (said, map.get_mut("description")) {
        *text = format!("{text} {}.", said.join("; "));
    }
    map.remove("oneOf");
    map.insert("type".into(), "string".into());
    map.insert("enum".into(), words.into());
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let abbreviation = text
        .chars()
        .nth(1)
        .is_some_and(|second| !second.is_lowercase() && second != ' ');
    match letters.next() {
        Some(first) if !abbreviation => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

/// Kubernetes knows signed formats only.
fn number(map: &mut Map<String, Value>) {
    let format = match map.get("format").and_then(Value::as_str) {
        Some("uint8" | "uint16") => "int32",
        Some("uint32" | "uint64" | "uint") => "int64",
        _ => return,
    };
    map.insert("format".into(), format.into());
}
