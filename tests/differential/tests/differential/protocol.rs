//! What is said before any plugin looks at its own keys.

use fairway_lab::{Raw, Result};
use fairway_tests_differential::{Case, Pair};

const PLUGINS: [&str; 5] = ["bridge", "ptp", "loopback", "host-local", "static"];

/// One call to every plugin, spoilt, that both sides refuse in the same way.
fn spoilt(verb: &str, spoil: impl Fn(Raw) -> Raw + Sync) -> Result {
    for plugin in PLUGINS {
        let mut pair = Pair::new(Case::new(plugin, "{}"))?;
        let (_, ours) = pair.call(&format!("{plugin} {verb}"), |side, case, version| {
            spoil(side.cni(case, version, "c1")?.raw(verb)).run()
        })?;
        assert!(!ours.status.success(), "{ours:?}");
        pair.finish()?;
    }
    Ok(())
}

cases! {
    no_container: spoilt("ADD", |call| call.without("CNI_CONTAINERID"));
    no_namespace: spoilt("ADD", |call| call.without("CNI_NETNS"));
    no_interface: spoilt("DEL", |call| call.without("CNI_IFNAME"));
    nothing_at_all: spoilt("CHECK", |call| {
        call.without("CNI_IFNAME").without("CNI_CONTAINERID").without("CNI_NETNS")
    });
    unknown_verb: spoilt("FROB", |call| call);
    verb_in_lower_case: spoilt("add", |call| call);
    container_of_another_form: spoilt("ADD", |call| call.env("CNI_CONTAINERID", "../x"));
    interface_too_long: spoilt("ADD", |call| call.env("CNI_IFNAME", "sixteen-bytes-xx"));
    interface_with_a_slash: spoilt("ADD", |call| call.env("CNI_IFNAME", "a/b"));
    interface_is_dots: spoilt("ADD", |call| call.env("CNI_IFNAME", ".."));
    no_json: spoilt("ADD", |call| call.stdin("{"));
    no_input: spoilt("ADD", |call| call.stdin(""));
    no_object: spoilt("ADD", |call| call.stdin("[]"));
    no_name: spoilt("ADD", |call| call.stdin(r#"{"cniVersion": "1.0.0", "type": "x"}"#));
    name_of_another_form: spoilt("ADD", |call| {
        call.stdin(r#"{"cniVersion": "1.0.0", "type": "x", "name": "a/b"}"#)
    });
    unknown_version: spoilt("ADD", |call| {
        call.stdin(r#"{"cniVersion": "9.0.0", "type": "x", "name": "net"}"#)
    });
    version_is_none: spoilt("ADD", |call| {
        call.stdin(r#"{"cniVersion": "x", "type": "x", "name": "net"}"#)
    });
    check_in_an_old_version: spoilt("CHECK", |call| {
        call.stdin(r#"{"cniVersion": "0.3.1", "type": "x", "name": "net"}"#)
    });
    namespace_is_gone: gone();
    every_version_is_known: versions();
}

/// ADD and CHECK want the namespace; DEL does not.
fn gone() -> Result {
    for plugin in ["bridge", "ptp", "loopback"] {
        let mut pair = Pair::new(Case::new(plugin, "{}"))?;
        for verb in ["ADD", "CHECK", "DEL"] {
            pair.call(&format!("{plugin} {verb}"), |side, case, version| {
                let cni = side.cni(case, version, "c1")?;
                cni.netns_path(Some("/run/netns/fairway-gone")).call(verb)
            })?;
        }
        pair.addresses()?;
        pair.finish()?;
    }
    Ok(())
}

/// Ours knows every version that the reference knows.
fn versions() -> Result {
    for plugin in PLUGINS {
        let mut pair = Pair::new(Case::new(plugin, "{}"))?;
        let case = Case::new(plugin, "{}");
        let theirs = pair.theirs.cni(&case, "1.0.0", "c1")?.version()?.ok()?;
        let ours = pair.ours.cni(&case, "1.0.0", "c1")?.version()?.ok()?;
        let list = |value: &fairway_lab::Value| value["supportedVersions"].as_array().cloned();
        let (theirs, ours) = (
            list(&theirs).unwrap_or_default(),
            list(&ours).unwrap_or_default(),
        );
        assert!(theirs.len() >= 6, "{theirs:?}");
        assert!(
            theirs.iter().all(|v| ours.contains(v)),
            "{theirs:?} {ours:?}"
        );
    }
    Ok(())
}
