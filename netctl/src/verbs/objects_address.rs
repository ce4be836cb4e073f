//! What the table of `IPPool`, `IPClaim` and `Network` objects has besides names.

use super::objects::{named, plain, text};
use serde_json::Value;

/// The columns' heads.
pub(super) const HEADS: [&str; 8] = [
    "POOL?",
    "CIDRS?",
    "POOLS?",
    "IMPORTS?",
    "VNI?",
    "ADDRESSES?",
    "PHASE?",
    "LIVE?",
];

/// The cells; empty for objects of other kinds.
pub(super) fn cells(object: &Value) -> [String; 8] {
    let none = String::new;
    let live = || text(object, "/status/live");
    match text(object, "/kind").as_str() {
        "IPPool" => {
            let ranges = object.pointer("/spec/ranges").and_then(Value::as_array);
            let cidrs = ranges
                .into_iter()
                .flatten()
                .filter_map(|range| range.get("cidr"));
            let cidrs = cidrs.map(plain).collect::<Vec<_>>().join("\n");
            let phase = text(object, "/status/phase");
            [none(), cidrs, none(), none(), none(), none(), phase, live()]
        }
        "IPClaim" => {
            let addresses = named(object, "/status/addresses", false);
            [
                text(object, "/spec/pool"),
                none(),
                none(),
                none(),
                none(),
                addresses,
                none(),
                none(),
            ]
        }
        "Network" => {
            let (pools, imports) = (
                named(object, "/spec/pools", false),
                named(object, "/spec/imports", false),
            );
            [
                none(),
                none(),
                pools,
                imports,
                text(object, "/spec/vni"),
                none(),
                none(),
                live(),
            ]
        }
        _ => Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_has_its_columns() {
        let pool = json!({"kind": "IPPool", "spec": {"ranges": [{"cidr": "10.1.0.0/16"}, {"cidr": "fd00::/64"}]},
            "status": {"phase": "active", "live": 3}});
        let row = ["", "10.1.0.0/16\nfd00::/64", "", "", "", "", "active", "3"];
        assert_eq!(cells(&pool), row);
        let claim = json!({"kind": "IPClaim", "spec": {"pool": "web"}, "status": {"addresses": ["10.1.0.7"]}});
        assert_eq!(cells(&claim), ["web", "", "", "", "", "10.1.0.7", "", ""]);
        let network = json!({"kind": "Network", "spec": {"pools": ["web"], "vni": 4096}, "status": {"live": 0}});
        assert_eq!(cells(&network), ["", "", "web", "", "4096", "", "", "0"]);
        assert_eq!(cells(&json!({"kind": "Pod"})), [""; 8]);
    }
}
