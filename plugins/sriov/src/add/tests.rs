//! ADD against a model of the kernel in which one change after the other is refused: whatever fails, the function and
//! its link are on the host as they were, nobody has it, and the address is released.

use super::*;
use crate::{bus::tests::Sys, state::State};
use fairway_cni::fake::Ipam;
use fairway_cni::{Attachment, CniArgs, Delegates, NetConf};
use fairway_iface::Rules;
use fairway_lab::Ns;
use fairway_netlink::{Error as NetlinkError, NetNs, Vf, VfRate, VfVlan, Vfs as _, fake};
use serde_json::{Value, json};

/// A host with a card whose three functions have links, but for the last, which a process drives.
struct Bed {
    work: Work,
    host: fake::Recorder,
    pf: u32,
    sys: Sys,
    ipam: Ipam,
}

const FIRST: &str = "0000:01:10.0";

impl Bed {
    fn new() -> Self {
        let (host, container) = fake::namespaces();
        let sys = Sys::new(3);
        let pf = host.put_link(Link::new(0, "eth0"));
        let mut vfs: Vec<_> = (0..3).map(Vf::new).collect();
        for vf in &mut vfs {
            (vf.spoofchk, vf.trust) = (Some(true), Some(false));
        }
        vfs[1].mac = MacAddr([2, 0, 0, 0, 0, 0x11]);
        host.put_vfs(pf, vfs);
        for n in 0..2 {
            let address = format!("0000:01:10.{n}");
            let mut link = Link::new(0, format!("vf{n}"));
            link.parent_dev = Some(address.clone());
            host.put_link(link);
            sys.link(&address, &format!("vf{n}"));
        }
        sys.driver("0000:01:10.2", "vfio-pci");
        let netns = || NetNs::open("/proc/thread-self/ns/net").unwrap();
        Bed {
            work: Work {
                kernel: Kernel {
                    host: Box::new(host.clone()),
                    container: Box::new(container),
                    netns: netns(),
                    rules: Rules::default(),
                },
                node: Node {
                    host: Box::new(host.clone()),
                    vfs: Box::new(host.clone()),
                    here: netns(),
                    bus: sys.bus(),
                    state: State::at(&sys.folder.path().join("state")),
                    boot: "this one".to_owned(),
                },
            },
            host,
            pf,
            sys,
            ipam: Ipam::default(),
        }
    }

    fn add_as(&mut self, container: &str, conf: &Value) -> Result<CniResult, Failure> {
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
                container_id: container.parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: "/proc/thread-self/ns/net".to_owned(),
        };
        run(&mut self.work, &conf::parse(&context)?, &context, &sandbox)
    }

    fn add(&mut self, conf: &Value) -> Result<CniResult, Failure> {
        self.add_as("c1", conf)
    }

    fn claims(&self) -> usize {
        self.work.node.state.find(|_| true).unwrap().len()
    }

    fn vf(&mut self, index: usize) -> Vf {
        self.host.vfs(self.pf).unwrap()[index].clone()
    }
}

fn inside<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    Ns::new("model").unwrap().inside(test).unwrap()
}

fn conf(keys: Value) -> Value {
    let mut conf = json!({"name": "net", "ipam": {"type": "counting"}});
    for (key, value) in keys.as_object().unwrap() {
        conf[key] = value.clone();
    }
    conf
}

fn all() -> Value {
    conf(
        json!({"deviceID": FIRST, "vlan": 7, "mac": "02:00:00:00:00:77", "max_tx_rate": 9, "spoofchk": "off",
                "trust": "on", "link_state": "enable", "mtu": 1400}),
    )
}

