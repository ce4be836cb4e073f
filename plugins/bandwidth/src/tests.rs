//! ADD, CHECK and DEL on a model of the kernel.

use fairway_api::endpoint::{Shape, Shaped, VerifyRates};
use fairway_cluster_ipam::rates::{Asking, Keep};
use fairway_cni::{
    Attachment, CniArgs, CniResult, Code, Context, Delegates, Failure, Interface, NetConf,
};
use fairway_iface::{Kernel, Owner, Rates, Rules};
use fairway_netlink::fake::{Recorder, namespaces};
use fairway_netlink::{
    Error as NetlinkError, Link, LinkKind, NetNs, Netlink, Qdisc, QdiscKind, Qdiscs, Tbf, TcHandle,
    VethPeer, VethSpec,
};
use serde_json::json;
use std::{cell::RefCell, os::fd::AsFd as _};

use crate::add::limit;
use crate::check::judge;
use crate::del::lift;
use crate::reference::Reference;
use crate::{asking, links};

const OWNER: Owner<'static> = Owner {
    network: "net",
    container_id: "c1",
    ifname: "eth0",
};

struct Bed {
    host: Recorder,
    container: Recorder,
    kernel: Kernel,
    prev: CniResult,
}

/// A pair `port` and `eth0`, as another plugin has made it.
fn bed() -> Bed {
    let (mut host, container) = namespaces();
    let netns = NetNs::current().unwrap();
    let spec = VethSpec {
        name: "port".into(),
        up: true,
        peer: VethPeer {
            name: "eth0".into(),
            netns: Some(netns.as_fd()),
            ..VethPeer::default()
        },
        ..VethSpec::default()
    };
    host.create_veth(&spec).unwrap();
    let mac = host.link_by_name("port").unwrap().unwrap().mac;
    let interface = |name: &str, sandbox: Option<&str>| Interface {
        name: name.to_owned(),
        mac: mac.filter(|_| sandbox.is_none()).map(|mac| mac.to_string()),
        sandbox: sandbox.map(str::to_owned),
        ..Interface::default()
    };
    let prev = CniResult {
        interfaces: vec![interface("port", None), interface("eth0", Some("/ns"))],
        ..CniResult::default()
    };
    let kernel = Kernel {
        host: Box::new(host.clone()),
        container: Box::new(container.clone()),
        netns,
        rules: Rules::default(),
    };
    Bed {
        host,
        container,
        kernel,
        prev,
    }
}

fn conf() -> NetConf {
    let conf = json!({
        "cniVersion": "1.1.0", "name": "net", "type": "bandwidth",
        "ingressRate": 20_000_000, "egressRate": 10_000_000,
    });
    NetConf::from_json(conf).unwrap()
}

fn rates() -> Rates {
    Rates::read_flat(&conf(), &CniArgs::default()).unwrap()
}

fn word() -> Asking {
    let context = Context {
        conf: &conf(),
        args: &CniArgs::default(),
        delegates: &Delegates::default(),
    };
    let attachment = Attachment {
        container_id: "c1".parse().unwrap(),
        ifname: "eth0".parse().unwrap(),
    };
    asking(&context, &attachment, "/ns").unwrap()
}

/// A daemon that does not run, refuses, or does as it is asked; and what it was asked.
enum Daemon {
    NotThere,
    Refuses,
    There(RefCell<Vec<Shape>>),
}

impl Keep for Daemon {
    fn shape(&self, shape: Shape) -> Result<Option<Shaped>, Failure> {
        match self {
            Daemon::NotThere => Ok(None),
            Daemon::Refuses => Err(Failure::new(Code::TRY_AGAIN, "not now")),
            Daemon::There(asked) => {
                asked.borrow_mut().push(shape);
                let warnings = Vec::new();
                Ok(Some(Shaped { warnings }))
            }
        }
    }

    fn shaped(&self, _: VerifyRates) -> Result<bool, Failure> {
        unreachable!("nobody asks")
    }
}

impl Bed {
    fn add(&mut self) -> Result<(), Failure> {
        self.add_by(&Daemon::NotThere)
    }

    fn add_by(&mut self, daemon: &Daemon) -> Result<(), Failure> {
        let by = (&word(), daemon as _);
        limit(&mut self.kernel, &rates(), &self.prev, "eth0", by)
    }

