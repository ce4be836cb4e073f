//! The loopback plugin.

use fairway_tests_netns::{Bed, Member, Result, State, json, link, reaches};

fn up(member: &Member) -> Result<bool> {
    Ok(link(&member.ns, "lo")?["flags"]
        .to_string()
        .contains("\"UP\""))
}

#[test]
fn sets_lo_up_and_down() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("loopback", json!({}));
    let ns = bed.container()?;
    // The kernel leaves traces once `lo` has been up: its queue, and 127.0.0.1.
    ns.sh("ip link set lo up; ip link set lo down")?;
    let before = State::take(&bed, &[&ns])?;
    // CNI_IFNAME is "lo" by convention, and whatever it is does not matter.
    for ifname in ["lo", "eth0"] {
        let a = Member::add(ns.clone(), bed.cni("a", &ns, &conf).ifname(ifname))?;
        assert!(up(&a)? && reaches(&a.ns, "127.0.0.1").is_ok() && reaches(&a.ns, "::1").is_ok());
        assert_eq!(a.result["interfaces"][0]["name"], "lo");
        assert_eq!(a.result["ips"][0]["address"], "127.0.0.1/8");
        assert_eq!(a.result["ips"][1]["address"], "::1/128");
        a.check()?;
        a.ns.run("ip link set lo down")?;
        a.check_finds("is down")?;
        a.ns.run("ip link set lo up")?;
        a.del()?;
        a.del()?;
        assert!(!up(&a)?);
    }
    before.about_unchanged()
}

#[test]
fn a_previous_result_passes_through() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    for version in ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let ip = match version.starts_with('1') {
            true => json!({"address": "10.9.0.2/24", "interface": 0}),
            false => json!({"version": "4", "address": "10.9.0.2/24", "interface": 0}),
        };
        let prev = json!({"cniVersion": version, "interfaces": [{"name": "eth7", "sandbox": "/x"}],
                          "ips": [ip], "routes": [{"dst": "0.0.0.0/0"}], "dns": {"domain": "example"}});
        let conf = bed.conf(
            "loopback",
            json!({"cniVersion": version, "prevResult": prev}),
        );
        let a = Member::add(ns.clone(), bed.cni("a", &ns, &conf))?;
        for key in ["cniVersion", "ips", "routes", "dns"] {
            assert_eq!(a.result[key], prev[key], "{version} {key}");
        }
        assert_eq!(a.result["interfaces"][0]["name"], "eth7");
        assert!(up(&a)?);
        a.del()?;
    }
    Ok(())
}

#[test]
fn an_address_of_somebody_elses_on_lo_is_told() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    ns.run("ip addr add 10.9.0.1/32 dev lo")?;
    let error = bed
        .cni("a", &ns, &bed.conf("loopback", json!({})))
        .add()?
        .fails(105)?;
    assert!(error.msg.contains("10.9.0.1/32"), "{error:?}");
    Ok(())
}

#[test]
fn gc_and_status_have_nothing_to_do() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    let a = Member::add(
        ns.clone(),
        bed.cni("a", &ns, &bed.conf("loopback", json!({}))),
    )?;
    a.cni.gc(&[])?.ok()?;
    a.cni.status()?.ok()?;
    assert!(up(&a)?);
    // Gone with its namespace.
    a.cni
        .clone()
        .netns_path(Some("/run/netns/fairway-is-not-there"))
        .del(None)?
        .ok()?;
    a.cni.clone().netns_path(None).del(None)?.ok().map(drop)
}
