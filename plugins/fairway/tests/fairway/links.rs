//! With links: bridge and ptp of ours, which call the plugin as a function, the reference bridge, which
//! executes it, and Mesos.

use crate::common::{Fake, LIMIT, Step, attachment, done, early, good, refused};
use fairway_api::{Method, ipam::Sourced};
use fairway_lab::{Cni, Lab, Ns, Result, Value, json, reference_dir};
use std::{
    env,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A node, a container, and our plugins in one file.
pub(crate) struct Bed {
    pub(crate) lab: Lab,
    pub(crate) container: Ns,
    pub(crate) plugins: tempfile::TempDir,
}

impl Bed {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let lab = Lab::new()?;
        lab.node().set_sysctl("ipv6/conf/default/accept_dad", "0")?;
        let container = lab.container()?;
        let plugins = tempfile::tempdir().unwrap();
        for kind in ["bandwidth", "bridge", "fairway", "ptp", "static"] {
            symlink(example(), plugins.path().join(kind)).unwrap();
        }
        Ok(Arc::new(Bed {
            lab,
            container,
            plugins,
        }))
    }

    /// The plugin in `dir`, with the daemon that listens on `STATE/s`, for the container.
    pub(crate) fn cni(&self, dir: &Path, kind: &str, state: &Path, extra: Value) -> Cni {
        let mut conf = json!({
            "cniVersion": "1.0.0", "name": "net", "type": kind,
            "ipam": {"type": "fairway", "routes": [{"dst": "0.0.0.0/0"}]},
        });
        if kind == "bridge" {
            conf["bridge"] = json!("br0");
        }
        let extra = extra.as_object().unwrap().clone();
        conf.as_object_mut().unwrap().extend(extra);
        let path = self.plugins.path().display();
        Cni::new(self.lab.node(), dir, kind)
            .netns(&self.container)
            .path(path.to_string())
            .env("FAIRWAY_SOCKET", state.join("s").display().to_string())
            .env("FAIRWAY_STATE_DIR", state.display().to_string())
            .config(conf)
    }

    fn ours(&self, kind: &str, fake: &Fake) -> Cni {
        self.cni(self.plugins.path(), kind, fake.dir.path(), json!({}))
    }

    /// Does `ip` show this in the container?
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.container.run("ip addr").unwrap().contains(text)
    }

    /// The node's links but `lo` and the bridge.
    pub(crate) fn links(&self) -> Vec<String> {
        let links = self.lab.node().json("ip -j link").unwrap();
        let names = links.as_array().unwrap().iter();
        let names = names.map(|link| link["ifname"].as_str().unwrap().to_owned());
        names.filter(|name| name != "lo" && name != "br0").collect()
    }

    /// The container's link is there and addressed: what a main plugin does after IPAM.
    fn is_up(self: &Arc<Self>) -> Step {
        let bed = Arc::clone(self);
        Step::Until(Box::new(move || bed.shows("inet 10.88.0.7/16")))
    }
}

/// The example of this crate, which cargo builds beside the tests.
fn example() -> PathBuf {
    let own = env::current_exe().unwrap();
    let file = own.ancestors().nth(2).unwrap().join("examples/plugins");
    assert!(
        file.exists(),
        "{} is not there: `cargo test -p fairway-cluster-ipam` without --test builds it",
        file.display()
    );
    file
}

#[test]
fn links_are_made_while_the_journal_commits() -> Result {
    for kind in ["bridge", "ptp"] {
        let bed = Bed::new()?;
        let up = Arc::clone(&bed);
        // Were the links made after the confirmation, this would never come to its end.
        let fake = Fake::allocating(move || vec![early(), up.is_up(), done()]);
        let cni = bed.ours(kind, &fake);
        let result = cni.add()?.ok()?;
        let gateways = [&result["ips"][0]["gateway"], &result["ips"][1]["gateway"]];
        assert_eq!(gateways, ["10.88.0.1", "fd88::1"]);
        assert!(bed.shows("inet 10.88.0.7/16") && bed.shows("inet6 fd88::7/64"));
        cni.check(&result)?.ok()?;
        cni.del(Some(&result))?.ok()?;
        assert!(!bed.shows("eth0") && bed.links().is_empty());
        assert_eq!(fake.asked(), ["allocate", "check", "release"]);
    }
    Ok(())
}