/// Refuses one change after the other until an ADD gets through; gives how many were refused.
fn refuse_each(conf: &Value) -> usize {
    inside(|| {
        for nth in 0.. {
            let mut bed = Bed::new();
            let before = bed.host.snapshot();
            let refusal = NetlinkError::Invalid {
                op: "refuse",
                subject: "this change".to_owned(),
                what: "for the test's sake",
            };
            bed.host.fail_at(nth, refusal);
            let Err(failure) = bed.add(conf) else {
                let refused = bed.host.calls().iter().filter(|call| call.refused).count();
                if refused == 0 {
                    assert_eq!((bed.ipam.given(), nth > 0), (1, true));
                    return nth;
                }
                // The link's own address: it has another way.
                continue;
            };
            assert!(failure.msg.contains("for the test's sake"), "{failure}");
            assert_eq!(failure.details, "", "change {nth} could not be undone");
            assert_eq!(bed.host.snapshot(), before, "change {nth}");
            assert_eq!(bed.claims(), 0, "change {nth}");
            assert_eq!(bed.ipam.given(), 0, "change {nth}: not released");
        }
        unreachable!("the range has no end")
    })
}

#[test]
fn every_refused_change_is_undone() {
    // Six settings, the link's address and MTU, moved and marked, address, up, route.
    assert_eq!(refuse_each(&all()), 12);
    // Moved and marked, address, up, route.
    assert_eq!(refuse_each(&conf(json!({"pf": "eth0"}))), 4);
    // A process's: two settings.
    let process = json!({"deviceID": "0000:01:10.2", "vlan": 7, "mac": "02:00:00:00:00:77"});
    assert_eq!(refuse_each(&conf(process)), 2);
}

#[test]
fn it_is_as_asked_and_says_what_it_was() {
    inside(|| {
        let mut bed = Bed::new();
        let result = bed.add(&all()).unwrap();
        let interface = &result.interfaces[0];
        assert_eq!(interface.mac.as_deref(), Some("02:00:00:00:00:77"));
        assert_eq!(
            (interface.pci_id.as_deref(), interface.mtu),
            (Some(FIRST), Some(1400))
        );
        assert_eq!(result.ips[0].interface, Some(0));
        let vf = bed.vf(0);
        assert_eq!((vf.vlan.id, vf.rate), (7, VfRate { min: 0, max: 9 }));
        assert_eq!((vf.spoofchk, vf.trust), (Some(false), Some(true)));
        let inside = bed.work.kernel.container.link_by_name("eth0").unwrap();
        let alias = inside.unwrap().alias.unwrap();
        assert!(
            alias.starts_with("fairway-device vf0 down 1500 "),
            "{alias}"
        );
        let address = FIRST.parse().unwrap();
        let claim = bed.work.node.state.read(&address).unwrap().unwrap();
        assert_eq!(
            (claim.before.vlan, claim.changed.len()),
            (VfVlan::default(), 6)
        );
        assert_eq!(claim.container_id.as_str(), "c1");
    });
}

#[test]
fn a_process_has_it() {
    inside(|| {
        let mut bed = Bed::new();
        let links = bed.host.snapshot().links;
        let third = "0000:01:10.2";
        let asked = conf(json!({"deviceID": third, "vlan": 7}));
        let result = bed.add(&asked).unwrap();
        assert_eq!(bed.host.snapshot().links, links);
        let interface = &result.interfaces[0];
        assert_eq!(
            (interface.pci_id.as_deref(), &interface.mac),
            (Some(third), &None)
        );
        assert_eq!(bed.vf(2).vlan.id, 7);
        let failure = bed.add_as("c2", &asked).unwrap_err();
        assert_eq!(failure.code.number(), 105, "{failure}");
        assert!(
            failure
                .msg
                .contains("container c1 has it, as eth0 of network net"),
            "{failure}"
        );
        assert_eq!(bed.add(&asked).unwrap_err().code.number(), 103);
        let failure = bed.add_as("c3", &conf(json!({"deviceID": third, "mtu": 1400})));
        assert_eq!(failure.unwrap_err().code.number(), 105);
    });
}

