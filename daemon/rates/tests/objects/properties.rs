//! What holds of anything at all.

use super::limit;
use fairway_rates::object;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

const WORDS: &[&str] = &[
    "per",
    "Container",
    "Namespace",
    "Network",
    "namespaces",
    "networks",
    "podSelector",
    "matchLabels",
    "ingress",
    "egress",
    "rate",
    "burst",
    "packetsPerSecond",
    "dscp",
    "20M",
    "64Ki",
    "web",
    "a.b",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![9 => select(WORDS).prop_map(str::to_owned), 1 => any::<String>()]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        2 => (0..100_i64).prop_map(|n| json!(n * 1000)),
        1 => any::<f64>().prop_map(Value::from),
        6 => word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => vec((word(), inner), 0..6).prop_map(|all| Value::Object(Map::from_iter(all))),
        ]
    })
}

fn way() -> impl Strategy<Value = Value> {
    let fields = (
        prop::option::of(1_000..1_000_000_000_u64),
        prop::option::of(1_500..u32::MAX),
        prop::option::of(1..1_000_000_000_u32),
        0..64_u8,
    );
    fields.prop_map(|(rate, burst, packets, dscp)| {
        let mut way = json!({ "dscp": dscp });
        if let Some(rate) = rate {
            way["rate"] = json!(format!("{rate}bit"));
            if let Some(burst) = burst {
                way["burst"] = json!(burst);
            }
        }
        if let Some(packets) = packets {
            way["packetsPerSecond"] = json!(packets);
        }
        way
    })
}

proptest! {
    /// Nothing makes it panic; what is taken is the same when its stored form is read.
    #[test]
    fn what_is_taken_is_stored_so(spec in anything()) {
        match object::parse(limit(spec)) {
            Ok(parsed) => prop_assert_eq!(object::parse(parsed.json.clone()), Ok(parsed)),
            Err(error) => {
                prop_assert!(!error.faults.is_empty());
                prop_assert_eq!(error.to_string().lines().count(), error.faults.len());
            }
        }
    }

    #[test]
    fn what_is_fine_is_taken(ingress in way(), egress in way()) {
        let parsed = object::parse(limit(json!({"ingress": ingress, "egress": egress})));
        let parsed = parsed.expect("an object that is fine");
        prop_assert_eq!(object::parse(parsed.json.clone()), Ok(parsed));
    }
}
