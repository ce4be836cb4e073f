//! A node changes over from the reference plugins to ours, and back, with containers running.

use fairway_tests_netns::{
    Bed, Cni, Member, Result, State, Value, ensure, json, plugin_dir, reaches, reference_dir,
};
use std::path::{Path, PathBuf};

/// Who attached it, who takes it over.
fn directions() -> [(PathBuf, PathBuf); 2] {
    [
        (reference_dir(), plugin_dir()),
        (plugin_dir(), reference_dir()),
    ]
}

/// What both know: the reference of Debian is of version 1.0.0.
fn configurations(bed: &Bed) -> Vec<Value> {
    let base = |kind: &str, version: &str, extra| {
        let mut conf = bed.conf(kind, extra);
        conf["cniVersion"] = json!(version);
        conf
    };
    let mut all = Vec::new();
    for version in ["0.3.1", "0.4.0", "1.0.0"] {
        all.push(base(
            "bridge",
            version,
            json!({"isDefaultGateway": true, "ipMasq": true}),
        ));
        all.push(base(
            "bridge",
            version,
            json!({"isGateway": true, "macspoofchk": true, "hairpinMode": true}),
        ));
        let mut ptp = base("ptp", version, json!({"ipMasq": true}));
        ptp["ipam"]["routes"] = json!([{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]);
        all.push(ptp);
        all.push(base("host-local", version, json!({})));
    }
    all
}

fn by(bed: &Bed, dir: &Path, id: &str, member: &Member) -> Cni {
    bed.cni_in(dir, id, &member.ns, member.cni.conf())
}

fn add(bed: &Bed, dir: &Path, id: &str, conf: &Value) -> Result<Member> {
    let ns = bed.container()?;
    let cni = bed.cni_in(dir, id, &ns, conf);
    Member::add(ns, cni)
}

/// The address of the other family on the bridge, or a rule, that the one makes and the other needs not.
fn takes_over(conf_number: usize) -> Result {
    for (from, to) in directions() {
        ensure(
            from.join("bridge").exists() && to.join("bridge").exists(),
            "both sorts of plugins",
        )?;
        let bed = Bed::new()?;
        let conf = configurations(&bed).swap_remove(conf_number);
        // What is the node's is made by the first, and stays.
        bed.earlier(&add(&bed, &from, "earlier", &conf)?)?;
        let before = State::take(&bed, &[])?;
        let done = (|| -> Result {
            let (a, b) = (add(&bed, &from, "a", &conf)?, add(&bed, &from, "b", &conf)?);
            let check = conf["cniVersion"] != "0.3.1";
            if check {
                by(&bed, &to, "a", &a).check(&a.result)?.ok()?;
            }
            // The new one gives out what the old one has not.
            let c = add(&bed, &to, "c", &conf)?;
            ensure(
                !a.ips().contains(&c.v4()) && !b.ips().contains(&c.v4()),
                "an address of its own",
            )?;
            if conf["type"] != "host-local" {
                reaches(&a.ns, "10.1.0.1")?;
                reaches(&c.ns, &b.v4())?;
            }
            by(&bed, &to, "a", &a).del(Some(&a.result))?.ok()?;
            if check {
                by(&bed, &from, "b", &b).check(&b.result)?.ok()?;
                by(&bed, &to, "b", &b).check(&b.result)?.ok()?;
                by(&bed, &from, "c", &c).check(&c.result)?.ok()?;
            }
            by(&bed, &to, "b", &b).del(Some(&b.result))?.ok()?;
            by(&bed, &from, "c", &c).del(Some(&c.result))?.ok()?;
            ensure(bed.held("net").is_empty(), "no address to be left")
        })();
        assert!(
            done.is_ok(),
            "from {} to {}, {conf}: {done:?}",
            from.display(),
            to.display()
        );
        let unchanged = before.unchanged();
        assert!(
            unchanged.is_ok(),
            "from {} to {}, {conf}: {unchanged:?}",
            from.display(),
            to.display()
        );
    }
    Ok(())
}

macro_rules! configured {
    ($($name:ident = $number:literal;)*) => { $(
        #[test]
        fn $name() -> Result {
            takes_over($number)
        }
    )* };
}

configured! {
    bridge_masquerading_0_3_1 = 0;
    bridge_spoof_check_0_3_1 = 1;
    ptp_masquerading_0_3_1 = 2;
    host_local_0_3_1 = 3;
    bridge_masquerading_0_4_0 = 4;
    bridge_spoof_check_0_4_0 = 5;
    ptp_masquerading_0_4_0 = 6;
    host_local_0_4_0 = 7;
    bridge_masquerading_1_0_0 = 8;
    bridge_spoof_check_1_0_0 = 9;
    ptp_masquerading_1_0_0 = 10;
    host_local_1_0_0 = 11;
}

/// The reference plugin cannot DEL without the namespace, and ours can only what it finds: the address and
/// the rules go, and the link, whose name is random, goes with its namespace.
#[test]
fn a_lost_namespace_of_the_reference() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("bridge", json!({"isDefaultGateway": true, "ipMasq": true}));
    conf["cniVersion"] = json!("1.0.0");
    bed.earlier(&add(&bed, &reference_dir(), "earlier", &conf)?)?;
    let before = State::take(&bed, &[])?;
    let a = add(&bed, &reference_dir(), "a", &conf)?;
    by(&bed, &plugin_dir(), "a", &a)
        .netns_path(None)
        .del(Some(&a.result))?
        .ok()?;
    drop(a);
    before.unchanged()
}

/// GC of ours finds the addresses and rules of lost containers of the reference, and spares the live.
#[test]
fn gc_after_the_reference() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("bridge", json!({"isDefaultGateway": true, "ipMasq": true}));
    conf["cniVersion"] = json!("1.0.0");
    let (a, b) = (
        add(&bed, &reference_dir(), "a", &conf)?,
        add(&bed, &reference_dir(), "b", &conf)?,
    );
    conf["cniVersion"] = json!("1.1.0");
    bed.cni("x", &a.ns, &conf).gc(&[("a", "eth0")])?.ok()?;
    assert_eq!(bed.held("net"), ["10.1.0.2", "fd00:1::2"]);
    let rules = bed
        .node()
        .sh("iptables-save -t nat; ip6tables-save -t nat")?;
    assert!(
        !rules.contains("10.1.0.3") && !rules.contains("fd00:1::3") && rules.contains("10.1.0.2"),
        "{rules}"
    );
    by(&bed, &plugin_dir(), "a", &a).check(&a.result)?.ok()?;
    assert!(reaches(&a.ns, "10.1.0.1").is_ok());
    drop(b);
    Ok(())
}
