//! What the keys and labels mean, which of them hold, and what is refused by name.

use super::*;
use fairway_cni::labels::{self, POD_ANNOTATIONS};
use fairway_cni::{Code, Fault as _};
use fairway_netlink::fake::namespaces;
use fairway_shape::Rate;
use proptest::prelude::*;
use serde_json::{Value, json};

fn conf(extra: Value) -> NetConf {
    let mut value = json!({"cniVersion": "1.1.0", "name": "net", "type": "x"});
    let extra = extra.as_object().unwrap().clone();
    value.as_object_mut().unwrap().extend(extra);
    NetConf::from_json(value).unwrap()
}

fn flat(extra: Value) -> Result<Rates, FieldError> {
    Rates::read_flat(&conf(extra), &CniArgs::default())
}

fn nested(extra: Value) -> Result<Rates, FieldError> {
    Rates::read(&conf(extra), &CniArgs::default())
}

fn bits(asked: &[Asked]) -> Option<(u64, Option<u32>)> {
    let limit = least(asked)?;
    Some((limit.rate.bits_per_second(), limit.burst.map(Burst::bytes)))
}

#[test]
fn both_directions_are_read() {
    let rates = flat(json!({
        "ingressRate": 20_000_000, "ingressBurst": 80_000, "EGRESSRATE": 1000,
    }))
    .unwrap();
    assert_eq!(bits(&rates.ingress), Some((20_000_000, Some(10_000))));
    assert_eq!(bits(&rates.egress), Some((1000, None)));
    let object = json!({"ingressRate": 20_000_000, "ingressBurst": 80_000, "egressRate": 1000});
    let both = nested(json!({"bandwidth": object})).unwrap();
    assert_eq!(bits(&both.ingress), bits(&rates.ingress));
    // At the top of a plugin that makes links they mean nothing.
    assert!(nested(object).unwrap().is_empty());
}

#[test]
fn nothing_asked_is_nothing() {
    for extra in [
        json!({}),
        json!({"ingressRate": 0, "ingressBurst": 0, "egressRate": 0, "egressBurst": 0}),
        json!({"ingressRate": null, "runtimeConfig": null}),
        json!({"runtimeConfig": {}}),
        json!({"runtimeConfig": {"bandwidth": null}}),
        json!({"runtimeConfig": {"bandwidth": {}}}),
        json!({"shapedSubnets": [], "unshapedSubnets": null}),
    ] {
        assert!(flat(extra.clone()).unwrap().is_empty(), "{extra}");
    }
}

#[test]
fn what_the_configuration_says_counts_whole() {
    let passed = json!({"bandwidth": {"ingressRate": 1_000_000, "egressRate": 2_000_000}});
    let only = flat(json!({"runtimeConfig": passed})).unwrap();
    assert_eq!(bits(&only.ingress), Some((1_000_000, None)));
    let both = flat(json!({"runtimeConfig": passed, "egressRate": 5_000_000})).unwrap();
    assert_eq!(
        (bits(&both.ingress), bits(&both.egress)),
        (None, Some((5_000_000, None)))
    );
    let off = flat(json!({"runtimeConfig": passed, "egressRate": 0})).unwrap();
    assert!(off.is_empty());
    let read = |extra| nested(extra).unwrap();
    let only = read(json!({"runtimeConfig": passed}));
    assert_eq!(bits(&only.egress), Some((2_000_000, None)));
    assert!(read(json!({"runtimeConfig": passed, "bandwidth": {}})).is_empty());
}

#[test]
fn a_burst_that_can_only_mean_none_is_none() {
    for burst in [
        0,
        i64::from(i32::MAX),
        u32::MAX.into(),
        u32::MAX as i64 * 8 - 1,
    ] {
        let rates = flat(json!({"egressRate": 1000, "egressBurst": burst})).unwrap();
        assert_eq!(bits(&rates.egress), Some((1000, None)), "{burst}");
    }
    let rates = flat(json!({"egressRate": 1000, "egressBurst": i32::MAX - 1})).unwrap();
    assert_eq!(bits(&rates.egress), Some((1000, Some(268_435_455))));
}

