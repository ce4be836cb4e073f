//! ADD against a model of the kernel in which one change after the other is refused: whatever fails, the device is on
//! the host as it was, and the address is released.

use super::*;
use fairway_cni::fake::Ipam;
use fairway_cni::{Attachment, CniArgs, Delegates, NetConf};
use fairway_iface::Rules;
use fairway_lab::Ns;
use fairway_netlink::{Error as NetlinkError, MacAddr, fake};
use serde_json::{Value, json};

/// A host with a device to give.
struct Bed {
    kernel: Kernel,
    host: fake::Recorder,
    ipam: Ipam,
}

fn device() -> Link {
    let mut device = Link::new(0, "eth1");
    (device.up, device.mtu, device.mac) = (true, 9000, Some(MacAddr([2, 0, 0, 0, 0, 1])));
    device.alias = Some("uplink".to_owned());
    device
}

impl Bed {
    fn new(device: Link) -> Self {
        let (host, container) = fake::namespaces();
        host.put_link(device);
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

    fn add(&mut self, conf: &Value) -> Result<CniResult, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let own = std::env::current_exe().unwrap();
        std::os::unix::fs::symlink(own, dir.path().join("counting")).unwrap();
        let path = [dir.path().to_owned()];
        let sys = dir.path().join("sys");
        let function = sys.join("bus/pci/devices/0000:00:03.0");
        std::fs::create_dir_all(&function).unwrap();
        std::os::unix::fs::symlink("vfio-pci", function.join("driver")).unwrap();
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
        run(&mut self.kernel, &context, &sandbox, &Sysfs::at(&sys))
    }
}

fn inside<T: Send>(test: impl FnOnce() -> T + Send) -> T {
    Ns::new("model").unwrap().inside(test).unwrap()
}

fn conf(ipam: bool) -> Value {
    let mut conf = json!({"name": "net", "device": "eth1"});
    if ipam {
        conf["ipam"] = json!({"type": "counting"});
    }
    conf
}

/// Refuses one change after the other until an ADD gets through; gives how many were refused.
fn refuse_each(ipam: bool) -> usize {
    inside(|| {
        for nth in 0.. {
            let mut bed = Bed::new(device());
            let before = bed.host.snapshot();
            let refusal = NetlinkError::Invalid {
                op: "refuse",
                subject: "this change".to_owned(),
                what: "for the test's sake",
            };
            bed.host.fail_at(nth, refusal);
            let Err(failure) = bed.add(&conf(ipam)) else {
                assert_eq!(bed.ipam.given(), i32::from(ipam));
                return nth;
            };
            assert!(failure.msg.contains("for the test's sake"), "{failure}");
            assert_eq!(failure.details, "", "change {nth} could not be undone");
            assert_eq!(bed.host.snapshot(), before, "change {nth}");
            assert_eq!(bed.ipam.given(), 0, "change {nth}: not released");
        }
        unreachable!("the range has no end")
    })
}

#[test]
fn every_refused_change_is_undone() {
    // Moved and marked, address, up, route.
    assert_eq!(refuse_each(true), 4);
    assert_eq!(refuse_each(false), 2);
}

#[test]
fn it_carries_what_it_was() {
    inside(|| {
        let mut bed = Bed::new(device());
        let result = bed.add(&conf(false)).unwrap();
        assert_eq!(
            result.interfaces[0].mac.as_deref(),
            Some("02:00:00:00:00:01")
        );
        let link = bed.kernel.container.link_by_name("eth0").unwrap().unwrap();
        let alias = "fairway-device eth1 up 9000 02:00:00:00:00:01 net/c1/eth0 uplink";
        assert_eq!((link.alias.as_deref(), link.up), (Some(alias), true));

        // One that was lost says what it was before, and not what it has become.
        let mut lost = Link::new(0, "dev5");
        lost.alias = Some(alias.replace("c1", "c0"));
        let mut bed = Bed::new(lost);
        bed.add(&conf(false)).unwrap();
        let link = bed.kernel.container.link_by_name("eth0").unwrap().unwrap();
        assert_eq!(link.alias.as_deref(), Some(alias));
    });
}

#[test]
fn what_cannot_come_back_as_it_was_does_not_go() {
    inside(|| {
        let mut port = device();
        port.master = Some(1);
        let mut wordy = device();
        wordy.alias = Some("a".repeat(220));
        for (link, word) in [
            (port, "is a port of a bridge"),
            (wordy, "too long to be kept"),
        ] {
            let mut bed = Bed::new(link);
            let before = bed.host.snapshot();
            let failure = bed.add(&conf(true)).unwrap_err();
            assert_eq!(failure.code.number(), 105, "{failure}");
            assert!(failure.msg.starts_with("device: link eth1: "), "{failure}");
            assert!(failure.msg.contains(word), "{failure}");
            assert_eq!((bed.host.snapshot(), bed.ipam.given()), (before, 0));
        }
    });
}

/// It could not come back, so it does not go.
#[test]
fn one_that_was_lost_and_whose_name_is_taken() {
    inside(|| {
        let mut lost = Link::new(0, "dev5");
        lost.mac = Some(MacAddr([2, 0, 0, 0, 0, 7]));
        lost.alias = Some("fairway-device eth1 up 1500 - net/c0/eth0".to_owned());
        let mut bed = Bed::new(lost);
        bed.host.put_link(device());
        let before = bed.host.snapshot();
        let conf = json!({"name": "net", "hwaddr": "02:00:00:00:00:07"});
        let failure = bed.add(&conf).unwrap_err();
        assert_eq!(failure.code.number(), 105);
        let start = "hwaddr: link dev5: was eth1 before it was lost, and another link";
        assert!(failure.msg.starts_with(start), "{failure}");
        assert_eq!(bed.host.snapshot(), before);
    });
}

/// A process has it: addresses, and no link.
#[test]
fn a_device_of_a_process() {
    inside(|| {
        let mut bed = Bed::new(device());
        let before = bed.host.snapshot();
        let conf = json!({"name": "net", "pciBusID": "0000:00:03.0", "ipam": {"type": "counting"}});
        let result = bed.add(&conf).unwrap();
        assert_eq!(bed.host.snapshot(), before);
        let interface = &result.interfaces[0];
        assert_eq!((interface.name.as_str(), &interface.mac), ("eth0", &None));
        assert_eq!(interface.pci_id.as_deref(), Some("0000:00:03.0"));
        assert_eq!(result.ips[0].interface, Some(0));
        let conf = json!({"name": "net", "pciBusID": "0000:00:03.0", "policy": true});
        assert_eq!(bed.add(&conf).unwrap_err().code.number(), 2);
    });
}
