use super::*;
use serde_json::{Value, json};

fn set(value: Value) -> Result<RangeSet, String> {
    let field = Field::new(&value, "ipam.ranges[0]");
    RangeSet::from_json(&field).map_err(|error| error.to_string())
}

fn one(value: Value) -> Result<Range, String> {
    set(json!([value])).map(|set| set.ranges()[0].clone())
}

#[test]
fn defaults_are_those_of_the_reference() {
    for (subnet, shown, gateway) in [
        ("10.1.2.0/24", "10.1.2.1-10.1.2.254", "10.1.2.1"),
        ("10.0.0.0/30", "10.0.0.1-10.0.0.2", "10.0.0.1"),
        ("0.0.0.0/0", "0.0.0.1-255.255.255.254", "0.0.0.1"),
        ("fd00::/64", "fd00::1-fd00::ffff:ffff:ffff:ffff", "fd00::1"),
        ("fd00::/126", "fd00::1-fd00::3", "fd00::1"),
        ("::/0", "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1"),
    ] {
        let range = one(json!({"subnet": subnet})).unwrap();
        assert_eq!(
            (
                range.to_string().as_str(),
                range.gateway().to_string().as_str()
            ),
            (shown, gateway)
        );
    }
}

#[test]
fn what_is_given_is_kept() {
    let range = one(json!({
        "Subnet": "10.1.2.0/24", "RANGESTART": "10.1.2.9", "rangeEnd": "::ffff:10.1.2.20", "gateway": "10.9.9.9"
    }));
    let range = range.unwrap();
    assert_eq!(range.to_string(), "10.1.2.9-10.1.2.20");
    assert_eq!(range.gateway().to_string(), "10.9.9.9");
    assert_eq!(
        range.with_prefix("10.1.2.9".parse().unwrap()).to_string(),
        "10.1.2.9/24"
    );
    // As Go's decoder has it, empty is absent.
    let range = one(json!({"subnet": "10.1.2.0/24", "rangeStart": "", "gateway": null})).unwrap();
    assert_eq!(range.to_string(), "10.1.2.1-10.1.2.254");
}

#[test]
fn errors_name_the_field() {
    for (value, start) in [
        (json!({}), "ipam.ranges[0][0].subnet: missing"),
        (json!({"subnet": ""}), "ipam.ranges[0][0].subnet: \"\""),
        (
            json!({"subnet": "10.0.0.0"}),
            "ipam.ranges[0][0].subnet: \"10.0.0.0\": needs a prefix",
        ),
        (
            json!({"subnet": "10.0.0.0/33"}),
            "ipam.ranges[0][0].subnet: ",
        ),
        (
            json!({"subnet": "10.0.0.0/-1"}),
            "ipam.ranges[0][0].subnet: ",
        ),
        (
            json!({"subnet": "fd00::/129"}),
            "ipam.ranges[0][0].subnet: ",
        ),
        (
            json!({"subnet": "10.0.0.0/99999999999999999999"}),
            "ipam.ranges[0][0].subnet: ",
        ),
        (
            json!({"subnet": 10}),
            "ipam.ranges[0][0].subnet: expected a string",
        ),
        (
            json!({"subnet": "10.0.0.0/31"}),
            "ipam.ranges[0][0].subnet: \"10.0.0.0/31\": too small",
        ),
        (
            json!({"subnet": "10.0.0.0/32"}),
            "ipam.ranges[0][0].subnet: \"10.0.0.0/32\": too small",
        ),
        (
            json!({"subnet": "fd00::/127"}),
            "ipam.ranges[0][0].subnet: \"fd00::/127\": too small",
        ),
        (
            json!({"subnet": "10.1.2.3/24"}),
            "ipam.ranges[0][0].subnet: \"10.1.2.3/24\": has host bits set: the network address is 10.1.2.0/24",
        ),
        (
            json!({"subnet": "::ffff:10.0.0.0/120"}),
            "ipam.ranges[0][0].subnet: ",
        ),
        (
            json!({"subnet": "10.1.2.0/24", "rangeStart": "10.1.3.1"}),
            "ipam.ranges[0][0].rangeStart: 10.1.3.1: not in the subnet 10.1.2.0/24",
        ),
        (
            json!({"subnet": "10.1.2.0/24", "rangeEnd": "fd00::1"}),
            "ipam.ranges[0][0].rangeEnd: fd00::1: not in the subnet",
        ),
        (
            json!({"subnet": "10.1.2.0/24", "rangeStart": "10.1.2.9", "rangeEnd": "10.1.2.8"}),
            "ipam.ranges[0][0].rangeStart: 10.1.2.9: after the range's end, 10.1.2.8",
        ),
        (
            json!({"subnet": "10.1.2.0/24", "rangeStart": "10.1.2.255"}),
            "ipam.ranges[0][0].rangeStart: 10.1.2.255: after the range's end, 10.1.2.254",
        ),
        (
            json!({"subnet": "10.1.2.0/24", "rangeEnd": "10.1.2.0"}),
            "ipam.ranges[0][0].rangeEnd: 10.1.2.0: before the range's start",
        ),
        (
            json!({"subnet": "10.1.2.0/24", "gateway": "10.1.2"}),
            "ipam.ranges[0][0].gateway: \"10.1.2\"",
        ),
    ] {
        let error = one(value.clone()).unwrap_err();
        assert!(error.starts_with(start), "{value}: {error}");
    }
}

#[test]
fn a_set_is_one_family_without_overlap() {
    let error = set(json!([])).unwrap_err();
    assert!(error.starts_with("ipam.ranges[0]: "), "{error}");
    let error = set(json!([{"subnet": "10.0.0.0/24"}, {"subnet": "fd00::/64"}])).unwrap_err();
    assert_eq!(
        error,
        "ipam.ranges[0][1].subnet: fd00::/64: of another address family than ipam.ranges[0][0]"
    );
    let error = set(json!([{"subnet": "10.0.0.0/16"}, {"subnet": "10.0.1.0/24"}])).unwrap_err();
    assert!(
        error.starts_with("ipam.ranges[0][1].subnet: 10.0.1.0/24: overlaps with ipam.ranges[0][0]"),
        "{error}"
    );
    // Two halves of one subnet are fine.
    let halves = json!([
        {"subnet": "10.0.0.0/24", "rangeEnd": "10.0.0.99"},
        {"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.100"}
    ]);
    assert_eq!(
        set(halves).unwrap().to_string(),
        "10.0.0.1-10.0.0.99,10.0.0.100-10.0.0.254"
    );
}
