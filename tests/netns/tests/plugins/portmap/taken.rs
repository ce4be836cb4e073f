//! No port is given twice.

use super::{BACKENDS, behind, container, flat, mapped, mappings, rules};
use fairway_tests_netns::{Bed, Result, json, reference_dir};

#[test]
fn whoever_comes_second_is_told_who_was_first() -> Result {
    for (first, second) in [
        ("iptables", "iptables"),
        ("nftables", "nftables"),
        ("iptables", "nftables"),
        ("nftables", "iptables"),
    ] {
        let bed = Bed::new()?;
        let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
        let ports = mapped(&bed, "a", &a, &flat(&bed, first, mappings(), json!({})))?;
        let before = rules(bed.node())?;
        let mut wanted = mappings();
        wanted[0]["hostPort"] = json!(8081);
        let conf = flat(&bed, second, wanted, json!({"name": "other"}));
        let error = behind(&bed, "b", &b, &conf).add()?.fails(110)?;
        let start = "runtimeConfig.portMappings[1].hostPort: 8053: udp port 8053 is taken by container \"a\"";
        assert!(error.msg.starts_with(start), "{}", error.msg);
        assert!(error.msg.contains("10.1.0.2:53"), "{}", error.msg);
        if first == "iptables" {
            assert!(error.msg.contains("of network \"net\""), "{}", error.msg);
        }
        assert_eq!(rules(bed.node())?, before, "{first} {second}");
        ports.check()?;
        // The same port of another protocol is another port.
        let tcp = json!([{"hostPort": 8053, "containerPort": 53, "protocol": "tcp"}]);
        mapped(
            &bed,
            "b",
            &b,
            &flat(&bed, second, tcp, json!({"name": "other"})),
        )?
        .del()?;
        ports.del()?;
        mapped(&bed, "b", &b, &conf)?.check()?;
    }
    Ok(())
}

/// What the reference plugin gave is taken as well.
#[test]
fn whoever_gave_it() -> Result {
    let bed = Bed::new()?;
    let (a, b) = (container(&bed, "a")?, container(&bed, "b")?);
    let old = json!({"cniVersion": "1.0.0", "backend": null, "dataDir": null});
    let conf = flat(&bed, "iptables", mappings(), old);
    let theirs = behind(&bed, "a", &a, &conf);
    bed.cni_in(&reference_dir(), "a", &a.ns, theirs.conf())
        .add()?
        .ok()?;
    for backend in BACKENDS {
        let conf = flat(&bed, backend, mappings(), json!({}));
        let error = behind(&bed, "b", &b, &conf).add()?.fails(110)?;
        assert!(
            error.msg.contains("container \"a\" of network \"net\""),
            "{}",
            error.msg
        );
    }
    Ok(())
}

/// The same container again is no second one.
#[test]
fn again_is_once() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let a = container(&bed, "a")?;
        let conf = flat(&bed, backend, mappings(), json!({}));
        mapped(&bed, "a", &a, &conf)?;
        let once = rules(bed.node())?;
        mapped(&bed, "a", &a, &conf)?;
        assert_eq!(rules(bed.node())?, once);
        // With other ports: those, and no others.
        let other = json!([{"hostPort": 9090, "containerPort": 80}]);
        let ports = mapped(&bed, "a", &a, &flat(&bed, backend, other, json!({})))?;
        let after = rules(bed.node())?;
        assert!(after.contains("9090") && !after.contains("8080"), "{after}");
        ports.check()?;
    }
    Ok(())
}