#[test]
fn what_is_wrong_is_named() {
    for (extra, start) in [
        (
            json!({"egressRate": -1}),
            "egressRate: -1: must be from 0 to",
        ),
        (
            json!({"egressRate": 1.5}),
            "egressRate: expected a whole number",
        ),
        (
            json!({"egressRate": "20M"}),
            "egressRate: expected a whole number",
        ),
        (
            json!({"egressRate": 999}),
            "egressRate: 999: 999 bit/s is less than 1000",
        ),
        (
            json!({"egressRate": 1_000_000_000_001_u64}),
            "egressRate: 1000000000001: must be",
        ),
        (
            json!({"egressRate": u64::MAX}),
            "egressRate: 18446744073709551615: must be",
        ),
        (
            json!({"ingressBurst": 80_000}),
            "ingressBurst: 80000: needs ingressRate",
        ),
        (
            json!({"ingressRate": 0, "ingressBurst": 80_000}),
            "ingressBurst: 80000: needs",
        ),
        (
            json!({"ingressRate": 1000, "ingressBurst": 11_999}),
            "ingressBurst: 11999: 1499 bytes are less than a packet of 1500 bytes (12000 bits)",
        ),
        (
            json!({"ingressRate": 1000, "ingressBurst": -1}),
            "ingressBurst: -1: must be",
        ),
        (
            json!({"ingressRate": 1000, "ingressBurst": u32::MAX as u64 * 8}),
            "ingressBurst: 34359738360: must be",
        ),
        (
            json!({"runtimeConfig": {"bandwidth": 7}}),
            "runtimeConfig.bandwidth: expected an",
        ),
        (
            json!({"runtimeConfig": {"bandwidth": {"egressRate": 5}}}),
            "runtimeConfig.bandwidth.egressRate: 5: ",
        ),
        (
            json!({"unshapedSubnets": ["10.0.0.0/8"]}),
            "unshapedSubnets: a list: is not supp",
        ),
        (
            json!({"runtimeConfig": {"bandwidth": {"shapedSubnets": ["::/0"]}}}),
            "runtimeConfig.bandwidth.shapedSubnets: ",
        ),
        (
            json!({"shapedSubnets": "::/0"}),
            "shapedSubnets: expected an array",
        ),
    ] {
        let error = flat(extra.clone()).unwrap_err();
        assert_eq!(error.code(), Code::INVALID_CONFIG);
        assert!(error.to_string().starts_with(start), "{extra}: {error}");
    }
    let error = nested(json!({"bandwidth": {"ingressRate": 7}})).unwrap_err();
    assert!(
        error.to_string().starts_with("bandwidth.ingressRate: 7: "),
        "{error}"
    );
}

#[test]
fn a_burst_below_the_links_mtu_is_named_too() {
    let (mut host, mut container) = namespaces();
    let mut link = Link::new(0, "v");
    link.mtu = 9000;
    let put = |space: &fairway_netlink::fake::Recorder| {
        let mut put = link.clone();
        put.index = space.put_link(link.clone());
        put
    };
    let (near, far) = (put(&host), put(&container));
    let both = json!({"ingressRate": 1_000_000, "egressRate": 1_000_000, "egressBurst": 12_800});
    let rates = nested(json!({"bandwidth": both})).unwrap();
    let error = rates
        .apply((&mut host, &near), (&mut container, &far))
        .unwrap_err();
    assert_eq!(error.code(), Code::INVALID_CONFIG);
    assert_eq!(
        error.to_string(),
        "bandwidth.egressBurst: 12800: is less than a packet of this link, \
         whose MTU of 9000 bytes is 72000 bits"
    );
    let mut alone = |ingress| {
        let mut rates = rates.clone();
        rates.ingress.retain(|_| ingress);
        rates.egress.retain(|_| !ingress);
        rates.apply((&mut host, &near), (&mut container, &far))
    };
    alone(false).unwrap_err();
    alone(true).unwrap();
    let error = rates
        .check((&mut host, &near), (&mut container, &far))
        .unwrap_err();
    assert_eq!(error.code(), Code::CHECK_FAILED, "{error}");
}

fn pod(annotations: Value) -> Value {
    json!({"runtimeConfig": {POD_ANNOTATIONS: annotations}})
}

#[test]
fn the_workload_asks_by_labels() {
    let both = json!({labels::INGRESS_BANDWIDTH: "20M", labels::EGRESS_BANDWIDTH: "1.5G"});
    let mesos = |labels: Value| json!({"args": {"org.apache.mesos": {"network_info": {"labels": {"labels": labels}}}}});
    for (extra, ingress, egress, field) in [
        (
            pod(both.clone()),
            20_000_000,
            Some(1_500_000_000),
            "pod annotation: kubernetes.io/ingress-bandwidth",
        ),
        (
            pod(json!({labels::INGRESS_RATE: "5Mi", labels::INGRESS_BANDWIDTH: "20M"})),
            5 << 20,
            None,
            "pod annotation: fairway.network/ingress-rate",
        ),
        (
            json!({"args": {"cni": {"labels": {labels::INGRESS_RATE: "1k"}}}}),
            1_000,
            None,
            "args.cni.labels: fairway.network/ingress-rate",
        ),
        (
            mesos(
                json!([{"key": labels::INGRESS_RATE, "value": "1e12"}, {"key": labels::EGRESS_RATE, "value": "20Mbit"}]),
            ),
            1_000_000_000_000,
            Some(20_000_000),
            "args.org.apache.mesos.network_info.labels.labels: fairway.network/ingress-rate",
        ),
    ] {
        for read in [flat, nested] {
            let rates = read(extra.clone()).unwrap();
            assert_eq!(bits(&rates.ingress), Some((ingress, None)), "{extra}");
            assert_eq!(
                bits(&rates.egress),
                egress.map(|bits| (bits, None)),
                "{extra}"
            );
            assert_eq!(rates.ingress[0].field, field);
        }
    }
    // Ours counts more than Kubernetes', wherever they stand.
    let mut places = pod(both);
    places["args"] = json!({"cni": {"labels": {labels::INGRESS_RATE: "7M"}}});
    assert_eq!(
        bits(&flat(places).unwrap().ingress),
        Some((7_000_000, None))
    );
}

