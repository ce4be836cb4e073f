//! Each good object, changed in one place in many ways: whatever of that the judge takes, schema and rules have to take.

use super::{Schema, good, judged, object};
use serde_json::{Map, Value, json};

/// What may stand in any place.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(24),
        json!(64),
        json!(179),
        json!(65535),
        json!(4_294_967_295_u32),
        json!(1_000_000_000_000_u64),
        json!(""),
        json!("a"),
        json!("A"),
        json!("1"),
        json!("web.v4-1"),
        json!("*"),
        json!("none"),
        json!("None"),
        json!("Self"),
        json!("10.1.0.9"),
        json!("::"),
        json!("0.0.0.0"),
        json!("::ffff:10.0.0.1"),
        json!("10.1.0.0/24"),
        json!("::/0"),
        json!("0.0.0.0/0"),
        json!("10.1.0.1-10.1.0.2"),
        json!("30s"),
        json!("007m"),
        json!("after:1h"),
        json!("never"),
        json!("1500Mbit/s"),
        json!("0.5G"),
        json!("1E9"),
        json!("00064Ki"),
        json!("1:1"),
        json!("00001:*"),
        json!("1:1:1"),
        json!("/a/b c"),
        json!("KIND/ns/name"),
        json!([]),
        json!([1]),
        json!(["a"]),
        json!(["::1"]),
        json!({}),
        json!({"a": "b"}),
    ]
}

/// All objects that come of changing one place.
fn changed(value: &Value) -> Vec<Value> {
    let mut all = values();
    match value {
        Value::Object(map) => {
            for name in map.keys() {
                let mut without = map.clone();
                without.remove(name);
                all.push(without.into());
                for inner in changed(&map[name]) {
                    let mut other: Map<_, _> = map.clone();
                    other.insert(name.clone(), inner);
                    all.push(other.into());
                }
            }
        }
        Value::Array(list) => {
            for (index, one) in list.iter().enumerate() {
                for inner in changed(one) {
                    let mut other = list.clone();
                    other[index] = inner;
                    all.push(other.into());
                }
            }
            let twice = list.iter().chain(list).cloned().collect();
            all.push(Value::Array(twice));
        }
        _ => {}
    }
    all
}

#[test]
fn what_the_judge_takes_the_schema_takes() {
    let (mut tried, mut taken) = (0, 0);
    for (kind, spec) in good::all() {
        let schema = Schema::of(kind);
        for mutant in changed(&spec) {
            let object = object(kind, &mutant);
            tried += 1;
            if judged(&object).is_ok() {
                taken += 1;
                assert!(
                    schema.takes(&object),
                    "{kind} {mutant}: {}",
                    schema.faults(&object)
                );
                let filled = schema.filled(&object);
                assert_eq!(schema.broken(&filled, None), [""; 0], "{kind} {mutant}");
                assert_eq!(judged(&filled), judged(&object), "{kind} {mutant}");
            }
        }
    }
    // Were nearly all refused, nothing would have been shown.
    assert!(tried > 5000 && taken > 500, "{taken} of {tried}");
}