    fn check(&mut self) -> Result<(), Failure> {
        let inside = links::inside(&mut self.container, "eth0").unwrap();
        let theirs = Reference::new("net", "c1");
        judge(&mut self.kernel, &rates(), &self.prev, &inside, &theirs)
    }

    fn del(&mut self, owner: Owner<'_>, prev: &CniResult) {
        self.del_by(owner, prev, &Daemon::NotThere);
    }

    fn del_by(&mut self, owner: Owner<'_>, prev: &CniResult, daemon: &Daemon) {
        let container = Box::new(self.container.clone());
        let by = Some((&word(), daemon as _));
        let failures = lift(&mut self.host, Some(container), owner, prev, by);
        assert_eq!(failures, []);
    }

    fn root(&mut self, link: &str) -> Option<TcHandle> {
        let space = match link {
            "eth0" => &mut self.container,
            _ => &mut self.host,
        };
        let index = space.link_by_name(link).unwrap().unwrap().index;
        let root = space.qdisc(index, TcHandle::ROOT).unwrap();
        root.map(|root| root.handle)
    }
}

#[test]
fn both_ends_are_limited_judged_and_freed() {
    let mut bed = bed();
    let before = bed.host.snapshot();
    assert_eq!(bed.check().unwrap_err().code, Code::CHECK_FAILED);
    bed.add().unwrap();
    let ours = Some(fairway_shape::HANDLE);
    assert_eq!((bed.root("port"), bed.root("eth0")), (ours, ours));
    bed.check().unwrap();
    let limited = bed.host.snapshot();
    bed.add().unwrap();
    assert_eq!(bed.host.snapshot(), limited);
    let prev = bed.prev.clone();
    for _ in 0..2 {
        bed.del(OWNER, &prev);
        assert_eq!(bed.host.snapshot().queues, before.queues);
    }
}

#[test]
fn what_fails_leaves_nothing() {
    for nth in 0.. {
        let mut bed = bed();
        let before = bed.host.snapshot().queues;
        let so_far = bed.host.calls().len();
        let refusal = NetlinkError::Timeout {
            op: "of",
            subject: "the test".into(),
            after: std::time::Duration::ZERO,
        };
        bed.host.fail_at(nth, refusal);
        let done = bed.add();
        if !bed.host.calls()[so_far..].iter().any(|call| call.refused) {
            done.unwrap();
            assert!(nth >= 70, "only {nth} changes");
            return;
        }
        assert!(done.is_err(), "call {nth}");
        assert_eq!(bed.host.snapshot().queues, before, "call {nth}");
    }
}

#[test]
fn a_host_end_is_needed_for_what_a_container_gets() {
    let mut bed = bed();
    bed.prev.interfaces[0].name = "other".into();
    let failure = bed.add().unwrap_err();
    assert_eq!(failure.code, Code::INVALID_CONFIG);
    assert!(
        failure
            .msg
            .starts_with("ingressRate: \"eth0\": has no host's end"),
        "{failure}"
    );
    // A result before 0.3.0 names no interfaces.
    bed.prev.interfaces.clear();
    bed.add().unwrap();
    bed.check().unwrap();
    let by = (&word(), &Daemon::NotThere as _);
    let failure = limit(&mut bed.kernel, &rates(), &bed.prev, "eth7", by).unwrap_err();
    assert!(failure.msg.contains("\"eth7\": not found"), "{failure}");
}

#[test]
fn what_is_another_attachments_stays() {
    let mut bed = bed();
    bed.add().unwrap();
    let limited = bed.host.snapshot();
    // No result, and nothing that says whose it is.
    bed.del(OWNER, &CniResult::default());
    // A result of a link that had the name before.
    let mut late = bed.prev.clone();
    late.interfaces[0].mac = Some("02:00:00:00:00:99".into());
    bed.del(OWNER, &late);
    late.interfaces[0].mac = None;
    bed.del(OWNER, &late);
    assert_eq!(bed.host.snapshot(), limited);
    // A mark that says another's.
    let index = bed.host.link_by_name("port").unwrap().unwrap().index;
    let mark = fairway_netlink::LinkChange {
        alias: Some("fairway:net/c2/eth0".into()),
        ..Default::default()
    };
    bed.host.change_link(index, &mark).unwrap();
    let (marked, prev) = (bed.host.snapshot(), bed.prev.clone());
    bed.del(OWNER, &prev);
    assert_eq!(bed.host.snapshot(), marked);
}

