//! What comes late, from the wrong one, or from somebody who means harm.

use fairway_tests_netns::{Bed, Result, State, json, link, reaches};

/// The runtime uses the namespace's path (or the process id in it) again before an old DEL comes.
#[test]
fn a_late_del_leaves_the_next_container_alone() -> Result {
    for (kind, keys, gateway) in [
        ("bridge", json!({"isGateway": true}), "10.1.0.1"),
        ("ptp", json!({}), "10.1.0.1"),
        ("vxlan", json!({}), "169.254.1.1"),
    ] {
        let bed = Bed::new()?;
        bed.start_daemon()?;
        let conf = bed.conf(kind, keys);
        let new = bed.add("new", &conf)?;
        bed.cni("old", &new.ns, &conf).del(None)?.ok()?;
        link(&new.ns, "eth0")?;
        new.check()?;
        reaches(&new.ns, gateway)?;
    }
    Ok(())
}

/// A container with CAP_NET_ADMIN renames its interface and makes another of that name: the one that
/// has the address goes, and the address is not given out while it lives.
#[test]
fn a_decoy_does_not_save_the_link() -> Result {
    for kind in ["bridge", "ptp", "vxlan"] {
        let bed = Bed::new()?;
        bed.start_daemon()?;
        let conf = bed.conf(kind, json!({}));
        bed.earlier(&bed.add("earlier", &conf)?)?;
        let before = State::take(&bed, &[])?;
        let member = bed.add("a", &conf)?;
        member.ns.sh("ip link set eth0 down; ip link set eth0 name net9; ip link set net9 up; ip link add eth0 type veth peer name foo")?;
        member.del()?;
        assert!(
            link(&member.ns, "net9").is_err(),
            "{kind}: the real one is gone"
        );
        link(&member.ns, "eth0")?;
        before.unchanged()?;
    }
    Ok(())
}

/// An IPAM plugin that is none: a plugin that would call itself for ever.
#[test]
fn a_bridge_is_no_ipam() -> Result {
    let bed = Bed::new()?;
    let before = State::take(&bed, &[])?;
    for kind in ["bridge", "ptp"] {
        for ipam in ["bridge", "ptp", "loopback"] {
            let conf = bed.conf(kind, json!({"ipam": {"type": ipam}}));
            let ns = bed.container()?;
            let outcome = bed.cni("a", &ns, &conf).add()?;
            let error = outcome.fails(7)?;
            assert!(error.msg.starts_with("ipam.type: "), "{}", error.msg);
        }
    }
    before.unchanged()
}

/// Names of every length and script that the protocol allows.
#[test]
fn names_at_their_limits() -> Result {
    let bed = Bed::new()?;
    let mut conf = bed.conf("bridge", json!({}));
    conf["name"] = json!("n".repeat(200));
    bed.earlier(&bed.add("earlier", &conf)?)?;
    let before = State::take(&bed, &[])?;
    let ns = bed.container()?;
    let cni = bed.cni(&"c".repeat(64), &ns, &conf).ifname("äääääää");
    let result = cni.add()?.ok()?;
    cni.check(&result)?.ok()?;
    let id = "c".repeat(64);
    cni.gc(&[(&id, "äääääää")])?.ok()?;
    cni.check(&result)?.ok()?;
    cni.gc(&[(&id, "eth0")])?.ok()?;
    assert!(link(&ns, "äääääää").is_err());
    before.unchanged()
}

/// Keys in CNI_ARGS that no plugin of ours knows: an ADD says so, a DEL cleans up.
#[test]
fn del_takes_the_arguments_as_they_come() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({}));
    bed.earlier(&bed.add("earlier", &conf)?)?;
    let before = State::take(&bed, &[])?;
    let member = bed.add("a", &conf)?;
    let odd = member.cni.clone().args("FOO=1;;=;BAR");
    odd.add()?.fails(4)?;
    odd.del(None)?.ok()?;
    before.unchanged()?;
    let ns = bed.container()?;
    let lo = bed
        .cni("b", &ns, &bed.conf("loopback", json!({})))
        .args("FOO=1");
    lo.add()?.ok()?;
    lo.del(None)?.ok().map(drop)
}