#[test]
fn one_is_picked_that_is_free() {
    inside(|| {
        let mut bed = Bed::new();
        let mut links = bed.host.snapshot().links.into_iter();
        let (_, mut first) = links.find(|(_, link)| link.name == "vf0").unwrap();
        first.master = Some(1);
        bed.host.delete_link(first.index).unwrap();
        bed.host.put_link(first);
        let picked = bed.add(&conf(json!({"master": "eth0"}))).unwrap();
        assert_eq!(picked.interfaces[0].pci_id.as_deref(), Some("0000:01:10.1"));
        let mut other = Bed::new();
        for n in 0..2 {
            other.sys.driver(&format!("0000:01:10.{n}"), "vfio-pci");
        }
        let failure = other.add(&conf(json!({"pf": "eth0"}))).unwrap_err();
        assert_eq!(failure.code.number(), 105);
        assert!(
            failure
                .msg
                .starts_with("pf: eth0: none of its 3 virtual functions is free"),
            "{failure}"
        );
        assert_eq!((other.claims(), other.ipam.given()), (0, 0));
    });
}

/// What an ADD left that was killed after it had written and set; or what was lost with its namespace.
#[test]
fn what_another_left_is_put_right_first() {
    inside(|| {
        let mut bed = Bed::new();
        let address: crate::pci::PciAddress = FIRST.parse().unwrap();
        let mut left = crate::claim::tests::claim();
        left.boot = "this one".to_owned();
        left.container_id = "lost".parse().unwrap();
        let record = left.link.as_mut().unwrap();
        (record.name, record.mac, record.up) = ("vf0".parse().unwrap(), None, Some(false));
        record.alias = None;
        left.before = Vf {
            spoofchk: Some(true),
            trust: Some(false),
            ..Vf::new(0)
        };
        left.changed = vec![Setting::Vlan];
        drop(bed.work.node.state.lock(&address).unwrap());
        bed.work.node.state.write(&address, &left).unwrap();
        let vlan = VfVlan {
            id: 99,
            ..VfVlan::default()
        };
        let pf = bed.pf;
        bed.host.set_vf(pf, 0, VfChange::Vlan(vlan)).unwrap();
        bed.add(&conf(json!({"deviceID": FIRST}))).unwrap();
        assert_eq!(bed.vf(0).vlan, VfVlan::default());
        let claim = bed.work.node.state.read(&address).unwrap().unwrap();
        assert_eq!(claim.container_id.as_str(), "c1");

        // One of an earlier boot says nothing of this one's.
        let mut bed = Bed::new();
        left.boot = "the one before".to_owned();
        drop(bed.work.node.state.lock(&address).unwrap());
        bed.work.node.state.write(&address, &left).unwrap();
        bed.host.set_vf(bed.pf, 0, VfChange::Vlan(vlan)).unwrap();
        bed.add(&conf(json!({"deviceID": FIRST}))).unwrap();
        assert_eq!(bed.vf(0).vlan, vlan);
    });
}

#[test]
fn what_cannot_be_leaves_nothing() {
    inside(|| {
        for (keys, code, start) in [
            (
                json!({"deviceID": "0000:09:00.0"}),
                7,
                "deviceID: 0000:09:00.0: there is no such PCI device",
            ),
            (
                json!({"deviceID": "0000:01:00.0"}),
                7,
                "deviceID: 0000:01:00.0: is no virtual function",
            ),
            (
                json!({"deviceID": FIRST, "pf": "eth1"}),
                7,
                "deviceID: 0000:01:10.0: is one of eth0, and pf is eth1",
            ),
            (json!({"pf": "eth7"}), 7, "pf: eth7: there is no such link"),
            (
                json!({"deviceID": FIRST, "mtu": 1501}),
                7,
                "mtu: 1501: is more than the 1500 of eth0",
            ),
            (
                json!({"deviceID": "0000:01:10.2", "mtu": 1400}),
                2,
                "mtu: 1400: a process has the function",
            ),
        ] {
            let mut bed = Bed::new();
            let before = bed.host.snapshot();
            let failure = bed.add(&conf(keys)).unwrap_err();
            assert_eq!(failure.code.number(), code, "{failure}");
            assert!(failure.msg.starts_with(start), "{failure}");
            assert_eq!((bed.host.snapshot(), bed.claims()), (before, 0));
            assert_eq!(bed.ipam.given(), 0);
        }
    });
}