/// What the runtime passes comes from the annotations, as far as these say anything.
#[test]
fn labels_count_more_than_what_the_runtime_makes_of_them() {
    let mut extra = pod(json!({labels::EGRESS_RATE: "5M"}));
    extra["runtimeConfig"]["bandwidth"] = json!({
        "ingressRate": 20_000_000, "ingressBurst": 80_000, "egressRate": 9_000_000, "egressBurst": 80_000,
    });
    let rates = flat(extra).unwrap();
    assert_eq!(bits(&rates.ingress), Some((20_000_000, Some(10_000))));
    assert_eq!(
        (rates.egress.len(), bits(&rates.egress)),
        (1, Some((5_000_000, None)))
    );
}

/// An administrator's limit is none that a pod lifts, but one that it may lower.
#[test]
fn the_configurations_limit_holds_whatever_else_is_asked() {
    let with = |label: &str, own: Value| {
        let mut extra = pod(json!({labels::INGRESS_RATE: label}));
        extra["bandwidth"] = own;
        // Says the same, and is not counted a second time.
        extra["runtimeConfig"]["bandwidth"] = json!({"ingressRate": 1000, "egressRate": 1000});
        nested(extra).unwrap()
    };
    let own = json!({"ingressRate": 20_000_000});
    for (label, least) in [("50M", 20_000_000), ("20M", 20_000_000), ("5M", 5_000_000)] {
        let rates = with(label, own.clone());
        assert_eq!(bits(&rates.ingress), Some((least, None)), "{label}");
        let fields: Vec<_> = rates.ingress.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "bandwidth.ingressRate",
                "pod annotation: fairway.network/ingress-rate"
            ]
        );
        assert!(rates.egress.is_empty());
    }
    for own in [
        json!({}),
        json!({"ingressRate": 0}),
        json!({"egressRate": 9_000_000}),
    ] {
        assert_eq!(bits(&with("5M", own).ingress), Some((5_000_000, None)));
    }
    // Nor a burst: 9 Gbit/s would let 281 kB go at once.
    let own = json!({"ingressRate": 10_000_000_000_u64, "ingressBurst": 16_000});
    assert_eq!(
        bits(&with("9G", own.clone()).ingress),
        Some((9_000_000_000, Some(2_000)))
    );
    // What is less by itself stays so.
    let burst = json!({"ingressRate": 10_000_000, "ingressBurst": 800_000});
    assert_eq!(
        bits(&with("5M", burst.clone()).ingress),
        Some((5_000_000, None))
    );
    assert_eq!(
        bits(&with("50M", burst).ingress),
        Some((10_000_000, Some(1_600)))
    );
}

#[test]
fn a_bad_label_is_named() {
    for (value, reason) in [
        ("fast", "\"fast\": is no rate: bits a second, such as 20M"),
        ("-5M", "\"-5M\": is no rate"),
        ("0", "\"0\": 0 bit/s is less than 1000 bit/s"),
        ("999", "\"999\": 999 bit/s is less than 1000 bit/s"),
        ("1.1T", "\"1.1T\": 1100000000000 bit/s is more than"),
        ("1P", "\"1P\": 1000000000000000 bit/s is more than"),
    ] {
        for key in [labels::INGRESS_BANDWIDTH, labels::EGRESS_RATE] {
            // Whatever else says something.
            let mut extra = pod(json!({key: value}));
            extra["bandwidth"] = json!({"ingressRate": 1000});
            let error = nested(extra).unwrap_err();
            assert_eq!(error.code(), Code::INVALID_CONFIG);
            let start = format!("pod annotation: {key}: {reason}");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }
    let error = nested(pod(json!({labels::EGRESS_BANDWIDTH: 20}))).unwrap_err();
    let start = "runtimeConfig.io.kubernetes.cri.pod-annotations.kubernetes.io/egress-bandwidth: expected a string";
    assert!(error.to_string().starts_with(start), "{error}");
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        (0_i64..2_000_000_000_000).prop_map(Value::from),
    ];
    let keys = prop_oneof![
        Just("ingressRate"),
        Just("ingressBurst"),
        Just("egressRate"),
        Just("egressBurst"),
        Just("egressburst"),
        Just("bandwidth"),
        Just("runtimeConfig"),
        Just("shapedSubnets"),
        Just(POD_ANNOTATIONS),
        Just(labels::EGRESS_RATE),
        Just(labels::INGRESS_BANDWIDTH),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_configuration_is_too_odd(value in values()) {
        if let Value::Object(_) = value {
            let conf = conf(value);
            for read in [Rates::read, Rates::read_flat] {
                let read = read(&conf, &CniArgs::default()).into_iter();
                for asked in read.flat_map(|r| [r.ingress, r.egress]).flatten() {
                    prop_assert!(asked.limit.rate >= Rate::MIN && asked.limit.rate <= Rate::MAX);
                }
            }
        }
    }
}
