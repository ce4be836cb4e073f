//! Names that are taken, and an ADD without the DEL before it.

use super::{MAIN, Place};
use fairway_tests_netns::{Bed, Result, json, link, reaches};

/// A second ADD is refused, and the first attachment lives on with its address.
#[test]
fn an_interface_that_is_there_already() -> Result {
    for kind in MAIN {
        let bed = Bed::new()?;
        let conf = bed.conf(kind, json!({"ipMasq": true, "isGateway": true}));
        let a = bed.add("a", &conf)?;
        let error = a.cni.add()?.fails(103)?;
        assert!(
            error.msg.contains("CNI_IFNAME") && error.msg.contains("eth0"),
            "{error:?}"
        );
        a.check()?;
        reaches(&a.ns, "10.1.0.1")?;
        assert_eq!(bed.held("net").len(), 2);
        // Another network, another container's id: the name inside is taken all the same.
        let other = bed.conf(kind, json!({"name": "other"}));
        bed.cni("b", &a.ns, &other).add()?.fails(103)?;
        assert_eq!(bed.held("other"), [""; 0]);
        a.check()?;
    }
    Ok(())
}

#[test]
fn an_interface_of_another_kind_is_in_the_way() -> Result {
    for kind in MAIN {
        let bed = Bed::new()?;
        let place = Place::new(&bed)?;
        for name in ["eth0", "lo"] {
            if name == "eth0" {
                place.ns.run("ip link add eth0 type bridge")?;
            }
            let cni = bed
                .cni("a", &place.ns, &bed.conf(kind, json!({})))
                .ifname(name);
            let error = cni.add()?.fails(103)?;
            assert!(error.msg.contains(name), "{error:?}");
            cni.del(None)?.ok()?;
            link(&place.ns, name)?;
        }
        assert_eq!(bed.held("net"), [""; 0]);
    }
    Ok(())
}

#[test]
fn a_bridge_name_that_something_else_has() -> Result {
    let bed = Bed::new()?;
    bed.node()
        .run("ip link add cni0 type veth peer name cni0peer")?;
    let place = Place::new(&bed)?;
    for extra in [
        json!({"bridge": null}),
        json!({"bridge": null, "isGateway": true, "ipMasq": true}),
    ] {
        let outcome = bed.cni("a", &place.ns, &bed.conf("bridge", extra)).add()?;
        place.refused(&outcome, 105, "cni0")?;
    }
    let outcome = bed
        .cni("a", &place.ns, &bed.conf("bridge", json!({"bridge": "lo"})))
        .add()?;
    place.refused(&outcome, 105, "lo")?;
    place.before.unchanged()
}

/// Somebody has a link with the name that ours would have: there are others to choose from.
#[test]
fn a_host_end_name_that_is_taken() -> Result {
    for kind in MAIN {
        let bed = Bed::new()?;
        let conf = bed.conf(kind, json!({}));
        let first = bed.add("a", &conf)?;
        let name = first.host_link();
        first.del()?;
        bed.node()
            .run(&format!("ip link add {name} type veth peer name other"))?;
        bed.node().run(&format!("ip link set {name} alias mine"))?;
        let a = bed.add("a", &conf)?;
        assert_ne!(a.host_link(), name);
        a.check()?;
        a.cni.clone().netns_path(None).del(None)?.ok()?;
        assert!(link(&a.ns, "eth0").is_err());
        link(bed.node(), &name)?;
    }
    Ok(())
}