#[test]
fn what_is_not_confirmed_takes_the_links_with_it() -> Result {
    for kind in ["bridge", "ptp"] {
        let bed = Bed::new()?;
        let up = Arc::clone(&bed);
        let fake = Fake::allocating(move || vec![early(), up.is_up(), refused(5, "journal: full")]);
        let error = bed.ours(kind, &fake).add()?.fails(5)?;
        assert_eq!(error.msg, "journal: full");
        assert!(!bed.shows("eth0") && bed.links().is_empty(), "{kind}");
        assert_eq!(fake.asked(), ["allocate", "release"]);
        assert!(fake.left().is_empty());
    }
    Ok(())
}

#[test]
fn a_daemon_that_dies_meanwhile_takes_the_links_with_it() -> Result {
    for kind in ["bridge", "ptp"] {
        let bed = Bed::new()?;
        let up = Arc::clone(&bed);
        let fake = Fake::allocating(move || vec![early(), up.is_up(), Step::Die]);
        bed.ours(kind, &fake).add()?.fails(11)?;
        assert!(!bed.shows("eth0") && bed.links().is_empty(), "{kind}");
        assert_eq!(fake.left(), [attachment()]);
    }
    Ok(())
}

#[test]
fn links_that_cannot_be_made_let_the_address_go() -> Result {
    let bed = Bed::new()?;
    bed.lab
        .node()
        .run("ip link add br0 type veth peer name br1")?;
    let fake = Fake::allocating(|| vec![early(), Step::Hang]);
    bed.ours("bridge", &fake).add()?.fails(105)?;
    assert_eq!(fake.asked(), ["allocate", "release"]);
    Ok(())
}

#[test]
fn a_second_add_asks_for_nothing() -> Result {
    let bed = Bed::new()?;
    let fake = Fake::good();
    let cni = bed.ours("bridge", &fake);
    cni.add()?.ok()?;
    cni.add()?.fails(103)?;
    assert_eq!(fake.asked(), ["allocate"]);
    assert!(bed.shows("inet 10.88.0.7/16"));
    Ok(())
}

#[test]
fn without_the_daemon_add_leaves_nothing_and_del_a_record() -> Result {
    let bed = Bed::new()?;
    let mut fake = Fake::good();
    let cni = bed.ours("bridge", &fake);
    let result = cni.add()?.ok()?;
    fake.kill();
    cni.clone().status()?.fails(1)?;
    cni.del(Some(&result))?.ok()?;
    assert!(!bed.shows("eth0") && bed.links().is_empty());
    assert_eq!(fake.left(), [attachment()]);

    let error = cni.clone().container("c2").add()?.fails(11)?;
    let socket = fake.socket().display().to_string();
    assert_eq!(error.msg, format!("no fairwayd at {socket}"));
    assert!(!bed.shows("eth0") && bed.links().is_empty());
    assert_eq!(fake.left(), [attachment()]);
    Ok(())
}

#[test]
fn executed_it_waits_itself() -> Result {
    let bed = Bed::new()?;
    let fake = Fake::allocating(|| vec![early(), refused(11, "the store is away")]);
    bed.ours("fairway", &fake).add()?.fails(11)?;
    assert_eq!(fake.asked(), ["allocate", "release"]);
    let fake = Fake::allocating(|| vec![early(), done()]);
    let cni = bed.ours("fairway", &fake);
    let result = cni.add()?.ok()?;
    assert_eq!(result.get("interfaces"), None);
    assert_eq!(
        result["ips"][0],
        json!({"address": "10.88.0.7/16", "gateway": "10.88.0.1"})
    );
    assert_eq!(result["routes"], json!([{"dst": "0.0.0.0/0"}]));
    assert!(cni.del(None)?.stdout.is_empty());
    Ok(())
}

