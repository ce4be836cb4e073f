//! Settings on a model of the kernel, files in a folder of their own.

use crate::add::{Container, tune};
use crate::allow;
use crate::backup::{self, Backup};
use crate::conf::{Conf, Sysctl};
use fairway_cni::{CniArgs, Code, Context, Delegates, Failure, GcAttachments, NetConf};
use fairway_iface::Owner;
use fairway_netlink::fake::{Recorder, namespaces};
use fairway_netlink::{Error as NetlinkError, Link, NetNs, Netlink as _};
use serde_json::{Value, json};
use std::{fs, path::Path};

const OWNER: Owner<'static> = Owner {
    network: "net",
    container_id: "c1",
    ifname: "eth0",
};

fn parse_with(extra: Value, args: &str) -> Result<Conf, Failure> {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "tuning"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        conf[key] = value.clone();
    }
    let context = Context {
        conf: &NetConf::from_json(conf)?,
        args: &CniArgs::parse_leniently(args),
        delegates: &Delegates::default(),
    };
    Ok(Conf::parse(&context)?)
}

fn parse(extra: Value) -> Result<Conf, Failure> {
    parse_with(extra, "")
}

struct Bed {
    container: Container,
    model: Recorder,
    folder: tempfile::TempDir,
}

fn bed() -> Bed {
    let (_, model) = namespaces();
    let mut link = Link::new(0, "eth0");
    link.mac = Some("02:00:00:00:00:01".parse().unwrap());
    link.tx_queue_len = Some(1000);
    model.put_link(link);
    Bed {
        container: Container {
            netlink: Some(Box::new(model.clone())),
            netns: NetNs::current().unwrap(),
        },
        model,
        folder: tempfile::tempdir().unwrap(),
    }
}

impl Bed {
    fn conf(&self, mut extra: Value) -> Conf {
        extra["dataDir"] = json!(self.folder.path());
        parse(extra).unwrap()
    }

    fn tune(&mut self, extra: Value) -> Result<(), Failure> {
        let conf = self.conf(extra);
        tune(&mut self.container, &conf, OWNER)
    }

