//! `enabledad`: duplicate address detection before ADD answers.

use fairway_tests_netns::{Bed, Families, Result, State, json, link, reaches};

fn conf(bed: &Bed) -> fairway_tests_netns::Value {
    bed.conf(
        "bridge",
        json!({"isGateway": true, "enabledad": true, "ipam": bed.ipam(Families::V6)}),
    )
}

#[test]
fn the_address_is_settled_when_add_answers() -> Result {
    let bed = Bed::as_it_is()?;
    let a = bed.add("a", &conf(&bed))?;
    let eth0 = link(&a.ns, "eth0")?;
    for info in eth0["addr_info"].as_array().unwrap() {
        let ours = info["local"] == "fd00:1::2";
        assert!(
            !ours || (info["tentative"].is_null() && info["dadfailed"].is_null()),
            "{info}"
        );
    }
    assert_eq!(a.ns.sysctl("ipv6/conf/eth0/accept_dad")?, "1");
    a.check()
}

#[test]
fn a_duplicate_on_the_link_is_an_error_that_leaves_nothing() -> Result {
    let bed = Bed::new()?;
    let first = bed.add("first", &bed.conf("bridge", json!({"isGateway": true, "name": "other", "ipam": {
        "type": "host-local", "dataDir": bed.data(), "ranges": [[{"subnet": "fd00:1::/64", "rangeStart": "fd00:1::50"}]]}})))?;
    first.ns.addr("eth0", "fd00:1::2/64")?;
    reaches(bed.node(), "fd00:1::2")?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let error = bed.cni("a", &ns, &conf(&bed)).add()?.fails(106)?;
    assert!(
        error.msg.contains("fd00:1::2/64") && error.msg.contains("eth0"),
        "{error:?}"
    );
    before.about_unchanged()?;
    // Once the other has left, the address can be had.
    first.ns.run("ip addr del fd00:1::2/64 dev eth0")?;
    let mut conf = conf(&bed);
    conf["ipam"]["ranges"] =
        json!([[{"subnet": "fd00:1::/64", "rangeStart": "fd00:1::2", "rangeEnd": "fd00:1::2"}]]);
    let a = bed.add("a", &conf)?;
    assert_eq!(a.v6(), "fd00:1::2");
    a.check()
}

/// A duplicate that turns up later is found by CHECK only where the kernel has noticed it; without the
/// key there is no detection at all, and ADD does not wait.
#[test]
fn without_it_the_address_is_there_at_once() -> Result {
    let bed = Bed::as_it_is()?;
    let a = bed.add("a", &bed.conf("bridge", json!({"isGateway": true})))?;
    assert_eq!(a.ns.sysctl("ipv6/conf/eth0/accept_dad")?, "0");
    let eth0 = || link(&a.ns, "eth0");
    let tentative = eth0()?["addr_info"].to_string().contains("tentative");
    assert!(!tentative);
    reaches(&a.ns, "fd00:1::1")
}
