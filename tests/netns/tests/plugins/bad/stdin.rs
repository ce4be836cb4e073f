//! Standard input that is no configuration.

use super::{KINDS, Place, sober};
use fairway_tests_netns::{Bed, Result, json};

#[test]
fn garbage() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    let deep = "[".repeat(200_000);
    let nested = format!("{{\"name\":\"net\",\"cniVersion\":\"1.1.0\",\"x\":{deep}");
    for kind in KINDS {
        let cni = bed.cni("a", &place.ns, &bed.conf(kind, json!({})));
        for verb in ["ADD", "DEL", "CHECK", "GC", "STATUS"] {
            for bytes in [
                &b""[..],
                b"nonsense",
                b"[]",
                b"null",
                b"7",
                b"{",
                b"{}{}",
                b"{\"name\":\"net\"",
                b"\xff\xfe{\"name\"",
                b"{\"name\":\"n\xff\"}",
                b"\0\0\0\0",
                deep.as_bytes(),
                nested.as_bytes(),
            ] {
                let outcome = cni.raw(verb).stdin(bytes).run()?;
                let head = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
                assert!(
                    outcome.fails(6).is_ok(),
                    "{kind} {verb} {head}: {outcome:?}"
                );
                sober(&outcome)?;
            }
        }
    }
    place.before.unchanged()
}

/// More than any configuration has: read whole where it is one, refused where it goes on for ever, in
/// bounded memory either way.
#[test]
fn huge() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    let padded = |bytes: usize| {
        let conf = bed.conf("bridge", json!({"padding": "x".repeat(bytes)}));
        bed.cni("a", &place.ns, &conf)
    };
    let cni = padded(3 << 20);
    cni.add()?.ok()?;
    cni.del(None)?.ok()?;
    bed.node().run("ip link del br0")?;
    let outcome = padded(65 << 20).add()?;
    sober(&outcome)?;
    outcome.fails(6)?;
    assert_eq!(bed.held("net"), [""; 0]);
    Ok(())
}

/// The same key twice, in two spellings, or of no meaning.
#[test]
fn odd_but_right() -> Result {
    let bed = Bed::new()?;
    let conf = bed.conf("bridge", json!({"CNIVERSION": "1.1.0", "unknown": {"x": [1, 2]}, "capabilities": {"mac": true},
        "runtimeConfig": {"unknown": 7, "portMappings": [{"hostPort": 80}]}, "prevResult": null, "cni.dev/x": 1}));
    bed.add("a", &conf)?.check()
}

/// Nobody reads the answer: no panic, and no attachment that the runtime knows nothing of is left alone
/// by the next DEL.
#[test]
fn a_closed_standard_output() -> Result {
    let bed = Bed::new()?;
    let place = Place::new(&bed)?;
    let conf = bed.conf("bridge", json!({"isGateway": true})).to_string();
    let program = fairway_tests_netns::plugin_dir().join("bridge");
    let call = |redirect: &str| {
        let script = format!("exec {} {redirect}", program.display());
        let run = bed.node().command("sh").args(["-c", &script]);
        let run = run
            .env("CNI_COMMAND", "ADD")
            .env("CNI_CONTAINERID", "a")
            .env("CNI_IFNAME", "eth0");
        let run = run
            .env("CNI_NETNS", place.ns.path())
            .env("CNI_PATH", fairway_tests_netns::plugin_dir());
        run.stdin(conf.clone()).output()
    };
    for redirect in [">&-", ">/dev/full"] {
        let output = call(redirect)?;
        assert!(
            !output.stderr.contains("panicked") && output.status.code().is_some(),
            "{redirect}: {output:?}"
        );
        bed.cni("a", &place.ns, &bed.conf("bridge", json!({})))
            .del(None)?
            .ok()?;
        assert_eq!(bed.held("net"), [""; 0]);
    }
    Ok(())
}
