//! Objects as documents and as a table.
//!
//! As documents they are what was applied, so that they can be applied again elsewhere, here or in
//! Kubernetes: one by itself where one was asked for by its name, else a `List`.

use super::{objects_address, objects_bgp};
use crate::{
    document::Answer,
    sheet::{Cell, Sheet, Tone},
};
use fairway_api::admin::RateWish;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// The annotation that puts a policy, or a namespace's policies, in audit.
const MODE: &str = "fairway.network/policy-mode";

/// Objects of a kind.
#[derive(Debug)]
pub(super) struct Objects {
    items: Vec<Value>,
    /// One was asked for by its name.
    named: bool,
}

impl Objects {
    pub(super) fn new(items: Vec<Value>, named: bool) -> Objects {
        Objects { items, named }
    }
}

impl Serialize for Objects {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.named, self.items.as_slice()) {
            (true, [one]) => one.serialize(to),
            (_, items) => json!({"apiVersion": "v1", "kind": "List", "items": items}).serialize(to),
        }
    }
}

impl Answer for Objects {
    fn sheet(&self) -> Sheet {
        let known = [
            "NAMESPACE?",
            "NAME",
            "TIER?",
            "PRIORITY?",
            "PER?",
            "NAMESPACES?",
            "NETWORKS?",
            "PODS?",
            "INGRESS?",
            "EGRESS?",
            "PORTS?",
            "MODE?",
            "PLUGINS?",
            "LABELS?",
        ];
        let heads: Vec<&str> = known
            .into_iter()
            .chain(objects_bgp::HEADS)
            .chain(objects_address::HEADS)
            .collect();
        let mut sheet = Sheet::new(&heads, "no such objects");
        for object in &self.items {
            let kind = text(object, "/kind");
            let limit = kind == "RateLimit";
            let (namespaces, pods) = who(object);
            let [ingress, egress] = ["Ingress", "Egress"].map(|direction| match limit {
                true => allowance(object, direction),
                false => rules(object, direction),
            });
            let said = limit
                || kind.ends_with("Policy")
                || kind.starts_with("Bgp")
                || kind.starts_with("IP")
                || kind == "Network";
            let labels = match said {
                true => String::new(),
                false => labels(object.pointer("/metadata/labels")),
            };
            let cells = [
                Cell::from(text(object, "/metadata/namespace")),
                Cell::from(text(object, "/metadata/name")),
                Cell::from(text(object, "/spec/tier")),
                Cell::from(text(object, "/spec/priority")),
                Cell::from(if limit { per(object) } else { String::new() }),
                Cell::from(namespaces),
                Cell::from(named(object, "/spec/networks", limit)),
                Cell::from(pods),
                Cell::from(ingress),
                Cell::from(egress),
                Cell::from(ports(object)),
                mode(object),
                Cell::from(plugins(object)),
                Cell::from(labels),
            ];
            let bgp = objects_bgp::cells(object).map(Cell::from);
            let address = objects_address::cells(object).map(Cell::from);
            sheet.row(cells.into_iter().chain(bgp).chain(address));
        }
        sheet
    }
}

/// Text or a number; empty where it is not there.
pub(super) fn text(object: &Value, at: &str) -> String {
    match object.pointer(at) {
        Some(Value::String(text)) => text.clone(),
        Some(number @ Value::Number(_)) => number.to_string(),
        _ => String::new(),
    }
}

/// Of a network that an object defines: the plugins that it calls, in turn.
fn plugins(object: &Value) -> String {
    if text(object, "/kind") != "NetworkAttachmentDefinition" {
        return String::new();
    }
    let config = serde_json::from_str::<Value>(&text(object, "/spec/config"));
    let Ok(config) = config else {
        return "of the node".to_owned();
    };
    let types: Vec<String> = match config["plugins"].as_array() {
        Some(all) => all.iter().map(|plugin| text(plugin, "/type")).collect(),
        None => vec![text(&config, "/type")],
    };
    types.join(",")
}

