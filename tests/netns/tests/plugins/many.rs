//! Many at once: no failure, no address twice, nothing left.

use fairway_tests_netns::{Bed, Member, Ns, Result, State, Value, json, link, links, reaches};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many are under way at once.
const WIDTH: usize = 32;

/// Runs `work` for each number below `count`, [`WIDTH`] at a time; the first error ends it.
fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        let outcome = work(number);
        done.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(outcome);
    };
    thread::scope(|scope| (0..WIDTH).for_each(|_| _ = scope.spawn(worker)));
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_iter().collect()
}

fn all_come_and_go(count: usize, kind: &str, extra: Value) -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf(kind, extra);
    bed.earlier(&bed.add("resident", &conf)?)?;
    let before = State::take(&bed, &[])?;
    let spaces = at_once(count, |_| bed.container())?;
    let members = at_once(count, |n| {
        let ns: &Ns = &spaces[n];
        Member::add(ns.clone(), bed.cni(&format!("c{n}"), ns, &conf))
    })?;
    let ips: BTreeSet<_> = members.iter().flat_map(Member::ips).collect();
    assert_eq!(ips.len(), 2 * count, "an address was given twice");
    assert_eq!(bed.held("net").len(), 2 * count);
    at_once(count, |n| members[n].check())?;
    reaches(&members[0].ns, &members[count - 1].v4())?;
    reaches(&members[count / 2].ns, "10.1.0.1")?;
    at_once(count, |n| members[n].del())?;
    before.unchanged()
}

#[test]
fn two_hundred_on_one_bridge() -> Result {
    all_come_and_go(200, "bridge", json!({"isGateway": true}))
}

#[test]
fn with_all_the_rules() -> Result {
    let rules = json!({"isGateway": true, "ipMasq": true, "macspoofchk": true, "ipMasqBackend": "nftables"});
    all_come_and_go(64, "bridge", rules)
}

#[test]
fn with_ptp_and_iptables() -> Result {
    all_come_and_go(
        64,
        "ptp",
        json!({"ipMasq": true, "ipMasqBackend": "iptables"}),
    )
}

/// The bridge is not there, and all want it.
#[test]
fn the_first_ones_on_a_missing_bridge() -> Result {
    for _ in 0..5 {
        let bed = Bed::new()?;
        let conf = bed.conf(
            "bridge",
            json!({"isGateway": true, "ipMasq": true, "macspoofchk": true}),
        );
        let members = at_once(4, |n| bed.add(&format!("c{n}"), &conf))?;
        let mac = link(bed.node(), "br0")?["address"].clone();
        for member in &members {
            member.check()?;
            assert_eq!(member.result["interfaces"][0]["mac"], mac);
            assert_eq!(link(bed.node(), &member.host_link())?["master"], "br0");
        }
        reaches(&members[0].ns, &members[1].v4())?;
        reaches(&members[1].ns, "10.1.0.1")?;
        at_once(4, |n| members[n].del())?;
        assert_eq!(bed.held("net"), [""; 0]);
        assert_eq!(links(bed.node())?.len(), 2, "lo and the bridge");
    }
    Ok(())
}

/// A range that is just large enough: each gets one, none is refused.
#[test]
fn a_range_to_the_last_address() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("host-local", json!({}));
    conf["ipam"]["ranges"] = json!([[{"subnet": "10.1.0.0/26"}]]);
    let (ns, count) = (bed.container()?, 61);
    let given = at_once(count, |n| bed.cni(&format!("c{n}"), &ns, &conf).add()?.ok())?;
    let ips: BTreeSet<_> = given
        .iter()
        .map(|result| result["ips"][0]["address"].to_string())
        .collect();
    assert_eq!(ips.len(), count);
    bed.cni("late", &ns, &conf).add()?.fails(101)?;
    at_once(count, |n| {
        bed.cni(&format!("c{n}"), &ns, &conf).del(None)?.ok()
    })?;
    assert_eq!(bed.held("net"), [""; 0]);
    Ok(())
}
