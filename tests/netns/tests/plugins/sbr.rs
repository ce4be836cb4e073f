//! Source based routing, as `ip` sees it and as packets go.

use fairway_tests_netns::{Bed, Cni, Member, Result, Value, json, reaches, reference_dir};

fn flat(extra: Value) -> Value {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "second", "type": "sbr"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    conf
}

/// Two interfaces, each on a bridge with a gateway; both want to be the default.
struct Two {
    bed: Bed,
    first: Member,
    second: Member,
}

impl Two {
    fn new(version: &str) -> Result<Self> {
        let bed = Bed::new()?;
        let conf = bed.conf(
            "bridge",
            json!({"isDefaultGateway": true, "cniVersion": version}),
        );
        let first = bed.add("a", &conf)?;
        let other = bed.conf(
            "bridge",
            json!({
                "name": "second", "bridge": "br1", "isGateway": true, "cniVersion": version,
                "ipam": {"type": "host-local", "dataDir": bed.data(),
                         "ranges": [[{"subnet": "10.2.0.0/24"}], [{"subnet": "fd00:2::/64"}]]},
            }),
        );
        let cni = bed.cni("a", &first.ns, &other).ifname("net1");
        let second = Member::add(first.ns.clone(), cni)?;
        Ok(Self { bed, first, second })
    }

    fn behind(&self, conf: &Value) -> Cni {
        let mut conf = conf.clone();
        conf["prevResult"] = self.second.result.clone();
        conf["prevResult"]["cniVersion"] = conf["cniVersion"].clone();
        self.bed.cni("a", &self.first.ns, &conf).ifname("net1")
    }

    fn add(&self, extra: Value) -> Result<Member> {
        Member::add(self.first.ns.clone(), self.behind(&flat(extra)))
    }

    fn shown(&self) -> Result<String> {
        self.first.ns.sh("ip rule; ip -6 rule; ip route; ip -6 route; ip route show table all | grep -v 'table local'")
    }

    /// By which interface a packet from there leaves.
    fn way(&self, from: &str, to: &str) -> Result<String> {
        let line = format!("ip route get {to} from {from}");
        let text = self.first.ns.run(&line)?;
        let mut words = text.split_whitespace().skip_while(|word| *word != "dev");
        Ok(words.nth(1).unwrap_or_default().to_owned())
    }
}

#[test]
fn packets_go_by_the_interface_of_their_source() -> Result {
    for version in ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let two = Two::new(version)?;
        let before = two.shown()?;
        let _outside = two.bed.outside()?;
        assert_eq!(two.way("10.2.0.2", "192.0.2.2")?, "eth0");
        let sbr = two.add(json!({"cniVersion": version}))?;
        assert_eq!(sbr.result, two.second.result);
        for (from, to, dev) in [
            ("10.2.0.2", "192.0.2.2", "net1"),
            ("10.1.0.2", "192.0.2.2", "eth0"),
            ("fd00:2::2", "fd00:9::2", "net1"),
            ("fd00:1::2", "fd00:9::2", "eth0"),
        ] {
            assert_eq!(two.way(from, to)?, dev, "{from}");
        }
        // The node answers each where it asks.
        assert!(
            reaches(two.bed.node(), "10.2.0.2").is_ok()
                && reaches(two.bed.node(), "10.1.0.2").is_ok()
        );
        assert!(reaches(two.bed.node(), "fd00:2::2").is_ok());
        if version >= "0.4.0" {
            sbr.check()?;
        }
        let made = two.shown()?;
        two.add(json!({"cniVersion": version}))?;
        assert_eq!(two.shown()?, made);
        for _ in 0..2 {
            sbr.del()?;
            let rules = two.first.ns.sh("ip rule; ip -6 rule")?;
            assert!(
                !rules.contains("10.2.0.2") && !rules.contains("fd00:2::2"),
                "{rules}"
            );
        }
        assert_ne!(two.shown()?, before);
        two.second.del()?;
        sbr.cni.clone().netns_path(None).del(None)?.ok()?;
    }
    Ok(())
}

