//! Tables of fields for the pages under `docs/objects`, from the schemas, so that they say what the server says.

use crate::Definition;
use serde_json::Value;
use std::fmt::Write as _;

/// What stands before the part of a page that is generated.
pub const BEGIN: &str = "<!-- Written by: cargo run -p fairway-crd --example write -->\n";
/// What stands after.
pub const END: &str = "<!-- end -->\n";

/// A page with its generated part as it should be; none where it has no place for it.
pub fn page(kept: &str, definition: &Definition) -> Option<String> {
    let (before, rest) = kept.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!(
        "{before}{BEGIN}\n{}\n{END}{after}",
        fields(definition)
    ))
}

/// The fields of spec and status.
pub fn fields(definition: &Definition) -> String {
    let parts = &definition.schema()["properties"];
    let mut text = String::from("| field of `spec` | value | default | |\n|---|---|---|---|\n");
    rows("", &parts["spec"], &mut text);
    text.push_str("\n| field of `status` | value | |\n|---|---|---|\n");
    let told = parts["status"]["properties"].as_object();
    for (name, inner) in told.into_iter().flatten() {
        let what = inner["description"].as_str().unwrap_or_default();
        let _ = writeln!(text, "| `{name}` | {} | {what} |", value(inner));
    }
    text
}

fn rows(at: &str, schema: &Value, text: &mut String) {
    let required = schema["required"].as_array();
    let must = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}{name}");
        let default = match inner.get("default") {
            _ if must(name) => "must be given".to_owned(),
            Some(Value::String(text)) => format!("`{text}`"),
            Some(Value::Object(_)) | None => String::new(),
            Some(other) => format!("`{other}`"),
        };
        let what = inner["description"].as_str().unwrap_or_default();
        let _ = writeln!(text, "| `{at}` | {} | {default} | {what} |", value(inner));
        rows(&format!("{at}."), inner, text);
        rows(&format!("{at}[]."), &inner["items"], text);
    }
}

/// What may stand there, in a few words.
fn value(schema: &Value) -> String {
    let range = || match (&schema["minimum"], &schema["maximum"]) {
        (Value::Null, Value::Null) => String::new(),
        (least, Value::Null) => format!(" from {least}"),
        (least, most) => format!(" {least} to {most}"),
    };
    if schema["x-kubernetes-int-or-string"] == true {
        return format!("number{} or text", range());
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        return format!("`{}`", words.join("`, `"));
    }
    match schema["type"].as_str() {
        Some("string") => "text".to_owned(),
        Some("integer") => format!("number{}", range()),
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("array") => match schema["items"]["type"].as_str() {
            Some("object") => "list".to_owned(),
            _ => format!("list of {}", value(&schema["items"])),
        },
        Some("object") if schema.get("additionalProperties").is_some() => "map of text".to_owned(),
        Some("object") => String::new(),
        _ => "number, list or word".to_owned(),
    }
}