#[test]
fn the_newest_verbs() -> Result {
    let bed = Bed::new()?;
    let fake = Fake::good();
    let newest = json!({"cniVersion": "1.1.0"});
    let cni = bed.cni(bed.plugins.path(), "bridge", fake.dir.path(), newest);
    cni.status()?.ok()?;
    cni.gc(&[("c1", "eth0")])?.ok()?;
    assert_eq!(fake.asked(), ["status", "gc"]);
    let supported = cni.version()?.ok()?["supportedVersions"].clone();
    assert_eq!(
        bed.ours("fairway", &fake).version()?.ok()?["supportedVersions"],
        supported
    );
    Ok(())
}

#[test]
fn the_reference_bridge_executes_it() -> Result {
    let dir = reference_dir();
    if !dir.join("bridge").exists() {
        let notice = format!(
            "\nSKIP the_reference_bridge_executes_it: none in {}\n",
            dir.display()
        );
        let _ = std::io::stderr().write_all(notice.as_bytes());
        return Ok(());
    }
    let bed = Bed::new()?;
    let fake = Fake::allocating(|| vec![early(), done()]);
    let extra = json!({
        "isGateway": true,
        "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {"fairway.network/claim": "db"}},
    });
    let cni = bed.cni(&dir, "bridge", fake.dir.path(), extra);
    let cni = cni.args("IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=db-0");
    let result = cni.add()?.ok()?;
    assert!(bed.shows("inet 10.88.0.7/16") && bed.shows("inet6 fd88::7/64"));
    cni.check(&result)?.ok()?;
    cni.del(Some(&result))?.ok()?;
    assert_eq!(fake.asked(), ["allocate", "check", "release"]);
    let Some(Method::Allocate(asked)) = fake.seen().into_iter().next() else {
        panic!("{:?}", fake.asked());
    };
    assert_eq!(asked.facts.pod.as_deref(), Some("db-0"));
    assert_eq!(asked.facts.namespace.as_deref(), Some("web"));
    assert_eq!(asked.facts.claim.unwrap().value, "db");
    assert_eq!(asked.netns.unwrap().inode, bed.container.inode());
    Ok(())
}

#[test]
fn mesos_reads_the_oldest_form() -> Result {
    let bed = Bed::new()?;
    let fake = Fake::new(|method| vec![Step::Say(good(method))]);
    let extra = json!({
        "cniVersion": null, "isGateway": true,
        "args": {"org.apache.mesos": {"network_info": {
            "name": "net",
            "ip_addresses": [{"protocol": "IPv4", "ip_address": "10.88.0.7"}],
            "labels": {"labels": [{"key": "fairway.network/claim", "value": "redis/0"}]},
        }}},
    });
    let cni = bed
        .cni(bed.plugins.path(), "bridge", fake.dir.path(), extra)
        .limit(LIMIT);
    let result = cni.add()?.ok()?;
    assert_eq!(result["ip4"]["ip"], "10.88.0.7/16");
    assert_eq!(result["ip6"]["ip"], "fd88::7/64");
    let [Method::Allocate(asked)] = &fake.seen()[..] else {
        panic!("{:?}", fake.asked());
    };
    let info = "args.org.apache.mesos.network_info";
    let claim = Sourced {
        value: "redis/0".to_owned(),
        field: format!("{info}.labels.labels: fairway.network/claim"),
    };
    assert_eq!(asked.facts.claim, Some(claim));
    assert_eq!(
        asked.facts.addresses[0].field,
        format!("{info}.ip_addresses[0].ip_address")
    );
    // After the agent's reboot there is no namespace any more.
    cni.netns_path(None).del(None)?.ok()?;
    assert_eq!(fake.asked(), ["allocate", "release"]);
    assert!(bed.links().is_empty());
    Ok(())
}
