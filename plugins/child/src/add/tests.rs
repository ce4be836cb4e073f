//! ADD against a model of the kernel in which one change after the other is refused: whatever fails, links and
//! addresses are as before, and the address is released.

use super::*;
use crate::Child;
use fairway_cni::fake::Ipam;
use fairway_cni::{Attachment, CniArgs, Delegates, NetConf};
use fairway_iface::Rules;
use fairway_lab::Ns;
use fairway_netlink::{Error as NetlinkError, NetNs, fake};
use serde_json::{Value, json};

/// A host with a link to stand on.
struct Bed {
    kernel: Kernel,
    host: fake::Recorder,
    ipam: Ipam,
}

impl Bed {
    fn new() -> Self {
        let (host, container) = fake::namespaces();
        let mut up0 = Link::new(0, "up0");
        up0.up = true;
        host.put_link(up0);
        Bed {
            kernel: Kernel {
                host: Box::new(host.clone()),
                container: Box::new(container),
                netns: NetNs::open("/proc/thread-self/ns/net").unwrap(),
                rules: Rules::default(),
            },
            host,
            ipam: Ipam::default(),
        }
    }

    fn add(&mut self, kind: Child, conf: &Value) -> Result<CniResult, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let own = std::env::current_exe().unwrap();
        std::os::unix::fs::symlink(own, dir.path().join("counting")).unwrap();
        let path = [dir.path().to_owned()];
        let conf = NetConf::from_json(conf.clone()).unwrap();
        let registry: &fairway_cni::Registry<'_> = &[("counting", &self.ipam)];
        let context = Context {
            conf: &conf,
            args: &CniArgs::default(),
            delegates: &Delegates::new(registry, &path),
        };
        let sandbox = Sandbox {
            attachment: Attachment {
                container_id: "c1".parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: "/nowhere".to_owned(),
        };
        let mut conf = kind.parse(&context)?;
        if kind == Child::Ipvlan {
            conf = crate::ipvlan::chained(conf, &context)?;
        }
        run(&mut self.kernel, &conf, &context, &sandbox)
    }
}

/// Refuses one change after the other until an ADD gets through; gives how many were refused.
fn refuse_each(kind: Child, conf: &Value) -> usize {
    let ns = Ns::new("model").unwrap();
    ns.inside(|| {
        for nth in 0.. {
            let mut bed = Bed::new();
            let before = bed.host.snapshot();
            let refusal = NetlinkError::Invalid {
                op: "refuse",
                subject: "this change".to_owned(),
                what: "for the test's sake",
            };
            bed.host.fail_at(nth, refusal);
            let Err(failure) = bed.add(kind, conf) else {
                let addresses = i32::from(conf.get("ipam").is_some());
                assert_eq!(bed.ipam.given(), addresses);
                return nth;
            };
            let told = failure.to_string();
            assert!(told.contains("for the test's sake"), "change {nth}: {told}");
            assert_eq!(failure.details, "", "change {nth} could not be undone");
            assert_eq!(bed.host.snapshot(), before, "change {nth}");
            assert_eq!(bed.ipam.given(), 0, "change {nth}: not released");
        }
        unreachable!("the range has no end")
    })
    .unwrap()
}

#[test]
fn every_refused_change_is_undone() {
    let ipam = json!({"type": "counting"});
    for (kind, conf) in [
        (
            Child::Macvlan,
            json!({"name": "net", "master": "up0", "ipam": ipam}),
        ),
        (
            Child::Ipvlan,
            json!({"name": "net", "master": "up0", "ipam": ipam}),
        ),
        (
            Child::Vlan,
            json!({"name": "net", "master": "up0", "vlanId": 7, "ipam": ipam}),
        ),
        (Child::Dummy, json!({"name": "net", "ipam": ipam})),
    ] {
        // Link, alias, address, up, route.
        assert_eq!(refuse_each(kind, &conf), 5, "{kind:?}");
    }
    let layer_2 = json!({"name": "net", "master": "up0"});
    assert_eq!(refuse_each(Child::Macvlan, &layer_2), 3);
}

#[test]
fn an_interface_that_is_there_costs_no_address() {
    let ns = Ns::new("model").unwrap();
    ns.inside(|| {
        let mut bed = Bed::new();
        let conf = json!({"name": "net", "master": "up0", "ipam": {"type": "counting"}});
        bed.add(Child::Macvlan, &conf).unwrap();
        let before = bed.host.snapshot();
        let failure = bed.add(Child::Macvlan, &conf).unwrap_err();
        assert_eq!(failure.code, fairway_cni::Code::ALREADY_ATTACHED);
        assert_eq!(bed.host.snapshot(), before);
        assert_eq!(bed.ipam.given(), 1);
    })
    .unwrap();
}

/// In a list, ipvlan takes link and addresses of the plugin before.
#[test]
fn ipvlan_behind_another_plugin() {
    let ns = Ns::new("model").unwrap();
    ns.inside(|| {
        let prev = json!({"cniVersion": "1.0.0", "interfaces": [{"name": "up0"}],
                          "ips": [{"address": "10.1.2.9/24", "gateway": "10.1.2.1", "interface": 0}],
                          "dns": {"nameservers": ["10.1.2.1"]}});
        let mut bed = Bed::new();
        let conf = json!({"cniVersion": "1.0.0", "name": "net", "prevResult": prev});
        let result = bed.add(Child::Ipvlan, &conf).unwrap();
        assert_eq!(result.ips[0].address, "10.1.2.9/24".parse().unwrap());
        assert_eq!(result.interfaces.len(), 1);
        assert_eq!(result.interfaces[0].name, "eth0");
        // The configuration has none of its own, so what was said before stays.
        assert_eq!(result.dns.nameservers, ["10.1.2.1"]);

        for (interfaces, ips, start) in [
            (json!([]), json!([{"address": "10.1.2.9/24"}]), "prevResult.interfaces: 0 of them"),
            (
                json!([{"name": "a"}, {"name": "b"}]),
                json!([{"address": "10.1.2.9/24"}]),
                "prevResult.interfaces: 2 of them",
            ),
            (json!([{"name": "up0"}]), json!([]), "ipam.type: missing"),
        ] {
            let prev = json!({"cniVersion": "1.0.0", "interfaces": interfaces, "ips": ips});
            let conf = json!({"cniVersion": "1.0.0", "name": "net", "prevResult": prev});
            let failure = Bed::new().add(Child::Ipvlan, &conf).unwrap_err();
            assert!(failure.msg.starts_with(start), "{failure}");
        }
    })
    .unwrap();
}
