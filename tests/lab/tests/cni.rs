//! The plugin driver, proven on shell scripts that misbehave and on the reference plugins.

use fairway_lab::{Cni, Error, Lab, Result, Value, json, poll, reference_dir};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// A "plugin" that runs this script.
fn script(lab: &Lab, text: &str) -> Cni {
    let path = lab.scratch().join("fake");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("scratch");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("scratch");
    Cni::new(lab.node(), lab.scratch(), "fake")
}

#[test]
fn the_environment_is_cni_and_path_only() -> Result {
    let lab = Lab::new()?;
    let c = lab.container()?;
    let cni = script(&lab, "env | grep -v -e ^PWD= -e ^_= | sort >&2");
    let env = |cni: &Cni| {
        cni.add()
            .map(|o| o.stderr.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let dir = lab.scratch().display();
    let bare = env(&cni)?;
    assert_eq!(bare[..2], ["CNI_COMMAND=ADD", "CNI_CONTAINERID=c1"]);
    assert_eq!(
        bare[2..4],
        ["CNI_IFNAME=eth0".to_owned(), format!("CNI_PATH={dir}")]
    );
    assert!(bare[4].starts_with("PATH=") && bare.len() == 5, "{bare:?}");
    let full = env(&cni.netns(&c).args("A=B"))?;
    assert_eq!(full[0], "CNI_ARGS=A=B");
    assert_eq!(full[4], format!("CNI_NETNS={}", c.path().display()));
    Ok(())
}

#[test]
fn stdout_must_be_one_json_document() -> Result {
    let lab = Lab::new()?;
    for bad in ["echo '{}{}'", "echo hello", "echo '{'; exit 1"] {
        let Err(Error::Json { .. }) = script(&lab, bad).add() else {
            panic!("{bad} must be caught")
        };
    }
    assert_eq!(
        script(&lab, "echo '{\"a\":1}'").add()?.ok()?,
        json!({"a": 1})
    );
    assert_eq!(script(&lab, "true").del(None)?.ok()?, Value::Null);
    let failed = script(&lab, "echo '{\"code\":7,\"msg\":\"m\"}'; exit 1").add()?;
    assert_eq!(failed.fails(7)?.msg, "m");
    assert!(failed.fails(8).is_err() && failed.ok().is_err());
    let killed = script(&lab, "printf '{'; kill -9 $$").add()?;
    assert_eq!(killed.status.code(), None);
    assert!(killed.fails(7).is_err() && killed.ok().is_err());
    Ok(())
}

#[test]
fn verbs_feed_what_a_runtime_feeds() -> Result {
    let lab = Lab::new()?;
    let cni = script(&lab, "cat").config(json!({"name": "n"}));
    let prev = json!({"ips": []});
    assert_eq!(cni.check(&prev)?.ok()?["prevResult"], prev);
    assert_eq!(cni.del(Some(&prev))?.ok()?["prevResult"], prev);
    assert_eq!(cni.del(None)?.ok()?, json!({"name": "n"}));
    let valid = &cni.gc(&[("a", "eth0")])?.ok()?["cni.dev/valid-attachments"];
    assert_eq!(*valid, json!([{"containerID": "a", "ifname": "eth0"}]));
    assert_eq!(cni.raw("ADD").stdin("[1]").run()?.ok()?, json!([1]));
    Ok(())
}

#[test]
fn the_reference_bridge_runs() -> Result {
    let lab = Lab::new()?;
    let c = lab.container()?;
    if !reference_dir().join("bridge").exists() {
        panic!("no reference plugins: apt-get install containernetworking-plugins");
    }
    let cni = lab.reference("bridge").netns(&c).config(json!({
        "cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "br0", "isGateway": true,
        "ipam": {"type": "host-local", "dataDir": lab.scratch(),
                 "ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00:1::/64"}]]},
    }));
    let added = cni.add()?;
    let result = added.ok()?;
    assert_eq!(result["ips"][0]["address"], "10.1.0.2/24");
    assert!(added.wall > Duration::from_micros(100), "{:?}", added.wall);
    lab.node().run("ping -c 1 -W 10 10.1.0.2")?;
    let reach6 = || lab.node().run("ping -c 1 -W 1 fd00:1::2").is_ok();
    poll(Duration::from_secs(30), "IPv6 after DAD", reach6)?;
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    assert!(c.run("ip link show eth0").is_err());
    let about = cni.raw("ADD").without("CNI_COMMAND").run()?;
    about.ok()?;
    assert!(about.stderr.contains("bridge"), "{}", about.stderr);
    assert_eq!(
        cni.raw("ADD").without("CNI_IFNAME").run()?.fails(4)?.code,
        4
    );
    Ok(())
}
