//! An ADD that fails late undoes all that it did.

use fairway_tests_netns::{Bed, Families, Ns, Outcome, Result, State, Value, json};

/// The ADD fails with `code` and leaves nothing; the same node serves the next one.
fn unwinds(
    bed: &Bed,
    conf: &Value,
    code: u32,
    word: &str,
    spoil: impl Fn(&Ns) -> Result,
) -> Result<Outcome> {
    let resident = bed.add("resident", &fine(bed, conf))?;
    let ns = bed.container()?;
    spoil(&ns)?;
    let before = State::take(bed, &[&ns])?;
    let outcome = bed.cni("a", &ns, conf).add()?;
    let error = outcome.fails(code)?;
    assert!(
        format!("{} {}", error.msg, error.details).contains(word),
        "{error:?}"
    );
    assert!(!error.details.contains("left behind"), "{error:?}");
    before.unchanged()?;
    resident.check()?;
    bed.add("next", &fine(bed, conf))?.check()?;
    Ok(outcome)
}

/// The same configuration without what makes it fail.
fn fine(bed: &Bed, conf: &Value) -> Value {
    let mut conf = conf.clone();
    conf["ipam"] = bed.ipam(Families::Dual);
    conf
}

fn full(bed: &Bed, backend: &str) -> Value {
    bed.conf("bridge", json!({"isDefaultGateway": true, "ipMasq": true, "ipMasqBackend": backend, "macspoofchk": true}))
}

/// After links, addresses in the container and the spoof check: the bridge has another address.
#[test]
fn at_the_gateways_address() -> Result {
    for backend in ["nftables", "iptables"] {
        let bed = Bed::new()?;
        let mut conf = full(&bed, backend);
        conf["ipam"]["ranges"] = json!([[{"subnet": "10.5.0.0/24"}], [{"subnet": "fd00:5::/64"}]]);
        unwinds(&bed, &conf, 105, "10.1.0.1/24", |_| Ok(()))?;
    }
    Ok(())
}

/// The kernel refuses a route: its gateway is nowhere.
#[test]
fn at_a_route_that_cannot_be() -> Result {
    for kind in ["bridge", "ptp"] {
        let bed = Bed::new()?;
        let mut conf = match kind {
            "bridge" => full(&bed, "nftables"),
            _ => bed.conf("ptp", json!({"ipMasq": true})),
        };
        conf["ipam"]["routes"] = json!([{"dst": "198.51.100.0/24", "gw": "203.0.113.1"}]);
        unwinds(&bed, &conf, 104, "198.51.100.0/24", |_| Ok(()))?;
        // Of two the second: the first goes too (here with the link).
        conf["ipam"]["routes"] =
            json!([{"dst": "198.51.100.0/24"}, {"dst": "2001:db8::/32", "gw": "fd99::1"}]);
        let ns = bed.container()?;
        bed.cni("b", &ns, &conf).add()?.fails(104)?;
        assert_eq!(bed.held("net").len(), 4);
    }
    Ok(())
}

#[test]
fn at_a_route_that_is_there_twice() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("ptp", json!({"ipMasq": true}));
    conf["ipam"]["routes"] = json!([{"dst": "198.51.100.0/24"}, {"dst": "198.51.100.0/24"}]);
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let cni = bed.cni("a", &ns, &conf);
    let outcome = cni.add()?;
    match &outcome.error {
        // Either is right, as long as it is one of them.
        None => cni.del(Some(&outcome.ok()?))?.ok().map(drop)?,
        Some(error) => assert!(error.msg.contains("198.51.100.0/24"), "{error:?}"),
    }
    before.about_unchanged()
}

/// A route on the host leads to the container's address already: another network has it.
#[test]
fn at_the_hosts_route_of_ptp() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("ptp", json!({"ipMasq": true, "ipMasqBackend": "nftables"}));
    let _resident = bed.add("resident", &conf)?;
    bed.node().sh(
        "ip link add x type bridge; ip link set x up; ip route add 10.1.0.3 dev x scope host",
    )?;
    let ns = bed.container()?;
    let before = State::take(&bed, &[&ns])?;
    let error = bed.cni("a", &ns, &conf).add()?.fails(105)?;
    assert!(error.msg.contains("10.1.0.3"), "{error:?}");
    before.unchanged()
}

/// nf_tables cannot be had at all: strace makes the third socket of the call fail, which is netfilter's.
#[test]
fn where_the_firewall_is_out_of_reach() -> Result {
    for (kind, backend) in [
        ("bridge", "nftables"),
        ("bridge", "iptables"),
        ("ptp", "nftables"),
        ("ptp", "iptables"),
    ] {
        let bed = Bed::new()?;
        let traced = fairway_tests_netns::Traced::new(bed.scratch())?;
        let conf = bed.conf(
            kind,
            json!({"isGateway": true, "ipMasq": true, "ipMasqBackend": backend}),
        );
        let resident = bed.add("resident", &conf)?;
        let ns = bed.container()?;
        let before = State::take(&bed, &[&ns])?;
        let outcome = traced.spoilt(
            &bed.cni_in(traced.dir(), "a", &ns, &conf),
            "ADD",
            "socket",
            "error=EPERM",
            "3",
        )?;
        let error = outcome.fails(108)?;
        assert!(
            !error.details.contains("left behind"),
            "{kind} {backend}: {error:?}"
        );
        before.unchanged()?;
        resident.check()?;
    }
    Ok(())
}

/// Each system call that changes something fails once, in turn: whatever the plugin makes of it (some are
/// best effort, so the ADD may succeed), a failed ADD leaves nothing.
#[test]
fn whatever_call_fails() -> Result {
    for (kind, extra) in [
        (
            "bridge",
            json!({"isDefaultGateway": true, "ipMasq": true, "ipMasqBackend": "nftables", "macspoofchk": true, "hairpinMode": true}),
        ),
        ("ptp", json!({"ipMasq": true, "ipMasqBackend": "iptables"})),
    ] {
        let bed = Bed::new()?;
        let traced = fairway_tests_netns::Traced::new(bed.scratch())?;
        let conf = bed.conf(kind, extra);
        let resident = bed.add("resident", &conf)?;
        let ns = bed.container()?;
        let (cni, under) = (
            bed.cni("a", &ns, &conf),
            bed.cni_in(traced.dir(), "a", &ns, &conf),
        );
        cni.add()?.ok()?;
        cni.del(None)?.ok()?;
        let before = State::take(&bed, &[&ns])?;
        let steps = traced.steps(&under, "ADD")?;
        cni.del(None)?.ok()?;
        let mut failed = 0;
        for step in steps
            .iter()
            .filter(|step| !["exit_group", "setns"].contains(&&*step.call))
        {
            let outcome = traced.spoilt(
                &under,
                "ADD",
                &step.call,
                "error=ENOMEM",
                &step.nth.to_string(),
            )?;
            assert!(
                outcome.status.code().is_some() && !outcome.stderr.contains("panicked"),
                "{step}: {outcome:?}"
            );
            if outcome.status.success() {
                cni.del(None)?.ok()?;
            } else if step.line.starts_with("write(1,") {
                // The answer could not be given: the runtime sees a failure and calls DEL.
                cni.del(None)?.ok()?;
            } else {
                failed += 1;
            }
            let unchanged = before.about_unchanged();
            assert!(
                unchanged.is_ok(),
                "{kind}, ENOMEM at {step}: {outcome:?}\n{unchanged:?}"
            );
        }
        assert!(failed > 10, "only {failed} of {} calls matter", steps.len());
        before.unchanged()?;
        resident.check()?;
    }
    Ok(())
}
