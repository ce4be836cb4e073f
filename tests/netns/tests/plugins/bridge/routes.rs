//! Routes by IPAM, with the fields of version 1.1.0.

use fairway_tests_netns::{Bed, Member, Result, Value, json};

fn route(member: &Member, line: &str) -> Result<Value> {
    let listed = member.ns.json(&format!("ip -j -d {line}"))?;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{line}: {listed}");
    Ok(listed[0].clone())
}

#[test]
fn every_field_reaches_the_kernel() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("bridge", json!({"isGateway": true}));
    conf["ipam"]["routes"] = json!([
        {"dst": "198.51.100.0/24"},
        {"dst": "203.0.113.0/24", "gw": "10.1.0.77", "mtu": 1280, "advmss": 1200, "priority": 77},
        {"dst": "198.18.0.0/15", "table": 1234, "gw": "10.1.0.78"},
        {"dst": "2001:db8::/32", "mtu": 1290, "advmss": 1210, "priority": 78},
        {"dst": "2001:db8:1::/48", "table": 1235, "gw": "fd00:1::77"},
    ]);
    let a = bed.add("a", &conf)?;
    let plain = route(&a, "route show 198.51.100.0/24")?;
    assert_eq!(
        (&plain["gateway"], &plain["dev"]),
        (&json!("10.1.0.1"), &json!("eth0"))
    );
    let full = route(&a, "route show 203.0.113.0/24")?;
    assert_eq!(
        (&full["gateway"], &full["metric"]),
        (&json!("10.1.0.77"), &json!(77))
    );
    assert_eq!(
        (&full["metrics"][0]["mtu"], &full["metrics"][0]["advmss"]),
        (&json!(1280), &json!(1200))
    );
    assert_eq!(route(&a, "route show table 1234")?["gateway"], "10.1.0.78");
    let six = route(&a, "-6 route show 2001:db8::/32")?;
    assert_eq!(
        (&six["gateway"], &six["metric"]),
        (&json!("fd00:1::1"), &json!(78))
    );
    assert_eq!(
        (&six["metrics"][0]["mtu"], &six["metrics"][0]["advmss"]),
        (&json!(1290), &json!(1210))
    );
    assert_eq!(
        route(&a, "-6 route show table 1235")?["gateway"],
        "fd00:1::77"
    );
    let answered = &a.result["routes"][1];
    assert_eq!(
        (&answered["mtu"], &answered["advmss"], &answered["priority"]),
        (&json!(1280), &json!(1200), &json!(77))
    );
    a.check()?;
    // A table is part of what CHECK compares.
    a.ns.run("ip route flush table 1234")?;
    a.check_finds("198.18.0.0/15")
}

#[test]
fn a_scope_is_that_of_the_route() -> Result {
    let bed = Bed::new()?;
    // Without isGateway and without a gateway of IPAM's there is none to fill in.
    let ipam = json!({"type": "static", "addresses": [{"address": "10.1.0.9/24"}],
                      "routes": [{"dst": "198.51.100.0/24", "scope": 253}]});
    let a = bed.add("a", &bed.conf("bridge", json!({"ipam": ipam})))?;
    let is = route(&a, "route show 198.51.100.0/24")?;
    assert_eq!(is["scope"], "link", "{is}");
    assert_eq!(a.result["routes"][0]["scope"], 253);
    a.check()
}

/// Two gateways for one destination share the traffic, as with the reference plugin.
#[test]
fn two_routes_to_one_place() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("bridge", json!({"isGateway": true}));
    conf["ipam"]["routes"] = json!([
        {"dst": "2001:db8::/32", "gw": "fd00:1::7"}, {"dst": "2001:db8::/32", "gw": "fd00:1::8"}]);
    let a = bed.add("a", &conf)?;
    let shown = a.ns.run("ip -6 route show 2001:db8::/32")?;
    assert!(
        shown.contains("fd00:1::7") && shown.contains("fd00:1::8"),
        "{shown}"
    );
    a.check()
}