#[test]
fn a_table_hints_and_gateways() -> Result {
    let two = Two::new("1.1.0")?;
    let main = two.first.ns.run("ip route")?;
    let sbr = two.add(json!({"table": 77}))?;
    assert!(
        two.first
            .ns
            .run("ip rule")?
            .contains("from 10.2.0.2 lookup 77")
    );
    assert_eq!(two.first.ns.run("ip route")?, main);
    sbr.check()?;
    sbr.del()?;
    let sbr = two.add(json!({"gateways": ["10.2.0.99", "fd00:2::99"], "addSourceHints": true}))?;
    let table = two.first.ns.run("ip route show table 100")?;
    assert!(table.contains("default via 10.2.0.99"), "{table}");
    let six = two.first.ns.run("ip -6 route show table 101")?;
    assert!(six.contains("default via fd00:2::99"), "{six}");
    let main = two.first.ns.run("ip route")?;
    assert!(
        main.contains("10.2.0.0/24 dev net1") && main.contains("src 10.2.0.2"),
        "{main}"
    );
    sbr.check()?;
    for (bend, word) in [
        (
            "ip route del default table 100",
            "default route by 10.2.0.99 in table 100",
        ),
        ("ip rule del from 10.2.0.2", "rule from 10.2.0.2"),
    ] {
        two.first.ns.run(bend)?;
        sbr.check_finds(word)?;
    }
    sbr.del()
}

#[test]
fn what_is_wrong_changes_nothing() -> Result {
    let two = Two::new("1.1.0")?;
    let before = two.shown()?;
    for (extra, field) in [
        (json!({"table": -1}), "table"),
        (json!({"gateways": ["10.2.0.1", "10.2.0.2"]}), "gateways[1]"),
        (json!({"addSourceHints": "x"}), "addSourceHints"),
    ] {
        let error = two.behind(&flat(extra)).add()?.fails(7)?;
        assert!(error.msg.starts_with(field), "{}", error.msg);
        assert_eq!(two.shown()?, before);
    }
    // A gateway that is not on the link: the kernel finds that out when half is done.
    let far = two.behind(&flat(json!({"gateways": ["198.51.100.1"]})));
    far.add()?.fails(104)?;
    assert_eq!(two.shown()?, before);
    let mut alone = flat(json!({}));
    alone["prevResult"] = json!({"cniVersion": "1.1.0"});
    let error = two.bed.cni("a", &two.first.ns, &alone).add()?.fails(7)?;
    assert!(error.msg.starts_with("prevResult.ips"), "{}", error.msg);
    two.bed
        .cni("a", &two.first.ns, &flat(json!({})))
        .status()?
        .ok()?;
    two.bed
        .cni("a", &two.first.ns, &flat(json!({})))
        .gc(&[])?
        .ok()?;
    Ok(())
}

/// Rules that either made the other removes.
#[test]
fn the_reference_plugins_rules() -> Result {
    for ours_first in [true, false] {
        let two = Two::new("1.0.0")?;
        let ours = two.behind(&flat(json!({"cniVersion": "1.0.0"})));
        let theirs = two
            .bed
            .cni_in(&reference_dir(), "a", &two.first.ns, ours.conf());
        let theirs = theirs.ifname("net1");
        let (first, second) = if ours_first {
            (&ours, &theirs)
        } else {
            (&theirs, &ours)
        };
        let prev = first.add()?.ok()?;
        assert_eq!(two.way("10.2.0.2", "192.0.2.2")?, "net1");
        ours.check(&prev)?.ok()?;
        second.del(Some(&prev))?.ok()?;
        let rules = two.first.ns.sh("ip rule; ip -6 rule")?;
        assert!(
            !rules.contains("10.2.0.2") && !rules.contains("fd00:2::2"),
            "{rules}"
        );
    }
    Ok(())
}