/// Whose policy it is: namespaces and pods.
fn who(object: &Value) -> (String, String) {
    let at = |at: &str| object.pointer(at);
    match text(object, "/kind").as_str() {
        "NetworkPolicy" => {
            let pods = at("/spec/podSelector").map_or("all".to_owned(), selector);
            (String::new(), pods)
        }
        "ClusterNetworkPolicy" => {
            let namespaces = at("/spec/subject/namespaces")
                .or_else(|| at("/spec/subject/pods/namespaceSelector"));
            let pods = at("/spec/subject/pods/podSelector");
            let shown = |found: Option<&Value>| found.map_or("all".to_owned(), selector);
            (shown(namespaces), shown(pods))
        }
        "RateLimit" => {
            let pods = match (per(object).as_str(), at("/spec/podSelector")) {
                ("Container", pods) => pods.map_or("all".to_owned(), selector),
                _ => String::new(),
            };
            (named(object, "/spec/namespaces", true), pods)
        }
        _ => (String::new(), String::new()),
    }
}

/// Who share a limit.
fn per(object: &Value) -> String {
    match text(object, "/spec/per").as_str() {
        "" => "Container".to_owned(),
        per => per.to_owned(),
    }
}

/// A list of names; `all` where there is none and it is for such a kind.
pub(super) fn named(object: &Value, at: &str, for_it: bool) -> String {
    let names = object.pointer(at).and_then(Value::as_array);
    let names: Vec<String> = names.into_iter().flatten().map(plain).collect();
    match (for_it, names.is_empty()) {
        (true, true) => "all".to_owned(),
        _ => names.join("\n"),
    }
}

/// `20M, burst 64Ki, 1000 packets/s, dscp 46`; empty where nothing is said of that direction.
fn allowance(object: &Value, direction: &str) -> String {
    let field = format!("/spec/{}", direction.to_lowercase());
    let Some(said) = object.pointer(&field) else {
        return String::new();
    };
    let number = |name: &str| said.get(name).and_then(Value::as_u64);
    super::rates::shown(&RateWish {
        rate: said.get("rate").map(plain),
        burst: said.get("burst").map(plain),
        packets: number("packetsPerSecond"),
        dscp: number("dscp"),
    })
}

/// As `kubectl` writes selectors.
fn selector(selector: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(fields) = selector.get("matchLabels").and_then(Value::as_object) {
        parts.extend(
            fields
                .iter()
                .map(|(key, value)| format!("{key}={}", plain(value))),
        );
    }
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    for expression in expressions.into_iter().flatten() {
        let key = text(expression, "/key");
        let values = expression.get("values").and_then(Value::as_array);
        let values: Vec<String> = values.into_iter().flatten().map(plain).collect();
        let values = values.join(",");
        parts.push(match text(expression, "/operator").as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key,
            "DoesNotExist" => format!("!{key}"),
            other => format!("{key} {other} ({values})"),
        });
    }
    match parts.is_empty() {
        true => "all".to_owned(),
        false => parts.join(","),
    }
}

/// How many rules; empty where the policy says nothing of that direction.
fn rules(object: &Value, direction: &str) -> String {
    let field = format!("/spec/{}", direction.to_lowercase());
    let many = object
        .pointer(&field)
        .and_then(Value::as_array)
        .map(Vec::len);
    let types = object
        .pointer("/spec/policyTypes")
        .and_then(Value::as_array);
    match (many, types) {
        (Some(many), None) => many.to_string(),
        (many, Some(types)) if types.iter().any(|one| one == direction) => {
            many.unwrap_or_default().to_string()
        }
        _ => String::new(),
    }
}

/// The ports of a pod that have names: `http=8080/TCP`.
fn ports(object: &Value) -> String {
    let containers = object.pointer("/spec/containers").and_then(Value::as_array);
    let ports = containers.into_iter().flatten();
    let ports = ports.filter_map(|container| container.get("ports")?.as_array());
    let named = ports.flatten().filter_map(|port| {
        let name = port.get("name")?.as_str()?;
        let number = text(port, "/containerPort");
        Some(match text(port, "/protocol").as_str() {
            "" => format!("{name}={number}/TCP"),
            protocol => format!("{name}={number}/{protocol}"),
        })
    });
    named.collect::<Vec<_>>().join("\n")
}

fn mode(object: &Value) -> Cell {
    let mode = object.pointer("/metadata/annotations");
    let mode = mode.and_then(|all| all.get(MODE)).map(plain);
    let tone = match mode.as_deref() {
        Some("audit") => Tone::Mind,
        _ => Tone::Plain,
    };
    Cell::from(mode.unwrap_or_default()).tone(tone)
}

fn labels(labels: Option<&Value>) -> String {
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    let labels = labels.map(|(key, value)| format!("{key}={}", plain(value)));
    labels.collect::<Vec<_>>().join(",")
}

/// Text without its quotes.
pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}