    fn link(&mut self) -> Link {
        self.model.link_by_name("eth0").unwrap().unwrap()
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

fn all() -> Value {
    json!({"mac": "02:00:00:00:00:99", "mtu": 1400, "promisc": true, "allmulti": true, "txQLen": 20})
}

#[test]
fn settings_are_made_judged_and_put_back() {
    let mut bed = bed();
    let before = bed.link();
    bed.tune(all()).unwrap();
    let link = bed.link();
    assert_eq!(
        (link.mtu, link.promisc, link.allmulti, link.tx_queue_len),
        (1400, true, true, Some(20))
    );
    let conf = bed.conf(all());
    assert!(conf.link.difference(&link).is_none());
    let difference = conf.link.difference(&before).unwrap().to_string();
    assert!(
        difference.starts_with("mac of \"eth0\": is 02:00:00:00:00:01, not"),
        "{difference}"
    );
    // A second ADD does not take what the first one set for what was there.
    bed.tune(json!({"mtu": 1300})).unwrap();
    let backup = Backup::at(bed.folder.path(), OWNER);
    assert_eq!(backup.restore(&mut bed.model.clone(), "eth0"), []);
    assert_eq!(bed.link(), before);
    for _ in 0..2 {
        backup.remove().unwrap();
    }
    assert_eq!(bed.files(), 0);
}

#[test]
fn what_fails_leaves_nothing() {
    for nth in 0.. {
        let mut bed = bed();
        let before = bed.link();
        let so_far = bed.model.calls().len();
        let refusal = NetlinkError::Timeout {
            op: "of",
            subject: "the test".into(),
            after: std::time::Duration::ZERO,
        };
        bed.model.fail_at(nth, refusal);
        let done = bed.tune(all());
        if !bed.model.calls()[so_far..].iter().any(|call| call.refused) {
            done.unwrap();
            assert!(nth >= 5, "only {nth} changes");
            return;
        }
        assert!(done.is_err(), "call {nth}");
        assert_eq!((bed.link(), bed.files()), (before, 0), "call {nth}");
    }
}

#[test]
fn the_reference_plugins_file_is_read() {
    let mut bed = bed();
    let text = "{\n \"mac\": \"02:00:00:00:00:07\",\n \"promisc\": false,\n \"mtu\": 1234\n}";
    fs::write(bed.folder.path().join("c1_eth0.json"), text).unwrap();
    let backup = Backup::at(bed.folder.path(), OWNER);
    assert_eq!(backup.restore(&mut bed.model.clone(), "eth0"), []);
    let link = bed.link();
    assert_eq!(
        (link.mtu, link.mac.unwrap().to_string().as_str()),
        (1234, "02:00:00:00:00:07")
    );
    // Whose it is it does not say.
    assert!(backup::collect(bed.folder.path(), "net", &GcAttachments::default()).is_empty());
    assert_eq!(bed.files(), 1);
    for text in ["", "{", "[]"] {
        fs::write(bed.folder.path().join("c1_eth0.json"), text).unwrap();
        assert_eq!(backup.restore(&mut bed.model.clone(), "eth0"), [], "{text}");
    }
}

#[test]
fn gc_removes_files_of_the_networks_lost_ones() {
    let mut bed = bed();
    bed.tune(all()).unwrap();
    let folder = bed.folder.path().to_owned();
    let valid = |id: &str| -> GcAttachments {
        [(id.parse().unwrap(), "eth0".parse().unwrap())]
            .into_iter()
            .collect()
    };
    for (network, valid) in [("net", valid("c1")), ("other", valid("c2"))] {
        assert!(backup::collect(&folder, network, &valid).is_empty());
        assert_eq!(bed.files(), 1);
    }
    assert!(backup::collect(&folder, "net", &valid("c2")).is_empty());
    assert_eq!(bed.files(), 0);
}

#[test]
fn what_is_wrong_is_named() {
    for (extra, wanted) in [
        (json!({"mtu": 10}), "mtu: 10: must be from 68 to 65535"),
        (json!({"mtu": "1500"}), "mtu: expected a whole number"),
        (json!({"txQLen": -1}), "txQLen: -1: must be from 0"),
        (json!({"promisc": 1}), "promisc: expected a boolean"),
        (json!({"allmulti": "x"}), "allmulti: expected a boolean"),
        (json!({"mac": "x"}), "mac: \"x\""),
        (
            json!({"mac": "01:00:00:00:00:00"}),
            "mac: \"01:00:00:00:00:00\": is no hardware address",
        ),
        (
            json!({"runtimeConfig": {"mac": "y"}}),
            "runtimeConfig.mac: \"y\"",
        ),
        (
            json!({"args": {"cni": {"mtu": 1}}}),
            "args.cni.mtu: 1: must be",
        ),
        (json!({"sysctl": []}), "sysctl: expected an object"),
        (
            json!({"sysctl": {"net.ipv4.ip_forward": 1}}),
            "sysctl.net.ipv4.ip_forward: expected a string",
        ),
        (
            json!({"sysctl": {"kernel.shmmax": "1"}}),
            "sysctl.kernel.shmmax: \"1\": is no setting of the network",
        ),
        (
            json!({"sysctl": {"net/../kernel/x": "1"}}),
            "sysctl.net/../kernel/x: \"1\": is no setting",
        ),
        (
            json!({"sysctl": {"net..x": "1"}}),
            "sysctl.net..x: \"1\": is no setting",
        ),
        (
            json!({"dataDir": "x"}),
            "dataDir: \"x\": is not an absolute path",
        ),
        (
            json!({"sysctl": {"net.core.somaxconn": "1", "net/core/somaxconn": "2"}}),
            "sysctl.net/core/somaxconn: \"2\": is sysctl.net.core.somaxconn as well",
        ),
    ] {
        let failure = parse(extra).unwrap_err();
        assert_eq!(failure.code, Code::INVALID_CONFIG);
        assert!(failure.msg.starts_with(wanted), "{}", failure.msg);
    }
}

#[test]
fn who_says_it_last() {
    let mac = |extra: Value, args: &str| {
        parse_with(extra, args)
            .unwrap()
            .link
            .mac
            .unwrap()
            .to_string()
    };
    let conf = json!({"mac": "02:00:00:00:00:01"});
    assert_eq!(mac(conf.clone(), ""), "02:00:00:00:00:01");
    assert_eq!(mac(conf, "MAC=02:00:00:00:00:02"), "02:00:00:00:00:02");
    let both = json!({"args": {"cni": {"mac": "02:00:00:00:00:03"}}, "runtimeConfig": {"mac": ""}});
    assert_eq!(mac(both, "MAC=02:00:00:00:00:02"), "02:00:00:00:00:03");
    let args = json!({
        "mtu": 1400, "promisc": true, "sysctl": {"net.a": "1", "net.b": "1"},
        "args": {"cni": {"mtu": 1300, "promisc": false, "sysctl": {"net.b": "2"}}},
    });
    let conf = parse(args).unwrap();
    assert_eq!((conf.link.mtu, conf.link.promisc), (Some(1300), None));
    let values: Vec<_> = conf.sysctls.iter().map(|one| one.value.as_str()).collect();
    assert_eq!(values, ["1", "2"]);
}

fn sysctl(name: &str) -> Sysctl {
    Sysctl {
        field: format!("sysctl.{name}"),
        name: name.to_owned(),
        value: "1".to_owned(),
    }
}

#[test]
fn an_interface_keeps_its_dots() {
    let key = sysctl("net.ipv4.conf.IFNAME.arp_filter").key("eth0.100");
    assert_eq!(key, "net/ipv4/conf/eth0.100/arp_filter");
}

#[test]
fn the_list_allows_and_forbids() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("allowlist.conf");
    let judge = |name: &str| allow::judge(&list, &[sysctl(name)]);
    judge("net.ipv4.anything").unwrap();
    fs::write(&list, "\n^net\\.ipv4\\.conf\\.\n  somaxconn  \n").unwrap();
    judge("net.ipv4.conf.IFNAME.arp_filter").unwrap();
    judge("net.core.somaxconn").unwrap();
    let failure = Failure::from(judge("net.ipv4.ip_forward").unwrap_err());
    assert_eq!(failure.code, Code::INVALID_CONFIG);
    assert!(
        failure.msg.starts_with("sysctl.net.ipv4.ip_forward: "),
        "{}",
        failure.msg
    );
    fs::write(&list, "fine\n(\n").unwrap();
    let error = judge("net.fine").unwrap_err().to_string();
    assert!(error.contains("line 2: \"(\" is no pattern"), "{error}");
    allow::judge(Path::new("/proc/self/mem/x"), &[]).unwrap();
}
