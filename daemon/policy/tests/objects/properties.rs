//! What holds of any object, and of anything at all.

use crate::fixture::{render, strategy};
use fairway_policy::object;
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value};

const WORDS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "name",
    "namespace",
    "labels",
    "annotations",
    "networking.k8s.io/v1",
    "NetworkPolicy",
    "policy.networking.k8s.io/v1beta1",
    "ClusterNetworkPolicy",
    "v1",
    "Pod",
    "Namespace",
    "podSelector",
    "namespaceSelector",
    "matchLabels",
    "matchExpressions",
    "key",
    "operator",
    "values",
    "In",
    "Exists",
    "ingress",
    "egress",
    "from",
    "to",
    "ports",
    "port",
    "endPort",
    "protocol",
    "TCP",
    "ipBlock",
    "cidr",
    "except",
    "10.0.0.0/8",
    "fd00::1/8",
    "tier",
    "Admin",
    "priority",
    "subject",
    "pods",
    "namespaces",
    "nodes",
    "networks",
    "action",
    "Deny",
    "protocols",
    "tcp",
    "destinationPort",
    "number",
    "range",
    "start",
    "end",
    "containers",
    "initContainers",
    "containerPort",
    "a",
];

/// JSON with words that mean something.
fn json() -> impl Strategy<Value = Value> {
    let word = select(WORDS).prop_map(Value::from);
    let leaf = prop_oneof![
        4 => word,
        1 => any::<String>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        2 => (0..70_000_u32).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let entry = (select(WORDS), inner.clone());
        let map = vec(entry, 0..6).prop_map(|entries| {
            let entries = entries.into_iter().map(|(k, v)| (k.to_owned(), v));
            Value::from(entries.collect::<Map<_, _>>())
        });
        prop_oneof![vec(inner, 0..6).prop_map(Value::from), map]
    })
}

/// How many places there are in it.
fn places(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Object(map) => map.values().map(places).sum(),
        Value::Array(values) => values.iter().map(places).sum(),
        _ => 0,
    };
    inner + 1
}

/// Puts something else at one of them.
fn replace(value: &mut Value, place: &mut usize, other: &Value) {
    if *place == 0 {
        *value = other.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Object(map) => map
            .values_mut()
            .for_each(|value| replace(value, place, other)),
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| replace(value, place, other)),
        _ => {}
    }
}

/// Taken or refused, it adds up.
fn judge(value: Value) {
    match object::parse(value) {
        Ok(parsed) => {
            assert_eq!(parsed.name, parsed.object.object_name());
            let again = object::parse(parsed.json.clone()).expect("what is stored");
            assert_eq!(again, parsed);
            let rendered = object::parse(render(&parsed.object)).expect("what it says");
            assert_eq!(rendered.object, parsed.object);
        }
        Err(error) => {
            assert!(!error.faults.is_empty());
            assert_eq!(error.to_string().is_empty(), error.faults.is_empty());
        }
    }
}

proptest! {
    #[test]
    fn what_is_stored_says_the_same(object in strategy::object()) {
        let value = render(&object);
        let parsed = object::parse(value).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&parsed.object, &object);
        prop_assert_eq!(object::parse(parsed.json.clone()), Ok(parsed));
    }

    #[test]
    fn anything_is_taken_or_refused(value in json()) {
        judge(value);
    }

    #[test]
    fn an_object_with_something_else_in_it_is_taken_or_refused(
        object in strategy::object(), place in any::<prop::sample::Index>(), other in json(),
    ) {
        let mut value = render(&object);
        let mut place = place.index(places(&value));
        replace(&mut value, &mut place, &other);
        judge(value);
    }
}