#[test]
fn the_reference_plugins_limits_count() {
    // As its own 1.1.1 names it.
    assert_eq!(
        Reference::new("cni-plugin-bandwidth-test", "dummy").name(),
        "bwpa8eda89404b7"
    );
    let mut bed = bed();
    let theirs = Reference::new("net", "c1");
    let mut device = Link::new(0, theirs.name());
    device.kind = Some(LinkKind::Other("ifb".into()));
    let ifb = bed.host.put_link(device);
    let port = bed.host.link_by_name("port").unwrap().unwrap().index;
    let bucket = |rate| Qdisc {
        parent: TcHandle::ROOT,
        handle: TcHandle::new(1, 0),
        kind: QdiscKind::Tbf(Tbf {
            rate,
            burst: 9000,
            limit: 9000,
        }),
    };
    bed.host.add_qdisc(port, &bucket(2_500_000)).unwrap();
    bed.host.add_qdisc(ifb, &bucket(1_250_001)).unwrap();
    assert_eq!(bed.check().unwrap_err().code, Code::CHECK_FAILED);
    bed.host.put_qdisc(ifb, &bucket(1_250_000)).unwrap();
    bed.check().unwrap();
    let failure = bed.add().unwrap_err();
    assert_eq!(failure.code, Code::LINK_CONFLICT, "{failure}");
    let prev = bed.prev.clone();
    bed.del(OWNER, &prev);
    assert_eq!(bed.host.link_by_name(theirs.name()).unwrap(), None);
    // The bucket goes with the link.
    assert_eq!(bed.root("port"), Some(TcHandle::new(1, 0)));
}

#[test]
fn a_daemon_that_is_there_does_it() {
    let mut bed = bed();
    let before = bed.host.snapshot();
    let daemon = Daemon::There(RefCell::default());
    bed.add_by(&daemon).unwrap();
    let prev = bed.prev.clone();
    bed.del_by(OWNER, &prev, &daemon);
    // Whatever is limited, it is by the daemon.
    assert_eq!(bed.host.snapshot(), before);
    let Daemon::There(asked) = daemon else {
        panic!("it was")
    };
    let [first, last] = &asked.into_inner()[..] else {
        panic!("asked once, and taken back")
    };
    assert_eq!(
        (first.by.as_str(), first.link.as_str()),
        ("bandwidth", "port")
    );
    assert_eq!(
        (first.attachment.network.as_str(), first.netns.as_str()),
        ("net", "/ns")
    );
    let fields = first
        .rates
        .iter()
        .map(|rate| (rate.field.as_str(), rate.bits));
    assert!(fields.eq([("ingressRate", 20_000_000), ("egressRate", 10_000_000)]));
    let nothing = Shape {
        rates: Vec::new(),
        ..first.clone()
    };
    assert_eq!(*last, nothing);
}

#[test]
fn what_the_daemon_refuses_fails_an_add_and_no_del() {
    let mut bed = bed();
    let before = bed.host.snapshot();
    let failure = bed.add_by(&Daemon::Refuses).unwrap_err();
    assert_eq!(
        (failure.code, failure.msg.as_str()),
        (Code::TRY_AGAIN, "not now")
    );
    assert_eq!(bed.host.snapshot(), before);
    bed.add().unwrap();
    let prev = bed.prev.clone();
    bed.del_by(OWNER, &prev, &Daemon::Refuses);
    assert_eq!(bed.host.snapshot().queues, before.queues);
}

/// The daemon knows a container by the host's end, and only what a container sends can do without one.
#[test]
fn without_a_host_end_the_daemon_is_not_asked() {
    let mut bed = bed();
    bed.prev.interfaces[0].name = "other".into();
    let daemon = Daemon::There(RefCell::default());
    let mut rates = rates();
    rates.ingress.clear();
    let by = (&word(), &daemon as _);
    limit(&mut bed.kernel, &rates, &bed.prev, "eth0", by).unwrap();
    assert_eq!(bed.root("eth0"), Some(fairway_shape::HANDLE));
    assert_eq!(bed.root("port"), None);
    assert!(matches!(daemon, Daemon::There(asked) if asked.borrow().is_empty()));
}
