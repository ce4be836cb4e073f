//! What the table of `BgpConfig` and `BgpPeer` objects has besides names.

use super::objects::{named, plain, text};
use serde_json::Value;

/// The columns' heads.
pub(super) const HEADS: [&str; 6] = ["NODES?", "ADDRESS?", "AS?", "LISTEN?", "IMPORT?", "EXPORT?"];

/// The cells; empty for objects of other kinds.
pub(super) fn cells(object: &Value) -> [String; 6] {
    let peer = match text(object, "/kind").as_str() {
        "BgpConfig" => false,
        "BgpPeer" => true,
        _ => return Default::default(),
    };
    [
        named(object, "/spec/nodes", true),
        text(object, "/spec/address") + &text(object, "/spec/prefix"),
        asn(object),
        if peer { String::new() } else { listen(object) },
        filter(object, "/spec/import"),
        filter(object, "/spec/export"),
    ]
}

/// One, several, or a word for them.
fn asn(object: &Value) -> String {
    match object.pointer("/spec/asn") {
        Some(Value::Array(several)) => several.iter().map(plain).collect::<Vec<_>>().join("\n"),
        Some(one) => plain(one),
        None => String::new(),
    }
}

/// `port 179`, and of which addresses.
fn listen(object: &Value) -> String {
    let Some(listen) = object.pointer("/spec/listen") else {
        return "nowhere".to_owned();
    };
    let port = match text(listen, "/port") {
        none if none.is_empty() => "179".to_owned(),
        port => port,
    };
    let addresses = named(listen, "/addresses", true);
    format!("port {port} of {}", addresses.replace('\n', ", "))
}

/// How many rules there are, and what becomes of what none is for; empty where nothing is said.
fn filter(object: &Value, at: &str) -> String {
    let Some(filter) = object.pointer(at) else {
        return String::new();
    };
    let rules = filter.get("rules").and_then(Value::as_array);
    let default = match text(filter, "/default") {
        none if none.is_empty() => "Reject".to_owned(),
        default => default,
    };
    match rules.map_or(0, Vec::len) {
        0 => default,
        1 => format!("1 rule, else {default}"),
        many => format!("{many} rules, else {default}"),
    }
}
